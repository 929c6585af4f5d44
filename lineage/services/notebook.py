# SPDX-License-Identifier: Apache-2.0
"""Shows answers in notebooks: as a plain HTML table, and as tables of pandas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import import_module
from typing import Any

from lineage.errors import MissingExtra
from lineage.model.record import Node
from lineage.model.value import Attributes, Literal, Ref
from lineage.services.summary import readable, summary_lines
from lineage.store.base import Subgraph

#: Rows of the HTML table, and characters of one cell.
ROWS, CELL = 50, 200
_HEAD = "<tr><th>kind</th><th>label</th><th>told</th></tr>"


def table(found: Subgraph, summary: str, *, complete: bool) -> str:
    """Write the first nodes found and the certificate in words, as HTML without scripts or styles.

    Everything is escaped: labels and attributes are what sources said, whoever they were.
    """
    rows = found.ordered_nodes
    body = "".join(_row(row.node()) for row in rows[:ROWS])
    left = len(rows) - ROWS
    more = f'<tr><td colspan="3">and {left:,} more</td></tr>' if left > 0 else ""
    head = f"<thead>{_HEAD}</thead>" if rows else ""
    words = escape(summary)
    note = words if complete else f"<strong>{words}</strong>"
    return f"<div><table>{head}<tbody>{body}{more}</tbody></table><p>{note}</p></div>"


def _row(node: Node) -> str:
    cells = (node.kind, node.title, ", ".join(summary_lines(node)))
    shown = "".join(f"<td>{_text(cell)}</td>" for cell in cells)
    return f'<tr title="{_text(node.id)}">{shown}</tr>'


def listed(columns: Sequence[str], rows: Iterable[Sequence[Any]], notes: Iterable[str]) -> str:
    """Write rows with their columns, and notes below them, as HTML without scripts or styles."""
    head = "".join(f"<th>{_text(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{_text(_shown(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"<div><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}</div>"


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "label" in value:
        value = value["label"]
    return "" if value is None else str(readable(value))


def frame(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    """Make a ``pandas.DataFrame`` of rows, typed values by their text. Raises ``MissingExtra`` without
    pandas.
    """
    held = [[_plain(cell) for cell in row] for row in rows]
    return _pandas().DataFrame(held, columns=list(columns))


def _plain(value: Any) -> Any:
    return value["$"] if isinstance(value, dict) and "$" in value else value


def _text(value: str) -> str:
    return escape(value if len(value) <= CELL else value[: CELL - 3] + "...")


def nodes_frame(found: Subgraph) -> Any:
    """Make a ``pandas.DataFrame`` of the nodes: id, kind, label, then a column for each attribute."""
    rows = (({"id": n.id, "kind": n.kind, "label": n.title}, n.attributes) for n in found.nodes)
    return _frame(("id", "kind", "label"), rows)


def edges_frame(found: Subgraph) -> Any:
    """Make a ``pandas.DataFrame`` of the edges: type, effect, cause, then a column for each
    attribute.
    """
    rows = (
        ({"type": e.relation, "effect": e.effect, "cause": e.cause}, e.attributes)
        for e in found.edges
    )
    return _frame(("type", "effect", "cause"), rows)


def _frame(first: tuple[str, ...], rows: Iterable[tuple[Mapping[str, Any], Attributes]]) -> Any:
    pandas = _pandas()
    records: list[dict[str, Any]] = []
    named: set[str] = set()
    for own, attributes in rows:
        # An attribute called as one of our columns stands beside it, not in its place.
        held = {
            f"attributes.{key}" if key in own else key: _cell(value)
            for key, value in attributes.items()
        }
        named |= held.keys()
        records.append({**own, **held})
    return pandas.DataFrame.from_records(records, columns=[*first, *sorted(named)])


def _pandas() -> Any:
    try:
        return import_module("pandas")
    except ImportError as error:
        hint = "pip install pandas"
        raise MissingExtra("the pandas package is not installed", hint=hint) from error


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_cell(item) for item in value]
    if isinstance(value, Literal):
        return value.value
    return value.iri if isinstance(value, Ref) else value
