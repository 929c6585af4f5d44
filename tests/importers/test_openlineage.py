# SPDX-License-Identifier: Apache-2.0
"""What events of OpenLineage become, facet by facet, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lineage
from importers.base import Options, Source
from importers.openlineage import IMPORTER, batch_of
from lineage.errors import BadInput, Rejected
from lineage.model import check
from lineage.model.value import Ref
from tests.conftest import KEY
from tests.importers.openlineage_events import (
    RUN,
    RUN_ID,
    attributes,
    dataset,
    edges,
    event,
    facet,
    read,
)


def test_a_run_has_its_times_its_end_its_plan_and_who_reported_it():
    start = read(event("START"))
    assert attributes(start, RUN_ID)["started"] == "2026-01-02T01:04:05.500000Z"
    assert "status" not in attributes(start, RUN_ID)
    for kind, status in (("COMPLETE", "finished"), ("FAIL", "failed"), ("ABORT", "killed")):
        told = attributes(read(event(kind)), RUN_ID)
        assert (told["status"], told["ended"]) == (status, "2026-01-02T01:04:05.500000Z")
        assert (told["name"], told["tracker"]) == ("daily.load", "openlineage")
    ((ends, said),) = edges(start, "wasAssociatedWith").items()
    assert ends == (RUN_ID, "urn:lineage:producer:openlineage/https://producer.example/1.2")
    assert said == {"prov:plan": Ref("urn:lineage:job:etl/daily.load")}


def test_a_run_uses_and_makes_exactly_the_versions_told():
    batch = read(event(inputs=[dataset("raw", "v 1")], outputs=[dataset("clean")]))
    version = "urn:lineage:version:postgres://db:5432/raw@version:v%201"
    raw, clean = (f"urn:lineage:dataset:postgres://db:5432/{name}" for name in ("raw", "clean"))
    assert set(edges(batch, "used")) == {(RUN_ID, version)}
    assert set(edges(batch, "specializationOf")) == {(version, raw)}
    assert set(edges(batch, "wasGeneratedBy")) == {(clean, RUN_ID)}


BEFORE = "0b3ce6fe-8a0e-4d6b-9d2c-5f6c1f6f2a11"


@pytest.mark.parametrize("names", [["parent"], ["parentRun"], ["parentRun", "parent"]])
def test_a_run_was_informed_by_its_parent_under_both_names_of_the_facet(names):
    parent = {"run": {"runId": BEFORE}, "job": {"namespace": "etl", "name": "daily"}}
    batch = read(event(run={"runId": RUN, "facets": dict.fromkeys(names, parent)}))
    before = f"urn:lineage:run:openlineage/{BEFORE}"
    assert edges(batch, "wasInformedBy") == {(RUN_ID, before): {"prov:role": "parent"}}
    assert not [key for key in attributes(batch, RUN_ID) if key.startswith("facet.")]


def test_two_names_of_the_facet_that_name_two_parents_are_two():
    facets = {
        name: {"run": {"runId": run}}
        for name, run in (("parent", RUN[::-1]), ("parentRun", BEFORE))
    }
    assert len(edges(read(event(run={"runId": RUN, "facets": facets})), "wasInformedBy")) == 2


@pytest.mark.parametrize("name", ["parent", "parentRun"])
def test_a_parent_that_is_not_named_is_counted(name):
    batch = read(event(run={"runId": RUN, "facets": {name: {"run": {}}}}))
    assert "parents" in {loss.what for loss in batch.losses}


JOB, DATA = "urn:lineage:job:etl/daily.load", "urn:lineage:dataset:n/d"


@pytest.mark.parametrize(
    ("shown", "ident", "expected"),
    [
        (
            facet("run", "processing_engine", {"name": "Spark", "version": "3.5"}),
            RUN_ID,
            {"processing_engine.name": "Spark", "processing_engine.version": "3.5"},
        ),
        (
            facet("run", "errorMessage", {"message": "bad", "programmingLanguage": "PYTHON"}),
            RUN_ID,
            {"errorMessage.message": "bad", "errorMessage.programmingLanguage": "PYTHON"},
        ),
        (
            facet(
                "run",
                "environmentVariables",
                {
                    "environmentVariables": [
                        {"name": "LANG", "value": "C"},
                        {"name": "API_TOKEN", "value": "hunter2hunter2"},
                    ]
                },
            ),
            RUN_ID,
            {"env.LANG": "C", "env.API_TOKEN": "[scrubbed]"},
        ),
        (
            facet("run", "executionParameters", {"parameters": [{"key": "lr", "value": 0.1}]}),
            RUN_ID,
            {"param.lr": 0.1},
        ),
        (
            facet("run", "nominalTime", {"nominalStartTime": "2026-01-01T00:00:00Z"}),
            RUN_ID,
            {"nominalTime.nominalStartTime": "2026-01-01T00:00:00Z"},
        ),
        (
            facet("run", "lab.mood", {"b": 1, "a": [2]}),
            RUN_ID,
            {"facet.lab.mood": '{"a":[2],"b":1}'},
        ),
        (facet("job", "sql", {"query": "select 1"}), RUN_ID, {"sql.query": "select 1"}),
        (
            facet("job", "documentation", {"description": "Loads."}),
            JOB,
            {"documentation.description": "Loads."},
        ),
        (facet("job", "tags", {"tags": [{"key": "tier", "value": "1"}]}), JOB, {"tag.tier": "1"}),
        (
            facet("inputs", "schema", {"fields": [{"name": "a", "type": "INT"}]}),
            DATA,
            {"schema.fields": '[{"name":"a","type":"INT"}]'},
        ),
        (
            facet("inputs", "dataSource", {"name": "pg", "uri": "postgres://u:pw@db/x"}),
            DATA,
            {"dataSource.name": "pg", "dataSource.uri": "postgres://db/x"},
        ),
        (
            facet("outputs", "tags", {"tags": [{"key": "pii", "value": "yes", "field": "mail"}]}),
            DATA,
            {"tag.mail.pii": "yes"},
        ),
        (
            facet("outputs", "storage", {"storageLayer": "iceberg", "fileFormat": "parquet"}),
            DATA,
            {"storage.storageLayer": "iceberg", "storage.fileFormat": "parquet"},
        ),
    ],
)
def test_a_facet_becomes_attributes_of_what_it_describes(shown, ident, expected):
    told = attributes(read(shown), ident)
    assert {key: told.get(key) for key in expected} == expected


def test_what_belongs_to_one_use_of_a_dataset_stands_on_that_use():
    statistics = {"outputStatistics": {"rowCount": 5, "size": 9}}
    batch = read(event(outputs=[dataset("d", outputFacets=statistics)]))
    ((_, said),) = edges(batch, "wasGeneratedBy").items()
    assert said == {"outputStatistics.rowCount": 5, "outputStatistics.size": 9}


def test_parents_roots_and_dependencies_come_before_a_run():
    up, root, dep = (f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2, 3))
    facets = {
        "parent": {
            "run": {"runId": up},
            "job": {"namespace": "etl", "name": "dag.task"},
            "root": {"run": {"runId": root}, "job": {"namespace": "etl", "name": "dag"}},
        },
        "jobDependencies": {
            "upstream": [
                {"job": {"namespace": "etl", "name": "before"}, "run": {"runId": dep}},
                {"job": {"namespace": "etl", "name": "planned"}},
            ]
        },
    }
    batch = read(event(run={"runId": RUN, "facets": facets}))
    stem = "urn:lineage:run:openlineage/"
    assert edges(batch, "wasInformedBy") == {
        (RUN_ID, stem + up): {"prov:role": "parent"},
        (RUN_ID, stem + root): {"prov:role": "root"},
        (RUN_ID, stem + dep): {"prov:role": "dependency"},
    }
    assert (RUN_ID, "urn:lineage:job:etl/planned") in edges(batch, "wasInfluencedBy")


def test_the_commit_that_ran_is_the_commit_that_git_imports():
    sha = "8c2f1e6a" * 5
    batch = read(facet("job", "sourceCodeLocation", {"version": sha, "url": "https://u:p@h/x"}))
    assert edges(batch, "used") == {(RUN_ID, f"swh:1:rev:{sha}"): {"prov:role": "source"}}
    assert attributes(batch, RUN_ID)["source.url"] == "https://h/x"


def test_owners_are_agents_and_no_address_is_an_identifier():
    owners = [{"name": "team:data", "type": "MAINTAINER"}, {"name": "ana@lab.example"}]
    batch = read(facet("job", "ownership", {"owners": owners}))
    ends = edges(batch, "wasAttributedTo")
    team = (JOB, "urn:lineage:agent:openlineage/team:data")
    assert ends[team] == {"prov:role": "MAINTAINER"}
    assert not any("ana@" in cause for _, cause in ends)
    assert {n.kind for n in batch.nodes} >= {"Organization", "Person"}


def test_columns_derive_from_columns_and_datasets_from_datasets():
    identity = [{"type": "DIRECT", "subtype": "IDENTITY", "masking": True}]
    source = {"namespace": "n", "name": "s", "field": "x", "transformations": identity}
    batch = read(facet("outputs", "columnLineage", {"fields": {"y": {"inputFields": [source]}}}))
    assert edges(batch, "wasDerivedFrom") == {
        (DATA, "urn:lineage:dataset:n/s"): {"columns": "y <- x (DIRECT/IDENTITY masked)"}
    }


def test_dropped_and_renamed_datasets_are_invalidated():
    dropped = read(facet("outputs", "lifecycleStateChange", {"lifecycleStateChange": "DROP"}))
    assert set(edges(dropped, "wasInvalidatedBy")) == {(DATA, RUN_ID)}
    previous = {"namespace": "n", "name": "old"}
    change = {"lifecycleStateChange": "RENAME", "previousIdentifier": previous}
    renamed = read(facet("outputs", "lifecycleStateChange", change))
    assert set(edges(renamed, "wasInvalidatedBy")) == {("urn:lineage:dataset:n/old", RUN_ID)}
    assert set(edges(renamed, "wasRevisionOf")) == {(DATA, "urn:lineage:dataset:n/old")}


def test_symlinks_are_ties_both_ways_that_say_so():
    identifiers = [{"namespace": "hive", "name": "t", "type": "TABLE"}]
    ends = edges(read(facet("inputs", "symlinks", {"identifiers": identifiers})), "alternateOf")
    assert set(ends) == {(DATA, "urn:lineage:dataset:hive/t"), ("urn:lineage:dataset:hive/t", DATA)}
    assert {said["method"] for said in ends.values()} == {"symlink"}


def test_jobs_and_datasets_can_be_told_of_without_a_run():
    job = event(None, run=None, inputs=[dataset("a")], outputs=[dataset("b")])
    a, b = (f"urn:lineage:dataset:postgres://db:5432/{name}" for name in "ab")
    assert set(edges(read(job), "wasInfluencedBy")) == {(JOB, a), (b, JOB)}
    alone = {"eventTime": "2026-01-01T00:00:00Z", "dataset": dataset("a", facets={"x": {"y": 1}})}
    assert attributes(read(alone), a)["facet.x"] == '{"y":1}'


@pytest.mark.parametrize(
    ("shown", "lost"),
    [
        (event(time="{{NOW}}"), "eventTime"),
        (event(time="2026-02-30T00:00:00Z"), "eventTime"),
        (event(time=12), "eventTime"),
        (event("DONE"), "eventType"),
        (event(["START"]), "eventType"),
        (event({"type": "START"}), "eventType"),
        (event(run={"runId": "7"}), "runIds"),
        (event(run={}), "runs"),
        (event(job=None), "job"),
        (event(job={"name": "x"}), "namespaces"),
        (event(producer=None), "producer"),
        (event(inputs={}), "inputs"),
        (event(inputs=[3]), "datasets"),
        (event(inputs=[{"namespace": "n"}]), "datasets"),
        (facet("run", "x", {"_deleted": True}), "facets"),
        (facet("run", "big", {"text": "x" * 50_000}), "facets"),
        (event(job={"namespace": "n", "name": "j", "facets": {"sql": 3}}), "facets"),
        (event(job={"namespace": "n", "name": "j", "facets": []}), "facets"),
    ],
)
def test_a_partial_event_is_taken_and_says_what_is_missing(shown, lost):
    assert lost in {loss.what for loss in read(shown).losses}


@pytest.mark.parametrize(
    "shown",
    [
        None,
        [],
        "event",
        {},
        {"eventType": "START"},
        {"run": []},
        {"run": {"runId": RUN}, "job": "x"},
        {"job": {"namespace": "n"}},
        {"job": {"namespace": "n", "name": "\ud800"}},
        {"job": {}, "run": {}, "inputs": [{"namespace": "n", "name": "d"}]},
        {"dataset": {"namespace": "n"}},
        {"job": {"namespace": "n", "name": "j"}, "inputs": [{}] * 10_001},
    ],
)
def test_what_names_nothing_is_refused_with_a_reason(shown):
    with pytest.raises(Rejected) as caught:
        batch_of(shown, person_key=KEY)
    assert "openlineage.io" in caught.value.hint


def test_events_come_one_a_line_or_as_a_list_and_bad_ones_do_not_keep_others_out(tmp_path):
    items = [event("START"), {"nothing": 1}, event("COMPLETE")]
    lines = tmp_path / "events.ndjson"
    lines.write_text("\n\n".join(json.dumps(item) for item in items))
    listed = tmp_path / "events.json"
    listed.write_text(json.dumps(items, indent=1))
    told = [list(IMPORTER.read(Source.of(path), Options())) for path in (lines, listed)]
    assert [list(b.records) for b in told[0]] == [list(b.records) for b in told[1]]
    (loss,) = (loss for loss in told[0][-1].losses if loss.what == "events")
    assert loss.number == 1
    assert "event 2" in loss.reason
    for text in ("", "[]", "[1, 2]", "{", json.dumps(items[1])):
        listed.write_text(text)
        with pytest.raises(BadInput):
            list(IMPORTER.read(Source.of(listed), Options()))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
FACETS = st.dictionaries(
    st.sampled_from(
        ["parent", "tags", "ownership", "columnLineage", "lineage", "symlinks", "version"]
        + ["lifecycleStateChange", "sourceCodeLocation", "jobDependencies", "schema", "x", "root"]
        + ["environmentVariables", "fields", "inputs", "entries", "identifiers", "owners"]
    ),
    JSON | st.dictionaries(st.sampled_from(["fields", "inputs", "owners", "run", "job"]), JSON),
)
THING = st.fixed_dictionaries(
    {}, optional={"namespace": JSON, "name": JSON, "runId": JSON, "facets": FACETS | JSON}
)


@settings(max_examples=150)
@given(
    st.fixed_dictionaries(
        {"job": THING},
        optional={
            "run": THING,
            "dataset": THING | JSON,
            "inputs": st.lists(THING | JSON, max_size=3) | JSON,
            "outputs": st.lists(THING, max_size=3),
            "eventType": JSON,
            "eventTime": JSON,
            "producer": JSON,
        },
    )
)
def test_whatever_an_event_holds_it_is_taken_soundly_or_refused(shown):
    try:
        batch = batch_of(shown, person_key=KEY)
    except Rejected:
        return
    with lineage.open("memory:") as store:
        try:
            store.ingest(batch)
        except Rejected:
            assert check.check(batch)
