# SPDX-License-Identifier: Apache-2.0
"""Writes lineage as SVG, laid out in layers so that every machine writes the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from lineage.formats import picture
from lineage.formats.picture import FILL, LINE, Drawn, Picture, Place, Shape, text
from lineage.graph.layers import from_middle, layered
from lineage.model import kinds
from lineage.model.record import Batch

#: Sizes in pixels.
WIDTH, HEIGHT = 190, 46
_GAP_ACROSS, _GAP_DOWN, _MARGIN, _TITLE = 30, 70, 20, 24
#: Characters of a label, and of a bundle's name.
LONGEST, LONGEST_BUNDLE = 26, 80


class Spot(NamedTuple):
    """The middle of a shape."""

    x: float
    y: float


class Svg(Drawn):
    """The SVG format."""

    name = "svg"

    def dumps(self, batch: Batch) -> bytes:
        """Write a picture: causes above their effects, every bundle in a frame of its own."""
        return "\n".join((*_lines(Picture(batch)), "")).encode()


def _lines(drawn: Picture) -> Iterator[str]:
    spots: dict[Place, Spot] = {}
    frames: list[tuple[str, float, float, float]] = []
    top, widest = float(_MARGIN), 0.0
    for bundle in ("", *drawn.bundles):
        places = [shape.place for shape in drawn.shapes if shape.place[0] == bundle]
        if bundle:
            top += _TITLE
        layers = layered(places, [(arrow.effect, arrow.cause) for arrow in drawn.arrows])
        width, height = _spread(layers, top, spots)
        if bundle:
            frames.append((bundle, top - _TITLE, width, height + _TITLE))
        widest = max(widest, width)
        top += height + _MARGIN
    size = f'width="{widest + 2 * _MARGIN:g}" height="{top:g}"'
    box = f'viewBox="0 0 {widest + 2 * _MARGIN:g} {top:g}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} font-family="sans-serif">'
    yield (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>'
    )
    for bundle, y, width, height in frames:
        yield (
            f'<rect x="{_MARGIN / 2:g}" y="{y:g}" width="{width + _MARGIN:g}" height="{height:g}" '
            'fill="none" stroke="#999" stroke-dasharray="4"/>'
        )
        yield _words(_MARGIN, y + 16, text(bundle, LONGEST_BUNDLE), 12, "start")
    for arrow in drawn.arrows:
        yield _arrow(spots[arrow.effect], spots[arrow.cause], arrow.relation)
    for shape in drawn.shapes:
        yield _shape(shape, spots[shape.place])
    yield "</svg>"


# --- layout ---


def _spread(
    layers: Sequence[Sequence[Place]], top: float, spots: dict[Place, Spot]
) -> tuple[float, float]:
    """Give every place its spot; the width and height that they take."""
    if not layers:
        return 0.0, 0.0
    most = max(map(len, layers))
    width = most * WIDTH + (most - 1) * _GAP_ACROSS
    for number, layer in enumerate(layers):
        for index, place in enumerate(layer):
            x = _MARGIN + width / 2 + from_middle(index, layer) * (WIDTH + _GAP_ACROSS)
            spots[place] = Spot(x, top + number * (HEIGHT + _GAP_DOWN) + HEIGHT / 2)
    return float(width), float(len(layers) * (HEIGHT + _GAP_DOWN) - _GAP_DOWN + _MARGIN)


# --- drawing ---


def _shape(shape: Shape, spot: Spot) -> str:
    x, y = spot.x - WIDTH / 2, spot.y - HEIGHT / 2
    paint = f'fill="{FILL[shape.family]}" stroke="{LINE[shape.family]}"'
    if shape.family == "Entity":
        outline = f'<ellipse cx="{spot.x:g}" cy="{spot.y:g}" rx="{WIDTH / 2:g}" ry="{HEIGHT / 2:g}"'
    elif shape.family == "Activity":
        outline = f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}"'
    else:
        roof = f"{x:g},{y + 14:g} {spot.x:g},{y - 6:g} {x + WIDTH:g},{y + 14:g}"
        floor = f"{x + WIDTH:g},{y + HEIGHT:g} {x:g},{y + HEIGHT:g}"
        outline = f'<polygon points="{roof} {floor}"'
    tip = escape(text(shape.place[1], picture.LONGEST_TIP))
    named = shape.kind not in kinds.PLAIN
    body = f"<title>{tip}</title>{outline} {paint}/>"
    body += _words(spot.x, spot.y + (0 if named else 5), text(shape.title, LONGEST), 12)
    if named:
        body += _words(spot.x, spot.y + 15, shape.kind, 10)
    if shape.link is not None:
        return f"<a href={quoteattr(shape.link)}>{body}</a>"
    return f"<g>{body}</g>"


def _arrow(effect: Spot, cause: Spot, relation: str) -> str:
    """A line from the edge of one shape to the edge of the other, with its name in the middle."""
    if effect == cause:
        x, y = effect.x + WIDTH / 2, effect.y
        way = f"M{x:g} {y - 8:g}C{x + 24:g} {y - 24:g} {x + 24:g} {y + 24:g} {x:g} {y + 8:g}"
        label = _words(x + 4, y - 16, relation, 9, halo=True)
    else:
        start, end = _edge(effect, cause), _edge(cause, effect)
        way = f"M{start.x:g} {start.y:g}L{end.x:g} {end.y:g}"
        label = _words((start.x + end.x) / 2, (start.y + end.y) / 2, relation, 9, halo=True)
    return f'<path d="{way}" fill="none" stroke="#555" marker-end="url(#head)"/>{label}'


def _edge(one: Spot, other: Spot) -> Spot:
    """Where the line from the middle of one shape to another leaves its box."""
    dx, dy = other.x - one.x, other.y - one.y
    across = WIDTH / 2 / abs(dx) if dx else float("inf")
    down = HEIGHT / 2 / abs(dy) if dy else float("inf")
    part = min(across, down, 1.0)
    return Spot(one.x + dx * part, one.y + dy * part)


def _words(
    x: float, y: float, words: str, size: int, anchor: str = "middle", *, halo: bool = False
) -> str:
    place = f'x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}"'
    if halo:
        place += ' paint-order="stroke" stroke="#fff" stroke-width="3"'
    return f"<text {place}>{escape(words)}</text>"


SVG = Svg()
