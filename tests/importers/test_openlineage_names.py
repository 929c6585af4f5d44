# SPDX-License-Identifier: Apache-2.0
"""One address is one dataset, whoever writes it and however; other names that a source gives hold."""

from __future__ import annotations

import json

import pytest

from importers.dvc.places import place_of
from importers.locations import normal, of_address
from importers.openlineage import batch_of
from tests.conftest import KEY
from tests.importers.mlflow_found import Found
from tests.importers.mlflow_written import Dataset, Run, Said, written


def event(number, inputs=(), outputs=()):
    def named(said):
        namespace, name, *facets = said
        return {"namespace": namespace, "name": name, "facets": facets[0] if facets else {}}

    return {
        "eventType": "COMPLETE",
        "eventTime": "2026-03-02T10:00:00Z",
        "producer": "https://producer.example",
        "run": {"runId": f"01a09524-0028-721f-8488-{number:012d}"},
        "job": {"namespace": "lab", "name": f"job{number}"},
        "inputs": [*map(named, inputs)],
        "outputs": [*map(named, outputs)],
    }


def symlinks(*identifiers):
    return {
        "symlinks": {
            "identifiers": [
                {"namespace": namespace, "name": name, "type": "LOCATION"}
                for namespace, name in identifiers
            ]
        }
    }


def names(answer, kind):
    return {node.label for node in answer if node.kind == kind}


@pytest.mark.parametrize(
    ("written", "same"),
    [
        (("s3a://lab", "clean/people"), ("s3://lab", "clean/people")),
        (("s3n://lab/", "/clean/people/"), ("s3://lab", "clean/people")),
        (("S3://lab", "clean/people"), ("s3://lab", "clean/people")),
        (("gcs://lab", "x"), ("gs://lab/", "/x")),
        (("wasb://c@a.blob.core.windows.net", "x"), ("wasbs://c@a.blob.core.windows.net", "x/")),
        (("abfs://c@a.dfs.core.windows.net", "/x"), ("abfss://c@a.dfs.core.windows.net", "/x/")),
        (("postgres://db.lab", "a.b.c"), ("postgresql://DB.lab:5432", "a.b.c")),
        (("mysql://db", "a.b"), ("mysql://db:3306/", "a.b")),
        (("redshift://c.eu", "a.b"), ("redshift://c.eu:5439", "a.b")),
        (("hdfs://name", "/user/x"), ("hdfs://name:8020", "/user/x/")),
        (("kafka://broker", "topic"), ("kafka://broker:9092", "topic")),
        (("https://host:443", "x"), ("https://host", "x")),
        (("snowflake://ORG-ACC", "D.S.T"), ("snowflake://org-acc.snowflakecomputing.com", "D.S.T")),
        (("file://", "/data/x/"), ("file://", "/data/x")),
    ],
)
def test_two_spellings_of_one_address_are_one_dataset(written, same):
    assert normal(*written) == normal(*same)
    assert normal(*normal(*written)) == normal(*written)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("s3://lab", "clean/people"), ("s3://lab", "clean/People")),
        (("s3://lab", "clean"), ("gs://lab", "clean")),
        (("s3://lab", "a"), ("s3://lab2", "a")),
        (("postgres://db:5433", "a"), ("postgres://db", "a")),
        (("postgres://db", "a"), ("mysql://db", "a")),
        (("postgres://db", "a/"), ("postgres://db", "a")),
        (("lab/", "a"), ("lab", "a")),
        (("hdfs://name", "/x"), ("hdfs://name", "x")),
        (("kafka://a,b", "t"), ("kafka://a", "t")),
    ],
)
def test_what_may_be_two_things_stays_two(one, other):
    assert normal(*one) != normal(*other)


@pytest.mark.parametrize("name", ["/", "//", ""])
def test_a_root_keeps_a_name(name):
    assert normal("s3://lab", name)[1] == name[:1]


def test_a_walk_goes_from_the_reader_of_s3_to_what_the_writer_of_s3a_read(opened):
    opened.ingest(batch_of(event(1, [("pg://db", "people")], [("s3a://lab/", "clean/people")]), person_key=KEY))  # fmt: skip
    opened.ingest(batch_of(event(2, [("s3://lab", "clean/people/")], [("s3n://lab", "model")]), person_key=KEY))  # fmt: skip
    assert {"people", "clean/people"} <= names(opened.trace("dataset:model"), "Dataset")
    assert names(opened.impact("dataset:people"), "Run") == {"job1", "job2"}


def test_a_column_is_derived_from_the_dataset_that_the_run_read(opened):
    columns = {
        "columnLineage": {
            "fields": {
                "id": {"inputFields": [{"namespace": "s3a://lab", "name": "raw", "field": "id"}]}
            }
        }
    }
    opened.ingest(batch_of(event(1, [("s3://lab", "raw")], [("s3://lab", "clean", columns)]), person_key=KEY))  # fmt: skip
    assert names(opened.trace("dataset:clean"), "Dataset") == {"raw", "clean"}


