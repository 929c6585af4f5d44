# SPDX-License-Identifier: Apache-2.0
"""What every format of PROV promises: what goes in comes out, same batch same bytes, one clear error."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage import formats
from lineage.errors import BadInput, LineageError, MissingExtra, UnknownFormat
from lineage.model import constraints, dictionary, kinds, namespaces, terms
from lineage.model.dictionary import Pair
from lineage.model.record import Batch, Edge, Node, line
from lineage.model.value import Literal, Ref, clean
from tests.formats.documents import EVERYTHING, HOSTILE
from tests.strategies import RELATIONS, batches, scalars

WRITE_ONLY = {"dot", "svg"}
READ = [name for name in formats.BUILTIN if name not in WRITE_ONLY]
#: Formats that have no named graphs.
FLAT = {"turtle", "nt", "rdfxml"}
#: Mutants in make test, and in make test-all.
MUTANTS = (1_000, 10_000)


def test_a_file_is_of_the_format_that_its_name_ends_like():
    for name, row in formats.BUILTIN.items():
        assert formats.named(name).name == name
        for suffix in row.suffixes:
            assert formats.for_file(f"all.of.it{suffix.upper()}").name == name
    assert formats.for_file("notes.txt") is None
    kinds_of_media = [kind for row in formats.BUILTIN.values() for kind in row.media_types]
    assert len(kinds_of_media) == len(set(kinds_of_media))


def test_a_document_of_a_format_that_is_not_installed_is_told_what_to_install(monkeypatch):
    absent = formats.BUILTIN["turtle"]._replace(module="absent_package")
    monkeypatch.setitem(formats.BUILTIN, "turtle", absent)
    with pytest.raises(MissingExtra, match="turtle needs the package absent_package") as caught:
        formats.recognised(b"neither one", "theirs.ttl")
    assert caught.value.hint == 'pip install "lineagedb[rdf]"'
    with pytest.raises(UnknownFormat) as unknown:
        formats.recognised(b"neither one", "stdin")
    assert unknown.value.hint.endswith('Not installed: turtle; pip install "lineagedb[rdf]"')


def records(batch):
    return Counter(map(line, batch.records))


def whole(name, batch):
    """The batch as a format can hold it: those without named graphs have no bundles."""
    if name not in FLAT:
        return batch
    return replace(
        batch,
        nodes=tuple(replace(node, bundle=None) for node in batch.nodes),
        edges=tuple(replace(edge, bundle=None) for edge in batch.edges),
        bundles={},
    )


@pytest.mark.parametrize("name", READ)
@settings(max_examples=100)
@given(batch=batches)
def test_what_is_written_reads_back_the_same_and_writes_the_same_bytes(name, batch):
    kind, batch = formats.named(name), whole(name, batch)
    data = kind.dumps(batch)
    back = kind.loads(data)
    assert records(back) == records(batch)
    assert kind.dumps(replace(back, base=None)) == data


@pytest.mark.parametrize("name", READ)
@settings(max_examples=25)
@given(batch=batches, random=st.randoms(use_true_random=False))
def test_the_order_of_records_changes_no_byte(name, batch, random):
    nodes, edges = list(batch.nodes), list(batch.edges)
    random.shuffle(nodes)
    random.shuffle(edges)
    kind = formats.named(name)
    shuffled = replace(batch, nodes=tuple(nodes), edges=tuple(edges))
    assert kind.dumps(shuffled) == kind.dumps(batch)


@pytest.mark.parametrize("name", READ)
def test_all_of_prov_dm_survives(name):
    kind = formats.named(name)
    back = kind.loads(kind.dumps(whole(name, EVERYTHING)))
    assert records(back) == records(whole(name, EVERYTHING))


@st.composite
def oddly_called(draw):
    """A relation with an attribute called like a place of it, whatever it holds."""
    relation = terms.RELATIONS[draw(st.sampled_from(RELATIONS))]
    places = [relation.effect_key, relation.cause_key, *(a.key for a in relation.arguments)]
    values = draw(st.one_of(scalars, st.lists(scalars, min_size=1, max_size=3)))
    attributes = clean({draw(st.sampled_from(places)): values})
    ends = {"effect": "urn:test:a", "cause": "urn:test:b"}
    return Batch(edges=(Edge(relation=relation.name, attributes=attributes, **ends),))


@pytest.mark.parametrize("name", READ)
@settings(max_examples=150)
@given(batch=oddly_called())
def test_an_attribute_that_is_called_like_a_place_of_its_relation_survives(name, batch):
    kind = formats.named(name)
    assert records(kind.loads(kind.dumps(batch))) == records(batch)


VALUE = "http://www.w3.org/ns/prov#value"
ODD_NAMES = {
    "a space": (f'<http://e/a b> <{VALUE}> "x" .', "http://e/a b"),
    "an escaped space": (f'<http://e/a\\u0020b> <{VALUE}> "x" .', "http://e/a b"),
    "a quote": (f"<http://e/a\\u0022b> <{VALUE}> <http://e/c> .", 'http://e/a"b'),
    "what looks like a statement": (
        "<http://e/a\\u003E\\u0020<http://www.w3.org/ns/prov#used> <http://x> <http://y> .",
        "http://e/a> <http://www.w3.org/ns/prov#used",
    ),
}


@pytest.mark.parametrize("text", ODD_NAMES)
def test_a_name_holds_whatever_it_holds_and_says_nothing_else(text):
    document, ident = ODD_NAMES[text]
    batch = formats.named("nquads").loads(document.encode())
    (node,) = batch.nodes
    assert node.id == ident
    assert not batch.edges
    for name in READ:
        kind = formats.named(name)
        assert records(kind.loads(kind.dumps(batch))) == records(batch), name


PREFIXES = {
    "PROV under another name": ({"p": namespaces.PROV}, "urn:x"),
    "ours under another name": ({"l": namespaces.LINEAGE}, "urn:x"),
    "another's under the name of ours": ({"lineage": "http://e/"}, "http://e/x"),
    "the name of blank nodes": ({"_": "http://e/"}, "http://e/x"),
    "a name with a colon": ({"a:b": "http://e/"}, "http://e/x"),
    "another XML Schema": ({"xsd": "https://www.w3.org/2001/XMLSchema#"}, "urn:x"),
    "XML's own": ({"xml": "http://e/"}, "http://e/x"),
    "a tag in the default namespace": ({"default": "http://e/"}, "http://e/@x"),
    "a comment in the default namespace": ({"default": "http://e/"}, "http://e///x"),
    "XML's own namespace": ({}, "http://www.w3.org/2000/xmlns/x"),
}


@pytest.mark.parametrize("case", PREFIXES)
@pytest.mark.parametrize("name", READ)
def test_what_a_document_calls_its_namespaces_changes_nothing(name, case):
    prefixes, ident = PREFIXES[case]
    values = {"size": 3, "n": 2**60, "http://f/100": 1, "http://f/\u00b5m": 2, "http://f/\u540d": 3}
    node = Node(id=ident, kind="Entity", attributes=values)
    kind = formats.named(name)
    batch = Batch(nodes=(node,), prefixes=prefixes)
    assert records(kind.loads(kind.dumps(batch))) == records(batch)


@pytest.mark.parametrize("name", READ)
def test_the_order_of_bundles_changes_no_byte(name):
    nodes = tuple(Node(id="urn:a", kind="Entity", bundle=f"urn:b{n}") for n in range(3))
    kind = formats.named(name)
    assert kind.dumps(Batch(nodes=nodes)) == kind.dumps(Batch(nodes=nodes[::-1]))


def test_a_shortcut_of_a_time_is_read_once_however_often_it_is_written():
    document = b"""@prefix prov: <http://www.w3.org/ns/prov#> .
        @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
        <urn:a> a prov:Entity ; prov:generatedAtTime "2026-01-01T00:00:00Z"^^xsd:dateTime ."""
    kind = formats.named("trig")
    batch = kind.loads(document)
    assert len(batch.edges) == 1
    for _ in range(2):
        batch = kind.loads(kind.dumps(batch))
        assert len(batch.edges) == 1


@pytest.mark.parametrize(
    "piece", [b" ", b"\n", b"/**/", b"//\n", b"#\n", b"prefix \n", b"<http://a> ", b"@prefix a: "]
)
def test_what_looks_like_a_beginning_for_long_is_looked_at_once(piece):
    assert formats.sniff(piece * (1 << 20) + b"x") in (None, formats.named("nquads"))


members = st.one_of(
    scalars.map(lambda value: clean({"key": value})["key"]),
    st.builds(Pair, st.sampled_from(["k", 3, 2.5, Ref("urn:test:q")]), st.just("urn:test:a")),
    # RDF and XML may leave one out.
    st.just(Pair("k", None)),
    st.just(Pair(None, "urn:test:a")),
)


@pytest.mark.parametrize("name", READ)
@settings(max_examples=50)
@given(found=st.lists(members, min_size=1, max_size=4, unique_by=repr))
def test_the_sets_of_dictionaries_survive(name, found):
    removed = [member for member in found if not isinstance(member, Pair)]
    inserted = [member for member in found if isinstance(member, Pair)]
    ends = {"effect": "urn:test:after", "cause": "urn:test:before"}
    sets = {
        "derivedByInsertionFrom": ("prov:key-entity-set", inserted),
        "derivedByRemovalFrom": ("prov:key-set", removed),
    }
    batch = Batch(
        edges=tuple(
            Edge(relation=relation, attributes={key: dictionary.written(of)}, **ends)
            for relation, (key, of) in sets.items()
            if of
        )
    )
    kind = formats.named(name)
    assert records(kind.loads(kind.dumps(batch))) == records(batch)


NO_SETS = (
    "no JSON",
    "3",
    '{"a": 1}',
    '[{"key": null}]',
    '[{"key": "a", "$": 3}]',
    '[{"key": {"$": 1}}]',
    '[{"key": {"$": "x", "type": 3}}]',
    '[[["a"]]]',
    '[{"$": "urn:a", "other": "b"}]',
)


@pytest.mark.parametrize("text", NO_SETS)
@pytest.mark.parametrize("name", READ)
def test_what_only_looks_like_the_set_of_a_dictionary_is_refused(name, text):
    kind = formats.named(name)
    value = Literal(text, dictionary.DATATYPE)
    ends = {"effect": "urn:test:after", "cause": "urn:test:before"}
    edge = Edge(relation="derivedByRemovalFrom", attributes={"prov:key-set": value}, **ends)
    with pytest.raises(BadInput, match="no set of keys"):
        kind.loads(kind.dumps(Batch(edges=(edge,))))


def test_a_document_cannot_bring_what_only_looks_like_the_set_of_a_dictionary():
    for text in NO_SETS:
        typed = {"$": text, "type": "lineage:json"}
        document = {
            "prefix": {"lineage": namespaces.LINEAGE},
            "derivedByRemovalFrom": {"_:r": {"prov:key-set": typed}},
        }
        with pytest.raises(BadInput, match=r"no set of keys.*\(derivedByRemovalFrom"):
            formats.named("json").loads(orjson.dumps(document))


@pytest.mark.parametrize("name", READ)
def test_what_a_format_cannot_hold_is_said(name):
    kind = formats.named(name)
    lost = {loss.what for loss in kind.losses(EVERYTHING)}
    assert ("bundle" in lost) == (name in FLAT)


@pytest.mark.parametrize("name", READ)
def test_a_format_knows_its_own_documents(name):
    data = formats.named(name).dumps(EVERYTHING)
    found = formats.sniff(data)
    assert found is not None
    # Turtle is TriG without graphs, and N-Triples N-Quads: the wider one reads both.
    wider = {"turtle": "trig", "nt": "nquads"}
    assert found.name == wider.get(name, name)


@pytest.mark.filterwarnings("ignore:Dataset")  # rdflib itself uses what it deprecates
def test_rdflib_holds_every_statement_that_is_written():
    written = set(formats.named("nquads").dumps(EVERYTHING).splitlines())
    assert len(list(formats.to_rdflib(EVERYTHING).quads())) == len(written)


@pytest.mark.filterwarnings("ignore:Dataset")  # rdflib itself uses what it deprecates
@settings(max_examples=50)
@given(batch=batches)
def test_whoever_asks_for_a_family_finds_each_thing_of_it_once(batch):
    for family in kinds.PLAIN:
        found = formats.to_rdflib(batch).query(
            f"SELECT ?x {{ {{ ?x a prov:{family} }} UNION {{ GRAPH ?g {{ ?x a prov:{family} }} }} }}",
            initNs={"prov": namespaces.PROV},
        )
        known = {node.id for node in batch.nodes if kinds.family(node.kind) == family}
        assert {str(row[0]) for row in found} == known


def test_what_goes_through_the_prov_library_comes_back_the_same():
    dictionaries = {"hadDictionaryMember", "derivedByInsertionFrom", "derivedByRemovalFrom"}
    edges = tuple(e for e in EVERYTHING.edges if e.relation not in dictionaries and not e.bundle)
    elements = tuple(n for n in EVERYTHING.nodes if n.id.startswith("urn:k:"))
    known = Batch(nodes=elements, edges=edges)
    back = records(formats.from_prov(formats.to_prov(known)))
    # Its times are Python's: the same moment, written in the one way that Python has.
    assert {text.replace(b"+00:00", b"Z"): times for text, times in back.items()} == records(known)


@pytest.mark.parametrize("name", [name for name in READ if name != "rocrate"])  # has its own
def test_mutants_raise_nothing_else_and_what_is_read_can_be_written(name, extent):
    random = Random(name)
    kind = formats.named(name)
    small = Batch(
        nodes=(
            Node(id="urn:a:b", kind="Run", label="r", attributes={"x": 1.5, "y": Ref("urn:q")}),
            Node(id="http://e/x", kind="Entity", attributes={"t": Literal("c", None, "fr")}),
        ),
        edges=(Edge(relation="used", effect="urn:a:b", cause="urn:a:c", id="urn:a:u"),),
    )
    text = kind.dumps(small)
    pieces = [b"", b'"', b"{", b"}", b"[", b"]", b"<", b">", b"(", b",", b";", b":", b"-", b"\\"]
    pieces += [
        b"null",
        b"1",
        b"\xff",
        b"prov:",
        b"\\u0000",
        b"\\ud800",
        b"&#0;",
        b"_:x",
        b"'",
        b".",
    ]
    accepted, mutants = 0, MUTANTS[extent]
    for _ in range(mutants):
        mutant = bytearray(text)
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(mutant))
            if random.random() < 0.3:
                there = random.randrange(len(mutant))
                mutant[at:at] = mutant[there : there + random.randint(1, 30)]
            else:
                mutant[at : at + random.randint(0, 4)] = random.choice(pieces)
        try:
            batch = kind.loads(bytes(mutant))
        except LineageError:
            continue
        accepted += 1
        for other in READ if accepted % (mutants // 100) == 0 else [name]:
            formats.named(other).dumps(batch)
        if accepted % (mutants // 100) == 0:
            constraints.inspect(batch)
    assert accepted > mutants // 100


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_hostile_input_is_one_clear_error(case):
    with pytest.raises(LineageError) as caught:
        formats.named(case.format).loads(case.data, "theirs")
    assert caught.value.code == case.code
    assert case.words in str(caught.value)
    assert (caught.value.where or "").startswith("theirs")
    assert caught.value.hint


@pytest.mark.parametrize("name", ["json", "provn", "xml", "trig"])
def test_documents_of_others_are_the_same_batch_through_any_format(name, corpora):
    """Every document of the corpus that we read is written and read again without a change."""
    kind, read = formats.named(name), 0
    for path in sorted((corpora / "prov").rglob("*")):
        if path.suffix not in (".json", ".provn", ".provx", ".ttl", ".trig") or not path.is_file():
            continue
        if "malformed" in path.parts or path.stat().st_size > 300_000:
            continue
        source = formats.sniff(path.read_bytes())
        if source is None:
            continue
        try:
            batch = replace(source.loads(path.read_bytes(), path.name), base=None)
        except LineageError:
            continue
        back = kind.loads(kind.dumps(batch))
        texts = b" ".join(records(batch))
        # Blank nodes are numbered anew.
        if b"urn:lineage:blank:" not in texts:
            assert records(back) == records(batch), path
            read += 1
    assert read > 900
