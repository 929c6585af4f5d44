# SPDX-License-Identifier: Apache-2.0
"""What each role may, as the table in docs/reference/server.md says: whose names a token writes under,
and who may rename and invalidate what others recorded.
"""

from __future__ import annotations

import json
import time

import pytest

import lineage
from lineage.access.tokens import Role
from lineage.ledger.log import Draft
from lineage.model.record import Batch, Edge, Node
from lineage.services.operate import tokens
from lineage.store.base import NOW
from tests.server.test_openlineage import event

MODEL, RUN = "urn:x:model", "urn:x:run"
INGEST = """mutation ($i: IngestInput!) { ingest(input: $i) {
  receipt { source records } problems { code message hint where status } } }"""
EVERYBODY = [role.name for role in Role]
WRITERS = ["contributor", "steward", "admin"]
MAY_INVALIDATE = ["steward", "admin"]


def graphql(site, who, query, **variables):
    headers = site.bearer(who)
    body = {"query": query, "variables": variables}
    answer = site.client.post("/graphql", json=body, headers=headers)
    return answer.json()


def ingest(site, who, document, source=None, key=None):
    given = {"document": json.dumps(document), "source": source, "key": key}
    return graphql(site, who, INGEST, i=given)["data"]["ingest"]


def send(site, who, *events):
    answer = site.client.post("/api/v1/lineage/batch", json=list(events), headers=site.bearer(who))
    return answer.status_code, answer.json()


def document(**more):
    return {"prefix": {"x": "urn:x:", "l": "urn:lineage:term:"}, **more}


def model(label, kind="ModelVersion"):
    typed = {"$": f"l:{kind}", "type": "prov:QUALIFIED_NAME"}
    return document(entity={"x:model": {"prov:label": label, "prov:type": typed}})


INVALIDATED = document(
    wasInvalidatedBy={"_:i": {"prov:entity": "x:model", "prov:time": "2026-01-01T00:00:00Z"}}
)


@pytest.fixture
def site(serving):
    """A server; a project was imported, and two more contributors have tokens."""
    made = serving(token_refresh=0.05)
    ctx = made.runtime.writing
    known = Node(id=MODEL, kind="ModelVersion", label="readmission@v3")
    lineage.Lineage(ctx).ingest(Batch(nodes=(known,)), source="mlflow:lab")
    for name in ("airflow", "mallory", "a/b"):
        token, made.secrets[name] = tokens.add(ctx, name, Role.contributor)
        made.ids[name] = token.id
    deadline = time.monotonic() + 20
    while made.client.get("/metrics", headers=made.bearer(name)).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return made


def shown(site, ident=MODEL):
    return site.runtime.writing.store.get([ident], NOW)[ident]


def sources(site):
    return {header.source for header in site.runtime.writing.store.headers(0, 1_000, NOW)}


def invalidations(site, ident=MODEL):
    records = [c.record for c in site.runtime.writing.store.held([ident], NOW)[ident].said(None)]
    return [r for r in records if isinstance(r, Edge) and r.relation == "wasInvalidatedBy"]


@pytest.mark.parametrize("who", EVERYBODY)
def test_everybody_reads_and_who_only_views_writes_nothing(site, who):
    assert graphql(site, who, "{ stats { nodes } }")["data"]["stats"]["nodes"]
    before = site.runtime.writing.store.head()
    codes = {send(site, who, event())[0]}
    answer = graphql(site, who, INGEST, i={"document": json.dumps(model("x"))})
    run = 'mutation { recordRun(input: {name: "r"}) { problems { code } } }'
    allowed = who in WRITERS
    assert codes == ({200} if allowed else {403})
    assert ("errors" in answer, "errors" in graphql(site, who, run)) == (not allowed, not allowed)
    assert (site.runtime.writing.store.head() == before) == (not allowed)


@pytest.mark.parametrize("who", WRITERS)
def test_whatever_is_written_stands_under_the_name_of_its_token(site, who):
    before = sources(site)
    for source in (None, "airflow", "mlflow:lab", "../airflow", f"{who}/partner", "a#b"):
        receipt = ingest(site, who, model(f"m{source}"), source)["receipt"]
        assert receipt["source"] == f"document:{who}" + (f"/{source}" if source else "")
    send(site, who, event())
    graphql(site, who, 'mutation { recordRun(input: {name: "r"}) { problems { code } } }')
    new = sources(site) - before
    assert len(new) == 8
    for name in new:
        own = name.partition(":")[2]
        assert own == who or own.startswith(f"{who}/")


def test_a_name_with_a_slash_is_no_part_of_another_name(site):
    assert ingest(site, "a/b", model("m"))["receipt"]["source"] == "document:a%2Fb"


@pytest.mark.parametrize("who", WRITERS)
@pytest.mark.parametrize("label", ["A", "readmission@v2", "zz", ""])
@pytest.mark.parametrize("kind", ["ModelVersion", "Artifact", "Dataset", "Run"])
def test_nobody_renames_over_the_server_what_another_source_has_named(site, who, label, kind):
    receipt = ingest(site, who, model(label, kind))["receipt"]
    assert receipt["records"] == 1
    assert (shown(site).kind, shown(site).label) == ("ModelVersion", "readmission@v3")
    asked = '{ show(ref: "model:readmission@v3") { nodes { id } } }'
    assert graphql(site, "viewer", asked)["data"]["show"]["nodes"][0]["id"] == MODEL


