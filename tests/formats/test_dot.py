# SPDX-License-Identifier: Apache-2.0
"""Pictures: PROV's shapes, everything told drawn once, nothing in a text that does harm."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from lineage.errors import BadInput
from lineage.formats import named, sniff
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Ref
from tests.strategies import batches

SVG = "{http://www.w3.org/2000/svg}"
SHAPES = {"ellipse", "rect", "polygon"}
TRAINING = Batch(
    nodes=(
        Node(id="urn:run", kind="Run", label="train", attributes={"status": "finished"}),
        Node(id="https://example.org/ana", kind="Person", label="Ana"),
        Node(id="urn:model", kind="Entity", bundle="urn:bundle"),
    ),
    edges=(
        Edge(relation="wasGeneratedBy", effect="urn:model", cause="urn:run", bundle="urn:bundle"),
        Edge(relation="used", effect="urn:run", cause="urn:data", attributes={"prov:role": "x"}),
        Edge(
            relation="wasAssociatedWith",
            effect="urn:run",
            cause="https://example.org/ana",
            attributes={"prov:plan": Ref("urn:plan")},
        ),
    ),
)
OWN_WORDS = {
    *("digraph", "lineage", "graph", "node", "edge", "subgraph", "cluster_", "n", "S"),
    *("rankdir", "charset", "fontname", "fontsize", "style", "label", "shape", "fillcolor"),
    *("color", "tooltip", "URL"),
}
NASTY = (
    '"];evil[label="',
    "a\\N\\G\\",
    "<script>alert(1)</script>",
    "]]>&amp;<!--",
    "line\nbreak\x00\x1b[31m",
    "\u202egnp.exe",
    "\ud800",
    "x" * 10_000,
    "' onload='x",
)


def told(batch):
    """Where something stands for a thing, and the different relations between."""
    described = {(node.bundle, node.id) for node in batch.nodes}

    def place(edge, end):
        inside = (edge.bundle, end)
        return (None, end) if inside not in described and (None, end) in described else inside

    arrows = {(place(e, e.effect), place(e, e.cause), e.relation) for e in batch.edges}
    return described | {end for arrow in arrows for end in arrow[:2]}, arrows


@settings(max_examples=100)
@given(batches)
def test_everything_told_is_drawn_once_in_the_same_bytes_whatever_the_order(batch):
    shuffled = Batch(nodes=batch.nodes[::-1], edges=batch.edges[::-1])
    places, arrows = told(batch)
    dot, svg = named("dot").dumps(batch), named("svg").dumps(batch)
    assert named("dot").dumps(shuffled) == dot
    assert named("svg").dumps(shuffled) == svg
    assert len(re.findall(rb"^ +n\d+ \[", dot, re.MULTILINE)) == len(places)
    assert len(re.findall(rb"^ +n\d+ -> n\d+ \[", dot, re.MULTILINE)) == len(arrows)
    root = ElementTree.fromstring(svg)
    assert len(root.findall(f".//{SVG}title")) == len(places)
    assert len(root.findall(f"{SVG}path")) == len(arrows)


def test_dot_has_the_shapes_and_colours_of_prov_and_a_frame_for_every_bundle():
    text = named("dot").dumps(TRAINING).decode()
    assert '[label="train\\nRun", shape="box", fillcolor="#9FB1FC"' in text
    assert 'label="Ana\\nPerson", shape="house", fillcolor="#FED37F"' in text
    assert 'URL="https://example.org/ana"' in text
    assert re.search(r'label="urn:bundle";\n +n\d+ \[label="model", shape="ellipse"', text)
    assert re.search(r'n\d+ -> n\d+ \[label="wasGeneratedBy"\];', text)


def test_svg_stands_causes_above_effects():
    chain = Batch(
        edges=tuple(
            Edge(relation="wasDerivedFrom", effect=f"urn:{i + 1}", cause=f"urn:{i}")
            for i in range(5)
        )
    )
    root = ElementTree.fromstring(named("svg").dumps(chain))
    heights = {
        group.find(f"{SVG}title").text: float(group.find(f"{SVG}ellipse").get("cy"))
        for group in root.findall(f"{SVG}g")
    }
    assert sorted(heights, key=heights.get) == [f"urn:{i}" for i in range(6)]


def test_no_two_shapes_of_an_svg_lie_on_each_other():
    wide = Batch(
        nodes=tuple(Node(id=f"urn:alone:{i}", kind="Agent") for i in range(20)),
        edges=tuple(
            Edge(relation="wasDerivedFrom", effect=f"urn:{i}", cause=f"urn:{j}", bundle=bundle)
            for i in range(12)
            for j in (i // 2, (i * 7) % 12)
            for bundle in (None, "urn:bundle")
        ),
    )
    texts = ElementTree.fromstring(named("svg").dumps(wide)).iter(f"{SVG}g")
    spots = {
        (shape.get("cx") or shape.get("points"), shape.get("cy"))
        for group in texts
        for shape in group
        if shape.tag.removeprefix(SVG) in SHAPES
    }
    assert len(spots) == 20 + 24


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_no_text_does_anything_but_be_read(nasty):
    batch = Batch(
        nodes=(
            Node(id="javascript:alert(1)", kind="Entity", label=nasty, bundle=nasty),
            Node(id=f"https://example.org/{nasty}", kind="Run", label=nasty),
            Node(id=nasty, kind="Person"),
        )
    )
    root = ElementTree.fromstring(named("svg").dumps(batch))
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= SHAPES | {"svg", "defs", "marker", "path", "g", "a", "title", "text"}
    for element in root.iter():
        assert not [key for key in element.attrib if key.startswith("on")]
        assert (element.get("href") or "https://example.org/").startswith("https://example.org/")
        assert len(element.text or "") <= 300
    # Taken away what DOT quotes, its own words are left: no statement was smuggled in.
    text = named("dot").dumps(batch).decode()
    bare = re.sub(r'"(?:[^"\\]|\\["\\n])*"', "S", text)
    assert '"' not in bare
    assert "\\" not in bare
    assert set(re.findall(r"[A-Za-z_]+", bare)) <= OWN_WORDS
    assert max(map(len, text.splitlines())) < 3_000


@pytest.mark.parametrize("name", ["dot", "svg"])
def test_a_picture_says_what_it_does_not_show_and_cannot_be_read_back(name):
    picture = named(name)
    lost = {loss.what: loss.number for loss in picture.losses(TRAINING)}
    assert lost == {"attributes": 1, "attributes of relations": 2}
    data = picture.dumps(TRAINING)
    assert sniff(data) is None
    with pytest.raises(BadInput, match="cannot be read back"):
        picture.loads(data)


@pytest.mark.parametrize("name", ["dot", "svg"])
def test_a_circle_and_an_empty_batch_are_drawn(name):
    circle = Batch(
        edges=tuple(
            Edge(relation="wasInfluencedBy", effect=f"urn:{i}", cause=f"urn:{(i + 1) % 3}")
            for i in range(3)
        )
        + (Edge(relation="wasInfluencedBy", effect="urn:0", cause="urn:0"),)
    )
    assert named(name).dumps(circle).count(b"wasInfluencedBy") == 4
    assert named(name).dumps(Batch())
