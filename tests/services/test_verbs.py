# SPDX-License-Identifier: Apache-2.0
"""The verbs through the public door, on every engine."""

from __future__ import annotations

import json

import pytest

import lineage
from lineage.errors import Ambiguous, BadReference, InputMissing, NotFound, UnknownFormat, Usage
from lineage.model import kinds
from lineage.model.record import Batch, Edge, Node


def edge(relation, effect, cause, **attributes):
    return Edge(relation=relation, effect=effect, cause=cause, attributes=attributes)


TIE = {"method": "digest"}
STORY = Batch(
    nodes=(
        kinds.Model(id="urn:lineage:model:lab/fraud", label="fraud", name="fraud").node(),
        kinds.ModelVersion(id="urn:lineage:model-version:lab/fraud@3", label="fraud@v3").node(),
        kinds.Run(
            id="urn:lineage:run:mlflow:lab/ab12cd", label="bold-fox", status="finished"
        ).node(),
        kinds.Commit(id="swh:1:rev:" + "a1" * 20, label="a1a1a1a1a1a1 Tune", message="Tune").node(),
        kinds.Dataset(id="urn:lineage:dataset:repo/data/train.csv", label="data/train.csv").node(),
        kinds.DatasetVersion(
            id="urn:lineage:version:repo/data/train.csv@md5:d41d", label="data/train.csv@d41d"
        ).node(),
        kinds.DatasetVersion(
            id="urn:lineage:version:other/copy.csv@md5:d41d", label="copy.csv"
        ).node(),
        kinds.Content(id="urn:lineage:content:md5:d41d", label="md5:d41d").node(),
        kinds.Person(id="urn:lineage:person:1", label="Ana", name="Ana").node(),
        kinds.Run(id="urn:lineage:run:mlflow:lab/ef56", label="sad-owl").node(),
    ),
    edges=(
        edge(
            "specializationOf",
            "urn:lineage:model-version:lab/fraud@3",
            "urn:lineage:model:lab/fraud",
        ),
        edge(
            "wasGeneratedBy",
            "urn:lineage:model-version:lab/fraud@3",
            "urn:lineage:run:mlflow:lab/ab12cd",
        ),
        edge("used", "urn:lineage:run:mlflow:lab/ab12cd", "swh:1:rev:" + "a1" * 20),
        edge(
            "used",
            "urn:lineage:run:mlflow:lab/ab12cd",
            "urn:lineage:version:repo/data/train.csv@md5:d41d",
        ),
        edge(
            "used", "urn:lineage:run:mlflow:lab/ef56", "urn:lineage:version:other/copy.csv@md5:d41d"
        ),
        edge("wasAssociatedWith", "urn:lineage:run:mlflow:lab/ab12cd", "urn:lineage:person:1"),
        edge(
            "specializationOf",
            "urn:lineage:version:repo/data/train.csv@md5:d41d",
            "urn:lineage:dataset:repo/data/train.csv",
        ),
        *(
            Edge(relation="alternateOf", effect=a, cause=b, attributes=TIE)
            for name in ("repo/data/train.csv", "other/copy.csv")
            for a, b in (
                (f"urn:lineage:version:{name}@md5:d41d", "urn:lineage:content:md5:d41d"),
                ("urn:lineage:content:md5:d41d", f"urn:lineage:version:{name}@md5:d41d"),
            )
        ),
    ),
)


@pytest.fixture
def store(address, lineage_at):
    opened = lineage_at(address)
    opened.ingest(STORY)
    return opened


def titles(answer):
    return {node.title for node in answer}


def test_a_model_is_traced_to_run_commit_data_and_people(store):
    answer = store.trace("model:fraud@v3")
    assert titles(answer) >= {
        "fraud@v3",
        "bold-fox",
        "a1a1a1a1a1a1 Tune",
        "data/train.csv@d41d",
        "Ana",
    }
    assert "sad-owl" not in titles(answer)
    assert list(answer.groups) == [
        "models",
        "runs",
        "commits",
        "datasets",
        "people",
        "contents",
    ]
    assert answer.certificate.complete
    assert answer.certificate.root == store.stats().root


def test_a_dataset_reaches_what_read_its_bytes_under_another_name(store):
    assert {"bold-fox", "fraud@v3", "sad-owl"} <= titles(store.impact("dataset:data/train.csv"))


def test_references_people_type_mean_one_thing(store):
    for reference, title in {
        "model:fraud": "fraud",
        "model:fraud@v3": "fraud@v3",
        "fraud@v3": "fraud@v3",
        "run:ab12": "bold-fox",
        "run:bold-fox": "bold-fox",
        "commit:a1a1a1": "a1a1a1a1a1a1 Tune",
        "a1" * 20: "a1a1a1a1a1a1 Tune",
        "dataset:data/train.csv": "data/train.csv",
        "md5:d41d": "md5:d41d",
        "person:ana": "Ana",
        "urn:lineage:person:1": "Ana",
    }.items():
        assert store.show(reference).nodes, reference
        found = store.show(reference)
        assert {n.id: n for n in found.nodes}[found.start[0]].title == title, reference


