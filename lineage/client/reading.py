# SPDX-License-Identifier: Apache-2.0
"""What a server answered, as the values that the same verbs give on a store that is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from lineage import errors, ids
from lineage.errors import LineageError, Unauthenticated
from lineage.model.kinds import GROUPS
from lineage.services.answer import Answer, Certificate
from lineage.services.compare import Comparison, Difference
from lineage.services.fairness import Reason
from lineage.services.trace import grouped
from lineage.store.base import Cut, Stats, Subgraph
from lineage.store.rows import EdgeRow, NodeRow

#: JSON of a response.
Object = Mapping[str, Any]

_SECTIONS = ("code", "data", "environment", "parameters", "metrics", "other")
_MORE = ("query", "paths", "groups", "things", "tree", "evidence")
_GROUPED = frozenset({"groups", "things"})
_ERRORS = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, LineageError)
}
#: What to do about some errors, where it is other than what a caller of HTTP does.
HINTS = {Unauthenticated.code: "Set LINEAGE_TOKEN to a token of this server."}


def answer(said: Object) -> Answer:
    """A flat answer, its nodes and edges as rows again."""
    held = certificate(said["certificate"])
    found = Subgraph(
        node_rows=[_node(node) for node in said["nodes"]],
        edge_rows=[_edge(edge) for edge in said["edges"]],
        cut=held.cut,
    )
    more = {name: said[name] for name in _MORE if said.get(name) is not None}
    # GraphQL has every group, null where there is nothing of it.
    extra = {name: _groups(value) if name in _GROUPED else value for name, value in more.items()}
    return Answer(found=found, certificate=held, start=tuple(said["start"]), extra=extra)


def joined(pages: Sequence[Answer]) -> Answer:
    """Pages that follow each other as one answer, with the certificate of the last."""
    last = pages[-1]
    if len(pages) == 1:
        return last
    nodes = [row for page in pages for row in page.found.ordered_nodes]
    edges = [row for page in pages for row in page.found.ordered_edges]
    found = Subgraph(node_rows=nodes, edge_rows=edges, cut=last.found.cut)
    groups = {"groups": grouped(nodes)} if "groups" in last.extra else {}
    return replace(last, found=found, extra={**last.extra, **groups})


def _groups(said: Object) -> dict[str, Any]:
    return {name: said[name] for name in GROUPS if said.get(name) is not None}


def _node(said: Object) -> NodeRow:
    ident, label = said["id"], said["label"]
    # A label that the identifier gives is none that a source gave.
    named = ids.untitled(ident, label)
    return NodeRow(ident, said["kind"], named, _text(said["attributes"]))


def _edge(said: Object) -> EdgeRow:
    return EdgeRow(
        relation=said["type"],
        effect=said["effect"],
        cause=said["cause"],
        attributes=_text(said["attributes"]),
        id=said["id"],
        bundle=said["bundle"],
    )


def _text(attributes: Object) -> str:
    """Attributes as the text that engines keep."""
    return orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS).decode()


def certificate(said: Object) -> Certificate:
    """A certificate, as the server gave it."""
    cut = said["cut"]
    return Certificate(
        complete=said["complete"],
        cut=None if cut is None else Cut(reason=cut["reason"], left=cut["left"]),
        cursor=said["cursor"],
        as_of=said["as_of"],
        root=said["root"],
    )


def comparison(said: Object) -> Comparison:
    """Two runs side by side."""
    return Comparison(
        a=said["a"],
        b=said["b"],
        sections={
            name: tuple(Difference(what=d["what"], a=d["a"], b=d["b"]) for d in said[name])
            for name in _SECTIONS
        },
        fair=said["fair"],
        reasons=tuple(
            Reason(code=r["code"], says=r["says"], certain=r["certain"]) for r in said["reasons"]
        ),
        certificate=certificate(said["certificate"]),
    )


def stats(said: Object) -> Stats:
    """How much there is."""
    return Stats(
        nodes=said["nodes"],
        edges=said["edges"],
        entries=said["entries"],
        root=said["root"],
        kinds=said["kinds"],
    )


def error(said: Object) -> LineageError:
    """The error of ``lineage.errors`` that a server's words stand for; its code decides.

    A code that this version does not know stays in the message.
    """
    code, what = str(said.get("code")), str(said.get("message"))
    where, hint = said.get("where"), HINTS.get(code, said.get("hint"))
    if code not in _ERRORS:
        return LineageError(f"{what} [{code}]", where=where, hint=hint)
    return _ERRORS[code](what, where=where, hint=hint)
