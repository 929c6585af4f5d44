# SPDX-License-Identifier: Apache-2.0
"""Impact says who answers for what depends on something, and never leaves a thing without anybody and without a word."""

from __future__ import annotations

import json

import pytest
import yaml

from lineage import ids
from lineage.model import kinds
from lineage.model.record import Batch, Edge, Node
from tests.owners.conftest import digest_of

MADE = ("apps/a", "apps/github/x", "README")


def locked(*outs):
    """The dvc.lock of a stage that makes these files of raw.csv."""
    entries = [{"path": path, "md5": digest_of(path), "size": 1000} for path in ("raw.csv", *outs)]
    stage = {"cmd": "make", "deps": entries[:1], "outs": entries[1:]}
    return yaml.safe_dump({"schema": "2.0", "stages": {"build": stage}})


def made(project, rules, *outs, at=".github/CODEOWNERS", name="project"):
    stage = (
        f"stages:\n  build:\n    cmd: make\n    deps: [raw.csv]\n    outs: [{', '.join(outs)}]\n"
    )
    files = {"dvc.lock": locked(*outs), "dvc.yaml": stage}
    return project(rules, "raw.csv", at=at, files=files, name=name)


def told(answer):
    """Who is concerned, with the names of the things."""
    titles = {node.id: node.title.partition("@")[0] for node in answer}
    return {one.told: sorted({titles[i] for i in one.things}) for one in answer.owners}


def gaps(answer):
    found = {gap.code: gap for gap in answer.certificate.gaps}
    return {code: gap.count for code, gap in found.items() if code.startswith("owner")}


@pytest.fixture
def anywhere(address, lineage_at):
    """A store on every engine."""
    return lineage_at(address)


def test_an_owner_nobody_and_no_rule_are_three_answers(anywhere, project):
    anywhere.load(made(project, "/apps/ @lab/apps\n/apps/github\n", *MADE).path)
    found = anywhere.impact("raw.csv")
    place = ".github/CODEOWNERS"
    assert told(found) == {
        f"@lab/apps, a team of which no member is known ({place}:1)": ["apps/a"],
        f"nobody ({place}:2)": ["apps/github/x"],
        "nothing says who": ["README"],
    }
    assert gaps(found) == {"owner-unreachable": 1, "owner-nobody": 1, "owner-unknown": 1}
    member = Edge(
        relation="actedOnBehalfOf",
        effect="urn:p:cy",
        cause=ids.thing_id("organization", "lineage", "lab/apps"),
    )
    cy = kinds.Person(id="urn:p:cy", label="Cy").node()
    anywhere.ingest(Batch(nodes=(cy,), edges=(member,)))
    assert f"@lab/apps ({place}:1)" in told(anywhere.impact("raw.csv"))
    assert "owner-unreachable" not in gaps(anywhere.impact("raw.csv"))
    handed = anywhere.transfer_owner("@lab/apps", to="Ana Lima", reason="the team ends")
    assert (handed.counts, anywhere.owners(of="@lab/apps").counts) == ({"files": 1}, {})
    assert told(anywhere.impact("raw.csv"))["Ana Lima (stated)"] == ["apps/a"]


def test_an_owner_who_is_not_here_is_followed_by_the_steward_of_the_project(project, lineage_at):
    store = lineage_at("memory:")
    store.load(made(project, "* ana@example.org\n/apps/ @gone\n", *MADE).path)
    found = store.impact("raw.csv")
    assert told(found) == {
        "Ana Lima (.github/CODEOWNERS:1)": ["README"],
        "gone, unknown here (.github/CODEOWNERS:2); next in line: Ana Lima": [
            "apps/a",
            "apps/github/x",
        ],
    }
    assert gaps(found) == {"owner-unreachable": 2}
    [gap] = [gap for gap in found.certificate.gaps if gap.code == "owner-unreachable"]
    assert gap.message == "who answers for 2 things cannot be asked: gone, unknown here"
    store.tie_person("agent:gone", "Ana Lima", because="her login")
    assert gaps(store.impact("raw.csv")) == {}


