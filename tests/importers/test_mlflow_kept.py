# SPDX-License-Identifier: Apache-2.0
"""What else a store of MLflow keeps: prompts, deleted runs, traces, commits, tables of Spark."""

from __future__ import annotations

import json

import pytest

from importers.openlineage import batch_of
from lineage.services.summary import summary_lines
from tests.conftest import KEY
from tests.importers.mlflow_found import Found
from tests.importers.mlflow_written import READERS, Logged, Model, Run, Said, Version, written

RUN, OTHER = "b" * 31 + "1", "b" * 31 + "2"
LOGGED = "m-" + "c" * 31 + "1"
PROMPT = {"mlflow.prompt.is_prompt": "true"}


def edges(found: Found, effect: str) -> set[tuple[str, str, object]]:
    """Relation, label of the cause and role of what a thing depends on."""
    labels = {node.id: node.label for node in found.nodes}
    start = found.labelled(effect).id
    return {
        (edge.relation, labels.get(edge.cause) or edge.cause, edge.attributes.get("prov:role"))
        for edge in found.edges
        if edge.effect == start
    }


@pytest.mark.parametrize("reader", READERS)
def test_a_prompt_is_no_model_and_is_used_by_what_names_it(reader, tmp_path) -> None:
    linked = {"mlflow.linkedPrompts": json.dumps([{"name": "greet", "version": "2"}])}
    said = Said(
        runs=[Run(id=RUN, name="chat", tags=linked), Run(id=OTHER, name="old-chat")],
        logged=[Logged(id=LOGGED, name="agent", tags=linked)],
        models=[
            Model(
                name="greet",
                tags=PROMPT,
                versions=[
                    Version(version="1", source="prompt-template",
                            tags={**PROMPT, "mlflow.prompt.associatedRunIds": OTHER}),
                    Version(version="2", source="dummy-source",
                            tags={**PROMPT, "mlflow.prompt.text": "Hello {{name}}"}),
                ],
            ),
            Model(name="fraud", versions=[Version(version="1", source=f"models:/{LOGGED}")]),
        ],
    )  # fmt: skip
    with written(said, reader, tmp_path) as address:
        found = Found(address)
    assert [node.label for node in found.of("Model")] == ["fraud"]
    assert [node.label for node in found.of("ModelVersion")] == ["fraud@v1"]
    assert found.labelled("greet").attributes["type"] == "prompt"
    second = found.labelled("greet@v2").attributes
    assert second["tag.mlflow.prompt.text"] == "Hello {{name}}"
    assert ("used", "greet@v2", "prompt") in edges(found, "chat")
    assert ("used", "greet@v1", "prompt") in edges(found, "old-chat")
    assert ("wasDerivedFrom", "greet@v2", "prompt") in edges(found, "agent")
    assert ("specializationOf", "greet", None) in edges(found, "greet@v2")
    assert found.lost("origins of model versions") == 0
    assert (found.seen["registered prompts"], found.seen["prompt versions"]) == (1, 2)
    assert found.seen["registered models"] == 1


@pytest.mark.parametrize("text", ["no JSON", "{}", "[1]", '[{"name": "greet"}]', '[{"name": ""}]'])
def test_linked_prompts_that_cannot_be_read_are_counted(text, tmp_path) -> None:
    said = Said(runs=[Run(id=RUN, name="chat", tags={"mlflow.linkedPrompts": text})])
    with written(said, "tables", tmp_path) as address:
        assert Found(address).lost("linked prompts") == 1


@pytest.mark.parametrize("reader", READERS)
def test_a_deleted_run_does_not_read_as_any_other(reader, opened, tmp_path) -> None:
    said = Said(runs=[Run(id=RUN, name="kept"), Run(id=OTHER, name="gone", deleted=True)])
    with written(said, reader, tmp_path) as address:
        found = Found(address)
        opened.load(address)
    assert found.labelled("gone").attributes["lifecycle"] == "deleted"
    assert "lifecycle" not in found.labelled("kept").attributes
    lines = {node.label: summary_lines(node) for node in opened.ask("kind:run")}
    assert lines == {"kept": ["finished"], "gone": ["finished", "deleted"]}


