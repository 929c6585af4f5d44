# SPDX-License-Identifier: Apache-2.0
"""SPARQL over a store: what is answered, what is refused however it is written, and how it ends."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from contextlib import nullcontext

import pytest

import lineage
from lineage import formats
from lineage.errors import BadInput, BadQuery, TimedOut
from lineage.model.record import Batch, Edge, Node
from lineage.services.read import sparql, validate

STORY = Batch(
    nodes=(
        Node(id="urn:m", kind="ModelVersion", label="fraud@v3", attributes={"auc": 0.9}),
        Node(id="urn:r", kind="Run", attributes={"started": "2026-01-01T00:00:00Z"}),
        Node(id="urn:inside", kind="Entity", bundle="urn:b"),
    ),
    edges=(
        Edge(relation="wasGeneratedBy", effect="urn:m", cause="urn:r"),
        Edge(relation="used", effect="urn:r", cause="urn:d"),
    ),
    bundles={"urn:b": {}},
)
#: Each asks elsewhere, or would change something; %s is an address that must not be called.
REFUSED = {
    "service": "SELECT * { SERVICE <%s> { ?s ?p ?o } }",
    "silent": "SELECT * { SERVICE SILENT <%s> { ?s ?p ?o } }",
    "small letters": "SELECT * { sErViCe <%s> { ?s ?p ?o } }",
    "comment between": "SELECT * { SERVICE#x\n#y\nSILENT <%s> { ?s ?p ?o } }",
    "long s": "SELECT * { \u017fERVICE <%s> { } }",
    "with TLS": "SELECT * { SERVICE <https://127.0.0.1/> { } } # %s",
    "no space": "SELECT*{SERVICE<%s>{?s ?p ?o}}",
    "by variable": "SELECT * { VALUES ?g { <%s> } SERVICE SILENT ?g { ?s ?p ?o } }",
    "by prefix": "PREFIX from: <%s> SELECT * { SERVICE from: { ?s ?p ?o } }",
    "by base": "BASE <%s> SELECT * { SERVICE <> { ?s ?p ?o } }",
    "escaped": "SELECT * { \\u0053ERVICE <%s> { ?s ?p ?o } }",
    "behind a name with a hash": (
        "PREFIX x: <urn:> SELECT * { ?s ?p x:a\\# SERVICE SILENT <%s> { ?a ?b ?c }\n }"
    ),
    "behind a name with a quote": (
        "PREFIX x: <urn:> SELECT * { ?s ?p x:a\\' . SERVICE SILENT <%s> { ?a ?b 'c' } }"
    ),
    "behind a comparison": (
        "SELECT * { ?a ?b ?c FILTER(?a<'>' ) SERVICE SILENT <%s> { ?x ?y 'z' } }"
    ),
    "in a subquery": "SELECT * { { SELECT * { SERVICE SILENT <%s> { ?s ?p ?o } } } }",
    "in EXISTS": "ASK { ?s ?p ?o FILTER EXISTS { SERVICE SILENT <%s> { ?s ?p ?o } } }",
    "from": "SELECT * FROM <%s> { ?s ?p ?o }",
    "from named": "SELECT * FROM\nNAMED <%s> { GRAPH ?g { ?s ?p ?o } }",
    "load": "LOAD <%s>",
    "load behind a prefix": "# SELECT\nPREFIX x: <urn:x> LOAD SILENT <%s>",
    "insert": "INSERT DATA { <%s> <urn:p> <urn:o> }",
    "delete": "DELETE WHERE { <%s> ?p ?o }",
    "drop": "DROP GRAPH <%s>",
    "two": "SELECT * { ?s ?p ?o } ; LOAD <%s>",
}
#: The same words where they are only words.
ANSWERED = {
    "variables": "SELECT ?from ?service { ?from prov:used ?service }",
    "a text": 'SELECT * { ?s prov:used ?o FILTER(?s != "SERVICE <x> FROM <y> LOAD") }',
    "a long text": "SELECT * { ?s prov:used ?o FILTER(?s != '''\nFROM <y>\n''') }",
    "a comment": "SELECT * # FROM <x> SERVICE <y> { }\n{ ?s prov:used ?o }",
    "names": (
        "PREFIX from: <http://www.w3.org/ns/prov#> PREFIX service: <urn:>"
        "SELECT * { ?s from:used ?o FILTER(?s != service:from && ?s != <urn:FROM>) }"
    ),
    "a language": "SELECT * { ?s prov:used ?o FILTER(?s != 'x'@service) }",
}


@pytest.fixture(scope="module")
def store():
    with lineage.open("memory:") as opened:
        opened.ingest(STORY)
        yield opened


@pytest.fixture(scope="module")
def listener():
    """An address on this machine, and who called it."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        calls = []

        def take():
            while True:
                try:
                    connection, _ = bound.accept()
                except OSError:
                    return
                calls.append(connection.recv(4096))
                connection.close()

        thread = threading.Thread(target=take)
        thread.start()
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/", calls
        bound.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_each_form_of_query_has_its_answer_with_the_certificate_of_the_store(store):
    found = store.sparql("SELECT ?m ?d { ?m prov:wasGeneratedBy ?r . ?r prov:used ?d }")
    assert (found.variables, found.cut) == (("m", "d"), False)
    assert [{name: term["value"] for name, term in row.items()} for row in found.rows] == [
        {"m": "urn:m", "d": "urn:d"}
    ]
    assert found.certificate == store.ask("*").certificate
    assert store.sparql("ASK { <urn:m> a lineage:ModelVersion }").boolean is True
    built = store.sparql("CONSTRUCT { ?d <urn:made> ?m } { ?m prov:wasGeneratedBy/prov:used ?d }")
    assert built.data == "<urn:d> <urn:made> <urn:m> .\n"
    assert "<urn:m>" in store.sparql("DESCRIBE <urn:m>").data


