# SPDX-License-Identifier: Apache-2.0
"""What was deployed where, and what is live, told by those who deploy."""

from __future__ import annotations

import json

import pytest

from lineage.errors import NotFound, Usage
from lineage.model import kinds
from lineage.model.record import Batch, Edge

DATA = "urn:t:data"


def _version(model, number):
    version, run = f"urn:lineage:model-version:lab/{model}@{number}", f"urn:run:{model}:{number}"
    nodes = (
        kinds.ModelVersion(id=version, label=f"{model}@v{number}", version=str(number)).node(),
        kinds.Run(id=run, label=f"train {model} {number}").node(),
    )
    edges = (
        Edge(relation="specializationOf", effect=version, cause=f"urn:lineage:model:lab/{model}"),
        Edge(relation="wasGeneratedBy", effect=version, cause=run),
        Edge(relation="used", effect=run, cause=DATA),
    )
    return nodes, edges


def story():
    """Three versions of a model and one of another, all trained on the same data."""
    made = [_version("fraud", 1), _version("fraud", 2), _version("fraud", 3), _version("churn", 1)]
    nodes = [
        kinds.DatasetVersion(id=DATA, label="train.csv@1").node(),
        kinds.Model(id="urn:lineage:model:lab/fraud", label="fraud").node(),
        kinds.Model(id="urn:lineage:model:lab/churn", label="churn").node(),
    ]
    nodes += [node for some, _ in made for node in some]
    return Batch(nodes=tuple(nodes), edges=tuple(edge for _, some in made for edge in some))


@pytest.fixture
def store(lineage_at):
    opened = lineage_at("memory:")
    opened.ingest(story())
    return opened


@pytest.fixture
def everywhere(address, lineage_at):
    """A store of every engine."""
    opened = lineage_at(address)
    opened.ingest(story())
    return opened


def live(store, of="train.csv@1", at=None):
    """What impact names as deployed, with its state."""
    return [(d.target, d.title, d.state) for d in store.impact(of, at=at).deployments]


def state(store, deployed):
    return store.show(deployed.deployment.id).deployment.state


def informed(store, deployed):
    """The deployment that one followed from, and in which role."""
    found = store.show(deployed.deployment.id)
    return [
        (edge.cause, edge.attributes.get("prov:role"))
        for edge in found.edges
        if edge.relation == "wasInformedBy" and edge.effect == deployed.deployment.id
    ]


def test_a_failed_version_is_rolled_back_and_impact_names_what_is_live(everywhere):
    store = everywhere
    first = store.deploy("model:fraud@v1", to="prod", url="https://fraud.example.org")
    bad = store.deploy("model:fraud@v2", to="prod")
    assert live(store) == [("prod", "fraud@v2", "live")]
    failed = store.deploy("model:fraud@v2", to="prod", failed="the health check does not answer")
    assert failed.deployment.id == bad.deployment.id
    assert (state(store, bad), state(store, first)) == ("failed", "unknown")
    # Whether the first one serves again, nobody has said.
    assert live(store) == [("prod", "fraud@v1", "unknown")]

    back = store.deploy("model:fraud@v1", to="prod", reason="automatic roll back")
    assert back.rolls_back == bad.deployment.id
    assert informed(store, back) == [(bad.deployment.id, "rollback")]
    assert back.deployment.id != first.deployment.id
    assert state(store, first) == "superseded"
    assert live(store) == live(store, "model:fraud@v1") == [("prod", "fraud@v1", "live")]
    assert live(store, "model:fraud@v2") == []

    better = store.deploy("model:fraud@v3", to="prod")
    assert informed(store, better) == []
    manual = store.deploy("model:fraud@v1", to="prod", reason="accuracy fell")
    assert informed(store, manual) == [(better.deployment.id, "rollback")]
    assert live(store) == [("prod", "fraud@v1", "live")]
    store.retire("model:fraud@v1", from_="prod", reason="replaced by rules")
    assert live(store) == []
    assert live(store, at=bad.report.entries[0]) == [("prod", "fraud@v2", "live")]


