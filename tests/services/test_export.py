# SPDX-License-Identifier: Apache-2.0
"""What leaves a store as a document is what is in it, and comes back the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import sha256

import pyoxigraph
import pytest
from hypothesis import given, settings

import lineage
from lineage import formats
from lineage.errors import NotFound, UnknownFormat
from lineage.model.record import Batch, Edge, Node, line
from tests.conftest import KEY, clock
from tests.formats.documents import EVERYTHING
from tests.formats.test_every_format import READ, whole
from tests.strategies import batches

#: Everything that PROV-DM has; a store takes no identifier with a space in it.
STORY = replace(EVERYTHING, nodes=tuple(n for n in EVERYTHING.nodes if " " not in n.id))
#: What another source says of the same things.
MORE = Batch(
    nodes=(
        Node(id="urn:v", kind="Entity", label="another label"),
        Node(id="urn:later", kind="Entity"),
    ),
    edges=(Edge(relation="used", effect="urn:x:1", cause="urn:later"),),
)
ALL = replace(STORY, nodes=STORY.nodes + MORE.nodes, edges=STORY.edges + MORE.edges)
ENGINES = ("memory", "sqlite", "neo4j-2026.09.0")


def statements(*batches):
    """Every statement once, however many sources make it."""
    return {line(record) for batch in batches for record in batch.records}


def exported(store, selection=None, **chosen):
    return formats.named("nquads").loads(
        store.export(selection, format="nquads", **chosen).data, "ours"
    )


def again(name, data):
    """The statements of an empty store that a document was imported into."""
    with lineage.open("memory:", clock=clock, person_key=KEY) as store:
        suffix = formats.BUILTIN[name].suffixes[0]
        importer = "rocrate" if name == "rocrate" else "document"
        (report,) = store.load(f"theirs{suffix}", data=data, named=importer)
        assert report.losses == ()
        return Counter(map(line, exported(store).records))


@pytest.mark.parametrize("engine", ENGINES)
def test_everything_comes_back_the_same_through_every_format_that_reads(engine, address):
    with lineage.open(address, clock=clock, person_key=KEY, durability="fast") as store:
        store.ingest(STORY, source="one")
        store.ingest(MORE, source="two")
        assert statements(exported(store)) == statements(ALL)
        for name in READ:
            document = store.export(format=name)
            assert again(name, document.data) == Counter(statements(whole(name, ALL))), name
            things, relations = {n.id for n in ALL.nodes}, set(map(line, ALL.edges))
            assert (document.format, document.nodes) == (name, len(things))
            assert document.edges == len(relations)
            held = document.certificate
            assert (held.complete, held.as_of, held.root) == (True, 2, store.stats().root)


@settings(max_examples=40)
@given(batch=batches)
def test_any_batch_that_a_store_takes_comes_back_the_same(batch):
    with lineage.open("memory:", clock=clock, person_key=KEY) as store:
        store.ingest(batch)
        for name in ("json", "provn", "xml", "trig", "jsonld"):
            assert again(name, store.export(format=name).data) == Counter(statements(batch))


def test_two_stores_filled_from_one_export_have_one_root():
    roots = set()
    for _ in range(2):
        with lineage.open("memory:", clock=clock, person_key=KEY) as store:
            store.ingest(STORY)
            data = store.export(format="json").data
            with lineage.open("memory:", clock=clock, person_key=KEY, actor="a") as other:
                other.load("ours.json", data=data)
                roots.add(other.stats().root)
    assert len(roots) == 1


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_as_of_an_earlier_entry_later_statements_are_not_in_it(engine, address):
    with lineage.open(address, clock=clock, person_key=KEY) as store:
        store.ingest(STORY, source="one")
        store.ingest(MORE, source="two")
        assert statements(exported(store, at=1)) == statements(STORY)
        assert statements(exported(store, at=0)) == set()
        assert store.export(at=1).certificate.as_of == 1


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_what_a_source_took_back_does_not_leave(engine, address, tmp_path):
    file = tmp_path / "doc.json"
    with lineage.open(address, clock=clock, person_key=KEY) as store:
        for batch in (STORY, MORE):
            file.write_bytes(formats.named("json").dumps(batch))
            store.load(file)
        assert statements(exported(store)) == statements(MORE)
        assert statements(exported(store, at=1)) == statements(STORY)


def test_a_selection_leaves_with_its_relations_and_nothing_else():
    def edge(relation, effect, cause):
        return Edge(relation=relation, effect=f"urn:{effect}", cause=f"urn:{cause}")

    story = Batch(
        nodes=(Node(id="urn:m", kind="ModelVersion", label="m"), Node(id="urn:o", kind="Entity")),
        edges=(
            edge("wasGeneratedBy", "m", "r"),
            edge("used", "r", "d"),
            edge("wasDerivedFrom", "o", "m"),
            edge("wasAssociatedWith", "r", "ana"),
        ),
    )
    with lineage.open("memory:") as store:
        store.ingest(story)
        upstream = exported(store, '+"urn:m"')
        assert {edge.effect for edge in upstream.edges} == {"urn:m", "urn:r"}
        assert {edge.cause for edge in upstream.edges} == {"urn:r", "urn:d", "urn:ana"}
        assert exported(store, '1+"urn:m"').edges == story.edges[:1]
        assert [node.id for node in exported(store, "kind:modelversion").nodes] == ["urn:m"]
        with pytest.raises(NotFound):
            store.export('"urn:nothing"')
        assert len(exported(store, "kind:commit")) == 0


def test_what_a_format_cannot_hold_is_said():
    with lineage.open("memory:") as store:
        store.ingest(STORY)
        for name, what in (("turtle", "bundle"), ("dot", None), ("jsonld", "mentionOf")):
            losses = {loss.what: loss for loss in store.export(format=name).losses}
            assert all(loss.number and loss.reason for loss in losses.values())
            assert what in losses or (what is None and losses), (name, losses)
        for name in ("json", "provn", "xml", "trig", "nquads"):
            assert store.export(format=name).losses == ()
        assert store.export(format="turtle").to_dict()["losses"][0]["count"] == 2


def test_an_unknown_format_names_those_there_are():
    with lineage.open("memory:") as store, pytest.raises(UnknownFormat) as refused:
        store.export(format="word")
    assert all(name in refused.value.hint for name in formats.BUILTIN)


def canonical(data, syntax):
    """RDFC-1.0 over the document itself, without any code of ours."""
    dataset = pyoxigraph.Dataset(pyoxigraph.parse(data, syntax, lenient=True))
    dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    shown = pyoxigraph.serialize(dataset, format=pyoxigraph.RdfFormat.N_QUADS)
    return sha256(b"".join(sorted(shown.splitlines(keepends=True)))).hexdigest()


def test_the_canonical_hash_is_that_of_the_document_in_whatever_syntax():
    syntaxes = {
        "turtle": pyoxigraph.RdfFormat.TURTLE,
        "trig": pyoxigraph.RdfFormat.TRIG,
        "nt": pyoxigraph.RdfFormat.N_TRIPLES,
        "nquads": pyoxigraph.RdfFormat.N_QUADS,
        "rdfxml": pyoxigraph.RdfFormat.RDF_XML,
    }
    hashes = {}
    for part, batch in (("bundles", STORY), ("none", MORE), ("more", replace(MORE, edges=()))):
        with lineage.open("memory:") as store:
            store.ingest(batch)
            for name, syntax in syntaxes.items():
                document = store.export(format=name, canonical=True)
                hashes[part, name] = document.canonical
                if name != "rdfxml":  # it has no way to write some characters of ours
                    assert document.canonical == canonical(document.data, syntax), (part, name)
                assert store.export(format=name).canonical is None
            with pytest.raises(UnknownFormat, match="json has no canonical form"):
                store.export(format="json", canonical=True)
    assert len({hashes["none", name] for name in syntaxes}) == 1
    assert hashes["none", "trig"] != hashes["more", "trig"]
    assert hashes["bundles", "trig"] == hashes["bundles", "nquads"] != hashes["bundles", "turtle"]


SHAPE = """
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix prov: <http://www.w3.org/ns/prov#> .
<urn:shape> a sh:NodeShape ; sh:targetClass <urn:lineage:term:Run> ;
    sh:property [ sh:path prov:used ; sh:minCount 1 ; sh:message "used nothing" ] .
"""


@pytest.mark.filterwarnings("ignore:Dataset")  # pyshacl itself uses what it deprecates
def test_shapes_look_at_what_is_selected_within_the_whole_store(tmp_path):
    (tmp_path / "shape.ttl").write_text(SHAPE)
    shapes = [str(tmp_path / "shape.ttl")]
    runs = tuple(Node(id=f"urn:run:{n}", kind="Run", label=f"run {n}") for n in range(2))
    used = Edge(relation="used", effect="urn:run:1", cause="urn:data")
    with lineage.open("memory:", clock=clock, person_key=KEY) as store:
        store.ingest(Batch(nodes=runs, edges=(used,)), source="one")
        for selection, expected in {
            None: ["urn:run:0"],
            "kind:run": ["urn:run:0"],
            'run:"run 0"': ["urn:run:0"],
            'run:"run 1"': [],
        }.items():
            found = store.validate(selection, shapes=shapes).findings
            assert [f.subject for f in found if f.code == "shacl"] == expected, selection
