# SPDX-License-Identifier: Apache-2.0
"""What is not known in a store as a whole, kept beside the graph: written when runs are joined, read by
answers that runs of which it is not known would be in.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from lineage.errors import StoreUnfinished
from lineage.model import terms
from lineage.model.record import Edge
from lineage.model.vocabulary import KEPT as VOCABULARY
from lineage.services.context import Context
from lineage.services.read.recent import Recent
from lineage.store.base import Store

#: Names of values that are kept of it begin so.
KEPT = "join/"
STATE, UNJOINED = KEPT + "state", KEPT + "unjoined/"
#: Whether the store ever held a claim that walks do not follow: ``0`` from its beginning, ``1`` from the
#: first one on. A store that an earlier version began does not say.
WEAK = "weak-claims"
_INVALIDATED = VOCABULARY + "wasInvalidatedBy"
#: Examples that are kept of one name.
MOST = 20
#: What a store was seen to hold: what it holds once, it holds for ever.
_HELD: Recent[tuple[bool, bool]] = Recent(lasts=all)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGaps:
    """How many runs there were when they were last joined (as of ``entry``), and of how many no
    environment and no commit is known, each with the name of one.
    """

    entry: int
    runs: int
    counts: Mapping[str, int]
    examples: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """As it is kept."""
        return orjson.dumps(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnjoinedName:
    """Data that a run names and that is joined with no file."""

    run: str
    title: str
    address: str
    reason: str


def key(name: str) -> str:
    """The name under which what is not joined is kept of files of a name: the last part of a path."""
    base = posixpath.basename(name.replace("\\", "/").rstrip("/")).lower()
    return UNJOINED + hashlib.sha256(base.encode()).hexdigest()[:32]


def read(ctx: Context) -> KnownGaps | None:
    """What was known when runs were last joined; ``None`` where they never were."""
    value = ctx.store.values([STATE]).get(STATE)
    return None if value is None else KnownGaps(**orjson.loads(value))


def begin(store: Store) -> None:
    """Note that a store which holds nothing holds no claim that walks do not follow; one whose graph is
    being drawn holds something.
    """
    with suppress(StoreUnfinished):
        if not store.head().size:
            store.keep({WEAK: b"0"}, {WEAK: None})


def note(store: Store, edges: Iterable[Edge]) -> None:
    """Note, before they are written, that some of these edges are not followed by walks."""
    note_if(store, any_weak(edges))


def any_weak(edges: Iterable[Edge]) -> bool:
    """Whether any of these edges is not followed by walks."""
    return any(map(_is_weak, edges))


def note_if(store: Store, weak: bool) -> None:
    """Note, before they are written, whether there are edges that are not followed by walks."""
    if weak and store.values([WEAK]).get(WEAK) != b"1":
        store.keep({WEAK: b"1"})
    _HELD.forget(store)


def _is_weak(edge: Edge) -> bool:
    relation, attributes = edge.relation, edge.attributes
    if relation not in terms.SAMENESSES and terms.CONFIDENCE not in attributes:
        return False
    is_copy = attributes.get(terms.METHOD) == terms.BY_COPY
    return not is_copy and not terms.follows(relation, attributes)


def may_hold(store: Store) -> tuple[bool, bool]:
    """Whether a store may hold claims that walks do not follow, and whether anything in it may have
    been invalidated. It is asked once a second at most, and where it holds both never again.
    """

    def look() -> tuple[bool, bool]:
        kept = store.values([WEAK, _INVALIDATED])
        weak = kept.get(WEAK)
        return weak != b"0", weak is None or _INVALIDATED in kept

    return _HELD.of(store, look)


def unjoined(ctx: Context, names: Iterable[str]) -> tuple[Sequence[UnjoinedName], int]:
    """What runs name that is called so and is joined with no file: ``MOST`` of each name, and how many
    more there are.
    """
    keys = {key(name) for name in names}
    found: list[UnjoinedName] = []
    more = 0
    for _, value in sorted(ctx.store.values(keys).items()):
        held: dict[str, Any] = orjson.loads(value)
        found += [UnjoinedName(**one) for one in held["runs"]]
        more += held["count"] - len(held["runs"])
    return found, more
