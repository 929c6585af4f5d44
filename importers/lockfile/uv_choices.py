# SPDX-License-Identifier: Apache-2.0
"""Finds by which extras and groups each package of a uv.lock is there, and which of these exclude each
other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import islice, product
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

from importers.lockfile.pinned import table, tables

#: Combinations of extras and groups that are told apart in one lock file.
MOST = 64

#: ``extra == 'extra-4-proj-cpu'``: how uv writes in a marker that ``proj`` is asked for with ``cpu``.
_ATOM = re.compile(
    r"(?P<left>[\w.]+|'[^']*'|\"[^\"]*\")\s*(?P<sign>===|==|!=|<=|>=|~=|<|>|not\s+in\b|in\b)\s*"
    r"(?P<right>[\w.]+|'[^']*'|\"[^\"]*\")"
)
_CODED = re.compile(r"(?:extra|group|project)-\d+-.+")
_WORD = re.compile(r"\(|\)|and|or")
_LOCAL = ("editable", "virtual", "directory", "path")


class Choice(NamedTuple):
    """An extra or a group of a package of the project, or such a package itself."""

    package: str
    sort: str
    name: str

    def __str__(self) -> str:
        """As pip writes an extra, and as uv's options for a group and a package."""
        return (
            f"{self.package}[{self.name}]" if self.sort == "extra" else f"{self.sort} {self.name}"
        )


#: A package by its number, or an extra or group of it.
_Place = tuple[int, str | None]


