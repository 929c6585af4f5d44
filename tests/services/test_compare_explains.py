# SPDX-License-Identifier: Apache-2.0
"""A comparison explains itself: what is not known is never equal, commits have subjects, numbers a size."""

from __future__ import annotations

import json
import math

import pytest

import lineage
from lineage import Batch, Edge, Node
from lineage.model.gaps import CODES
from lineage.model.value import Literal
from lineage.services.read.differences import lower_is_better

EVAL = {"id": "urn:x:eval", "kind": "DatasetVersion", "attributes": {"digest": "sha256:ee"}}
TRAIN = {"id": "urn:x:train", "kind": "DatasetVersion", "attributes": {"digest": "md5:aa"}}
CODE = {"id": "swh:1:rev:" + "c" * 40, "kind": "Commit", "attributes": {"tree": "t"}}
LOCK = {"id": "urn:x:env", "kind": "Environment", "attributes": {"python": "3.11"}}


def run(name, *, used, said=None):
    """A run called so that used things in roles."""
    ident = f"urn:x:run:{name}"
    attributes = {"metric.auc": 0.9, "status": "finished", **(said or {})}
    nodes = [Node(id=ident, kind="Run", label=name, attributes=attributes)]
    nodes += [Node(label=one["id"][-9:], **one) for one, _ in used]
    edges = [
        Edge(
            relation="used",
            effect=ident,
            cause=one["id"],
            attributes={"prov:role": role} if role else {},
        )
        for one, role in used
    ]
    return Batch(nodes=tuple(nodes), edges=tuple(edges))


ALL = ((CODE, "source"), (LOCK, None), (TRAIN, "training"), (EVAL, "evaluation"))


def compared(a, b, *more):
    with lineage.open("memory:") as store:
        for number, batch in enumerate((*more, a, b)):
            store.ingest(batch, source=f"s{number}")
        return store.compare("run:a", "run:b")


def without(*gone):
    return tuple(pair for pair in ALL if pair[0] not in gone)


def changed(one, **attributes):
    return {**one, "attributes": {**one["attributes"], **attributes}}


WEAK = {"id": "urn:x:weak", "kind": "DatasetVersion", "attributes": {"digest": "mlflow:0badf00d"}}
UNKNOWN = {
    "no environment of one": (without(LOCK), ALL, {}, "environment", ["environment-unknown"]),
    "no environment of both": (
        without(LOCK),
        without(LOCK),
        {},
        "environment",
        ["environment-unknown"],
    ),
    "an open environment": (
        ((changed(LOCK, reproducible=False, unpinned=("numpy",)), None), *without(LOCK)),
        ALL,
        {},
        "environment",
        ["environment-unknown", "environment-unknown"],
    ),
    "no commit": (without(CODE), ALL, {}, "code", ["commit-unknown"]),
    "changed code in both": (ALL, ALL, {"modified_files": "train.py"}, "code", ["code-modified"] * 2),
    "a short digest in both": (
        ((WEAK, "training"), *without(TRAIN)),
        ((WEAK, "training"), *without(TRAIN)),
        {},
        "data",
        ["data-unknown"] * 2,
    ),
    "no data": (without(TRAIN, EVAL), without(TRAIN, EVAL), {}, "data",
                ["evaluation-data-unknown", "data-unknown"]),
    "no evaluation data": (without(EVAL), without(EVAL), {}, None, ["evaluation-data-unknown"]),
}  # fmt: skip


