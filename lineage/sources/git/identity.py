# SPDX-License-Identifier: Apache-2.0
"""Reads who git takes the author of a commit to be, from the same files and variables, without running it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lineage.sources.git.layout import plain_text, settings_in

_SYSTEM = Path("/etc/gitconfig")
#: As deep as git follows includes itself.
_DEEPEST = 10
_LARGEST = 1 << 20
_MOST_GIVEN = 1_000
#: The variable and the settings that state each part, the first of them counts (git help commit).
_STATED = {
    "name": ("GIT_AUTHOR_NAME", ("author.name", "user.name")),
    "email": ("GIT_AUTHOR_EMAIL", ("author.email", "user.email")),
}


@dataclass(slots=True)
class Identity:
    """Name and e-mail of an author, each with the file or the variable that states it, or ``None``.
    ``skipped`` are includes of which it is not known whether git follows them.
    """

    name: tuple[str, str] | None = None
    email: tuple[str, str] | None = None
    skipped: list[str] = field(default_factory=list)


def identity(gitdir: Path | None, common: Path | None, variables: Mapping[str, str]) -> Identity:
    """Who commits in a repository, given by its folders (``lineage.sources.git.layout.folders``), or outside
    of any, under these variables. What git makes up where nothing is stated is left out.
    """
    found = Identity()
    reading = _Reading(gitdir, variables, found.skipped)
    read: dict[str, tuple[str, str]] = {}
    for path in _files(gitdir, common, variables):
        for key, value, where in reading.settings(path):
            read[key] = (value, where)
    for key, value in _given(variables):
        read[key] = (value, "GIT_CONFIG_COUNT")
    for part, (variable, keys) in _STATED.items():
        stated = [(variables[variable], variable)] if variables.get(variable) else []
        stated += [read[key] for key in keys if read.get(key, ("", ""))[0]]
        if part == "email" and variables.get("EMAIL"):
            stated.append((variables["EMAIL"], "EMAIL"))
        if stated:
            setattr(found, part, stated[0])
    return found


def _files(
    gitdir: Path | None, common: Path | None, variables: Mapping[str, str]
) -> Iterator[Path]:
    """The files of settings, later ones over earlier ones (git help config, FILES)."""
    if variables.get("GIT_CONFIG_NOSYSTEM", "").lower() not in {"1", "true", "yes", "on"}:
        yield Path(variables.get("GIT_CONFIG_SYSTEM") or _SYSTEM)
    home = variables.get("HOME")
    if said := variables.get("GIT_CONFIG_GLOBAL"):
        yield Path(said)
    elif home:
        yield Path(variables.get("XDG_CONFIG_HOME") or f"{home}/.config") / "git" / "config"
        yield Path(home) / ".gitconfig"
    if common is not None and gitdir is not None:
        yield common / "config"
        own = dict(settings_in(plain_text(common / "config", _LARGEST) or ""))
        if own.get("extensions.worktreeconfig", "").lower() == "true":
            yield gitdir / "config.worktree"


def _given(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The settings that variables hand over, which ``git -c`` does too."""
    count = variables.get("GIT_CONFIG_COUNT", "")
    for number in range(min(int(count), _MOST_GIVEN) if re.fullmatch(r"\d{1,6}", count) else 0):
        key = variables.get(f"GIT_CONFIG_KEY_{number}", "")
        yield key.lower(), variables.get(f"GIT_CONFIG_VALUE_{number}", "")


class _Reading:
    """Reads files of settings with those that they include, in their order."""

    def __init__(
        self, gitdir: Path | None, variables: Mapping[str, str], skipped: list[str]
    ) -> None:
        self._gitdir = gitdir
        self._home = variables.get("HOME")
        self._skipped = skipped

    def settings(self, path: Path, depth: int = 0) -> Iterator[tuple[str, str, str]]:
        """Every setting with its value and the file that it stands in."""
        for key, value in settings_in(plain_text(path, _LARGEST) or ""):
            condition = key.removeprefix("includeif.").removesuffix(".path")
            if key == "include.path" or (
                key.startswith("includeif.")
                and key.endswith(".path")
                and self._holds(condition, path)
            ):
                if depth < _DEEPEST:
                    yield from self.settings(path.parent / self._expanded(value), depth + 1)
            else:
                yield key, value, str(path)

    def _holds(self, condition: str, path: Path) -> bool:
        kind, _, pattern = condition.partition(":")
        if kind in {"gitdir", "gitdir/i"}:
            return self._is_inside(pattern, path, folded=kind.endswith("i"))
        if kind == "onbranch":
            head = plain_text(self._gitdir / "HEAD") if self._gitdir is not None else None
            branch = (head or "").strip().partition("ref: refs/heads/")[2]
            return bool(branch) and _matches(_all_below(pattern), branch, folded=False)
        self._skipped.append(condition)
        return False

    def _is_inside(self, pattern: str, path: Path, *, folded: bool) -> bool:
        """Whether the folder of the repository is one that a pattern names (git help config)."""
        if self._gitdir is None:
            return False
        if pattern.startswith("./"):
            pattern = f"{path.parent}/{pattern[2:]}"
        pattern = _all_below(self._expanded(pattern))
        if not pattern.startswith("/"):
            pattern = f"**/{pattern}"
        return any(
            _matches(pattern, str(x), folded=folded) for x in (self._gitdir, self._gitdir.resolve())
        )

    def _expanded(self, text: str) -> str:
        return f"{self._home}/{text[2:]}" if text.startswith("~/") and self._home else text


def _all_below(pattern: str) -> str:
    return f"{pattern}**" if pattern.endswith("/") else pattern


def _matches(pattern: str, text: str, *, folded: bool) -> bool:
    """Whether a pattern of git names a path, the stars of it within one folder unless there are two."""
    parts = re.split(r"(/\*\*/|^\*\*/|/\*\*$|\*+|\?)", pattern)
    said = {"/**/": "/(?:.*/)?", "**/": "(?:.*/)?", "/**": "/.*", "?": "[^/]"}
    made = "".join(
        said.get(x) or ("[^/]*" if x.startswith("*") else re.escape(x)) for x in parts if x
    )
    return re.fullmatch(made, text, re.IGNORECASE if folded else 0) is not None
