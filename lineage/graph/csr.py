# SPDX-License-Identifier: Apache-2.0
"""Directed graphs of numbered nodes in compressed rows (CSR), for walks over many nodes at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.int32]
Marks: TypeAlias = NDArray[np.uint16]
Flags: TypeAlias = NDArray[np.bool_]

#: Nodes of a level up to which a loop over them costs less than calls over all of them.
_NARROW = 12


class Arcs(NamedTuple):
    """Arcs as columns: from, to, and a mark by which walks choose them."""

    near: Numbers
    far: Numbers
    marks: Marks


def _true(flags: Flags) -> Numbers:
    return np.flatnonzero(flags).astype(np.int32)


def _both(one: Arcs, other: Arcs) -> Arcs:
    return Arcs(
        np.concatenate((one.near, other.near)),
        np.concatenate((one.far, other.far)),
        np.concatenate((one.marks, other.marks)),
    )


class Walked(NamedTuple):
    """The nodes that were reached; where it stopped before the end, why, and how many more are known."""

    seen: Numbers
    cut: Literal["depth", "limit"] | None = None
    left: int = 0


class Bounds(NamedTuple):
    """How far a walk goes: so many levels, and so many nodes; of a level that is more than that, those
    which ``first`` chooses. ``go_on`` is asked before each level.
    """

    depth: int | None
    most: int
    first: Callable[[Numbers, int], Numbers]
    go_on: Callable[[], bool]


class Csr:
    """A graph of which arcs are added, and those of a node replaced, without making it anew. Nodes are
    numbered from 0; ``added`` counts the arcs that came later.
    """

    def __init__(self, arcs: Arcs, nodes: int) -> None:
        order = np.argsort(arcs.near, kind="stable")
        self._far, self._marks = arcs.far[order], arcs.marks[order]
        self._begins = np.zeros(nodes + 1, dtype=np.int64)
        np.cumsum(np.bincount(arcs.near, minlength=nodes), out=self._begins[1:])
        self._later: dict[int, Arcs] = {}
        self._replaced: set[int] = set()
        self._touched: Flags = np.zeros(nodes, dtype=np.bool_)
        self.added: int = 0

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return len(self._touched)

    def __len__(self) -> int:
        return len(self._far) + self.added

    def grow(self, nodes: int) -> None:
        """Make room for more nodes, without arcs."""
        more = nodes - self.nodes
        if more > 0:
            self._begins = np.append(self._begins, np.full(more, self._begins[-1]))
            self._touched = np.append(self._touched, np.zeros(more, dtype=np.bool_))

    def add(self, arcs: Arcs) -> None:
        """Add arcs; one that is there already may be given again."""
        order = np.argsort(arcs.near, kind="stable")
        whole = Arcs(arcs.near[order], arcs.far[order], arcs.marks[order])
        begins = np.flatnonzero(np.diff(whole.near, prepend=-1)).tolist()
        for begin, end in pairwise((*begins, len(order))):
            some = Arcs(whole.near[begin:end], whole.far[begin:end], whole.marks[begin:end])
            near = int(some.near[0])
            held = self._later.get(near)
            self._later[near] = some if held is None else _both(held, some)
            self._touched[near] = True
        self.added += len(arcs.near)

    def replace(self, near: int, arcs: Arcs) -> None:
        """Give a node other arcs than it had."""
        self._later[near] = arcs
        self._replaced.add(near)
        self._touched[near] = True
        self.added += len(arcs.near)

    def walk(self, starts: Numbers, taken: Flags, bounds: Bounds) -> Walked | None:
        """Walk level by level along the arcs whose mark is ``taken``; ``None`` where it is not to go on."""
        seen: Flags = np.zeros(self.nodes, dtype=np.bool_)
        seen[starts] = True
        place = np.empty(self.nodes, dtype=np.int32)
        level = np.flatnonzero(seen).astype(np.int32)
        number, hops = len(level), 0
        while len(level):
            if not bounds.go_on():
                return None
            far = self._next(level, taken)
            fresh = far[~seen[far]]
            # Each once, without sorting them: the last place that a node stands at is its own.
            place[fresh] = np.arange(len(fresh), dtype=np.int32)
            level = fresh[place[fresh] == np.arange(len(fresh), dtype=np.int32)]
            if bounds.depth is not None and hops >= bounds.depth:
                return Walked(_true(seen), "depth" if len(far) else None, len(level))
            if number + len(level) > bounds.most:
                kept = bounds.first(level, max(0, bounds.most - number))
                seen[kept] = True
                return Walked(_true(seen), "limit", len(level) - len(kept))
            seen[level] = True
            number += len(level)
            hops += 1
        return Walked(_true(seen))

    def _next(self, level: Numbers, taken: Flags) -> Numbers:
        """Where the arcs of a level lead to, each as often as it does."""
        if len(level) <= _NARROW:
            return self._joined([self._of(int(near), taken) for near in level])
        touched = self._touched[level]
        base = level[~touched] if touched.any() else level
        begins = self._begins[base]
        sizes = self._begins[base + 1] - begins
        ends = np.cumsum(sizes)
        spots = np.arange(ends[-1] if len(ends) else 0) + np.repeat(begins - (ends - sizes), sizes)
        far = self._far[spots][taken[self._marks[spots]]]
        return self._joined([far, *(self._of(int(near), taken) for near in level[touched])])

    @staticmethod
    def _joined(parts: list[Numbers]) -> Numbers:
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _of(self, near: int, taken: Flags) -> Numbers:
        """Where the arcs of one node lead to."""
        parts = []
        if near not in self._replaced:
            spots = slice(self._begins[near], self._begins[near + 1])
            parts.append(self._far[spots][taken[self._marks[spots]]])
        if (later := self._later.get(near)) is not None:
            parts.append(later.far[taken[later.marks]])
        return self._joined(parts)