def test_versions_told_under_two_spellings_are_one(opened):
    version = {"version": {"datasetVersion": "7"}}
    opened.ingest(batch_of(event(1, [], [("s3a://lab", "t", version)]), person_key=KEY))
    opened.ingest(batch_of(event(2, [("s3://lab", "t/", version)], [("s3://lab", "m")]), person_key=KEY))  # fmt: skip
    assert names(opened.trace("dataset:m"), "Run") == {"job1", "job2"}


@pytest.mark.parametrize("teller", ["writer", "reader"])
def test_walks_follow_the_other_names_that_a_source_gives_both_ways(opened, teller):
    place, table = ("s3a://lab", "clean/people"), ("hive://meta", "clean.people")
    other = {"writer": table, "reader": ("s3://lab", "clean/people/")}[teller]
    said = symlinks(other)
    written = (*place, said) if teller == "writer" else place
    read = (*table, said) if teller == "reader" else table
    opened.ingest(batch_of(event(1, [("pg://db", "people")], [written]), person_key=KEY))
    opened.ingest(batch_of(event(2, [read], [("s3://lab", "model")]), person_key=KEY))
    found = opened.trace("dataset:model")
    assert {"people", "clean/people", "clean.people"} <= names(found, "Dataset")
    assert {edge.attributes["method"] for edge in found.edges if edge.relation == "alternateOf"} == {"symlink"}  # fmt: skip
    assert names(opened.impact("dataset:people"), "Run") == {"job1", "job2"}


def test_a_symlink_to_another_spelling_of_the_same_address_is_no_tie():
    said = symlinks(("s3://lab", "clean/people"))
    batch = batch_of(event(1, [("s3a://lab", "clean/people", said)]), person_key=KEY)
    assert [edge for edge in batch.edges if edge.relation == "alternateOf"] == []


def test_the_table_of_a_column_may_be_named_by_its_symlink(opened):
    columns = {
        "columnLineage": {
            "fields": {
                "id": {"inputFields": [{"namespace": "hive://meta", "name": "raw", "field": "id"}]}
            }
        }
    }
    opened.ingest(batch_of(event(1, [("pg://db", "people")], [("s3a://lab", "raw", symlinks(("hive://meta", "raw")))]), person_key=KEY))  # fmt: skip
    opened.ingest(batch_of(event(2, [], [("s3://lab", "clean", columns)]), person_key=KEY))
    assert names(opened.trace("dataset:clean"), "Run") == {"job1", "job2"}


def test_mlflow_and_openlineage_call_an_address_the_same(tmp_path):
    run = Run(id="b" * 32, name="train",
              datasets=[Dataset(source=json.dumps({"uri": "s3a://lab/clean/people/"}))])  # fmt: skip
    with written(Said(runs=[run]), "tables", tmp_path) as address:
        found = Found(address)
    batch = batch_of(event(1, [], [("s3://lab", "clean/people")]), person_key=KEY)
    (there,) = {node.id for node in batch.nodes if node.kind == "Dataset"}
    assert there in {node.id for node in found.of("Dataset")}


@pytest.mark.parametrize("scheme", ["abfss", "abfs", "wasbs", "wasb"])
def test_two_containers_of_one_account_are_two_places(opened, scheme):
    place = "lab.dfs.core.windows.net"
    bronze, silver = (f"{scheme}://{name}@{place}" for name in ("bronze", "silver"))
    opened.ingest(batch_of(event(1, [(bronze, "/people")], [(silver, "/people")]), person_key=KEY))
    (run,) = opened.find(kinds=["Run"]).nodes
    (read,) = (e.cause for e in opened.show(run.id).edges if e.relation == "used")
    (made,) = (e.effect for e in opened.show(run.id).edges if e.relation == "wasGeneratedBy")
    assert "bronze@" in read
    assert "silver@" in made


def test_what_dvc_and_mlflow_read_at_an_address_is_the_data_that_others_know_by_it():
    addresses = (
        ("s3a", "lab", "/clean/people.csv"),
        ("abfss", "raw@lab.dfs.core.windows.net", "/people"),
        ("hdfs", "nn", "/people"),
        ("gcs", "lab", "/people/"),
        ("https", "Data.Lab:443", "/people.csv"),
    )
    for scheme, host, path in addresses:
        assert of_address(scheme, host, path) == normal(*of_address(scheme, host, path))
        place = place_of(f"{scheme}://{host}{path}", "")
        assert (place.namespace, place.path) == of_address(scheme, host, path)
    assert of_address("s3", "ana:hunter2@lab", "/x") == ("s3://lab", "x")
    assert of_address("abfss", "ana:hunter2@lab", "/x") == ("abfss://lab", "/x")
