# SPDX-License-Identifier: Apache-2.0
"""Finds the decision that another record, a run or a person names: by identifier, file, number or name of the file.

Identity is the identifier. A number is a label: two branches give the same one, and then it names nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import unquote

_LINK = re.compile(r"\[([^\]]*)\]\(([^()\s]+)\)")
_NUMBER = re.compile(r"(?:adr[-_ ]?)?0*(\d{1,7})", re.IGNORECASE)
_FOLDERS = frozenset({"adr", "adrs", "decision", "decisions"})
#: A number of a record, an identifier as ours are, and the name of a file of a record, as parts of branches are called.
_IN_BRANCH = (
    re.compile(r"(?:adr|decision)[-_]?(?P<name>0*\d{1,7})(?=$|[-_.])", re.IGNORECASE),
    re.compile(r"(?P<name>dec-[0-9a-z]+)(?=$|[-_.])", re.IGNORECASE),
    re.compile(r"(?P<name>\d{4}-[a-z].*)", re.IGNORECASE),
)
_LEADING = re.compile(r"^(?:adr[-_ ]?)?\d+[-_. ]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What a decision is called: its identifier here, what it is known by in its namespace, its numbers and files; those of
    now come first, ``older`` are those that it had before.
    """

    ident: str
    namespace: str
    key: str
    number: str | None = None
    path: str | None = None
    older_numbers: Sequence[str] = ()
    older_paths: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """The decisions that a name may mean: one, none, or several between which the name does not tell. ``older`` says that
    it is a number or a file which the decision had before.
    """

    idents: Sequence[str]
    older: bool = False

    @property
    def one(self) -> str | None:
        """The decision, where it is clear which."""
        return self.idents[0] if len(self.idents) == 1 else None


def bare(text: str) -> str:
    """A name without the ``decision:`` that may stand before it."""
    word, colon, rest = text.partition(":")
    return rest if colon and word.lower() == "decision" else text


def in_branch(branch: str) -> list[str]:
    """What in the name of a branch may name a decision; a number that stands alone may be anything.

    >>> in_branch("ana/adr-12-larger"), in_branch("decisions/dec-x"), in_branch("release/12")
    (['12'], ['dec-x'], [])
    """
    parts = branch.split("/")
    found = [part for before, part in pairwise(parts) if before.lower() in _FOLDERS]
    for part in parts:
        found += [match["name"] for form in _IN_BRANCH if (match := form.match(part))]
    return list(dict.fromkeys(found))


class Names:
    """What some decisions are called."""

    def __init__(self, called: Iterable[Called]) -> None:
        self._called = list(called)

    def meant(self, text: str, namespace: str | None = None, near: str = "") -> Meant:
        """The decisions that a text names, a link of markdown whose address is a path from the root or a name, in one
        namespace or in all, with or without ``decision:`` before it. Of names of files those in the folder ``near`` go
        first.

        >>> names = Names([Called(ident="urn:a", namespace="n", key="dec-1", number="0112", path="adr/0112-a.md")])
        >>> names.meant("decision:ADR-112").one, names.meant("[x](adr/0112-a.md)", "n").one, names.meant("dec-2").one
        ('urn:a', 'urn:a', None)
        """
        ours = [one for one in self._called if namespace in {None, one.namespace}]
        text = text.strip()
        if link := _LINK.fullmatch(text):
            found = _by_path(ours, posixpath.normpath(unquote(link[2])))
            # A link whose file is gone may still say in its words what it means.
            return found if found.idents or not link[1] else self.meant(link[1], namespace, near)
        if text in {one.ident for one in self._called}:
            return Meant(idents=(text,))
        if keyed := [one.ident for one in self._called if one.key == text]:
            return Meant(idents=keyed)
        if (name := bare(text)) != text:
            return self.meant(name, namespace, near)
        if number := _NUMBER.fullmatch(text):
            return _by_number(ours, int(number[1]))
        if (
            text.lower().endswith(".md")
            and (found := _by_path(ours, posixpath.normpath(text))).idents
        ):
            return found
        return _by_slug(ours, text.removesuffix(".md"), near)


def _by_path(called: Iterable[Called], path: str) -> Meant:
    now = [one.ident for one in called if one.path == path]
    if now:
        return Meant(idents=now)
    return Meant(idents=[one.ident for one in called if path in one.older_paths], older=True)


def _by_number(called: Iterable[Called], number: int) -> Meant:
    now = [one.ident for one in called if one.number is not None and int(one.number) == number]
    if now:
        return Meant(idents=now)
    before = [one.ident for one in called if number in map(int, one.older_numbers)]
    return Meant(idents=before, older=True)


def _by_slug(called: Iterable[Called], text: str, near: str) -> Meant:
    """By what a file is called, with or without its number; one in the same folder is meant before others."""
    wanted = text.lower()
    found = [one for one in called if one.path and wanted in _slugs(one.path)]
    beside = [one for one in found if posixpath.dirname(one.path or "") == near]
    return Meant(idents=[one.ident for one in beside or found])


def _slugs(path: str) -> frozenset[str]:
    stem = posixpath.basename(path).lower().removesuffix(".md")
    return frozenset({stem, _LEADING.sub("", stem)})
