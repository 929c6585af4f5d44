# SPDX-License-Identifier: Apache-2.0
"""Tells what lists packages from what is only called or looks a little like it: Helm charts, labels of
pull requests, requirements that users have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement

from importers.lockfile import listings

_LINES = 400
_DEPENDENCIES = re.compile(r"dependencies:\s*(?P<rest>\[.*)?(?:#.*)?")
_ENTRY = re.compile(r"(?P<margin>\s*)-\s+(?P<text>\S.*)")
_MAPPING = re.compile(r"[\"']?[\w.-]+[\"']?\s*:(?:\s|$)|\{")
_PIP = re.compile(r"pip\s*:(?:\s|$)")
_CHANNELS = re.compile(r"^channels\s*:", re.MULTILINE)
_CONDA_NAME = re.compile(r"env|conda", re.IGNORECASE)
_CONDA_SPEC = re.compile(r"[\"']?(?:python|pip)\b|[^#]*(?:[=<>]\s*\d|::)")
#: Files of other tools that have lists of dependencies too.
_OTHERS = frozenset(
    [
        "chart.yaml",
        "chart.lock",
        "pubspec.yaml",
        "galaxy.yml",
        "meta.yaml",
        "meta.yml",
        "recipe.yaml",
        "snapcraft.yaml",
        "labeler.yml",
        "labeler.yaml",
        "mkdocs.yml",
        "action.yml",
    ]
)
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_OPTION = re.compile(r"-(?:[recif]|-[a-z][a-z-]+)(?:[\s=].*)?")
_ADDRESS = re.compile(r"(?:git\+|[a-z+]+://|\.{1,2}/|/)\S+|\S+\.(?:whl|zip|tar\.gz)")
_MERGE = ("<<<<<<<", "=======", ">>>>>>>")
_PINNED = re.compile(r"\s*[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*(?:={2,3}|@)")


def environment_yml(name: str, text: str) -> bool:
    """Whether YAML asks conda for packages, by its name and what it begins with."""
    if name.lower() in _OTHERS:
        return False
    found = _entries(text)
    if found is None:
        return False
    rest, entries = found
    named = _CONDA_NAME.search(name) is not None or _CHANNELS.search(text) is not None
    if rest:
        return named
    plain = [entry for entry in entries if not _MAPPING.match(entry)]
    if not entries or any(_MAPPING.match(e) and not _PIP.match(e) for e in entries):
        return False
    return named or len(plain) < len(entries) or any(map(_CONDA_SPEC.match, plain))


def _entries(text: str) -> tuple[str, list[str]] | None:
    """What stands behind ``dependencies:`` and the entries of the list below it."""
    lines = iter(text.splitlines())
    start = next((m for line in lines if (m := _DEPENDENCIES.fullmatch(line.rstrip()))), None)
    if start is None:
        return None
    entries: list[str] = []
    margin: int | None = None
    for line in lines:
        entry = _ENTRY.fullmatch(line.rstrip())
        if entry is None:
            if line.strip() and not line[:1].isspace() and not line.startswith("#"):
                break
            continue
        margin = len(entry["margin"]) if margin is None else margin
        if len(entry["margin"]) == margin:
            entries.append(entry["text"])
    return start["rest"] or "", entries


def requirements(text: str, *, strict: bool) -> bool:
    """Whether lines are what pip reads: most of them; ``strict`` asks that all are, and that no fewer
    name a version than do not.
    """
    if listings.rows(text) is not None:
        return True
    good = bad = pinned = 0
    for line in _logical(text):
        if line.startswith(_MERGE):
            continue
        if _is_line(line):
            good += 1
            pinned += _PINNED.match(line) is not None or _OPTION.fullmatch(line) is not None
        else:
            bad += 1
    return not bad and pinned >= good - pinned if strict else bad <= good


def _logical(text: str) -> Iterator[str]:
    held = ""
    for number, raw in enumerate(text.splitlines()):
        if number >= _LINES:
            break
        line = held + _COMMENT.sub("", raw).strip()
        held = line[:-1] + " " if line.endswith("\\") else ""
        if line and not held:
            yield line


def _is_line(line: str) -> bool:
    if _OPTION.fullmatch(line) or _ADDRESS.match(line) or listings.conda_pin(line):
        return True
    try:
        Requirement(re.split(r"\s--", line, maxsplit=1)[0].strip())
    except (InvalidRequirement, RecursionError):
        return False
    return True
