# SPDX-License-Identifier: Apache-2.0
"""Notebooks run from their first cell to their last, and are kept without outputs."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests.conftest import RELEASES, neo4j_address

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


def cells(path, sort):
    held = json.loads(path.read_text("utf-8"))
    return [cell for cell in held["cells"] if cell["cell_type"] == sort]


def shown(cell, names):
    """Run a cell as a notebook does: what it shows is the value of its last expression."""
    tree = ast.parse("".join(cell["source"]))
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, cell["id"], "exec"), names)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), cell["id"], "eval"), names)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path):
    assert json.loads(path.read_text("utf-8"))["nbformat"] == 4
    for cell in cells(path, "code"):
        assert (cell["outputs"], cell["execution_count"]) == ([], None), cell["id"]


def test_what_produced_this_model_answers_four_questions(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (path,) = (path for path in NOTEBOOKS if path.stem == "01_what_produced_this_model")
    names = {}
    values = {cell["id"]: shown(cell, names) for cell in cells(path, "code")}
    assert values["open"].nodes > 20
    for question in ("trace", "impact", "why", "ask"):
        assert values[question].certificate.complete
        assert "complete" in values[question]._repr_html_()
    kinds = {node.kind for node in values["trace"]}
    assert {"ModelVersion", "Run", "Commit", "DatasetVersion", "Environment", "Person"} <= kinds
    labels = {node.title for node in values["impact"]}
    assert "readmission@v1" in labels
    assert "readmission@v3" not in labels
    assert {node.kind for node in values["ask"]} == {"Run"}


def test_a_decision_is_followed_judged_and_taken(capsys):
    (path,) = (path for path in NOTEBOOKS if path.stem == "03_decisions")
    names = {}
    values = {cell["id"]: shown(cell, names) for cell in cells(path, "code")}
    assert values["write"] == {"0001 Begin with all texts": "accepted", "0002 Drop copies": "proposed"}
    assert [shown for _, shown in values["deviations"]] == ["config.lr: planned 0.1, was 0.2"]
    assert [one[1:3] for one in values["criteria"]] == [("supported", 8), ("supported", 8)]
    assert values["take"] == {"0001 Begin with all texts": "superseded", "0002 Drop copies": "accepted"}
    assert "It took the place of 0001 Begin with all texts." in capsys.readouterr().out


def test_exchange_carries_lineage_across_and_refuses_what_is_forged():
    (path,) = (path for path in NOTEBOOKS if path.stem == "02_exchange")
    names = {}
    values = {cell["id"]: shown(cell, names) for cell in cells(path, "code")}
    assert "readmission v3" in values["check"]
    assert not {"Ana", "ana@a.example", "patients of ward 7", "2026-03-05T10:00:00Z"} & set(
        values["check"]
    )
    assert values["package"]["counts"]["nodes"] == {"keep": 2, "pseudonymise": 2}
    assert values["quarantined"] == ("quarantined", 0)
    assert values["accepted"].added == 7
    assert {"Dataset", "Person", "Run"} <= {node.kind for node in values["trace"]}
    assert values["answer"] == {"new": 4, "echoes": 7}
    assert "triage v1" in {node.title for node in values["impact"]}
    assert values["again"] == {"new": 0, "same store": True}
    assert values["forged"] == (["bad-signature", "bad-namespace"], True)


@pytest.mark.parametrize("release", RELEASES)
def test_neo4j_is_read_with_cypher_and_with_neomodel(release, request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINEAGE_STORE", neo4j_address(release, request, monkeypatch))
    (path,) = (path for path in NOTEBOOKS if path.stem == "04_neo4j")
    names = {}
    values = {cell["id"]: shown(cell, names) for cell in cells(path, "code")}
    assert values["copy"]
    assert [row[0] for row in values["cypher"]] == [f"readmission@v{n}" for n in (1, 2, 3)]
    assert values["mapper"]["run"] == "summer"
    assert values["mapper"]["began"] == "2026-01-01T00:32:00+00:00"
    assert values["filter"] == ["slower", "spring", "trial", "summer"]
    assert values["same"]
    changes, state = values["hand"]
    assert (len(changes), state) == (1, "intact")
    assert "metric.accuracy as 0.99" in changes[0]


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path):
    from lineage.demo.store import opened
    from lineage.errors import Usage

    (tmp_path / "mine").write_text("")
    with pytest.raises(Usage, match="is no demo"):
        opened(tmp_path)
    assert (tmp_path / "mine").exists()