def test_a_label_stays_when_its_source_says_the_thing_anew_after_somebody_else(site):
    ingest(site, "mallory", model("A"))
    anew = Node(id=MODEL, kind="ModelVersion", label="readmission@v3", attributes={"status": "ok"})
    former = Node(id=MODEL, kind="ModelVersion", label="readmission@v3")
    ctx = site.runtime.writing
    draft = Draft(source="mlflow:lab", importer="mlflow", actor="ana", recorded="2026-01-02")
    ctx.store.write(draft, Batch(nodes=(anew,)), [former])
    assert shown(site).label == "readmission@v3"


@pytest.mark.parametrize("who", WRITERS)
def test_what_others_state_is_invalidated_by_stewards_alone(site, who):
    answer = ingest(site, who, INVALIDATED)
    if who in MAY_INVALIDATE:
        assert answer["receipt"]["records"] >= 1
        assert len(invalidations(site)) == 1
        return
    [problem] = answer["problems"]
    assert (problem["code"], problem["status"], problem["where"]) == ("denied", 403, MODEL)
    assert "steward" in problem["message"]
    assert (answer["receipt"], invalidations(site)) == (None, [])


WAYS = {
    "wasInvalidatedBy": "<urn:x:model> prov:wasInvalidatedBy <urn:x:run> .",
    "invalidated": "<urn:x:run> prov:invalidated <urn:x:model> .",
    "invalidatedAtTime": '<urn:x:model> prov:invalidatedAtTime "2026-01-01T00:00:00Z"^^xsd:dateTime .',
    "qualified": "<urn:x:model> prov:qualifiedInvalidation [ a prov:Invalidation ; prov:activity <urn:x:run> ] .",
    "hadInvalidation": "<urn:x:run> prov:qualifiedInvalidation <urn:x:i> . <urn:x:model> prov:qualifiedInvalidation <urn:x:i> . <urn:x:i> a prov:Invalidation .",
    "in a bundle": "<urn:x:bundle> { <urn:x:model> prov:wasInvalidatedBy <urn:x:run> . }",
}


@pytest.mark.parametrize("way", WAYS)
def test_in_whatever_words_it_is_said_a_contributor_does_not_invalidate_what_others_state(
    site, way
):
    text = "@prefix prov: <http://www.w3.org/ns/prov#> .\n"
    text += "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n" + WAYS[way]
    given = {"document": text, "format": "trig"}
    refused = graphql(site, "mallory", INGEST, i=given)["data"]["ingest"]
    assert [problem["code"] for problem in refused["problems"]] == ["denied"]
    assert invalidations(site) == []
    assert graphql(site, "steward", INGEST, i=given)["data"]["ingest"]["receipt"]
    assert len(invalidations(site)) == 1


def test_a_contributor_invalidates_its_own_things_until_others_state_them_too(site):
    own = document(entity={"x:own": {"prov:label": "own"}})
    gone = document(wasInvalidatedBy={"_:i": {"prov:entity": "x:own"}})
    assert ingest(site, "airflow", own, "nightly", key="k")["receipt"]
    assert ingest(site, "mallory", gone)["problems"][0]["code"] == "denied"
    assert ingest(site, "airflow", gone)["receipt"]["records"] == 1
    ingest(site, "mallory", own)
    again = document(wasInvalidatedBy={"_:i": {"prov:entity": "x:own", "prov:time": "2026-01-01"}})
    assert ingest(site, "airflow", again)["problems"][0]["code"] == "denied"
    assert ingest(site, "steward", again)["receipt"]


def test_a_thing_that_is_only_mentioned_is_of_those_who_mention_it(site):
    def used(run):
        return document(used={"_:u": {"prov:activity": run, "prov:entity": "x:data"}})

    gone = document(wasInvalidatedBy={"_:i": {"prov:entity": "x:data"}})
    ingest(site, "airflow", used("x:r1"))
    assert ingest(site, "mallory", gone)["problems"][0]["code"] == "denied"
    assert ingest(site, "airflow", gone)["receipt"]


def dropped(number, change):
    table = {"namespace": "db", "name": "table"}
    facet = {"lifecycleStateChange": change}
    if change == "RENAME":
        facet["previousIdentifier"] = table
        table = {"namespace": "db", "name": "new"}
    return event(number, outputs=[{**table, "facets": {"lifecycleStateChange": facet}}])


@pytest.mark.parametrize("change", ["DROP", "TRUNCATE", "RENAME"])
@pytest.mark.parametrize("who", ["airflow", "mallory", "steward"])
def test_an_event_that_drops_the_table_of_others_is_kept_without_that(site, who, change):
    table = {"namespace": "db", "name": "table"}
    send(site, "airflow", event(1, outputs=[table]))
    status, answer = send(site, who, dropped(2, change))
    assert (status, answer["taken"], answer["refused"]) == (200, 1, [])
    gone = invalidations(site, "urn:lineage:dataset:db/table")
    runs = lineage.Lineage(site.runtime.writing).ask("kind:run").nodes
    assert {node.id[-1] for node in runs} >= {"1", "2"}
    lost = [loss for loss in answer["losses"] if loss["what"] == "invalidations"]
    if who == "mallory":
        assert (gone, lost[0]["count"]) == ([], 1)
        assert "steward" in lost[0]["reason"]
    else:
        assert (len(gone), lost) == (1, [])
