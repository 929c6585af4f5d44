# SPDX-License-Identifier: Apache-2.0
"""Whatever is sent, the answer is a typed problem and the log says nothing of it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

CASES = json.loads(Path(__file__).with_name("graphql_bad_input.json").read_text("utf-8"))
ACCEPT = {"accept": "application/graphql-response+json", "content-type": "application/json"}


def query(told):
    if isinstance(told, str):
        return told
    ((how, value),) = told.items()
    if how == "repeat":
        return value[0] * value[1]
    if how == "wrap":
        return value[0] + value[1] * value[2] + value[3]
    if how == "nest":
        return value[0] + value[1] * value[2] + value[3] + "}" * (2 * value[2] + 3)
    spread = "".join(f"fragment f{n} on Query {{...f{n + 1} ...f{n + 1}}} " for n in range(value))
    return "{...f0} " + spread + f"fragment f{value} on Query {{stats{{nodes}}}}"


def body(case):
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    if "repeat" in case:
        return (case["repeat"][0] * case["repeat"][1]).encode()
    if "body" in case:
        return case["body"].encode()
    ids = [f"urn:t:{n}" for n in range(case.get("ids", 0))]
    return json.dumps({"query": query(case["query"]), "variables": {"ids": ids}}).encode()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_bad_request_is_answered_with_a_typed_problem(client, caplog, case):
    with caplog.at_level(logging.DEBUG):
        answer = client.post("/graphql", content=body(case), headers=ACCEPT)
    assert answer.status_code == case["status"], answer.text[:300]
    found = answer.json()["errors"][0]
    assert found["extensions"]["code"] == case["code"], found
    assert found["extensions"]["hint"]
    assert len(answer.content) < 5_000
    assert not [record for record in caplog.records if record.name.startswith("lineage")]


def test_what_goes_wrong_inside_is_told_by_a_number_only(serve, caplog):
    from tests.graphql_schema.cases import small

    store = small()
    client = serve(store)
    store.context.store.stats = lambda view: 1 / 0
    answer = client.post("/graphql", json={"query": "{stats{nodes}}"})
    (error,) = answer.json()["errors"]
    number = error["extensions"]["hint"].split()[-1].rstrip(".")
    assert error["message"] == "something went wrong here"
    assert "ZeroDivision" not in answer.text
    assert number in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_an_operation_over_a_get_only_reads(client):
    read = client.get("/graphql", params={"query": "{stats{nodes}}"})
    wrote = client.get(
        "/graphql", params={"query": 'mutation{ingest(input:{document:"{}"}){receipt{source}}}'}
    )
    assert read.json()["data"]["stats"]["nodes"] == 13
    assert wrote.status_code == 405
    assert wrote.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_nobody_is_answered_who_is_not_known(serve):
    answer = serve(viewer=None).post("/graphql", json={"query": "{stats{nodes}}"})
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "unauthenticated"


def test_forms_and_plain_text_are_refused_so_that_no_page_can_send_them(client):
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = client.post(
            "/graphql", content=b'{"query":"{stats{nodes}}"}', headers={"content-type": media}
        )
        assert answer.status_code == 415


def test_every_answer_says_what_it_cost(client):
    answer = client.post(
        "/graphql", json={"query": "{runs(first: 2) {nodes {causes {totalCount}}}}"}
    )
    assert answer.json()["extensions"]["cost"] == {"requested": 6, "limit": 10_000}