class Members:
    """The packages of a lock file by number, and by what each of them is reached."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.packages = tables(said.get("package"))
        self._by_name: dict[str, list[int]] = {}
        for number, package in enumerate(self.packages):
            self._by_name.setdefault(_name(package.get("name")), []).append(number)
        self.roots = [
            number
            for number, package in enumerate(self.packages)
            if table(package.get("source")).keys() & set(_LOCAL)
        ]
        self._needs: dict[_Place, list[tuple[str | None, list[_Place]]]] = {}
        self._reached: dict[frozenset[Choice], frozenset[int]] = {}
        self.excluding = [
            [choice for item in items if (choice := self._choice(table(item))) is not None]
            for items in said.get("conflicts") or ()
            if isinstance(items, list)
        ]

    def _choice(self, item: Mapping[str, Any]) -> Choice | None:
        for sort in ("extra", "group"):
            if isinstance(item.get(sort), str):
                return Choice(_name(item.get("package")), sort, item[sort])
        name = _name(item.get("package"))
        return Choice(name, "project", name) if name else None

    def alternatives(self) -> list[frozenset[Choice]]:
        """Every set of choices that can be made together, the fewest first; one empty set where
        nothing excludes anything.
        """
        each = []
        for items in self.excluding:
            # Of projects one is what the environment is for; extras and groups can all be left out.
            none = [] if all(c.sort == "project" for c in items) else [frozenset[Choice]()]
            each.append([*none, *(frozenset({choice}) for choice in items)])
        found: dict[frozenset[Choice], None] = {}
        for chosen in islice(product(*each), MOST * MOST):
            together: frozenset[Choice] = frozenset().union(*chosen)
            if all(len(together.intersection(items)) <= 1 for items in self.excluding):
                found[together] = None
        return list(found)

    def choices(self) -> Iterator[Choice]:
        """Every extra and group of the packages of the project."""
        for number in self.roots:
            package = self.packages[number]
            name = _name(package.get("name"))
            for key, sort in _SORTS.items():
                for chosen in table(package.get(key)):
                    yield Choice(name, sort, chosen)

    @cached_property
    def reachable(self) -> frozenset[int]:
        """The packages that anything of the project needs, whatever is chosen."""
        excluded = {choice for items in self.excluding for choice in items}
        optional = frozenset(self.choices()) - excluded
        chosen = [*self.alternatives()[:MOST], *(frozenset({choice}) for choice in excluded)]
        return frozenset().union(*(self.reached(optional | one) for one in chosen))

    def reached(self, chosen: frozenset[Choice]) -> frozenset[int]:
        """The packages that are installed with these choices, the platform left open."""
        if chosen not in self._reached:
            self._reached[chosen] = frozenset(self._walk(chosen))
        return self._reached[chosen]

    def _walk(self, chosen: frozenset[Choice]) -> set[int]:
        todo = list(self._begun(chosen))
        seen = set(todo)
        while todo:
            at = todo.pop()
            for marker, places in self._needs.get(at) or self._needed(at):
                if marker is None or _holds(marker, chosen):
                    new = [place for place in places if place not in seen]
                    seen.update(new)
                    todo += new
        return {number for number, _ in seen}

    def _begun(self, chosen: frozenset[Choice]) -> Iterator[tuple[int, str | None]]:
        """The packages of the project, and their extras and groups that are chosen."""
        excluded = {c for items in self.excluding for c in items if c.sort == "project"}
        for number in self.roots:
            name = _name(self.packages[number].get("name"))
            if Choice(name, "project", name) in excluded - chosen:
                continue
            yield number, None
            for choice in chosen:
                if choice.package == name and choice.sort != "project":
                    yield number, f"{choice.sort}:{choice.name}"

    @cached_property
    def markers(self) -> Mapping[int, str]:
        """Packages that are installed only where a marker of the platform or of Python holds, whatever is
        chosen: the markers with which they are needed, or what needs them is.
        """
        needs: dict[int, list[tuple[int, str | None]]] = {}
        for number, package in enumerate(self.packages):
            lists = [package.get("dependencies")]
            lists += [one for key in _SORTS for one in table(package.get(key)).values()]
            for wanted in (one for some in lists for one in tables(some)):
                marker = wanted.get("marker")
                where = marker if isinstance(marker, str) and "extra" not in marker else None
                for needed in self._named(wanted):
                    needs.setdefault(number, []).append((needed, where))
        always, todo = set(self.roots), list(self.roots)
        while todo:
            new = {n for n, where in needs.get(todo.pop(), ()) if where is None} - always
            always |= new
            todo += new
        found: dict[int, set[str]] = {}
        todo = [number for number in needs if number in always]
        while todo:
            at = todo.pop()
            for needed, where in needs.get(at, ()):
                if needed in always:
                    continue
                said = {where} if where is not None else found.get(at, set())
                if not said <= found.setdefault(needed, set()):
                    found[needed] |= said
                    todo.append(needed)
        return {number: _any_of(said) for number, said in found.items() if said}

    def _needed(self, at: _Place) -> list[tuple[str | None, list[_Place]]]:
        """What a package, or an extra or group of one, needs: the marker where it speaks of extras,
        and where to go on.
        """
        number, of = at
        package = self.packages[number]
        if of is None:
            listed = tables(package.get("dependencies"))
        else:
            sort, _, name = of.partition(":")
            keys = (key for key, its in _SORTS.items() if its == sort)
            listed = [one for key in keys for one in tables(table(package.get(key)).get(name))]
        found: list[tuple[str | None, list[_Place]]] = []
        for wanted in listed:
            marker, extras = wanted.get("marker"), wanted.get("extra")
            places: list[_Place] = []
            for needed in self._named(wanted):
                places.append((needed, None))
                if isinstance(extras, list):
                    places += [(needed, f"extra:{extra}") for extra in extras]
            speaks = isinstance(marker, str) and "extra" in marker
            found.append((marker if speaks else None, places))
        self._needs[at] = found
        return found

    def _named(self, wanted: Mapping[str, Any]) -> list[int]:
        """The packages that a dependency means: one, unless the lock file has several of its name."""
        found = self._by_name.get(_name(wanted.get("name")), [])
        if len(found) == 1:
            return found
        for key in ("version", "source"):
            if key in wanted and len(found) > 1:
                found = [n for n in found if self.packages[n].get(key) == wanted[key]] or found
        return found


def _any_of(markers: Iterable[str]) -> str:
    each = sorted(markers)
    return each[0] if len(each) == 1 else " or ".join(f"({marker})" for marker in each)


_SORTS = {
    "optional-dependencies": "extra",
    "dev-dependencies": "group",
    "dependency-groups": "group",
}


def by_choice(members: Members, chosen: frozenset[Choice]) -> Mapping[int, Sequence[Choice]]:
    """The packages that are there with some choices, and the extras and groups of which each is one:
    none for what is always installed. What nothing reaches is there as well.
    """
    excluded = {choice for items in members.excluding for choice in items}
    optional = frozenset(members.choices()) - excluded
    if not (optional or excluded):
        return dict.fromkeys(range(len(members.packages)), ())
    always = members.reached(frozenset())
    found: dict[int, list[Choice]] = {number: [] for number in always}
    for choice in sorted(chosen | optional):
        own = members.reached(chosen | {choice}) - members.reached(chosen - {choice})
        for number in own - always:
            found.setdefault(number, []).append(choice)
    for number in members.reached(chosen | optional) - found.keys():
        found[number] = sorted(chosen | optional)
    for number in range(len(members.packages)):
        if number not in members.reachable:
            found[number] = []
    return found


def _holds(marker: str, chosen: Iterable[Choice]) -> bool:
    """Whether a marker can hold with some choices, on some platform: what it says of extras is known,
    all else may be.
    """
    coded = {
        f"{c.sort}-{len(c.package)}-{c.package}" + (f"-{c.name}" if c.sort != "project" else "")
        for c in chosen
    }
    words = [
        word if isinstance(word, str) else "T" if (word[0] in coded) == word[1] else "F"
        for word in _parsed(marker)
    ]
    try:
        return _or(words)
    except IndexError:
        return True


@lru_cache(maxsize=10_000)
def _parsed(marker: str) -> tuple[str | tuple[str, bool], ...]:
    """The words of a marker: of extras their name and whether they are asked for, all else may hold."""
    found: list[str | tuple[str, bool]] = []
    at = 0
    for atom in _ATOM.finditer(marker):
        found += _WORD.findall(marker, at, atom.start())
        name = atom["right"].strip("'\"")
        is_choice = atom["left"] == "extra" and _CODED.fullmatch(name)
        found.append((name, atom["sign"] == "==") if is_choice else "T")
        at = atom.end()
    return (*found, *_WORD.findall(marker, at))


def _or(words: list[str]) -> bool:
    found = _and(words)
    while words and words[0] == "or":
        words.pop(0)
        found = _and(words) or found
    return found


def _and(words: list[str]) -> bool:
    found = _one(words)
    while words and words[0] == "and":
        words.pop(0)
        found = _one(words) and found
    return found


def _one(words: list[str]) -> bool:
    word = words.pop(0)
    if word != "(":
        return word == "T"
    found = _or(words)
    words.pop(0)
    return found


def _name(text: Any) -> str:
    return _canonical(text) if isinstance(text, str) else ""


_canonical = lru_cache(maxsize=10_000)(canonicalize_name)
