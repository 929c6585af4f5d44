# SPDX-License-Identifier: Apache-2.0
"""The runs between two results in order, with what changed at each, and where the metric moved most."""

from __future__ import annotations

import json

import pytest

import lineage
from lineage import Batch, Edge, Node
from lineage.cli import main
from lineage.errors import Usage

#: Run -> minute, accuracy, parameters, commit, numpy; ``x`` lies outside, ``other`` is of another experiment.
RUNS = {
    "a": (1, 0.90, {"lr": 0.1}, "1", "1.0"),
    "b": (2, 0.91, {"lr": "0.1"}, "1", "1.0"),
    "c": (3, 0.70, {"lr": 0.1}, "2", "2.0"),
    "d": (4, 0.72, {"lr": 0.2}, "2", "2.0"),
    "e": (5, 0.71, {"lr": 0.2}, "2", None),
    "x": (9, 0.10, {}, "2", "2.0"),
}


def commit(name):
    return "swh:1:rev:" + name * 40


def recorded():
    nodes = [
        Node(
            id=commit(c), kind="Commit", attributes={"tree": c, "committed": "2026-01-01T00:00:00Z"}
        )
        for c in "12"
    ]
    edges = [Edge(relation="parent", effect=commit("2"), cause=commit("1"))]
    for version in ("1.0", "2.0"):
        package = {"name": "numpy", "version": version}
        nodes += [
            Node(id=f"urn:x:env{version}", kind="Environment"),
            Node(id=f"urn:x:numpy{version}", kind="Package", attributes=package),
        ]
        member = f"urn:x:numpy{version}"
        edges.append(Edge(relation="hadMember", effect=f"urn:x:env{version}", cause=member))
    for name, (minute, accuracy, params, at, numpy) in RUNS.items():
        said = {f"param.{key}": value for key, value in params.items()}
        said |= {"metric.accuracy": accuracy, "experiment": "churn"}
        said["started"] = f"2026-01-02T00:{minute:02}:00Z"
        nodes.append(Node(id=f"urn:x:run:{name}", kind="Run", label=name, attributes=said))
        used = [commit(at)] + ([f"urn:x:env{numpy}"] if numpy else [])
        edges += [Edge(relation="used", effect=f"urn:x:run:{name}", cause=one) for one in used]
    beside = {
        "other": {"experiment": "else", "started": "2026-01-02T00:03:30Z", "metric.accuracy": 0.2},
        "silent": {"experiment": "churn", "started": "2026-01-02T00:03:30Z", "metric.loss": 1.0},
        "timeless": {"experiment": "churn", "metric.accuracy": 0.5},
        "failed": {
            "experiment": "churn",
            "started": "2026-01-02T00:03:30Z",
            "metric.accuracy": "n/a",
        },
    }
    nodes += [
        Node(id=f"urn:x:run:{n}", kind="Run", label=n, attributes=a) for n, a in beside.items()
    ]
    return Batch(nodes=tuple(nodes), edges=tuple(edges))


@pytest.fixture
def store(address):
    with lineage.open(address) as store:
        store.ingest(recorded())
        yield store


def test_the_runs_between_are_in_order_with_what_changed_at_each(store):
    found = store.bisect("accuracy", "run:a", "run:e")
    assert [(step.label, step.value) for step in found.steps] == [(n, RUNS[n][1]) for n in "abcde"]
    assert found.among == "the runs of the experiment churn"
    first, *rest = found.steps
    assert (first.change, first.sections, first.unknown) == (None, {}, ())
    told = [
        {f"{name} {d.what}": (d.a, d.b) for name, differs in step.sections.items() for d in differs}
        for step in rest
    ]
    assert told == [
        {},
        {"code commit": (commit("1"), commit("2")), "environment numpy": ("1.0", "2.0")},
        {"parameters lr": (0.1, 0.2)},
        {},
    ]
    assert ["environment" in step.unknown for step in rest] == [False, False, False, True]
    assert [step.change.better for step in rest] == [True, False, True, False]
    assert rest[1].change.delta == pytest.approx(-0.21)
    assert found.largest == "urn:x:run:c"
    gaps = {gap.code: (gap.count, gap.example) for gap in found.certificate.gaps}
    assert gaps["order-unknown"] == (1, "timeless")
    assert gaps["environment-unknown"] == (1, "e")


