# SPDX-License-Identifier: Apache-2.0
"""What produced this, as people read it: things in groups, and a tree that says each thing once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lineage.model import kinds
from lineage.services.answer import Answer
from lineage.services.context import Context
from lineage.services.things import Links, Thing
from lineage.services.trace import trace

#: Lines of the tree, at most; the things in groups are always all.
LINES = 1_000


def produced(ctx: Context, reference: str, **chosen: Any) -> Answer:
    """What produced this: everything upstream with ``things`` in groups and as a ``tree``.

    Nodes tied by digest are one thing. The tree goes level by level, and each thing is opened
    once. Takes what ``trace`` takes.
    """
    found = trace(ctx, reference, **chosen)
    links = Links(found, "causes")
    start = links.of[found.start[0]]
    extra = {**found.extra, "things": _grouped(links, start), "tree": _tree(links, start)}
    return replace(found, extra=extra)


def _grouped(links: Links, start: Thing) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for thing in dict.fromkeys(links.of.values()):
        if thing is not start:
            groups.setdefault(kinds.group(thing.best.kind), []).append(_shown(thing))
    for shown in groups.values():
        shown.sort(key=lambda item: (item["label"], item["id"]))
    return {name: groups[name] for name in kinds.GROUPS if name in groups}


def _shown(thing: Thing) -> dict[str, Any]:
    best = thing.best
    return {
        "id": best.id,
        "kind": best.kind,
        "label": best.title,
        "digests": digests(thing),
        "also": sorted(node.id for node in thing.nodes if node is not best),
    }


def digests(thing: Thing) -> list[str]:
    """What is known of its bytes: algorithm:hex, each once."""
    known = (node.attributes.get("digest") for node in thing.nodes)
    return sorted({digest for digest in known if isinstance(digest, str)})


def _tree(links: Links, start: Thing) -> list[dict[str, Any]]:
    lines = [_line(start, None, None, 0, repeated=False)]
    seen, level = {start}, [start]
    while level and len(lines) < LINES:
        reached: list[Thing] = []
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


def _below(links: Links, spot: Thing) -> Iterable[tuple[str, Thing]]:
    for (relation, _), edges in links.siblings(spot):
        for edge in edges:
            yield relation, links.far(edge)


def _line(
    thing: Thing, parent: Thing | None, relation: str | None, depth: int, *, repeated: bool
) -> dict[str, Any]:
    return {
        "id": thing.best.id,
        "parent": None if parent is None else parent.best.id,
        "relation": relation,
        "depth": depth,
        "repeated": repeated,
    }
