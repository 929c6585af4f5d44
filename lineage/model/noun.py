# SPDX-License-Identifier: Apache-2.0
"""How a kind of node is declared: a typed dataclass, and what interfaces need to know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, TypeVar, dataclass_transform

from lineage.errors import StoreTooNew
from lineage.model.record import Node
from lineage.model.terms import Family
from lineage.model.value import Value, clean

#: Fields of this mark hold what identifies a person; redaction and export policies look for it.
PERSONAL = "personal"
#: Fields of this mark hold a time; engines that have a type for times keep it as one.
TIME = "time"
#: Fields of this mark are what people look things up by; engines that can have an index for them.
INDEXED = "indexed"
#: The group of what nobody asks for by name.
OTHERS = "others"


def attribute(
    text: str, *, personal: bool = False, time: bool = False, indexed: bool = False
) -> Any:
    """Declare an optional field, with the sentence that explains it, and its marks."""
    marks = {PERSONAL: personal, TIME: time, INDEXED: indexed}
    return field(default=None, metadata={"description": text, **marks})


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """A node of a known kind, typed; ``node()`` turns it into the record that is stored.

    ``plural`` names lists of the kind, ``group`` is where answers put it. ``words`` are those that
    references to it may begin with, each with its rank among the kinds that the word may mean: the
    lowest is preferred. ``summary`` lists the attributes worth a place on one line, in order.
    ``version_of`` names the kind whose versions these are.
    """

    family: ClassVar[Family]
    plural: ClassVar[str]
    group: ClassVar[str]
    words: ClassVar[Mapping[str, int]]
    summary: ClassVar[tuple[str, ...]]
    version_of: ClassVar[str | None]
    id: str
    label: str | None = None
    more: Mapping[str, Value] = field(default_factory=dict)

    def node(self) -> Node:
        """The record. ``more`` adds attributes that the kind does not declare."""
        own = {name: getattr(self, name) for name in _names(type(self).__name__)}
        return Node(
            id=self.id,
            kind=type(self).__name__,
            label=self.label,
            attributes=clean({**own, **self.more}),
        )


class EntityNoun(Noun):
    """An entity of PROV."""

    __slots__ = ()
    family: ClassVar[Family] = "Entity"


class ActivityNoun(Noun):
    """An activity of PROV."""

    __slots__ = ()
    family: ClassVar[Family] = "Activity"


class AgentNoun(Noun):
    """An agent of PROV."""

    __slots__ = ()
    family: ClassVar[Family] = "Agent"


_BASE = frozenset({"id", "label", "more"})
#: The kinds declared so far, by name.
DECLARED: dict[str, type[Noun]] = {}
N = TypeVar("N", bound=Noun)


@dataclass_transform(kw_only_default=True, frozen_default=True)
def kind(
    *,
    plural: str,
    group: str = OTHERS,
    words: Mapping[str, int] | None = None,
    summary: tuple[str, ...] = (),
    version_of: str | None = None,
) -> Callable[[type[N]], type[N]]:
    """Declare a kind (see ``Noun``); without ``words``, references begin with its name."""

    def declare(declared: type[N]) -> type[N]:
        made: type[N] = dataclass(frozen=True, slots=True, kw_only=True)(declared)
        made.plural, made.group, made.summary = plural, group, summary
        made.words = words or {made.__name__.lower(): 0}
        made.version_of = version_of
        DECLARED[made.__name__] = made
        return made

    return declare


@cache
def fields_of(kind: str) -> tuple[Field[Any], ...]:
    """The attributes a kind declares."""
    return tuple(f for f in fields(DECLARED[kind]) if f.name not in _BASE)


@cache
def _names(kind: str) -> tuple[str, ...]:
    """The names of the attributes that a kind declares; asked for every node there is."""
    return tuple(f.name for f in fields_of(kind))


class Known(dict[str, type[Noun]]):
    """Kinds by name; asking for another says what it means that there is one."""

    def __missing__(self, name: str) -> type[Noun]:
        raise StoreTooNew(
            f"there is no kind {name!r} in this version of lineagedb",
            hint="A newer version wrote it meanwhile: open the store again, or install that version.",
        )


def by_group(first: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """The kinds of each group, some groups first, and that of all others last."""
    named = dict.fromkeys((*first, *(declared.group for declared in DECLARED.values())))
    named.pop(OTHERS)
    return {
        group: tuple(name for name, declared in DECLARED.items() if declared.group == group)
        for group in (*named, OTHERS)
    }


def by_word() -> Mapping[str, tuple[str, ...]]:
    """The kinds that each word may mean, the preferred first."""
    found: dict[str, list[tuple[int, str]]] = {}
    for name, declared in DECLARED.items():
        for word, rank in declared.words.items():
            found.setdefault(word, []).append((rank, name))
    return {word: tuple(name for _, name in sorted(ranked)) for word, ranked in found.items()}