def test_what_was_said_first_stays_and_each_fact_has_its_entry(store):
    done = store.deploy("model:fraud@v1", to="prod", reason="the audit is over")
    store.deploy(done.deployment.id, to="prod", failed="out of memory")
    store.retire(done.deployment.id, from_="prod", reason="given up")
    found = store.show(done.deployment.id)
    node = next(node for node in found.nodes if node.id == done.deployment.id)
    assert {node.attributes[key] for key in ("reason", "failure", "retirement")} == {
        "the audit is over",
        "out of memory",
        "given up",
    }
    entries = {}
    for said in found.evidence:
        for key in said.says.get("attributes", {}):
            entries.setdefault(key, set()).add(said.entry)
    told = [entries[key] for key in ("requested_at", "live_at", "failed_at", "retired_at")]
    begun = done.report.entries[0]
    assert told == [{begun}, {begun}, {begun + 1}, {begun + 2}]


def test_a_version_that_never_went_live_takes_nothing_away(store):
    store.deploy("model:fraud@v1", to="prod")
    never = store.deploy("model:fraud@v2", to="prod", failed="the image is not found")
    node = next(n for n in store.show(never.deployment.id).nodes if n.id == never.deployment.id)
    assert "live_at" not in node.attributes
    assert live(store) == [("prod", "fraud@v1", "live")]
    again = store.deploy("model:fraud@v2", to="prod", reason="the image is there now")
    assert informed(store, again) == [(never.deployment.id, None)], (
        "a second try rolls nothing back"
    )


def test_models_and_targets_do_not_take_each_others_place(store):
    store.deploy("model:fraud@v1", to="prod")
    store.deploy("model:churn@v1", to="prod")
    store.deploy("model:fraud@v2", to="staging")
    assert live(store) == [
        ("prod", "churn@v1", "live"),
        ("prod", "fraud@v1", "live"),
        ("staging", "fraud@v2", "live"),
    ]
    store.retire("model:churn@v1", from_="prod")
    assert live(store) == [("prod", "fraud@v1", "live"), ("staging", "fraud@v2", "live")]


def test_what_cannot_be_told_is_refused_and_nothing_is_written(store):
    done = store.deploy("model:fraud@v1", to="prod")
    before = store.stats().root
    for call, kind, message in (
        (lambda: store.deploy("fraud", to="prod"), Usage, "is the name of a Model"),
        (lambda: store.deploy("run:train fraud 1", to="prod"), Usage, "cannot be deployed"),
        (lambda: store.deploy("model:fraud@v1", to=" "), Usage, "1 to 200 characters"),
        (lambda: store.deploy("model:fraud@v1", to="a\nb"), Usage, "on one line"),
        (lambda: store.deploy("model:fraud@v1", to="prod", failed=" "), Usage, "needs a reason"),
        (lambda: store.deploy(done.deployment.id, to="qa", failed="x"), Usage, "is not at qa"),
        (lambda: store.retire("model:fraud@v1", from_="qa"), NotFound, "to qa is recorded"),
        (lambda: store.retire("model:fraud@v2", from_="prod"), NotFound, "to prod is recorded"),
    ):
        with pytest.raises(kind, match=message):
            call()
    store.show(done.deployment.id)
    assert store.stats().root == before
    store.retire("model:fraud@v1", from_="prod")
    with pytest.raises(Usage, match="fraud@v1 is not live at prod"):
        store.retire("model:fraud@v1", from_="prod")


def test_the_commands_say_it_and_impact_begins_with_it(run, tmp_path, lineage_at):
    lineage_at(str(tmp_path / "s.db")).ingest(story())

    def told(*words):
        code, out, err = run("--store", "s.db", *words)
        assert (code, err) == (0, ""), err
        return out.splitlines()

    told("deploy", "model:fraud@v1", "--to", "prod", "--url", "https://fraud.example.org")
    told("deploy", "model:fraud@v2", "--to", "prod")
    told("deploy", "model:fraud@v2", "--to", "prod", "--failed", "no answer")
    assert told("impact", "train.csv@1")[0].startswith(
        "prod: fraud@v1, not known to be live: what replaced it failed "
    )
    back = told("deploy", "model:fraud@v1", "--to", "prod", "--reason", "automatic")
    assert back[0].startswith("prod: fraud@v1, live since ")
    assert back[2].startswith("  rolls back urn:lineage:deployment:")
    assert told("impact", "train.csv@1")[0] == back[0]
    assert back[0] in told("show", back[1].strip())[2]
    found = json.loads("\n".join(told("impact", "train.csv@1", "--json")))
    assert [(d["target"], d["title"], d["state"]) for d in found["deployments"]] == [
        ("prod", "fraud@v1", "live")
    ]
    gone = told("retire", "model:fraud@v1", "--from", "prod")
    assert gone[0].startswith("prod: fraud@v1, retired ")
    assert not told("impact", "train.csv@1")[0].startswith("prod")
