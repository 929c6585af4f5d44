# SPDX-License-Identifier: Apache-2.0
"""/sparql: the SPARQL 1.1 Protocol, for reading, within bounds, and nothing asked elsewhere."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from urllib.parse import quote, urlencode

import pytest
from rdflib import RDF, Graph, Namespace
from rdflib.query import Result

import lineage
from lineage.model.record import Batch, Node
from lineage.server import rate_limit
from lineage.services.read import export, sparql
from tests.server.sites import BEGUN

LINEAGE = "SELECT ?m ?d { ?m prov:wasGeneratedBy ?r . ?r prov:used ?d }"
FOUND = [{"m": {"type": "uri", "value": "urn:m"}, "d": {"type": "uri", "value": "urn:d"}}]
FORM, QUERY = "application/x-www-form-urlencoded", "application/sparql-query"
#: Takes far longer than any test.
ENDLESS = f"SELECT (COUNT(*) AS ?n) {{ {' '.join(f'?s{n} ?p{n} ?o{n} .' for n in range(9))} }}"


def get(site, query, accept="*/*", role="viewer", **parameters):
    told = urlencode({"query": query, **parameters}, doseq=True)
    return site.client.get(f"/sparql?{told}", headers={**site.bearer(role), "accept": accept})


def post(site, body, kind, address="/sparql"):
    headers = {**site.bearer(), "content-type": kind}
    return site.client.post(address, content=body, headers=headers)


def test_a_query_is_answered_whichever_way_it_is_sent(site):
    answers = [
        get(site, LINEAGE),
        post(site, LINEAGE, QUERY),
        post(site, urlencode({"query": LINEAGE}), FORM),
        post(site, LINEAGE.encode(), f"{QUERY}; charset=UTF-8"),
        get(site, LINEAGE, role="admin"),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/sparql-results+json"
        told = answer.json()
        assert told["head"] == {"vars": ["m", "d"]}
        assert told["results"] == {"bindings": FOUND}
        assert told["certificate"] == json.loads(answer.headers["lineage-certificate"])
        assert (told["certificate"]["complete"], told["certificate"]["as_of"]) == (True, BEGUN)


def test_each_form_of_answer_has_the_media_types_that_clients_ask_for(site):
    assert get(site, "ASK { ?s prov:used ?o }", "text/csv").json()["boolean"] is True
    table = get(site, LINEAGE, "text/csv")
    assert (table.headers["content-type"], table.text) == (
        "text/csv; charset=utf-8",
        "m,d\r\nurn:m,urn:d\r\n",
    )
    terms = 'SELECT ?t { VALUES ?t { <urn:x> "a\\t\\"b\\"" "oui"@fr 5 UNDEF } }'
    assert get(site, terms, "text/tab-separated-values").text.split("\n") == [
        "?t",
        "<urn:x>",
        '"a\\t\\"b\\""',
        '"oui"@fr',
        '"5"^^<http://www.w3.org/2001/XMLSchema#integer>',
        "",
        "",
    ]
    triples = "<urn:r> <http://www.w3.org/ns/prov#used> <urn:d> .\n"
    for accept, kind in (
        ("*/*", "application/n-triples"),
        ("text/turtle, */*;q=0.1", "text/turtle; charset=utf-8"),
        ("application/x-unknown", "application/n-triples"),
    ):
        answer = get(site, "CONSTRUCT WHERE { ?s prov:used ?o }", accept)
        assert (answer.headers["content-type"], answer.text) == (kind, triples)
    assert "<urn:r>" in get(site, "DESCRIBE <urn:r>").text


def test_parameters_that_are_not_understood_are_passed_over(site):
    many = {"format": ["tsv", "text/tab-separated-values"], "output": "tsv", "x": ["", "1", "1"]}
    assert get(site, LINEAGE, **many).json()["results"] == {"bindings": FOUND}
    told = urlencode({"query": LINEAGE, **many}, doseq=True)
    assert post(site, told, FORM).json()["results"] == {"bindings": FOUND}
    del many["x"]
    answer = post(site, LINEAGE, QUERY, f"/sparql?{urlencode(many, doseq=True)}")
    assert answer.json()["results"] == {"bindings": FOUND}


def test_tables_are_xml_as_others_read_it(site):
    """rdflib reads it, and finds the terms that JSON tells of."""
    query = (
        'SELECT * { VALUES (?a ?b) { (<urn:x?y&z> "<&>\\"\'\\r\\n\\t ]]> \u00e9\U0001f40d") ("oui"@fr 5)'
        ' (UNDEF "") ("" UNDEF) } BIND(BNODE() AS ?c) }'
    )
    kind = "application/sparql-results+xml"
    answer = get(site, query, kind)
    assert answer.headers["content-type"] == kind
    there = Result.parse(source=BytesIO(answer.content), content_type=kind)
    here = get(site, query).content
    same = Result.parse(source=BytesIO(here), content_type="application/sparql-results+json")
    assert [row[:2] for row in there] == [row[:2] for row in same]
    assert there.vars == same.vars
    assert len(list(there)) == 4
    ask = get(site, "ASK { ?s prov:used ?o }", kind)
    assert Result.parse(source=BytesIO(ask.content), content_type=kind).askAnswer is True


def test_a_character_that_xml_cannot_hold_is_a_problem_and_none_in_json(site):
    query = 'SELECT ?a { VALUES ?a { "a\\u0001b" } }'
    answer = get(site, query, "application/sparql-results+xml")
    assert (answer.status_code, answer.json()["code"]) == (406, "not-acceptable")
    assert get(site, query).json()["results"]["bindings"][0]["a"]["value"] == "a\x01b"


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph")  # rdflib's own, in its reader of JSON-LD
@pytest.mark.parametrize("kind", ["application/rdf+xml", "application/ld+json", "text/turtle"])
def test_triples_come_in_the_forms_that_rdflib_reads(site, kind):
    answer = get(site, "CONSTRUCT WHERE { ?s prov:used ?o }", kind)
    assert answer.headers["content-type"].partition(";")[0] == kind
    read = Graph().parse(data=answer.content, format=kind)
    assert [tuple(map(str, triple)) for triple in read] == [
        ("urn:r", "http://www.w3.org/ns/prov#used", "urn:d")
    ]


def test_the_service_describes_itself_to_who_asks_nothing(site):
    answer = site.client.get("/sparql", headers=site.bearer())
    assert answer.headers["content-type"] == "text/turtle; charset=utf-8"
    described = Graph().parse(data=answer.text, format="turtle")
    sd = Namespace("http://www.w3.org/ns/sparql-service-description#")
    service = described.value(predicate=RDF.type, object=sd.Service)
    assert str(described.value(service, sd.endpoint)) == "http://127.0.0.1/sparql"
    assert described.value(service, sd.supportedLanguage) == sd.SPARQL11Query
    formats = {str(kind).rpartition("/")[2] for kind in described.objects(service, sd.resultFormat)}
    assert {"SPARQL_Results_XML", "SPARQL_Results_JSON", "Turtle"} <= formats


def test_the_clients_of_others_find_their_way(site):
    """rdflib's own client asks for XML, and reads what it is told it gets."""
    answer = get(site, LINEAGE, "application/sparql-results+xml, application/rdf+xml")
    kind = answer.headers["content-type"]
    read = Result.parse(source=BytesIO(answer.content), content_type=kind)
    assert [(str(m), str(d)) for m, d in read] == [("urn:m", "urn:d")]


