# SPDX-License-Identifier: Apache-2.0
"""/sparql as the clients of others ask it: SPARQLWrapper and rdflib, Apache Jena and Eclipse RDF4J."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from rdflib import Graph
from rdflib.plugins.stores.sparqlstore import SPARQLStore
from SPARQLWrapper import CSV, GET, JSON, JSONLD, N3, POST, RDFXML, TSV, TURTLE, XML, SPARQLWrapper

import lineage
from tests.conftest import ROOT, neo4j_server
from tests.server.sites import DEMO, running

CLIENTS = ROOT / "tools" / "sparql-clients"
PREFIX = "PREFIX prov: <http://www.w3.org/ns/prov#> "
SELECT = PREFIX + "SELECT ?m ?d { ?m prov:wasGeneratedBy ?r . ?r prov:used ?d } ORDER BY ?d"
ASK = PREFIX + "ASK { ?m prov:wasGeneratedBy ?r }"
CONSTRUCT = PREFIX + "CONSTRUCT { ?m <urn:from> ?d } WHERE { ?m prov:wasGeneratedBy/prov:used ?d }"
FOUND = {("urn:m", "urn:d")}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A real server with a small store, the address of its endpoint first."""
    path = tmp_path_factory.mktemp("sparql") / "s.db"
    with lineage.open(path) as store:
        store.ingest(DEMO)
    with running(path) as process:
        yield f"{process.address}/sparql", process.secret


def asking(served, query, form=None, method=GET):
    address, secret = served
    client = SPARQLWrapper(address)
    client.addCustomHttpHeader("Authorization", f"Bearer {secret}")
    client.setMethod(method)
    client.setQuery(query)
    if form is not None:
        client.setReturnFormat(form)
    return client.queryAndConvert()


@pytest.mark.parametrize("method", [GET, POST])
def test_sparqlwrapper_reads_tables_in_each_of_its_forms(served, method):
    rows = asking(served, SELECT, JSON, method)["results"]["bindings"]
    assert {(row["m"]["value"], row["d"]["value"]) for row in rows} == FOUND
    xml = asking(served, SELECT, XML, method)
    assert {uri.firstChild.data for uri in xml.getElementsByTagName("uri")} == {"urn:m", "urn:d"}
    assert asking(served, SELECT, CSV, method).decode().split() == ["m,d", "urn:m,urn:d"]
    table = asking(served, SELECT, TSV, method).decode().splitlines()
    assert table == ["?m\t?d", "<urn:m>\t<urn:d>"]
    assert asking(served, ASK, JSON, method)["boolean"] is True


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph")  # SPARQLWrapper uses what rdflib deprecates
@pytest.mark.parametrize("form", [None, RDFXML, TURTLE, N3, JSONLD])
def test_sparqlwrapper_reads_triples_in_each_of_its_forms(served, form):
    told = asking(served, CONSTRUCT, form)
    graph = told if isinstance(told, Graph) else Graph().parse(data=told, format="turtle")
    assert {(str(s), str(o)) for s, _, o in graph} == FOUND


def test_the_store_of_rdflib_reads_the_graph_as_its_own(served):
    address, secret = served
    remote = Graph(SPARQLStore(address, headers={"Authorization": f"Bearer {secret}"}))
    assert {(str(row.m), str(row.d)) for row in remote.query(SELECT)} == FOUND


@pytest.fixture(scope="module", params=["Jena", "Rdf4j"])
def java(request, tmp_path_factory):
    """A program that asks with a client in Java; a JDK is too much to ask of every machine."""
    compiler, runtime = shutil.which("javac"), shutil.which("java")
    if compiler is None or runtime is None:
        pytest.skip("no JDK on this machine")
    jars = neo4j_server.jars_of(CLIENTS / f"jars-{request.param.lower()}.lock")
    folder = tmp_path_factory.mktemp("java")
    classes = f"{jars}{os.sep}*"
    source = CLIENTS / f"{request.param}.java"
    subprocess.run([compiler, "-cp", classes, "-d", folder, source], check=True, timeout=120)
    return [runtime, "-cp", f"{classes}{os.pathsep}{folder}", request.param]


@pytest.mark.deep
@pytest.mark.parametrize(
    ("query", "told"),
    [
        (SELECT, "urn:m\turn:d"),
        (CONSTRUCT, "urn:m\turn:from\turn:d"),
        (ASK, "true"),
    ],
    ids=["select", "construct", "ask"],
)
def test_clients_in_java_read_each_form_of_answer(served, java, query, told):
    done = subprocess.run(
        [*java, *served, query], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split("\n") == [told, ""]