SHA, SECOND = "d" * 40, "e" * 40


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "place",
    ["mlflow.source.git.commit", "mlflow.databricks.gitRepoCommit", "mlflow.gitCommit", "field"],
)
def test_a_run_used_the_commit_wherever_mlflow_kept_it(reader, place, tmp_path) -> None:
    run = Run(id=RUN, name="train", tags={"mlflow.user": "ana"})
    if place == "field":
        run.source_version = SHA
    else:
        run.tags = {**run.tags, place: SHA.upper()}
    with written(Said(runs=[run]), reader, tmp_path) as address:
        found = Found(address)
    assert ("used", f"swh:1:rev:{SHA}", "source") in edges(found, "train")
    told = found.labelled("train").attributes
    assert not {f"tag.{place}", "source_version"} & told.keys()
    (plan,) = (e.attributes["prov:plan"] for e in found.edges if e.relation == "wasAssociatedWith")
    assert plan.iri == f"swh:1:rev:{SHA}"


def test_one_commit_named_twice_is_used_once_and_two_are_two(tmp_path) -> None:
    for number, (second, expected) in enumerate(((SHA, 1), (SECOND, 2))):
        tags = {"mlflow.source.git.commit": SHA, "mlflow.databricks.gitRepoCommit": second}
        (tmp_path / str(number)).mkdir()
        with written(Said(runs=[Run(id=RUN, name="train", tags=tags)]), "tables", tmp_path / str(number)) as address:  # fmt: skip
            found = Found(address)
        assert sum(e.relation == "used" for e in found.edges) == expected


def test_what_is_no_full_hash_stays_a_tag_and_is_counted(tmp_path) -> None:
    tags = {"mlflow.databricks.gitRepoCommit": "0123456", "mlflow.source.git.commit": SHA}
    run = Run(id=RUN, name="train", tags=tags, source_version="nightly")
    with written(Said(runs=[run]), "files", tmp_path) as address:
        found = Found(address)
    told = found.labelled("train").attributes
    assert told["tag.mlflow.databricks.gitRepoCommit"] == "0123456"
    assert told["source_version"] == "nightly"
    assert found.lost("source commits") == 1


@pytest.mark.parametrize("reader", READERS)
def test_a_run_used_the_tables_that_spark_read(reader, tmp_path) -> None:
    tables = """path=dbfs:/lake/features,version=12,format=delta
path=s3a://lab/raw,with a comma/,format=csv

path=s3://lab/labels,version=None,format=parquet
path=hdfs://name/user/x.parquet,form..."""
    run = Run(id=RUN, name="train", tags={"sparkDatasourceInfo": tables})
    with written(Said(runs=[run]), reader, tmp_path) as address:
        found = Found(address)
    used = {cause for relation, cause, _ in edges(found, "train") if relation == "used"}
    assert used == {"dbfs:/lake/features@12", "raw,with a comma", "labels"}
    features = found.labelled("dbfs:/lake/features@12")
    assert features.kind == "DatasetVersion"
    assert features.attributes["version"] == "12"
    raw = found.labelled("raw,with a comma")
    assert raw.id == "urn:lineage:dataset:s3://lab/raw,with%20a%20comma"
    assert {e.attributes["format"] for e in found.edges if e.cause == raw.id} == {"csv"}
    assert found.lost("tables of Spark") == 1


def test_a_table_at_a_version_is_that_of_openlineage(opened, tmp_path) -> None:
    made = {
        "eventType": "COMPLETE", "eventTime": "2026-03-02T10:00:00Z", "producer": "p",
        "run": {"runId": "01a09524-0028-721f-8488-000000000001"},
        "job": {"namespace": "lab", "name": "load"},
        "outputs": [{"namespace": "s3://lab", "name": "features",
                     "facets": {"version": {"datasetVersion": "12"}}}],
    }  # fmt: skip
    opened.ingest(batch_of(made, person_key=KEY))
    tables = "path=s3a://lab/features,version=12,format=delta"
    run = Run(id=RUN, name="train", tags={"sparkDatasourceInfo": tables})
    with written(Said(runs=[run]), "tables", tmp_path) as address:
        opened.load(address)
    assert "load" in {node.label for node in opened.trace("run:train") if node.kind == "Run"}


@pytest.mark.parametrize("reader", READERS)
def test_traces_and_evaluation_sets_are_counted(reader, tmp_path) -> None:
    with written(Said(traces=5, evaluation_sets=3), reader, tmp_path) as address:
        found = Found(address)
    assert found.lost("traces") == 5
    assert found.lost("evaluation sets") == (0 if reader == "files" else 3)