@pytest.mark.parametrize(("a", "b", "said", "section", "codes"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_known_is_neither_equal_nor_fair(a, b, said, section, codes):
    found = compared(run("a", used=a, said=said), run("b", used=b, said=said))
    assert found.fair is None
    assert [reason.code for reason in found.reasons] == codes
    assert all(reason.message and reason.hint for reason in found.reasons)
    unknown = {name for name, state in found.states.items() if state == "unknown"}
    assert unknown == ({section} if section else set())
    gaps = {gap.code for gap in found.certificate.gaps}
    assert gaps <= CODES.keys()
    assert ("environment-unknown" in gaps) == (found.states["environment"] == "unknown" and
                                               LOCK["id"] not in str(a))  # fmt: skip


def test_what_is_known_and_equal_is_fair():
    found = compared(run("a", used=ALL), run("b", used=ALL, said={"param.lr": 0.1}))
    assert (found.fair, found.reasons, found.certificate.gaps) == (True, (), ())


def test_one_changed_file_makes_the_code_differ_though_the_commit_is_one():
    found = compared(run("a", used=ALL), run("b", used=ALL, said={"modified_files": "train.py"}))
    assert [d.what for d in found.sections["code"]] == ["modified train.py"]
    assert [reason.code for reason in found.reasons] == ["code-modified"]
    assert "train.py" in found.reasons[0].message
    assert found.sections["other"] == ()


def test_the_same_bytes_under_another_name_are_the_same_data():
    path = {"id": "urn:x:path", "kind": "DatasetVersion", "attributes": {"digest": "md5:aa"}}
    other = {"id": "urn:x:sha", "kind": "DatasetVersion", "attributes": {"digest": "sha256:99"}}
    tie = Edge(
        relation="alternateOf",
        effect="urn:x:weak",
        cause="urn:x:train",
        attributes={"method": "digest"},
    )
    for like, tied in ((path, None), (WEAK, tie)):
        used = ((like, "training"), *without(TRAIN))
        edges = Batch(edges=(tied,) if tied else ())
        found = compared(run("a", used=ALL), run("b", used=used), edges)
        assert (found.states["data"], found.sections["data"]) == ("equal", ())
    used = ((other, "training"), *without(TRAIN))
    found = compared(run("a", used=ALL), run("b", used=used))
    assert found.states["data"] == "unknown", "no digest of one algorithm tells"
    assert [reason.code for reason in found.reasons] == ["data-unknown"]


def test_one_version_of_an_object_is_the_same_data_and_of_another_etag_nothing_can_be_told():
    def version(etag):
        said = {"digest": f"etag:{etag}"}
        return {"id": f"urn:x:{etag}", "kind": "DatasetVersion", "attributes": said}

    def states(first, second):
        pairs = [((version(etag), "training"), *without(TRAIN)) for etag in (first, second)]
        return compared(run("a", used=pairs[0]), run("b", used=pairs[1])).states["data"]

    # The same bytes have another etag where they were written in parts.
    assert (states("aa", "aa"), states("aa", "bb-2")) == ("equal", "unknown")


def test_two_versions_of_data_say_what_became_of_rows_and_columns():
    def version(name, rows, columns):
        schema = {"mlflow_colspec": [{"type": t, "name": n} for n, t in columns.items()]}
        told = {"digest": f"md5:{name}", "profile": json.dumps({"num_rows": rows}),
                "schema": json.dumps(schema)}  # fmt: skip
        return {"id": f"urn:x:{name}", "kind": "DatasetVersion", "attributes": told}

    old = version("old", 2000, {"age": "long", "city": "string"})
    new = version("new", 600, {"age": "double", "zip": "string"})
    found = compared(
        run("a", used=((old, "training"), *without(TRAIN))),
        run("b", used=((new, "training"), *without(TRAIN))),
    )
    told = {d.what: (d.a, d.b, d.delta) for d in found.sections["data"][1:]}
    assert told == {
        "training: num_rows": (2000, 600, -1400.0),
        "training: column age": ("long", "double", None),
        "training: column city": ("string", None, None),
        "training: column zip": (None, "string", None),
    }
    assert found.states["data"] == "differs"


def history(*links):
    """Commits by a letter, each with its parents."""
    nodes, edges = [], []
    for number, (name, parents) in enumerate(links):
        said = {
            "tree": f"t{name}",
            "message": f"Do {name}",
            "committed": f"2026-01-01T{number // 60:02}:{number % 60:02}:00Z",
        }
        nodes.append(Node(id=sha(name), kind="Commit", label=name, attributes=said))
        edges += [Edge(relation="parent", effect=sha(name), cause=sha(p)) for p in parents]
    return Batch(nodes=tuple(nodes), edges=tuple(edges))


def sha(name):
    return "swh:1:rev:" + name.encode().hex().ljust(40, "0")


def at(name):
    return ((changed({**CODE, "id": sha(name)}), "source"), *without(CODE))


FORKED = history(("r", ""), ("s", "r"), ("p", "s"), ("q", "p"), ("x", "s"), ("m", "qx"))
BETWEEN = {
    "one behind the other": ("s", "q", ["b p", "b q"]),
    "the other way round": ("q", "s", ["a p", "a q"]),
    "on two branches": ("q", "x", ["a p", "a q", "b x"]),
    "a merge": ("q", "m", ["b x", "b m"]),
    "the first": ("r", "s", ["b s"]),
}


@pytest.mark.parametrize(("a", "b", "commits"), BETWEEN.values(), ids=BETWEEN)
def test_the_commits_between_are_told_with_their_subjects(a, b, commits):
    found = compared(run("a", used=at(a)), run("b", used=at(b)), FORKED)
    assert [f"{c.side} {c.subject[3:]}" for c in found.commits] == commits
    assert found.commits_cut is False
    (gap,) = found.certificate.gaps
    assert gap.code == "files-not-compared"
    assert gap.command == f"git diff --stat {sha(a)[10:]} {sha(b)[10:]}"


def test_histories_that_are_long_or_not_recorded_are_said_to_be_cut():
    names = [chr(0x4E00 + number) for number in range(700)]
    line = history(*[(name, names[n - 1] if n else "") for n, name in enumerate(names)])
    for a, b, listed, cut in ((0, 60, 60, False), (0, 150, 100, True), (0, 699, 100, True)):
        found = compared(run("a", used=at(names[a])), run("b", used=at(names[b])), line)
        assert (len(found.commits), found.commits_cut) == (listed, cut)
        assert found.commits[-1].id == sha(names[b])
    alone = compared(run("a", used=at("r")), run("b", used=at("?")), FORKED)
    assert alone.commits_cut is True


@pytest.mark.parametrize(
    ("name", "a", "b", "delta", "better"),
    [
        ("auc", 0.8, 0.9, 0.1, True),
        ("val_loss", 0.5, 0.4, -0.1, True),
        ("test.RMSE", 1.0, 2.0, 1.0, False),
        ("accuracy", 0.9, 0.8, -0.1, False),
        ("neg_mean_squared_error", -2.0, -1.0, 1.0, True),
        ("epoch", 3, 5, 2.0, None),
        ("score", 0.0, 1.0, 1.0, None),
    ],
)
def test_a_metric_says_by_how_much_it_changed_and_whether_that_is_better(name, a, b, delta, better):
    key = f"metric.{name}"
    found = compared(run("a", used=ALL, said={key: a}), run("b", used=ALL, said={key: b}))
    (item,) = found.sections["metrics"]
    assert item.delta == pytest.approx(delta)
    assert item.relative == (None if a == 0 else pytest.approx(delta / abs(a)))
    assert item.better is better


def test_metrics_that_are_no_numbers_have_no_size_and_names_of_two_kinds_no_direction():
    said = [{"metric.auc": math.nan}, {"metric.auc": 0.5}]
    found = compared(*(run(n, used=ALL, said=s) for n, s in zip("ab", said, strict=True)))
    (item,) = found.sections["metrics"]
    assert (item.delta, item.better) == (None, None)
    assert (
        lower_is_better("error_recall") is lower_is_better("") is lower_is_better("glossy") is None
    )


def test_numbers_in_other_writings_are_no_difference():
    said = {"param.lr": 0.01, "param.depth": "7", "param.shuffle": True, "param.seed": "None"}
    like = {"param.lr": Literal("1e-2", "xsd:double"), "param.depth": 7, "param.shuffle": "True"}
    found = compared(run("a", used=ALL, said=said), run("b", used=ALL, said=like))
    assert found.states["parameters"] == "equal"
    zeros = {**like, "param.lr": Literal("0.010", "xsd:double"), "param.depth": "07"}
    found = compared(run("a", used=ALL, said=said), run("b", used=ALL, said=zeros))
    assert [(d.what, d.a, d.b) for d in found.sections["parameters"]] == [("depth", "7", "07")]


def test_a_comparison_is_a_table_in_notebooks_and_in_pandas():
    pandas = pytest.importorskip("pandas")
    said = {"param.lr": Literal("1e-2", "xsd:double"), "param.<b>": "<i>"}
    found = compared(run("a", used=without(LOCK), said=said), run("b", used=ALL))
    html = found._repr_html_()
    assert "<td>1e-2</td>" in html
    assert "None" not in html
    assert "<b>" not in html
    assert "<td>&lt;i&gt;</td>" in html
    assert "Not known: environment." in html
    assert "environment-unknown" in html
    table = found.to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert [*table.columns] == ["section", "what", "a", "b", "delta", "relative", "better"]
    assert [*table[table.what == "lr"].a] == ["1e-2"]