@pytest.mark.parametrize(
    ("ask", "status", "code"),
    [
        (lambda s: get(s, "SELECT"), 400, "bad-query"),
        (lambda s: get(s, ""), 400, "bad-query"),
        (lambda s: get(s, "x" * 20_001), 400, "bad-query"),
        (lambda s: get(s, "SELECT * { SERVICE <http://127.0.0.1/> { } }"), 400, "bad-query"),
        (lambda s: get(s, "DROP ALL"), 400, "bad-query"),
        (lambda s: get(s, LINEAGE, update="DROP ALL"), 400, "bad-query"),
        (lambda s: get(s, LINEAGE, **{"default-graph-uri": "urn:g"}), 400, "bad-query"),
        (lambda s: get(s, LINEAGE, at="someday"), 400, "usage"),
        (lambda s: get(s, LINEAGE, at="9" * 50), 422, "rejected"),
        (lambda s: post(s, urlencode({"query": LINEAGE, "at": "9" * 50}), FORM), 400, "bad-query"),
        (lambda s: s.client.get("/sparql?at=1", headers=s.bearer()), 400, "bad-query"),
        (lambda s: s.client.get("/sparql?update=DROP", headers=s.bearer()), 400, "bad-query"),
        (lambda s: get(s, LINEAGE, **{"named-graph-uri": "urn:g"}), 400, "bad-query"),
        (lambda s: get(s, [LINEAGE, LINEAGE]), 400, "bad-query"),
        (lambda s: get(s, LINEAGE, at=["1", "1"]), 400, "bad-query"),
        (lambda s: post(s, "", FORM), 400, "bad-query"),
        (lambda s: post(s, LINEAGE, QUERY, f"/sparql?query={quote(LINEAGE)}"), 400, "bad-query"),
        (lambda s: post(s, "query=%ff", FORM), 400, "bad-query"),
        (lambda s: post(s, b"\xff", QUERY), 400, "bad-query"),
        (lambda s: post(s, "&".join("a=b" for _ in range(99)), FORM), 400, "bad-query"),
        (lambda s: post(s, "INSERT DATA { }", "application/sparql-update"), 400, "bad-query"),
        (lambda s: post(s, "{}", "application/json"), 415, "unknown-format"),
        (lambda s: post(s, LINEAGE, f"{QUERY}; charset=latin-1"), 415, "unknown-format"),
        (lambda s: post(s, "x" * 300_000, QUERY), 413, "limit-exceeded"),
    ],
)
def test_what_is_not_answered_is_a_problem_with_a_code_and_a_next_step(site, ask, status, code):
    answer = ask(site)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["hint"]


