# SPDX-License-Identifier: Apache-2.0
"""The package alone, and with each extra alone, does what the documentation says of it."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from tests.conftest import NEWEST, neo4j_address
from tests.installs.conftest import ROOT, installs

pytestmark = [pytest.mark.deep, pytest.mark.timeout(600)]

MODEL = "model:readmission@v3"
DOCUMENT = """document
  prefix ex <https://a.example/>
  entity(ex:model, [prov:label="the model"])
  entity(ex:data)
  activity(ex:run, 2026-01-01T00:00:00, 2026-01-02T00:00:00)
  wasGeneratedBy(ex:model, ex:run, 2026-01-02T00:00:00)
  used(ex:run, ex:data, 2026-01-01T00:00:00)
endDocument
"""
TURTLE = "@prefix prov: <http://www.w3.org/ns/prov#> . <urn:a> a prov:Entity .\n"
RDF = ("turtle", "trig", "nt", "nquads", "rdfxml")
PLAIN = ("json", "jsonld", "provn", "xml", "rocrate", "dot", "svg")
READ = ("json", "jsonld", "provn", "xml")


def test_every_extra_is_tried():
    assert set(installs.extras()) == {"neo4j", "fast", "rdf", "exchange", "server", "statistics"}


def test_alone_it_imports_asks_exports_and_proves(installed):
    lineage = installed(None)
    assert "Everything recorded is here" in lineage("demo", "--folder", "project")
    lineage.folder /= "project"
    said = lineage("init")
    for reader in ("git", "dvc", "mlflow", "lockfile"):
        assert f"{reader}: 0 new" in said, said
    for verb in (["trace", MODEL], ["impact", "data/admissions.csv"], ["show", MODEL]):
        answer = json.loads(lineage(*verb, "--json"))
        assert answer["certificate"]["complete"], verb
        assert len(answer["nodes"]) >= 1, verb
        assert lineage(*verb)
    assert lineage("why", MODEL, "data/admissions.csv", "-k", 3)
    assert "readmission@v3" in lineage("find", "readmission")
    assert "readmission@v3" in lineage("ask", "kind:modelversion")
    assert lineage("explain", 'roots(+model:"readmission@v3")')
    assert "fair" in lineage("compare", "run:baseline", "run:summer")
    for command in ("stats", "log", "doctor", "validate"):
        assert lineage(command), command
    assert lineage("verify").startswith("intact: 18 entries")
    assert lineage("commit", "resolve")
    assert lineage("rebuild", "--yes")
    assert "root" in lineage("copy", ".lineage/store.db", "copied.db")


def test_alone_it_reads_the_other_sources(installed, tmp_path):
    lineage = installed(None)
    mlflow = ROOT / "tests" / "importers" / "mlflow_store.py"
    subprocess.run(
        [sys.executable, "-W", "ignore", str(mlflow), "build", "file:./mlruns"],
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_ALLOW_FILE_STORE": "true", "GIT_CEILING_DIRECTORIES": "/"},
        capture_output=True,
        check=True,
    )
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-01-01T00:00:00Z",
        "producer": "https://a.example/p",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "01941f29-7c00-7743-8c0a-b5ff4bc3c5b4"},
        "job": {"namespace": "a", "name": "train"},
        "outputs": [{"namespace": "a", "name": "table"}],
    }
    (tmp_path / "event.json").write_text(json.dumps(event))
    for source in ("mlruns", ROOT / "requirements.lock", "event.json"):
        report, *_ = json.loads(lineage("--store", "s.db", "import", source, "--json"))["imports"]
        assert report["added"] > 0, source
    assert "fraud" in lineage("--store", "s.db", "find", "fraud")


def test_alone_it_writes_and_reads_the_formats_that_are_not_rdf(installed, tmp_path):
    lineage = installed(None)
    (tmp_path / "trace.provn").write_text(DOCUMENT)
    assert lineage("--store", "s.db", "import", "trace.provn")
    for name in PLAIN:
        lineage("--store", "s.db", "export", "--format", name, "-o", f"out.{name}")
        assert (tmp_path / f"out.{name}").stat().st_size > 50
    for name in READ:
        assert lineage("validate", f"out.{name}").startswith("valid")
        assert "the model" in lineage("convert", f"out.{name}", "--to", "json")
    assert lineage("--store", "t.db", "import", "out.rocrate")
    script = (
        "import lineage; print(lineage.convert(open('trace.provn','rb').read(), 'provn', 'xml'))"
    )
    assert "prov:used" in lineage("-c", script, program="python")


def test_alone_it_names_the_extra_that_a_thing_needs(installed, tmp_path):
    lineage = installed(None)
    (tmp_path / "trace.provn").write_text(DOCUMENT)
    (tmp_path / "theirs.ttl").write_text(TURTLE)
    lineage("--store", "s.db", "import", "trace.provn")
    for name in RDF:
        lineage.refused("rdf", "--store", "s.db", "export", "--format", name)
        lineage.refused("rdf", "convert", "trace.provn", "--to", name)
    for words in (
        ["convert", "trace.provn", "-o", "out.ttl"],
        ["convert", "theirs.ttl", "--to", "json"],
        ["validate", "theirs.ttl"],
        ["--store", "s.db", "import", "theirs.ttl"],
        ["--store", "s.db", "export", "-o", "out.nq"],
        ["--store", "s.db", "sparql", "ASK { ?s ?p ?o }"],
        ["--store", "s.db", "validate", "--shapes", "run"],
    ):
        lineage.refused("rdf", *words)
    lineage.refused("exchange", "--store", "s.db", "keys", "new", "a.example/lineage")
    lineage.refused("server", "--store", "s.db", "serve", "--port", 0)
    lineage.refused("neo4j", "copy", "s.db", "neo4j://127.0.0.1:1")
    lineage.refused("neo4j", "--store", "bolt://127.0.0.1:1", "stats")


def test_with_rdf_it_speaks_rdf_sparql_and_shacl(installed, tmp_path):
    lineage = installed("rdf")
    (tmp_path / "trace.provn").write_text(DOCUMENT)
    (tmp_path / "theirs.ttl").write_text(TURTLE)
    lineage("--store", "s.db", "import", "trace.provn")
    for name in RDF:
        lineage("--store", "s.db", "export", "--format", name, "-o", f"out.{name}")
        assert "the model" in lineage("convert", f"out.{name}", "--to", "json")
    assert lineage("--store", "t.db", "import", "theirs.ttl")
    query = "SELECT ?d { ?m prov:wasGeneratedBy ?r . ?r prov:used ?d }"
    assert "https://a.example/data" in lineage("--store", "s.db", "sparql", query)
    assert lineage("--store", "s.db", "validate", "--shapes", "run").startswith("valid")
    script = (
        "import lineage\n"
        "with lineage.open('s.db') as store:\n"
        "    batch = lineage.from_prov(lineage.to_prov(lineage.Batch(nodes=("
        "lineage.Node(id='urn:a', kind='Entity'),))))\n"
        "    print(len(batch), len(lineage.to_rdflib(batch)) > 0)\n"
    )
    assert lineage("-c", script, program="python") == "1 True\n"


def test_with_exchange_a_package_goes_from_one_to_the_other(installed, tmp_path):
    lineage = installed("exchange")
    (tmp_path / "trace.provn").write_text(DOCUMENT)
    for name in ("a", "b"):
        (tmp_path / name / ".lineage" / "partners").mkdir(parents=True)
    ours, theirs = "a/.lineage/store.db", "b/.lineage/store.db"
    lineage("--store", ours, "import", "trace.provn")
    line = lineage("--store", ours, "keys", "new", "a.example/lineage").strip()
    policy = "{partner: b, nodes: [{keep: {id: 'https://a.example/*'}}], attributes: [{keep: {name: label}}]}"
    (tmp_path / "a/.lineage/partners/b.yaml").write_text(policy)
    partner = {
        "keys": [line],
        "origin": "a.example/lineage",
        "namespaces": ["https://a.example/"],
    }
    us = {"name": "b", "namespaces": ["https://b.example/"]}
    trust = {"us": us, "partners": {"a": partner}}
    (tmp_path / "b/.lineage/trust.yaml").write_text(json.dumps(trust))
    assert "https://a.example/model" in lineage("--store", ours, "export", "--for", "b", "--check")
    lineage("--store", ours, "export", "--for", "b", "-o", "for-b.zip")
    lineage("--store", theirs, "import", "for-b.zip")
    assert "a/1" in lineage("--store", theirs, "quarantine", "list")
    assert lineage("--store", theirs, "quarantine", "show", "a/1")
    lineage("--store", theirs, "quarantine", "accept", "a/1")
    assert "the model" in lineage("--store", theirs, "find", "model")
    lineage.refused("rdf", "--store", ours, "export", "--format", "trig")


@contextmanager
def served(lineage, store):
    """The address and the first token of ``lineage serve``."""
    popen = subprocess.Popen(
        [lineage.programs / "lineage", "--store", store, "serve", "--port", "0"],
        cwd=lineage.folder,
        env={**lineage.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        said, deadline = "", time.monotonic() + 60
        while not (found := re.search(r"^lineage is listening on (\S+)$", said, re.MULTILINE)):
            assert popen.poll() is None and time.monotonic() < deadline, said
            if select.select([popen.stdout], [], [], 0.2)[0]:
                said += os.read(popen.stdout.fileno(), 65536).decode()
        yield found[1], re.search(r"lin_\w+", said)[0]
    finally:
        popen.terminate()
        popen.communicate(timeout=60)


def test_with_server_it_serves(installed, tmp_path):
    lineage = installed("server")
    (tmp_path / "trace.provn").write_text(DOCUMENT)
    lineage("--store", "s.db", "import", "trace.provn")
    with served(lineage, "s.db") as (address, secret):

        def ask(path, body=None, **headers):
            request = urllib.request.Request(address + path, body)
            request.add_header("authorization", f"Bearer {secret}")
            for name, value in headers.items():
                request.add_header(name.replace("_", "-"), value)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                return error.code, error.read()

        text = '{ produced(ref: "https://a.example/model") { certificate { complete } } }'
        body = json.dumps({"query": text}).encode()
        status, answer = ask("/graphql", body, content_type="application/json")
        assert status == 200
        assert json.loads(answer)["data"]["produced"]["certificate"]["complete"] is True
        status, document = ask("/prov/https://a.example/model")
        assert status == 200
        assert "the model" in document.decode()
        status, problem = ask("/prov/https://a.example/model", accept="text/turtle")
        assert (status, json.loads(problem)["hint"]) == (501, 'pip install "lineagedb[rdf]"')
        for path in ("/sparql?query=ASK%20%7B%7D", "/ontology"):
            status, problem = ask(path)
            assert (status, json.loads(problem)["hint"]) == (501, 'pip install "lineagedb[rdf]"')
        for path in ("/", "/metrics", "/openapi.json", "/healthz"):
            assert ask(path)[0] == 200, path
        lineage.environ["LINEAGE_TOKEN"] = secret
        assert "the model" in lineage("--store", address, "trace", "https://a.example/model")


@pytest.mark.parametrize("release", [f"neo4j-{NEWEST}"])
@pytest.mark.parametrize("extra", ["neo4j", "fast"])
def test_with_the_driver_it_opens_a_real_server(
    installed, tmp_path, request, monkeypatch, extra, release
):
    lineage = installed(extra)
    address = neo4j_address(NEWEST, request, monkeypatch)
    for name in ("LINEAGE_NEO4J_USER", "LINEAGE_NEO4J_PASSWORD"):
        lineage.environ[name] = os.environ[name]
    (tmp_path / "trace.provn").write_text(DOCUMENT)
    lineage("--store", "s.db", "import", "trace.provn")
    assert "root" in lineage("copy", "s.db", address)
    answer = json.loads(lineage("--store", address, "trace", "https://a.example/model", "--json"))
    assert answer["certificate"]["complete"]
    assert len(answer["nodes"]) == 3
    assert lineage("--store", address, "verify")
    script = "import neo4j._codec.packstream as p; print(p.RUST_AVAILABLE)"
    assert lineage("-c", script, program="python") == f"{extra == 'fast'}\n"
