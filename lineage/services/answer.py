# SPDX-License-Identifier: Apache-2.0
"""The one shape of answer: nodes, edges, and a certificate that says whether they are all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any

import orjson

from lineage.model.gaps import Gap
from lineage.model.record import Edge, Node
from lineage.services.as_of import ReadState
from lineage.services.summary import counted
from lineage.store.base import Cut, Subgraph
from lineage.store.rows import EdgeRow, NodeRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Whether an answer is whole, why not, and the ledger it was answered from. ``complete`` says that
    nothing which is recorded was cut off; ``gaps`` what is not recorded, or could not be used.
    """

    complete: bool
    cut: Cut | None
    as_of: int
    root: str
    cursor: str | None = None
    gaps: tuple[Gap, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of docs/reference/answers.md."""
        cut = None if self.cut is None else {"reason": self.cut.reason, "left": self.cut.left}
        return {
            "complete": self.complete,
            "cut": cut,
            "cursor": self.cursor,
            "as_of": self.as_of,
            "root": self.root,
            "gaps": [gap.to_dict() for gap in self.gaps],
        }


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Answer:
    """Nodes and edges by identifier, with what was asked (``start``) and a certificate. Verbs whose
    answers say more have classes of their own.

    Iterating gives the nodes; a notebook shows a table of them. It keeps the rows of the engine:
    nodes and edges are decoded when somebody looks at them, and
    not at all on the way to JSON.
    """

    found: Subgraph
    certificate: Certificate
    start: tuple[str, ...] = ()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, by identifier."""
        return self.found.nodes

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges, in the order of their ends."""
        return self.found.edges

    @property
    def ids(self) -> tuple[str, ...]:
        """The identifiers of the nodes, in order."""
        return tuple(row.id for row in self.found.ordered_nodes)

    @property
    def summary(self) -> str:
        """How much it is and whether that is all, in one line."""
        held = self.certificate
        size = f"{counted(len(self), 'thing')}, {counted(len(self.found.edge_rows), 'link')}"
        if held.cut is None:
            return f"{size}, complete, as of entry {held.as_of}"
        left = f" ({held.cut.left:,} more known)" if held.cut.left else ""
        return f"{size}, cut by {held.cut.reason}{left}, as of entry {held.as_of}"

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.found.node_rows)

    def __repr__(self) -> str:
        return f"<Answer: {self.summary}>"

    def _repr_html_(self) -> str:
        from lineage.services import notebook

        return notebook.table(self.found, self.summary, complete=self.certificate.complete)

    def to_pandas(self) -> Any:
        """The nodes as a ``pandas.DataFrame``: id, kind, label, then a column for each attribute.

        Typed and tagged values are their text, several of a key a list; where a node has no such
        attribute the cell is missing. An attribute that is itself called id, kind or label is in
        ``attributes.id``. Raises ``MissingExtra`` without pandas.
        """
        from lineage.services import notebook

        return notebook.nodes_frame(self.found)

    def edges_to_pandas(self) -> Any:
        """The edges as a ``pandas.DataFrame``: type, effect, cause, then attributes as
        ``to_pandas`` has them. Raises ``MissingExtra`` without pandas.
        """
        from lineage.services import notebook

        return notebook.edges_frame(self.found)

    def to_dict(self) -> dict[str, Any]:
        """The answer as the JSON of every interface (docs/reference/answers.md)."""
        return {
            "nodes": [node.to_dict() for node in self.nodes],
            "edges": [edge.to_dict() for edge in self.edges],
            "certificate": self.certificate.to_dict(),
            **self._more(),
        }

    def to_json(self) -> bytes:
        """The answer as the bytes of its JSON, without decoding what engines keep as JSON."""
        return b"".join(self.json_pieces())

    def json_pieces(self, *, indented: bool = False) -> Iterator[bytes]:
        """The same bytes piece by piece, each of at most some hundred kilobytes but the last; ``indented`` is
        for people, by two spaces.
        """
        held, option = (_read, orjson.OPT_INDENT_2) if indented else (orjson.Fragment, 0)
        found = self.found
        end, colon = (b",\n  ", b": ") if indented else (b",", b":")
        yield b"{" + end[1:] + b'"nodes"' + colon
        yield from _array((_node_json(row, held) for row in found.ordered_nodes), option)
        yield end + b'"edges"' + colon
        yield from _array((_edge_json(row, held) for row in found.ordered_edges), option)
        rest = {"certificate": self.certificate.to_dict(), **self._more()}
        yield b"," + orjson.dumps(rest, option=option)[1:]

    def _more(self) -> dict[str, Any]:
        """What the answers of a verb say besides: their own fields, those left out that say nothing."""
        own = (field.name for field in fields(self) if field.name not in _OF_ALL)
        shown = {name: getattr(self, name) for name in own}
        return {name: _plain(value) for name, value in shown.items() if value is not None}


_OF_ALL = frozenset({"found", "certificate", "start"})


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value.to_dict() if hasattr(value, "to_dict") else value


#: Rows that become JSON at once.
_TOGETHER = 500
#: What attributes become, which are JSON already: that, or read where they are written anew.
_Held = Callable[[str], Any]


def _read(attributes: str) -> Any:
    return orjson.loads(attributes)


def _array(items: Iterator[dict[str, Any]], option: int) -> Iterator[bytes]:
    """The JSON of a list that is a value of an object, in pieces."""
    end = b"\n  ]" if option else b"]"
    begin = b"["
    while some := list(islice(items, _TOGETHER)):
        text = orjson.dumps(some, option=option)
        # No text in JSON has a line break in it: those that are there are of the form.
        yield begin + (text[1:-2].replace(b"\n", b"\n  ") if option else text[1:-1])
        begin = b","
    yield b"[]" if begin == b"[" else end


def _node_json(row: NodeRow, held: _Held) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "label": row.title,
        "attributes": held(row.attributes),
    }


def _edge_json(row: EdgeRow, held: _Held) -> dict[str, Any]:
    shown = {
        "type": row.relation,
        "effect": row.effect,
        "cause": row.cause,
        "attributes": held(row.attributes),
    }
    if row.id is not None:
        shown["id"] = row.id
    if row.bundle is not None:
        shown["bundle"] = row.bundle
    return shown


def certify(
    stand: ReadState, cut: Cut | None, cursor: str | None = None, gaps: Iterable[Gap] = ()
) -> Certificate:
    """Make the certificate of an answer that was read from a state; a cursor says that there is
    more, ``gaps`` what is not known.
    """
    return Certificate(
        complete=cut is None,
        cut=cut,
        cursor=cursor,
        as_of=stand.as_of,
        root=stand.head.root.hex(),
        gaps=tuple(gaps),
    )