def test_nobody_asks_without_a_token(site):
    assert site.client.get(f"/sparql?query={quote(LINEAGE)}").status_code == 401
    assert site.client.post("/sparql", content=LINEAGE).status_code == 401


def test_an_endless_query_is_ended_before_the_servers_patience(serving):
    many = Batch(nodes=tuple(Node(id=f"urn:e:{n}", kind="Entity") for n in range(500)))
    site = serving(batch=many)
    site.runtime.reading = replace(site.runtime.reading, budget=0.5)
    answer = get(site, ENDLESS)
    assert (answer.status_code, answer.json()["code"]) == (503, "timed-out")
    assert answer.headers["retry-after"]
    assert get(site, "ASK { }").status_code == 200


def test_a_reading_that_took_all_the_time_is_not_in_vain(site, monkeypatch):
    site.runtime.reading = replace(site.runtime.reading, budget=1e-9)
    answer = get(site, LINEAGE)
    assert (answer.status_code, answer.json()["code"]) == (503, "timed-out")
    assert "Ask again" in answer.json()["hint"]
    site.runtime.reading = replace(site.runtime.reading, budget=5)
    monkeypatch.setattr(export, "gather", lambda *_, **__: pytest.fail("read once more"))
    assert get(site, LINEAGE).json()["results"] == {"bindings": FOUND}


def test_a_long_query_keeps_no_seat_from_those_who_read(site, monkeypatch):
    """The store in memory has one thread for everything: while a query runs, it is free."""
    begun, go = threading.Event(), threading.Event()

    def slow(query, graphs, seconds):
        begun.set()
        assert go.wait(20)
        return solved(query, graphs, 20)

    solved = sparql.solved
    monkeypatch.setattr(sparql, "solved", slow)
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(get, site, LINEAGE)
        assert begun.wait(20)
        assert site.client.get("/prov/urn:m", headers=site.bearer("admin")).status_code == 200
        assert not long.done()
        go.set()
        assert long.result().json()["results"] == {"bindings": FOUND}


def test_the_store_is_read_once_for_many_queries_and_again_after_a_write(site, monkeypatch):
    reads = []
    gather = export.gather
    monkeypatch.setattr(export, "gather", lambda *a, **k: reads.append(1) or gather(*a, **k))
    count = "SELECT (COUNT(DISTINCT ?s) AS ?n) { ?s a prov:Entity }"

    def counted(**when):
        told = get(site, count, **when).json()
        return int(told["results"]["bindings"][0]["n"]["value"]), told["certificate"]["as_of"]

    assert [counted(), counted(), len(reads)] == [(1, BEGUN), (1, BEGUN), 1]
    store = lineage.Lineage(site.runtime.writing)
    store.ingest(Batch(nodes=(Node(id="urn:new", kind="Entity"),)), source="another")
    two = (2, BEGUN + 1)
    assert [counted(), counted(), len(reads)] == [two, two, 2]
    assert [counted(at=1), counted(), len(reads)] == [(1, 1), two, 4]


def test_who_asks_too_much_is_told_when_to_come_again(site, monkeypatch):
    monkeypatch.setattr(rate_limit, "MOST", 10)
    monkeypatch.setattr(rate_limit, "BACK", 1)
    assert get(site, LINEAGE).status_code == 200
    answer = get(site, LINEAGE)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate-limited")
    assert int(answer.headers["retry-after"]) >= 1


def test_an_answer_that_is_cut_says_so_in_every_form(site, monkeypatch):
    monkeypatch.setattr(sparql, "ROWS", 2)
    for query, accept in (
        ("SELECT * { ?s ?p ?o }", "*/*"),
        ("SELECT * { ?s ?p ?o }", "text/csv"),
        ("CONSTRUCT WHERE { ?s ?p ?o }", "*/*"),
    ):
        held = json.loads(get(site, query, accept).headers["lineage-certificate"])
        assert (held["complete"], held["cut"]) == (False, {"reason": "limit", "left": None})
