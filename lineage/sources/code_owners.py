# SPDX-License-Identifier: Apache-2.0
"""Reads CODEOWNERS files as GitHub and GitLab do: who answers for a path, or that nobody does, and which line says so.

The two read one text differently: for GitLab ``!`` clears, sections have default owners, a path without a slash in front
may lie anywhere; for GitHub a line with ``!`` or ``[`` is invalid, and a path owns what lies below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Dialect = Literal["github", "gitlab"]
#: Where each looks for the file: the first one there counts.
PLACES: dict[Dialect, tuple[str, ...]] = {
    "github": (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    "gitlab": ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
}
#: A larger file is not read: GitHub leaves out those from 3 MB on.
LARGEST = 3 * 1024 * 1024
#: Rules that are read of one file: each is tried with each path.
_MOST = 10_000
#: What stands for every path of a project.
_EVERYTHING = frozenset({"*", "**", "/**", "/**/*", "**/*"})
_WORD = re.compile(r"(?:\\.|[^\s\\])+")
_OWNER: dict[Dialect, re.Pattern[str]] = {
    "github": re.compile(r"@[\w][\w.-]*(?:/[\w.-]+)?|[^\s@]+@[^\s@]+\.[^\s@]+"),
    "gitlab": re.compile(r"@{1,2}[\w][\w.-]*(?:/[\w.-]+)*|[^\s@]+@[^\s@]+\.[^\s@]+"),
}
_SECTION = re.compile(r"\^?\[([^\[\]]+)\](?:\[\d+\])?(?:\s+(.*))?")


class Problem(NamedTuple):
    """A line that is skipped, or (``in_part``) a word of it, and why."""

    line: int
    message: str
    in_part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A line: the paths that it is about, who answers for them; ``clears``: that nobody of its section does."""

    pattern: str
    owners: tuple[str, ...]
    line: int
    section: str = ""
    clears: bool = False
    matches: re.Pattern[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a file says of a path: owners, each with the line; or the line by which nobody is; or neither."""

    owners: tuple[tuple[str, int], ...] = ()
    nobody: int | None = None


@dataclass(slots=True)
class CodeOwners:
    """The rules of a file, as one of the two reads them."""

    dialect: Dialect
    rules: list[Rule] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def of(self, path: str) -> Said:
        """Who answers for a path from the root of the repository: the last line that is about it counts; for GitLab, the
        last one of each section.
        """
        found = (rule for rule in self.rules if rule.matches.fullmatch(path))
        return _together(found)

    def of_everything(self) -> Said:
        """Who answers for all that has no line of its own."""
        return _together(rule for rule in self.rules if rule.pattern in _EVERYTHING)


def _together(rules: Iterator[Rule]) -> Said:
    last: dict[str, Rule] = {}
    for rule in rules:
        # What a section leaves out does not come in again.
        if rule.section not in last or not last[rule.section].clears:
            last[rule.section] = rule
    owners = {who: rule.line for rule in last.values() for who in rule.owners}
    if owners:
        return Said(owners=tuple(owners.items()))
    return Said(nobody=max((rule.line for rule in last.values()), default=None))


def parse(text: str, dialect: Dialect) -> CodeOwners:
    r"""Read the text of a file. What is invalid is among the problems, with its line; the rest holds.

    >>> read = parse("/apps/ @o\n/apps/github", "github")
    >>> read.of("apps/a"), read.of("apps/github/x").nobody, read.of("README") == Said()
    (Said(owners=(('@o', 1),), nobody=None), 2, True)
    """
    found = CodeOwners(dialect)
    section, defaults = "", dict[str, tuple[str, ...]]()
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if dialect == "gitlab" and line.startswith(("[", "^[")):
            heading = _SECTION.fullmatch(line)
            if heading is None:
                found.problems.append(Problem(number, "is no heading of a section"))
                continue
            section = heading[1].strip().lower()
            owners = _owners(_words(heading[2] or ""), number, found)
            defaults[section] = owners or defaults.get(section, ())
            continue
        if len(found.rules) >= _MOST:
            message = f"and all lines behind it are left out: the file has over {_MOST:,} rules"
            found.problems.append(Problem(number, message))
            return found
        rule = _rule(line, number, found)
        if rule is not None:
            owners = rule[1] or (() if rule[2] else defaults.get(section, ()))
            _add(found, rule[0], owners, number, section, clears=rule[2])
    return found


def _rule(line: str, number: int, found: CodeOwners) -> tuple[str, tuple[str, ...], bool] | None:
    """The pattern and the owners of a line, and whether it clears; ``None`` where the line is invalid."""
    pattern, *words = _words(line)
    clears = pattern.startswith("!")
    if found.dialect == "github":
        fault = (
            "begins with '!', which has no meaning for GitHub"
            if clears
            else "escapes '#', which GitHub does not read"
            if pattern.startswith("\\#")
            else "has '[' or ']', which GitHub does not read"
            if re.search(r"(?<!\\)[\[\]]", pattern)
            else None
        )
        wrong = [word for word in words if not _OWNER["github"].fullmatch(word)]
        if fault is None and wrong:
            fault = f"names {wrong[0]}, which is no @name, @organization/team or e-mail address"
        if fault is not None:
            found.problems.append(Problem(number, fault))
            return None
        return pattern, tuple(words), False
    owners = () if clears else _owners(words, number, found)
    return pattern.removeprefix("!") if clears else pattern, owners, clears


def _owners(words: Sequence[str], number: int, found: CodeOwners) -> tuple[str, ...]:
    """Those of some words that name owners, as GitLab does: others are left out."""
    owner = _OWNER[found.dialect]
    for word in words:
        if not owner.fullmatch(word):
            message = f"names {word}, which is no @name, @group or e-mail address"
            found.problems.append(Problem(number, message, in_part=True))
    return tuple(word for word in words if owner.fullmatch(word))


def _add(
    found: CodeOwners,
    pattern: str,
    owners: tuple[str, ...],
    line: int,
    section: str,
    *,
    clears: bool,
) -> None:
    try:
        matches = re.compile(_regex(pattern, found.dialect), re.DOTALL)
    except re.error:
        found.problems.append(Problem(line, f"has the pattern {pattern}, which is none"))
        return
    found.rules.append(
        Rule(
            pattern=pattern,
            owners=owners,
            line=line,
            section=section,
            clears=clears,
            matches=matches,
        )
    )


def _words(text: str) -> list[str]:
    """The words of a line, up to a comment; a space behind a backslash is part of a word."""
    words: list[str] = []
    for word in _WORD.findall(text):
        if word.startswith("#"):
            break
        words.append(word)
    return words


def _regex(pattern: str, dialect: Dialect) -> str:
    """A pattern as a regular expression of whole paths, which takes no longer than the path is long, times the pattern.
    Raises ``re.error``.
    """
    if dialect == "gitlab":
        anywhere = not pattern.startswith("/")
        below = ".+" if pattern.endswith("/") else ""
        parts = [*pattern.removeprefix("/").split("/")]
        # As Ruby reads it: ** goes through folders before a slash only.
        parts[-1:] = ["*" if parts[-1] == "**" else parts[-1]]
    else:
        anywhere = "/" not in pattern[:-1]
        # What a path with a last part of its own means lies below it; docs/* means what lies directly in docs.
        below = "/.+" if pattern.endswith("/") else "" if pattern.endswith("/*") else "(?:/.*)?"
        parts = [*pattern.strip("/").split("/")]
        if parts[-1] == "**":
            parts[-1:], below = [""], "[^/]+/.+" if pattern.endswith("/") else ".+"
    runs: list[list[str]] = [[], []] if anywhere else [[]]
    for part in parts:
        if part == "**":
            runs += [[]] if runs[-1] or len(runs) == 1 else []
        else:
            runs[-1].append(_part(part, sets=dialect == "gitlab"))
    first, *others = ["/".join(run) for run in runs]
    if not others:
        return first + below
    # The first place where a run fits leaves most to those behind it: none is tried again.
    between = "".join(f"(?>(?:[^/]*/)*?{run}/)" for run in others[:-1])
    return (f"{first}/" if first else "") + between + f"(?:[^/]*/)*{others[-1]}{below}"


def _part(text: str, *, sets: bool) -> str:
    """One name of a pattern, without slashes, as a regular expression. Raises ``re.error``."""
    runs, at = [""], 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "*":
            runs += [""] if runs[-1] or len(runs) == 1 else []
        elif char == "?":
            runs[-1] += "[^/]"
        elif char == "\\" and at < len(text):
            runs[-1] += re.escape(text[at])
            at += 1
        elif sets and char == "[":
            if (end := text.find("]", at + 1)) < 0:
                raise re.error("a set that does not end")
            held = text[at:end].replace("\\", "\\\\").replace("[", "\\[")
            runs[-1] += f"(?!/)[{'^' + held[1:] if held[0] in '!^' else held}]"
            at = end + 1
        else:
            runs[-1] += re.escape(char)
    first, *others = runs
    if not others:
        return first
    return first + "".join(f"(?>[^/]*?{run})" for run in others[:-1]) + f"[^/]*{others[-1]}"