def test_a_graph_that_is_made_is_a_set(store):
    query = "CONSTRUCT { ?a ?b ?c } { ?a ?b ?c . ?d ?e ?f }"
    made = store.sparql(query)
    known = store.sparql("SELECT DISTINCT ?a ?b ?c { ?a ?b ?c }")
    assert not made.cut
    assert len(made.data.splitlines()) == len(known.rows) == len(set(made.data.splitlines()))


def test_bundles_are_named_graphs_and_the_default_graph_is_everything(store):
    inside = store.sparql("SELECT ?g { GRAPH ?g { <urn:inside> a prov:Entity } }")
    assert [row["g"]["value"] for row in inside.rows] == ["urn:b"]
    assert store.sparql("ASK { <urn:inside> a prov:Entity . <urn:m> a prov:Entity }").boolean


def test_as_of_an_earlier_entry_later_ones_are_not_there(lineage_at):
    held = lineage_at("memory:")
    held.ingest(STORY)
    held.ingest(Batch(nodes=(Node(id="urn:late", kind="Entity"),)), source="another")
    ask = "ASK { <urn:late> ?p ?o }"
    assert [held.sparql(ask, at=at).boolean for at in (None, 2, 1, 0)] == [True, True, False, False]


@pytest.mark.parametrize("case", REFUSED)
def test_what_asks_elsewhere_or_changes_something_is_refused(case, store, listener):
    address, calls = listener
    with pytest.raises(BadQuery, match=r"is not answered here|not SPARQL") as refused:
        store.sparql(REFUSED[case] % address)
    assert refused.value.hint
    assert "\n" not in refused.value.what
    assert calls == []


@pytest.mark.parametrize("case", ANSWERED)
def test_the_words_themselves_may_stand_anywhere(case, store):
    assert len(store.sparql(ANSWERED[case]).rows) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits of processes")
def test_a_query_that_slipped_through_could_open_no_connection(listener):
    """The engine speaks HTTP: without the limits of the process, the listener hears it."""
    address, calls = listener
    for case in ("silent", "service", "from", "in EXISTS", "behind a comparison"):
        unrefused(REFUSED[case] % address, "worker.forbidden = lambda query: None")
    assert calls == []
    unrefused(
        REFUSED["silent"] % address,
        "worker.forbidden = lambda query: None; worker.resource = None",
    )
    assert len(calls) == 1
    calls.clear()