def test_a_reference_that_means_nothing_names_the_nearest_and_one_that_means_two_lists_both(store):
    with pytest.raises(NotFound) as caught:
        store.trace("model:frued@v3")
    assert "fraud@v3" in caught.value.hint
    with pytest.raises(Ambiguous, match="bold-fox"):
        store.trace("run:o")
    for nothing in (" ", "run:"):
        with pytest.raises(BadReference):
            store.trace(nothing)


def test_what_a_partner_calls_by_our_names_leaves_ours_clear_and_is_shown_as_its_word(store):
    claims = tuple(
        Node(id=f"urn:lineage:claim:lab:x{n}", kind="ModelVersion", label="fraud@v3")
        for n in range(20)
    )
    store.ingest(Batch(nodes=claims), source="partner:lab")
    found = store.trace("model:fraud@v3")
    assert not found.start[0].startswith("urn:lineage:claim:")
    (claim,) = store.show(claims[0].id).nodes
    assert claim.title == "fraud@v3 (lab says)"


def test_why_names_the_shortest_chains_whichever_end_is_asked_first(store):
    for one, other in (("fraud@v3", "md5:d41d"), ("md5:d41d", "fraud@v3")):
        answer = store.why(one, other)
        (path,) = answer.paths
        assert [step["type"] for step in path] == ["wasGeneratedBy", "used", "alternateOf"]


def test_that_two_known_things_are_not_connected_is_an_answer(store):
    answer = store.why("run:sad-owl", "run:bold-fox")
    assert list(answer.paths) == []
    assert titles(answer) == {"sad-owl", "bold-fox"}
    assert answer.certificate.complete
    assert set(answer.start) == {node.id for node in answer.nodes}
    with pytest.raises(NotFound):
        store.why("run:sad-owl", "run:nobody")


def test_answers_are_given_as_of_an_entry_and_as_of_a_time(store):
    store.ingest(Batch(nodes=(kinds.Run(id="urn:late", label="late").node(),)))
    assert titles(store.find("late")) == {"late"}
    assert titles(store.find("late", at=1)) == set()
    assert titles(store.find("late", at="2026-01-02T03:04:05Z")) == {"late"}
    assert titles(store.find("late", at="2026-01-01")) == set()
    with pytest.raises(Usage, match="neither an entry nor a time"):
        store.find("late", at="spring")


def test_show_says_who_says_so(store):
    found = [item.to_dict() for item in store.show("run:bold-fox").evidence]
    assert {item["source"] for item in found} == {"python"}
    assert {item["actor"] for item in found} == {"tester"}
    assert len(found) == 4


def test_an_unknown_relation_is_refused_with_the_nearest(store):
    with pytest.raises(Usage) as caught:
        store.trace("fraud@v3", via=["usd"])
    assert "used" in caught.value.hint


def test_a_source_that_no_longer_says_something_retracts_it(store, tmp_path):
    path = tmp_path / "doc.json"
    said = {"prefix": {"ex": "http://example.org/"}, "entity": {"ex:a": {}, "ex:b": {}}}
    path.write_text(json.dumps(said))
    first, *_ = store.load(path)
    again, *_ = store.load(path)
    assert (first.added, again.added, again.entries) == (2, 0, ())
    del said["entity"]["ex:b"]
    said["entity"]["ex:a"] = {"prov:label": "a"}
    path.write_text(json.dumps(said))
    third, *_ = store.load(path)
    assert (third.added, third.retracted, len(third.entries)) == (1, 2, 1)
    assert titles(store.find("example.org")) == {"a"}


def test_a_damaged_source_leaves_the_store_as_it_was(store, tmp_path):
    before = store.stats()
    with pytest.raises(InputMissing):
        store.load(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"entity": {"urn:a')
    with pytest.raises(lineage.LineageError):
        store.load(tmp_path / "half.json", named="document")
    (tmp_path / "what.bin").write_bytes(b"\x00\x01\x02")
    with pytest.raises(UnknownFormat):
        store.load(tmp_path / "what.bin")
    assert store.stats() == before


def test_the_bytes_of_an_answer_are_the_json_of_its_dict(store):
    import orjson

    for answer in (store.trace("model:fraud@v3"), store.find(), store.show("run:ab12")):
        assert orjson.loads(answer.to_json()) == answer.to_dict()
        indented = b"".join(answer.json_pieces(indented=True))
        assert indented == orjson.dumps(answer.to_dict(), option=orjson.OPT_INDENT_2)


def test_a_thing_derived_from_itself_is_shown_once_and_whole():
    told = {"relation": "wasDerivedFrom", "effect": "urn:d", "cause": "urn:d"}
    with lineage.open("memory:") as store:
        store.ingest(Batch(edges=(Edge(**told), Edge(**told, id="urn:d:again"))))
        answer = store.show("urn:d")
    assert (len(answer.edges), answer.certificate.complete) == (2, True)
