# SPDX-License-Identifier: Apache-2.0
"""What else a store of MLflow keeps: prompts, deleted runs, traces, commits, tables of Spark."""

from __future__ import annotations

import json

import pytest

from lineage.services.summary import summary_lines
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
