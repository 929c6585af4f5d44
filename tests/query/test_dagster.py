# SPDX-License-Identifier: Apache-2.0
"""Dagster's selections mean what they mean in Dagster: its own answers, recorded by ``make dagster``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lineage
from lineage.errors import BadQuery
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import clean

RECORDED = json.loads(Path(__file__).with_name("dagster.json").read_text("utf-8"))


def batch(assets):
    """Assets as entities: owners, kinds and tags are attributes, dependencies derivations."""
    nodes = [
        Node(
            id=f"urn:asset:{asset['key']}",
            kind="Entity",
            label=asset["key"],
            attributes=clean(
                {
                    "owner": asset["owners"],
                    "group": asset["group"],
                    "kind": asset["kinds"],
                    **{f"tag.{name}": value for name, value in asset["tags"].items()},
                }
            ),
        )
        for asset in assets
    ]
    edges = [
        Edge(
            relation="wasDerivedFrom",
            effect=f"urn:asset:{asset['key']}",
            cause=f"urn:asset:{dep}",
        )
        for asset in assets
        for dep in asset["deps"]
    ]
    return Batch(nodes=tuple(nodes), edges=tuple(edges))


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_two_hundred_graphs_are_selected_from_as_dagster_does(engine, tmp_path):
    assert len(RECORDED["cases"]) == 200
    compared = 0
    for number, case in enumerate(RECORDED["cases"]):
        address = "memory:" if engine == "memory" else str(tmp_path / f"{number}.db")
        with lineage.open(address, durability="fast") as store:
            store.ingest(batch(case["assets"]))
            for text, wanted in case["answers"].items():
                try:
                    found = sorted(node.title for node in store.ask(text))
                except BadQuery as error:
                    # A kind that nothing has is an error here, and no asset in Dagster.
                    assert "there is no kind" in str(error), text
                    assert not any(asset["kinds"] for asset in case["assets"]), text
                    continue
                assert found == wanted, (text, case["assets"])
                compared += 1
    assert compared > 2_500