def test_a_login_is_somebody_whose_address_begins_so(project, lineage_at):
    store = lineage_at("memory:")
    store.load(made(project, "* @ana\n", *MADE).path)
    assert told(store.impact("raw.csv")) == {"ana (.github/CODEOWNERS:1)": sorted(MADE)}


def test_nobody_stays_nobody_and_takes_nothing_from_its_name_or_folder(lineage_at, project):
    store = lineage_at("memory:")
    repository = made(project, "raw.csv @ana\n", *MADE)
    store.load(repository.path)
    [a] = store.find("apps/a@")
    namespace = ids.place_of(a.id)[0]
    folder = ids.dataset_id(namespace, "apps")
    whole = kinds.Dataset(id=folder, label="apps", name="apps", namespace=namespace).node()
    store.ingest(Batch(nodes=(whole,)))
    store.set_owner(folder, "Ana Lima")
    assert told(store.impact("raw.csv")) == {
        "Ana Lima (stated)": ["apps/a", "apps/github/x"],
        "nothing says who": ["README"],
    }
    store.set_owner(a.id, "nobody", reason="kept for the record")
    assert told(store.impact("raw.csv")) == {
        "Ana Lima (stated)": ["apps/github/x"],
        "nobody (stated)": ["apps/a"],
        "nothing says who": ["README"],
    }
    store.load(repository.path)
    assert "nobody (stated)" in told(store.impact("raw.csv"))


def test_versions_of_a_model_have_the_owner_of_the_model_and_decisions_theirs(lineage_at, folder):
    from tests.decisions.conftest import record

    store = lineage_at("memory:")
    links = {"datasets": ["dataset:raw"]}
    store.load(
        folder({"decisions/0001-x.md": record("X", id="dec-x", owner="Bo <bo@x.org>", links=links)})
    )
    raw = Node(id="urn:lineage:dataset:lab/raw", kind="Dataset", label="raw")
    model = kinds.Model(id="urn:lineage:model:reg/fraud", label="fraud", namespace="reg").node()
    version = Node(id="urn:lineage:model-version:reg/fraud@1", kind="ModelVersion", label="fraud@1")
    edges = (
        Edge(relation="specializationOf", effect=version.id, cause=model.id),
        Edge(relation="wasDerivedFrom", effect=version.id, cause=raw.id),
    )
    store.ingest(Batch(nodes=(raw, model, version), edges=edges))
    assert store.impact("dataset:raw").owners is None, "nobody said of anything here who does"
    store.set_owner("model:fraud", "@lab/models")
    store.load(folder({"decisions/0002-y.md": record("Y", id="dec-y")}))
    said = told(store.impact("dataset:raw"))
    assert said.pop("@lab/models, a team of which no member is known (stated)") == ["fraud"]
    [(who, [decision])] = said.items()
    assert (who, decision.startswith("0001 X")) == ("Bo (decisions/0001-x.md)", True)


def test_the_command_prints_who_is_concerned(lineage_at, project, command, tmp_path):
    path = tmp_path / "s.db"
    with lineage_at(str(path)) as store:
        store.load(made(project, "* ana@example.org\n/apps/github\n", *MADE).path)
    code, said = command(tmp_path, "--store", str(path), "impact", "raw.csv", text=True)
    lines = [line.rstrip() for line in said.splitlines()]
    at = lines.index("who answers for it")
    assert code == 0
    assert lines[at + 1].startswith("  Ana Lima (.github/CODEOWNERS:1)  2 things: README@")
    assert lines[at + 2].startswith("  nobody (.github/CODEOWNERS:2)  1 thing: apps/github/x@")
    code, found = command(tmp_path, "--store", str(path), "impact", "raw.csv")
    [first, second] = found["owners"]
    assert (first["answer"], first["name"], len(first["things"])) == ("owner", "Ana Lima", 2)
    assert (second["answer"], second["evidence"]) == ("nobody", ".github/CODEOWNERS:2")
    assert json.dumps(found)
