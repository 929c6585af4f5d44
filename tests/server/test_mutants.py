# SPDX-License-Identifier: Apache-2.0
"""Requests that are almost right: every endpoint that takes a document or a query answers or refuses,
and nothing in the server fails. Thousands in ``make test-all``, some in ``make test``.
"""

from __future__ import annotations

import itertools
import json
import random
import time

import pytest

from lineage.server import rate_limit
from lineage.services.read import sparql as answering
from tests.fuzz import seeds
from tests.fuzz.mutants import STRANGE, byte_mutants, json_mutants
from tests.server.warm_worker import WarmWorker

MUTANTS = (60, 5_000)
#: Seconds that one answer may take.
SECONDS = 10
RECORD = """mutation($i: RecordRunInput!){recordRun(input: $i){
  receipt{entries records} problems{code message}}}"""
RUN = {
    "i": {
        "id": "run:x",
        "name": "x",
        "status": "finished",
        "used": [{"id": "urn:d", "role": "training"}],
        "generated": [{"id": "urn:m"}],
        "params": {"lr": 0.1, "name": "n"},
        "metrics": {"auc": 0.5},
    }
}
QUERIES = (
    b'{node(id: "urn:m"){id ... on Entity{label}}}',
    b'{trace(ref: "urn:m", depth: 3){nodes{id kind} edges{type} certificate{complete gaps{code}}}}',
    b'{select(query: "kind:run and not +urn:d"){nodes{id}} stats{nodes entries}}',
    b'query A($r: String!){why(a: $r, b: "urn:d", k: 2){paths{type}}}',
    b'{runs(first: 2, filter: {text: "t"}){edges{node{id} cursor} pageInfo{hasNextPage}}}',
)
SPARQL = (
    b"SELECT ?a (count(?b) AS ?n) WHERE { ?a prov:used ?b . FILTER(?n > 1) } GROUP BY ?a LIMIT 7",
    b"CONSTRUCT { ?a ?b ?c } WHERE { ?a ?b ?c OPTIONAL { ?c ?d ?e } }",
    b"PREFIX e: <http://e/> ASK { e:a prov:wasDerivedFrom+ ?b }",
)


def events(source):
    made = [json_mutants(seed, source) for seed in seeds.OF["openlineage"]]
    made += [byte_mutants(seed, source) for seed in seeds.OF["openlineage"]]
    while True:
        yield {"data": next(source.choice(made)), "path": source.choice(("", "/batch"))}


def lineage(client, given, headers):
    headers = {**headers, "content-type": "application/json"}
    return client.post("/api/v1/lineage" + given["path"], content=given["data"], headers=headers)


def queries(source):
    texts = [byte_mutants(query, source) for query in QUERIES]
    runs = json_mutants(json.dumps(RUN).encode(), source)
    bodies = [byte_mutants(json.dumps({"query": q.decode()}).encode(), source) for q in QUERIES]
    while True:
        how = source.randrange(4)
        if how == 0:
            yield next(source.choice(bodies))
        elif how == 1:
            yield json.dumps({"query": RECORD, "variables": json.loads(next(runs))}).encode()
        else:
            strange = source.choice(({}, {"r": "urn:m"}, {"r": source.choice(STRANGE)}))
            text = next(source.choice(texts)).decode("utf-8", "replace")
            yield json.dumps({"query": text, "variables": strange}).encode()


def graphql(client, given, headers):
    headers = {**headers, "content-type": "application/json"}
    return client.post("/graphql", content=given, headers=headers)


def asked(source):
    made = [byte_mutants(query, source) for query in SPARQL]
    kinds = ("application/sparql-results+json", "text/csv", "application/sparql-results+xml", "*/*")
    yield from ((query, "*/*") for query in SPARQL)
    while True:
        yield next(source.choice(made)), source.choice(kinds)


def sparql(client, given, headers):
    query, kind = given
    headers = {**headers, "accept": kind, "content-type": "application/sparql-query"}
    return client.post("/sparql", content=query, headers=headers)


def names(source):
    made = [byte_mutants(name, source) for name in (b"urn:m", b"model:fraud@v3", b"run:train")]
    while True:
        yield next(source.choice(made))[:3_000], source.choice(("text/turtle", "text/html", "x/y"))


def prov(client, given, headers):
    name, kind = given
    quoted = "".join(f"%{byte:02X}" if byte != 47 else "/" for byte in name)
    return client.get(f"/prov/{quoted}", headers={**headers, "accept": kind})


ENDPOINTS = {
    "lineage": (events, lineage),
    "graphql": (queries, graphql),
    "sparql": (asked, sparql),
    "prov": (names, prov),
}


@pytest.fixture
def warm_worker(tmp_path):
    """What forks the processes of queries."""
    with WarmWorker(answering._WORKER, tmp_path) as made:
        yield made


#: Each SPARQL query is a process of its own, of 30 ms: the workers share them, and those behind the first
#: share are forked from one that is warm.
SHARES = {"sparql": 5}


@pytest.mark.parametrize(
    ("endpoint", "share"),
    [
        pytest.param(endpoint, share, marks=pytest.mark.deep if share else ())
        for endpoint in ENDPOINTS
        for share in range(SHARES.get(endpoint, 1))
    ],
)
def test_whatever_comes_in_nothing_in_the_server_fails(
    endpoint, share, serving, extent, monkeypatch, request
):
    # No caller of one query after the other is held back: it is the queries that are looked at.
    monkeypatch.setattr(rate_limit, "MOST", 10**12)
    if share:
        monkeypatch.setattr(answering, "subprocess", request.getfixturevalue("warm_worker"))
    site = serving()
    make, send = ENDPOINTS[endpoint]
    source, seen, slow = random.Random(f"{endpoint}/{extent}/{share}"), {}, []
    headers = site.bearer("contributor")
    number = MUTANTS[extent] // SHARES.get(endpoint, 1)
    for given in itertools.islice(make(source), number):
        begun = time.monotonic()
        answer = send(site.client, given, headers)
        if time.monotonic() - begun > SECONDS:
            slow.append(given)
        seen.setdefault(answer.status_code, given)
        if answer.status_code >= 400 and answer.headers.get("content-type", "").endswith("json"):
            told = answer.json()
            assert told.get("code") or told.get("errors") or told.get("summary"), (given, told)
    failed = {status: given for status, given in seen.items() if status in (500, 502)}
    assert (failed, slow) == ({}, [])
    assert not [line for line in site.lines() if line["event"] == "defect"]
    assert len(seen) > 1, seen