def unrefused(query, changed):
    """Put a query to the worker, changed so that it takes what it would refuse."""
    code = f"from lineage.services.read import sparql_worker as worker\n{changed}\nworker.main()"
    asked = {"query": query, "rows": 9, "bytes": 999, "memory": sparql.MEMORY}
    quads = formats.named("nquads").dumps(STORY)
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(asked).encode() + b"\n" + quads,
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "not SPARQL"),
        ("SELECT", "not SPARQL"),
        ("SELECT * { ?service ", "not SPARQL 1.1: line 1, column 2"),
        ("x" * 20_001, "20001 characters"),
        ("ASK { } # \ud800", "not UTF-8"),
        (f"ASK {{ FILTER({'(' * 4_900}1{')' * 4_900}) }}", "nested too deeply"),
        ("{" * 20_000, "not SPARQL"),
    ],
)
def test_what_is_no_query_is_one_clear_error(query, words, store):
    with pytest.raises(BadQuery) as refused:
        store.sparql(query)
    assert words in refused.value.what
    assert len(refused.value.what) < 300


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's memory")
def test_a_query_that_needs_too_much_memory_ends_with_one_clear_error(store, monkeypatch):
    monkeypatch.setattr(sparql, "MEMORY", 512 * 1024**2)
    wide = " ".join(f"?s{n} ?p{n} ?o{n} ." for n in range(7))
    with pytest.raises(BadQuery, match=r"more than 0\.5 GiB of memory"):
        store.sparql(f"SELECT * {{ {wide} }} ORDER BY ?o6 ?o1")


def test_a_query_that_takes_too_long_is_ended(store, monkeypatch):
    monkeypatch.setattr(sparql, "SECONDS", 0.3)
    wide = " ".join(f"?s{n} ?p{n} ?o{n} ." for n in range(12))
    with pytest.raises(TimedOut, match=r"longer than 0\.3 seconds"):
        store.sparql(f"SELECT (COUNT(*) AS ?n) {{ {wide} }}")


@pytest.mark.parametrize(("bound", "most"), [("ROWS", 3), ("BYTES", 300)])
def test_an_answer_has_its_bounds_and_says_that_there_is_more(bound, most, store, monkeypatch):
    monkeypatch.setattr(sparql, bound, most)
    found = store.sparql("SELECT * { ?s ?p ?o }")
    assert 0 < len(found.rows) <= 3
    assert found.cut
    assert found.to_dict()["certificate"]["cut"] == {"reason": "limit", "left": None}
    assert store.sparql("CONSTRUCT WHERE { ?s ?p ?o }").cut
    assert not store.sparql("SELECT * { ?s prov:used ?o }").cut


def test_every_sort_of_term_is_shown_as_the_recommendation_has_it(store):
    found = store.sparql(
        "SELECT * { VALUES (?a ?b ?c ?d) { (<urn:x> 'text' 'oui'@fr 5) } BIND(BNODE() AS ?e)"
        " BIND(TRIPLE(?a, prov:used, ?d) AS ?f) }"
    )
    (row,) = found.rows
    number = {
        "type": "literal",
        "value": "5",
        "datatype": "http://www.w3.org/2001/XMLSchema#integer",
    }
    used = {"type": "uri", "value": "http://www.w3.org/ns/prov#used"}
    assert row.pop("e")["type"] == "bnode"
    assert row == {
        "a": {"type": "uri", "value": "urn:x"},
        "b": {"type": "literal", "value": "text"},
        "c": {"type": "literal", "value": "oui", "xml:lang": "fr"},
        "d": number,
        "f": {
            "type": "triple",
            "value": {"subject": row["a"], "predicate": used, "object": number},
        },
    }


@pytest.mark.filterwarnings("ignore:Dataset.default_context")  # rdflib's own
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_shapes_whose_sparql_slipped_through_reach_nobody(listener, tmp_path, monkeypatch):
    """rdflib fetches what FROM names: without the guard around it, the listener hears it."""
    address, calls = listener
    shapes = tmp_path / "shapes.ttl"
    shapes.write_text(
        "@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix prov: <http://www.w3.org/ns/prov#> .\n"
        "<urn:shape> a sh:NodeShape ; sh:targetClass prov:Entity ; sh:sparql [ sh:select\n"
        f'"SELECT $this FROM <{address}> {{ $this ?p ?o }}" ] .'
    )
    monkeypatch.setattr(validate, "_demand_here", lambda *_: None)
    with pytest.raises(BadInput):
        validate.batch(STORY, shapes=[str(shapes)])
    assert calls == []
    monkeypatch.setattr(validate, "_alone", nullcontext)
    with pytest.raises(BadInput):
        validate.batch(STORY, shapes=[str(shapes)])
    assert len(calls) >= 1
    calls.clear()
