# SPDX-License-Identifier: Apache-2.0
"""Two runs side by side: what differs, and when their metrics may be compared."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import pytest

import lineage
from lineage import Batch, Edge, Node
from lineage.cli import main
from lineage.errors import Usage
from tests.graphql_schema.cases import small


@dataclass(frozen=True)
class Run:
    """A run to compare, by what it read and said."""

    commit: str = "c1"
    train: str = "md5:aa"
    test: str | None = "md5:ee"
    env: str = "e1"
    said: dict = field(default_factory=lambda: {"param.lr": 0.1, "metric.auc": 0.9})
    status: str = "finished"


def ingested(store, ident, run):
    read = {"source": run.commit, "train": run.train, "test": run.test, None: run.env}
    kinds = {"source": "Commit", None: "Environment"}
    nodes, edges = [], []
    for role, name in read.items():
        if name is None:
            continue
        digest = {"digest": name, "name": f"{role}.csv"} if role in ("train", "test") else {}
        kind = kinds.get(role, "DatasetVersion")
        nodes.append(Node(id=f"urn:x:{name}", kind=kind, label=name, attributes=digest))
        attributes = {"prov:role": role} if role else {}
        edges.append(
            Edge(relation="used", effect=ident, cause=f"urn:x:{name}", attributes=attributes)
        )
    for env, version in (("e1", "1.0"), ("e2", "2.0")):
        package = f"urn:x:numpy@{version}"
        known = {"name": "numpy", "version": version}
        nodes += [
            Node(id=f"urn:x:{env}", kind="Environment", label=env),
            Node(id=package, kind="Package", label="numpy", attributes=known),
        ]
        edges.append(Edge(relation="hadMember", effect=f"urn:x:{env}", cause=package))
    nodes.append(
        Node(id=ident, kind="Run", label=ident[-1], attributes={**run.said, "status": run.status})
    )
    store.ingest(Batch(nodes=tuple(nodes), edges=tuple(edges)), source=ident)


CASES = {
    "only a parameter": (
        {"said": {"param.lr": 0.2, "metric.auc": 0.95}},
        True,
        [],
        {"parameters", "metrics"},
    ),
    "only the code": ({"commit": "c2"}, True, [], {"code"}),
    "only a package": ({"env": "e2"}, True, [], {"environment"}),
    "only the training data": ({"train": "md5:bb"}, True, [], {"data"}),
    "nothing": ({}, True, [], set()),
    "the evaluation data": ({"test": "md5:ff"}, False, ["evaluation-data-differs"], {"data"}),
    "evaluation data of one": ({"test": None}, None, ["evaluation-data-unknown"], {"data"}),
    "other metrics": (
        {"said": {"param.lr": 0.1, "metric.f1": 0.9}},
        False,
        ["metric-names-differ"],
        {"metrics"},
    ),
    "no metrics": ({"said": {"param.lr": 0.1}}, False, ["no-metrics"], {"metrics"}),
    "a run that failed": ({"status": "failed"}, False, ["not-finished"], {"other"}),
    "code and data": (
        {"commit": "c2", "train": "md5:bb"},
        False,
        ["several-differences"],
        {"code", "data"},
    ),
}


@pytest.mark.parametrize(("change", "fair", "codes", "differs"), CASES.values(), ids=CASES)
def test_a_comparison_is_fair_where_what_is_not_under_test_is_equal(change, fair, codes, differs):
    with lineage.open("memory:") as store:
        ingested(store, "urn:x:run:a", Run())
        ingested(store, "urn:x:run:b", replace(Run(), **change))
        found = store.compare("urn:x:run:a", "urn:x:run:b")
    assert found.fair is fair
    assert [reason.code for reason in found.reasons] == codes
    assert any(reason.fatal for reason in found.reasons) is (fair is False)
    assert {name for name, differences in found.sections.items() if differences} == differs
    assert {name for name, state in found.states.items() if state == "differs"} == differs
    assert "unknown" not in found.states.values()
    assert json.loads(json.dumps(found.to_dict()))["fair"] is fair


def test_a_package_that_differs_is_named_with_both_versions():
    with lineage.open("memory:") as store:
        ingested(store, "urn:x:run:a", Run())
        ingested(store, "urn:x:run:b", Run(env="e2"))
        (item,) = store.compare("urn:x:run:a", "urn:x:run:b").sections["environment"]
    assert (item.what, item.a, item.b) == ("numpy", "1.0", "2.0")


def test_model_versions_are_compared_by_the_runs_that_made_them():
    with small() as store:
        found = store.compare("model:fraud@v1", "model:fraud@v2")
    assert (found.a, found.b) == ("urn:t:run:1", "urn:t:run:2")
    (item,) = found.sections["parameters"]
    assert (item.what, item.a, item.b, item.delta, item.relative) == ("lr", 0.1, 0.2, 0.1, 1.0)
    assert found.fair is True


def test_a_model_is_found_under_another_name_of_the_same_bytes():
    by = {"method": "digest"}
    weak = {"method": "name"}
    nodes = tuple(Node(id=f"urn:x:{n}", kind="ModelVersion") for n in ("here", "there", "like"))
    edges = tuple(
        Edge(relation="alternateOf", effect=f"urn:x:{a}", cause=b, attributes=how)
        for a, b, how in (
            ("here", "urn:t:model:1", by),
            ("there", "urn:x:here", by),
            ("like", "urn:x:here", weak),
        )
    )
    with small() as store:
        store.ingest(Batch(nodes=nodes, edges=edges))
        assert store.compare("urn:x:there", "urn:t:run:2").a == "urn:t:run:1"
        with pytest.raises(Usage, match="no run is known that made"):
            store.compare("urn:x:like", "urn:t:run:2")


def test_what_people_read_alike_is_told_apart(tmp_path, capsys):
    """Data of one name by its digest, numbers by all their digits."""
    with lineage.open(tmp_path / "s.db") as store:
        for run, digest, rate in (("a", "sha256:aa", 0.1), ("b", "sha256:bb", 0.100000001)):
            nodes = (
                Node(id=f"urn:x:{run}", kind="Run", label=run, attributes={"param.rate": rate}),
                Node(
                    id=f"urn:x:{digest}",
                    kind="DatasetVersion",
                    label="train.csv",
                    attributes={"digest": digest},
                ),
            )
            used = Edge(
                relation="used",
                effect=f"urn:x:{run}",
                cause=f"urn:x:{digest}",
                attributes={"prov:role": "train"},
            )
            store.ingest(Batch(nodes=nodes, edges=(used,)))
    with pytest.raises(SystemExit) as end:
        main(["--store", str(tmp_path / "s.db"), "compare", "urn:x:a", "urn:x:b"])
    told = capsys.readouterr().out
    assert end.value.code == 0
    assert "train: train.csv (sha256:aa) -> train.csv (sha256:bb)" in told
    assert "rate: 0.1 -> 0.100000001  (" in told
