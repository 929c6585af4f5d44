# SPDX-License-Identifier: Apache-2.0
"""Writes lineage as Graphviz DOT, with PROV's conventional shapes and colours."""

from __future__ import annotations

from collections.abc import Iterator

from lineage.formats import picture
from lineage.formats.picture import FILL, LINE, Drawn, Picture, Shape, text
from lineage.model import kinds
from lineage.model.record import Batch

#: Characters of a label.
LONGEST = 60

_OUTLINE = {"Entity": "ellipse", "Activity": "box", "Agent": "house"}


class Dot(Drawn):
    """The DOT format."""

    name = "dot"

    def dumps(self, batch: Batch) -> bytes:
        """Write a graph; the same batch gives the same bytes."""
        return "\n".join((*_lines(Picture(batch)), "")).encode()


def _lines(drawn: Picture) -> Iterator[str]:
    names = {shape.place: f"n{number}" for number, shape in enumerate(drawn.shapes)}
    yield "digraph lineage {"
    yield '  graph [rankdir="BT", charset="UTF-8"];'
    yield '  node [fontname="Helvetica", fontsize="12", style="filled"];'
    yield '  edge [fontname="Helvetica", fontsize="10"];'
    for number, bundle in enumerate(("", *drawn.bundles)):
        indent = "    " if bundle else "  "
        if bundle:
            yield f"  subgraph cluster_{number} {{"
            yield f"    label={_quoted(text(bundle, LONGEST))};"
        for shape in drawn.shapes:
            if shape.place[0] == bundle:
                yield f"{indent}{names[shape.place]} [{_drawn(shape)}];"
        if bundle:
            yield "  }"
    for arrow in drawn.arrows:
        ends = f"{names[arrow.effect]} -> {names[arrow.cause]}"
        yield f"  {ends} [label={_quoted(arrow.relation)}];"
    yield "}"


def _drawn(shape: Shape) -> str:
    label = text(shape.title, LONGEST)
    if shape.kind not in kinds.PLAIN:
        label += f"\n{shape.kind}"
    shown = {
        "label": label,
        "shape": _OUTLINE[shape.family],
        "fillcolor": FILL[shape.family],
        "color": LINE[shape.family],
        "tooltip": text(shape.place[1], picture.LONGEST_TIP),
    }
    if shape.link is not None:
        shown["URL"] = shape.link
    return ", ".join(f"{key}={_quoted(value)}" for key, value in shown.items())


def _quoted(words: str) -> str:
    """A text as DOT writes one; a backslash in it is no command."""
    safe = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{safe}"'


DOT = Dot()
