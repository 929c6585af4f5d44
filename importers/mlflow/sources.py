# SPDX-License-Identifier: Apache-2.0
"""What the ``source`` of a model version names, in every form in which MLflow writes one.

``models:/`` names a logged model, or a version by number, alias, stage or ``latest``; ``runs:/``
names a run; every other address (``mlflow-artifacts:``, ``s3:``, ``dbfs:``, ``file:``, plain paths,
those of Windows) is that of artifacts, and holds the id of the run or logged model whose folder
MLflow made there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

#: What a deleted version has in the place of its source and of its run, in MLflow's tables.
REDACTED = frozenset({"REDACTED-SOURCE-PATH", "REDACTED-RUN-ID"})

_MODELS = re.compile(r"models:/+(.+)")
_RUNS = re.compile(r"runs:/(?:/[^/]*/)?([^/]+)(?:/(.*))?")
#: A name in the registry may begin as the id of a logged model does; ids have 32 digits.
_LOGGED = re.compile(r"m-(?:[0-9a-f]{32}(?:/|$)|[^/@]+$)")
#: ``models://`` and an authority name the registry of another server.
_ELSEWHERE = re.compile(r"models://[^/]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


class Version(NamedTuple):
    """A version by its number, alias or stage; by none of them the latest one."""

    model: str
    number: str | None = None
    alias: str | None = None
    stage: str | None = None


class Folder(NamedTuple):
    """A folder or file among the artifacts of a run, or of a logged model, if ``owner`` is one."""

    owner: str
    path: str


def logged_model(source: str) -> str | None:
    """The logged model that a source names outright."""
    named = _named(source)
    ident = named.partition("/")[0]
    return ident if _LOGGED.match(named) else None


def version(source: str) -> Version | None:
    """The version that a source names."""
    named = _named(source)
    model, slash, rest = named.partition("/")
    rest = rest.partition("/")[0]
    if not named or logged_model(source):
        return None
    if not slash:
        model, at, alias = named.rpartition("@")
        return Version(unquote(model), alias=unquote(alias)) if at and model and alias else None
    if rest.isdecimal():
        return Version(unquote(model), number=rest)
    if not rest or rest.lower() == "latest":
        return Version(unquote(model)) if rest else None
    return Version(unquote(model), stage=unquote(rest))


def _named(source: str) -> str:
    found = None if _ELSEWHERE.match(source) else _MODELS.fullmatch(source)
    return found[1].strip("/") if found else ""


def run_folder(source: str) -> Folder | None:
    """The folder of a run that ``runs:/`` names."""
    found = _RUNS.fullmatch(source)
    return Folder(found[1], (found[2] or "").strip("/")) if found else None


def folders(source: str) -> Iterator[Folder]:
    """What may be an id in the address of artifacts, with the path below it: MLflow builds
    ``<id>/artifacts/<path>`` wherever it keeps them. Only known ids mean anything.
    """
    if _MODELS.match(source) or _RUNS.match(source):
        return
    path = source.replace("\\", "/")
    if _URL.match(path):
        path = unquote(path.partition("?")[0].partition("#")[0])
    parts = path.split("/")
    for place, part in enumerate(parts):
        if part == "artifacts" and place:
            yield Folder(parts[place - 1], "/".join(filter(None, parts[place + 1 :])))


def runs_named(source: str) -> Iterator[str]:
    """The ids that a source may name as runs."""
    if (found := run_folder(source)) is not None:
        yield found.owner
    yield from (folder.owner for folder in folders(source))
