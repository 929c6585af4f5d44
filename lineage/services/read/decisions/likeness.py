# SPDX-License-Identifier: Apache-2.0
"""Says how near data and numbers are to others: the same bytes, another version, made from it; near on a scale of ratios."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage import ids
from lineage.model import kinds
from lineage.model.identity import STRONG
from lineage.model.record import Node
from lineage.model.value import Literal, Ref, Scalar, each
from lineage.services.context import Context
from lineage.services.read.sides import digests_of
from lineage.sources.file_names import is_program
from lineage.store.base import NOW, Hop, Subgraph, Walk
from lineage.store.rows import NodeRow

#: What counts of the data: the same thing or the same bytes, another version of it, one made from the other.
SAME, VERSION, MADE = 0.45, 0.4, 0.35
#: By which part of the larger of two numbers they may differ and be near.
NEAR = 0.25
#: Things that are looked at for how data came about, and seconds that it may take.
_WALKED, _SECONDS = 20_000, 2.0
_DATA = frozenset(
    {"Dataset", "DatasetVersion", "Artifact", "ModelVersion", "Model", "Content", "Entity"}
)
_STRONG = tuple(f"{algorithm}:" for algorithm in STRONG)
#: How data comes about: through runs, copies, parts and versions, and never through what people decided.
_MADE_BY = frozenset(
    {
        "used", "wasGeneratedBy", "wasDerivedFrom", "wasRevisionOf", "hadPrimarySource",
        "specializationOf", "alternateOf", "hadMember",
    }
)  # fmt: skip
_NAMES = Hop(relations=frozenset({"specializationOf"}))
#: Parameters whose numbers say nothing by being near.
_SEEDS = ("seed", "random_state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Something that a run used or a plan names: ``keys`` are its identifier and the digests of its bytes, ``names`` what
    all versions of it have in common.
    """

    id: str
    title: str
    word: str
    keys: frozenset[str]
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How near data is to other data, in words, and what that counts."""

    why: str
    score: float


def data_of(ctx: Context, nodes: Iterable[Node]) -> list[Data]:
    """Those of some things that are data: no programs and no settings, by the names of their files."""
    held = {n.id: n for n in nodes if n.kind in _DATA and not is_program(_name(n))}
    if not held:
        return []
    digests = digests_of(ctx, list(held.values()), NOW)
    names: dict[str, set[str]] = {}
    for edge in ctx.store.edges(list(held), _NAMES, NOW):
        names.setdefault(edge.effect, set()).add(edge.cause)
    return [
        Data(
            id=ident,
            title=_name(node),
            word=_word(node),
            keys=frozenset({ident}) | digests.get(ident, frozenset()),
            names=frozenset({*names.get(ident, ()), *_own_names(ident, node.kind)}),
        )
        for ident, node in held.items()
    ]


def _name(node: Node) -> str:
    held = node.attributes.get("name")
    return held if isinstance(held, str) else node.title


def _word(node: Node) -> str:
    if node.kind in {"Model", "ModelVersion"}:
        return "model"
    return "data set" if node.kind in {"Dataset", "DatasetVersion"} else "file"


def _own_names(ident: str, kind: str) -> set[str]:
    stem = ids.versions_of(ident)
    return {stem} if stem is not None else ({ident} if kind in kinds.NAMES else set())


class Relatives:
    """How some data is related to others, found together: each walk toward causes is one question of the store.
    ``complete`` says that none of them was cut.
    """

    def __init__(self, ctx: Context, mine: Sequence[Data], theirs: Sequence[Data]) -> None:
        self._mine = mine
        self.complete: bool = True
        left = {one.id: one for one in theirs if self._direct(one) is None} if mine else {}
        #: What mine was made from: key or name -> the title of one of mine.
        self._above: dict[str, str] = {}
        #: Theirs that were made from one of mine: identifier -> its title.
        self._below: dict[str, str] = {}
        if left:
            self._look_above(ctx)
            self._look_below(ctx, list(left.values()))

    def best(self, theirs: Iterable[Data]) -> Likeness | None:
        """The nearest of some data to mine; ``None`` where none is known to be related."""
        found = [one for data in theirs if (one := self._direct(data) or self._derived(data))]
        return max(found, key=lambda one: one.score, default=None)

    def _direct(self, other: Data) -> Likeness | None:
        for one in self._mine:
            if one.id == other.id:
                return Likeness(why=f"the same {one.word} {one.title}", score=SAME)
        for one in self._mine:
            if one.keys & other.keys:
                renamed = one.title != other.title
                why = (
                    f"{one.title} has the bytes of {other.title}"
                    if renamed
                    else f"the same {one.word} {one.title}"
                )
                return Likeness(why=why, score=SAME)
        for one in self._mine:
            if one.names & other.names:
                return Likeness(why=f"another version of {one.title}", score=VERSION)
        return None

    def _derived(self, other: Data) -> Likeness | None:
        for key in sorted(other.keys | other.names):
            if (mine := self._above.get(key)) is not None:
                return Likeness(why=f"{mine} was made from {other.title}", score=MADE)
        if (mine := self._below.get(other.id)) is not None:
            return Likeness(why=f"{other.title} was made from {mine}", score=MADE)
        return None

    def _walk(self, ctx: Context, start: Iterable[str]) -> Subgraph:
        walked = ctx.store.walk(
            Walk(
                start=frozenset(start),
                relations=_MADE_BY,
                followed=True,
                limit=_WALKED,
                seconds=_SECONDS,
            ),
            NOW,
        )
        self.complete &= walked.cut is None
        return walked

    def _look_above(self, ctx: Context) -> None:
        walked = self._walk(ctx, (one.id for one in self._mine))
        up = _adjacent(walked, toward="causes")
        keys = {row.id: _keys(row) for row in walked.node_rows}
        for one in self._mine:
            for ident in _reached({one.id}, up):
                for key in keys.get(ident, ()):
                    self._above.setdefault(key, one.title)

    def _look_below(self, ctx: Context, theirs: Sequence[Data]) -> None:
        walked = self._walk(ctx, (one.id for one in theirs))
        down = _adjacent(walked, toward="effects")
        keys = {row.id: _keys(row) for row in walked.node_rows}
        for one in self._mine:
            wanted = one.keys | one.names
            start = {ident for ident, held in keys.items() if not wanted.isdisjoint(held)}
            for ident in _reached(start, down):
                self._below.setdefault(ident, one.title)


def _keys(row: NodeRow) -> set[str]:
    """By which something is the same as other data: its identifier, the digest that it says, what its versions share."""
    found = {row.id, *_own_names(row.id, row.kind)}
    if '"digest":' in row.attributes:
        said = map(str, each(row.node().attributes.get("digest", ())))
        found |= {text for text in said if text.startswith(_STRONG)}
    return found


def _adjacent(walked: Subgraph, *, toward: str) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for edge in walked.edge_rows:
        near, far = (edge.effect, edge.cause) if toward == "causes" else (edge.cause, edge.effect)
        found.setdefault(near, set()).add(far)
    return found


def _reached(start: set[str], adjacent: Mapping[str, set[str]]) -> set[str]:
    seen, todo = set(start), list(start)
    while todo:
        fresh = adjacent.get(todo.pop(), set()) - seen
        seen |= fresh
        todo += fresh
    return seen


def numbers(params: Mapping[str, Any]) -> Mapping[str, list[float]]:
    """The parameters that are numbers, but for seeds, whose numbers mean nothing."""
    found: dict[str, list[float]] = {}
    for name, value in params.items():
        if name.lower().rpartition(".")[2].endswith(_SEEDS):
            continue
        for one in each(value):
            if (number := _number(one)) is not None:
                found.setdefault(name, []).append(number)
    return found


def _number(value: Scalar) -> float | None:
    """A number, or a text that is one: plans and trackers have them as texts."""
    text = value.value if isinstance(value, Literal) else value
    if isinstance(text, bool | Ref):
        return None
    try:
        found = float(text)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def near(name: str, mine: Sequence[float], theirs: Sequence[float]) -> str | None:
    """In which words a parameter is near to the region of others: between the least and the greatest of them, or at most a
    quarter of the larger number away from one of these; ``None`` where it is not.

    >>> near("lr", [0.1], [0.12]), near("lr", [0.1], [0.01, 1]), near("lr", [0.1], [0.2])
    ('lr 0.1 is near 0.12', 'lr 0.1 is between 0.01 and 1', None)
    """
    low, high = min(theirs), max(theirs)
    for value in mine:
        end = min((low, high), key=lambda one: abs(one - value))
        if value in theirs:
            return f"{name} is {value:g} as well"
        if low < value < high:
            return f"{name} {value:g} is between {low:g} and {high:g}"
        if abs(value - end) <= NEAR * max(abs(value), abs(end)):
            return f"{name} {value:g} is near {end:g}"
    return None