def test_the_order_of_the_ends_does_not_matter_and_names_of_metrics_may_be_whole(store):
    one, other = (store.bisect(m, *ends) for m, ends in (
        ("accuracy", ("run:b", "run:d")), ("metric.accuracy", ("run:d", "run:b")),
    ))  # fmt: skip
    assert one.steps == other.steps
    assert [step.label for step in one.steps] == ["b", "c", "d"]
    alone = store.bisect("accuracy", "run:b", "run:b")
    assert ([step.label for step in alone.steps], alone.largest) == (["b"], None)


def test_what_is_left_out_of_a_long_sequence_is_counted(store):
    found = store.bisect("accuracy", "run:a", "run:e", limit=3)
    assert [step.label for step in found.steps] == ["a", "d", "e"]
    assert found.certificate.complete is False
    assert found.certificate.cut.left == 2
    assert store.bisect("accuracy", "run:a", "run:e", limit=5).certificate.complete is True


def test_runs_without_a_time_are_placed_by_their_commits_and_ends_without_a_metric_are_refused(
    store,
):
    said = {"metric.f1": 0.5, "name": "train"}
    nodes, edges = [], []
    for name, hour in (("p", 1), ("q", 2), ("r", 3)):
        made = {"tree": name, "committed": f"2026-02-01T0{hour}:00:00Z"}
        nodes += [
            Node(id="swh:1:rev:" + name.encode().hex() * 20, kind="Commit", attributes=made),
            Node(id=f"urn:x:dvc:{name}", kind="Run", label=f"dvc-{name}", attributes=said),
        ]
        cause = "swh:1:rev:" + name.encode().hex() * 20
        edges.append(Edge(relation="used", effect=f"urn:x:dvc:{name}", cause=cause))
    store.ingest(Batch(nodes=tuple(nodes), edges=tuple(edges)), source="dvc")
    found = store.bisect("f1", "urn:x:dvc:r", "urn:x:dvc:p")
    assert [step.label for step in found.steps] == ["dvc-p", "dvc-q", "dvc-r"]
    assert (found.among, found.largest) == ("the runs of the name train", None)
    with pytest.raises(Usage, match="recorded no number as 'f1'") as caught:
        store.bisect("f1", "run:a", "run:b")
    assert caught.value.hint == "It recorded accuracy."
    with pytest.raises(Usage, match="when the run of 'run:timeless' was is not recorded"):
        store.bisect("accuracy", "run:timeless", "run:b")


def test_the_command_says_it_in_lines_in_json_and_as_a_table(tmp_path, capsys):
    file = tmp_path / "store.db"
    with lineage.open(file) as store:
        store.ingest(recorded())
        found = store.bisect("accuracy", "run:a", "run:e")
    command = ["--store", str(file), "bisect", "accuracy", "--from", "run:a", "--to", "run:e"]
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert not ended.value.code
    shown = capsys.readouterr().out
    assert "2026-01-02T00:03:00  c  0.7  (-0.21, -23.1%, worse)  <- changed most" in shown
    assert "environment  numpy: 1.0 -> 2.0" in shown
    assert "not known  data, environment" in shown
    assert "place is not known (timeless)" in shown
    with pytest.raises(SystemExit):
        main([*command, "--json"])
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(found.to_dict()))
    assert "<td>code, environment</td>" in found._repr_html_()
    pandas = pytest.importorskip("pandas")
    assert [*found.to_pandas().run] == [*"abcde"]
    assert isinstance(found.to_pandas(), pandas.DataFrame)
