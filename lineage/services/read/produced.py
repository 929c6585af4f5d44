# SPDX-License-Identifier: Apache-2.0
"""Answers what produced something, as people read it: things in groups, and a tree that shows each
once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage.model import kinds
from lineage.services.answer import Answer
from lineage.services.context import Context
from lineage.services.read.equivalents import EquivalenceClass, Links
from lineage.services.read.trace import WalkRequest, walked

#: Lines of the tree, at most; the things in groups are always all.
LINES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ProducedAnswer(Answer):
    """What produced something, in groups and as a tree, in which nodes that are tied by digest are one
    thing.
    """

    groups: Mapping[str, Sequence[str]]
    things: Mapping[str, Sequence[Mapping[str, Any]]]
    tree: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ProducedRequest(WalkRequest[ProducedAnswer], graphql="produced", weight=30):
    """What produced this, in groups and as a tree: nodes tied by digest are one thing, the tree goes
    level by level, and each thing is opened once.
    """

    def answer(self, ctx: Context) -> ProducedAnswer:
        """See ``Request.answer``."""
        found = walked(ctx, self, "causes")
        links = Links(found, "causes")
        start = links.of[found.start[0]]
        return ProducedAnswer(
            found=found.found,
            certificate=found.certificate,
            start=found.start,
            groups=found.groups,
            things=_grouped(links, start),
            tree=_tree(links, start),
        )


def _grouped(links: Links, start: EquivalenceClass) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for thing in dict.fromkeys(links.of.values()):
        if thing is not start:
            groups.setdefault(kinds.group(thing.best.kind), []).append(_shown(thing))
    for shown in groups.values():
        shown.sort(key=lambda item: (item["label"], item["id"]))
    return {name: groups[name] for name in kinds.GROUPS if name in groups}


def _shown(thing: EquivalenceClass) -> dict[str, Any]:
    best = thing.best
    return {
        "id": best.id,
        "kind": best.kind,
        "label": best.title,
        "digests": digests(thing),
        "also": sorted(node.id for node in thing.nodes if node is not best),
    }


def digests(thing: EquivalenceClass) -> list[str]:
    """What is known of its bytes: algorithm:hex, each once."""
    known = (node.attributes.get("digest") for node in thing.nodes)
    return sorted({digest for digest in known if isinstance(digest, str)})


def _tree(links: Links, start: EquivalenceClass) -> list[dict[str, Any]]:
    lines = [_line(start, None, None, 0, repeated=False)]
    seen, level = {start}, [start]
    while level and len(lines) < LINES:
        reached: list[EquivalenceClass] = []
        depth = lines[-1]["depth"] + 1
        for spot in level:
            for relation, thing in _below(links, spot):
                again = thing in seen and links.onward(thing)
                lines.append(_line(thing, spot, relation, depth, repeated=again))
                if thing not in seen:
                    seen.add(thing)
                    reached.append(thing)
        level = reached
    return lines[:LINES]


def _below(links: Links, spot: EquivalenceClass) -> Iterable[tuple[str | None, EquivalenceClass]]:
    for (relation, _), edges in links.siblings(spot):
        for edge in edges:
            yield None if links.inverse(edge) else relation, links.far(edge)


def _line(
    thing: EquivalenceClass,
    parent: EquivalenceClass | None,
    relation: str | None,
    depth: int,
    *,
    repeated: bool,
) -> dict[str, Any]:
    return {
        "id": thing.best.id,
        "parent": None if parent is None else parent.best.id,
        "relation": relation,
        "depth": depth,
        "repeated": repeated,
    }
