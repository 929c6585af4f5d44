# SPDX-License-Identifier: Apache-2.0
"""Writing through GraphQL: problems are data, and a key makes a call repeatable."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from lineage.access.tokens import Role
from lineage.services.write.record import RunInput, record_run
from tests.graphql_schema.cases import small
from tests.graphql_schema.conftest import asked

RECORD = """mutation($i: RecordRunInput!) {recordRun(input: $i) {
  run {id label status attributes} receipt {source entries records} problems {code message hint where}}}"""
INGEST = """mutation($i: IngestInput!) {ingest(input: $i) {
  receipt {source entries records} problems {code message hint where}}}"""
DOCUMENT = '{"prefix": {"e": "urn:e:"}, "entity": {"e:a": {}, "e:b": {}}, "wasDerivedFrom": {"_:d": {"prov:generatedEntity": "e:a", "prov:usedEntity": "e:b"}}}'
RUN = {
    "name": "train",
    "status": "finished",
    "parameters": {"lr": 0.1, "layers": [1, 2], "seed": None},
    "metrics": {"auc": 0.9},
    "used": [{"ref": "data/train.csv@1", "role": "train"}, {"id": "urn:new:data"}],
    "generated": [{"name": "model.bin", "digest": "sha256:" + "EF" * 32, "role": "model"}],
    "commit": "a" * 40,
    "environment": "py",
    "key": "job 7/ä",
}


def test_a_run_is_recorded_with_all_that_it_read_and_made(ask):
    done = ask(RECORD, i=RUN)["recordRun"]
    assert done["problems"] == []
    assert done["run"]["attributes"]["param.lr"] == 0.1
    query = "query($id: ID!) {node(id: $id) {causes {edges {type role cause}} effects {edges {effect role}}}}"
    found = ask(query, id=done["run"]["id"])["node"]
    assert {(e["role"], e["cause"]) for e in found["causes"]["edges"]} == {
        ("train", "urn:t:data"),
        (None, "urn:new:data"),
        ("source", "swh:1:rev:" + "a" * 40),
        ("environment", "urn:t:env"),
    }
    (made,) = found["effects"]["edges"]
    assert made["effect"].endswith("model.bin@sha256:" + "ef" * 32)
    tied = ask("query($id: ID!) {node(id: $id) {causes {edges {type}}}}", id=made["effect"])
    assert {"type": "alternateOf"} in tied["node"]["causes"]["edges"]


@pytest.mark.parametrize(
    ("query", "field", "given"),
    [
        (RECORD, "recordRun", RUN),
        (INGEST, "ingest", {"document": DOCUMENT, "key": "once", "source": "partner"}),
    ],
)
def test_the_same_call_with_the_same_key_is_one(store, ask, query, field, given):
    first = ask(query, i=given)[field]
    entries = store.stats().entries
    assert ask(query, i=given)[field] == first
    assert store.stats().entries == entries
    assert first["receipt"]["entries"] == [entries]


def test_a_key_that_was_used_for_something_else_is_a_problem(ask, store):
    ask(RECORD, i=RUN)
    before = store.stats().root
    done = ask(RECORD, i={**RUN, "name": "another"})["recordRun"]
    assert done["run"] is None
    assert [problem["code"] for problem in done["problems"]] == ["idempotency-key-reused"]
    assert store.stats().root == before


def test_a_key_is_kept_with_the_store(tmp_path):
    answers = []
    for _ in range(2):
        with small(str(tmp_path / "store.db")) as store:
            answers.append(asked(store, RECORD, {"i": RUN}))
            assert store.stats().entries == 2
    assert answers[0] == answers[1]
    assert b'"problems":[]' in answers[0]


def test_two_people_may_use_one_key():
    with small() as store:
        ana, bo = replace(store.context, actor="ana"), replace(store.context, actor="bo")
        one, _ = record_run(ana, RunInput(name="r"), "k")
        other, _ = record_run(bo, RunInput(name="r"), "k")
        assert one != other


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"name": "r", "used": [{"ref": "nothing like it"}]}, "not-found"),
        ({"name": "r", "used": [{}]}, "bad-input"),
        ({"name": "r", "used": [{"id": "no iri"}]}, "rejected"),
        ({"name": "r", "parameters": [1]}, "bad-input"),
        ({"name": "r", "parameters": {"a": {"b": {}}}}, "bad-input"),
        ({"name": "r", "metrics": {"a": [[1]]}}, "bad-input"),
        ({"name": "r", "generated": [{"name": "m", "digest": "12"}]}, "bad-input"),
        ({"name": "r", "key": ""}, "bad-input"),
        ({"name": "r", "key": "k" * 201}, "bad-input"),
    ],
)
def test_what_cannot_be_recorded_is_a_problem_and_nothing_is_written(store, ask, given, code):
    before = store.stats().root
    done = ask(RECORD, i=given)["recordRun"]
    assert [problem["code"] for problem in done["problems"]] == [code]
    assert done["problems"][0]["hint"]
    assert store.stats().root == before


@pytest.mark.parametrize(
    ("document", "code"),
    [("", "bad-input"), ("{", "bad-input"), ("null", "bad-input"), ('{"entity": 7}', "bad-input")],
)
def test_a_document_that_is_none_is_a_problem(ask, document, code):
    (problem,) = ask(INGEST, i={"document": document})["ingest"]["problems"]
    assert problem["code"] in (code, "input-truncated")


DEPLOY = """mutation($i: DeployInput!) {deploy(input: $i) {
  deployment {id target deployed state} rollsBack receipt {source entries} problems {code hint}}}"""


def test_a_deployment_is_told_and_what_is_live_is_asked(ask, store):
    done = ask(DEPLOY, i={"ref": "fraud@v1", "to": "prod"})["deploy"]
    assert done["receipt"] == {
        "source": "api:tester/deployments",
        "entries": [store.stats().entries],
    }
    assert done["deployment"]["state"] == "live"
    query = """{impact(ref: "data/train.csv@1") {deployments {id target deployed state}}
      trace(ref: "fraud@v1") {deployments {id}}}"""
    found = ask(query)
    assert found["impact"]["deployments"] == [done["deployment"]]
    assert found["trace"]["deployments"] is None
    (problem,) = ask(DEPLOY, i={"ref": "train-1", "to": "prod"})["deploy"]["problems"]
    assert problem["code"] == "usage"
    assert problem["hint"]


@pytest.mark.parametrize(
    ("query", "given"), [(RECORD, {"name": "r"}), (DEPLOY, {"ref": "fraud@v1", "to": "prod"})]
)
def test_whoever_may_only_read_writes_nothing(store, query, given):
    before = store.stats().root
    answer = orjson.loads(asked(store, query, {"i": given}, role=Role.viewer))
    assert answer["errors"][0]["extensions"]["code"] == "denied"
    assert store.stats().root == before
