# SPDX-License-Identifier: Apache-2.0
"""What people type means the thing they mean, and where it does not the answer helps."""

from __future__ import annotations

import pytest

import lineage
from lineage.errors import Ambiguous, NotFound
from lineage.model import kinds
from lineage.model.record import Batch, Edge, Node
from tests.services.test_joins import Project, run

MODEL = "urn:lineage:model:lab/fraud"
PATH = "urn:lineage:version:repo/data/train.csv"


def version(number, **more):
    return kinds.ModelVersion(
        id=f"urn:lineage:model-version:lab/fraud@{number}",
        label=f"fraud@v{number}",
        name="fraud",
        version=str(number),
        **more,
    ).node()


def edge(relation, effect, cause):
    return Edge(relation=relation, effect=effect, cause=cause)


def commit(sha, **more):
    return Node(id="swh:1:rev:" + sha * 20, kind="Commit", label=f"{sha} work", attributes=more)


STORY = Batch(
    nodes=(
        kinds.Model(id=MODEL, label="fraud", name="fraud").node(),
        version(9),
        version(10, aliases="champion, prod", stage="Production"),
        kinds.Run(id="urn:run:1", label="train", status="failed", started="2026-01-01").node(),
        kinds.Run(id="urn:run:2", label="train", status="finished", started="2026-02-01").node(),
        commit("a1", refs=("HEAD", "main")),
        commit("b2"),
        commit("c3", refs="other"),
        *(
            kinds.Artifact(
                id=f"{PATH}@md5:{n}", label=f"data/train.csv@{n}", name="data/train.csv"
            ).node()
            for n in ("old", "new", "other")
        ),
        kinds.Content(id="urn:lineage:content:md5-dos2unix:" + "ab" * 16, label="x").node(),
    ),
    edges=(
        edge("specializationOf", "urn:lineage:model-version:lab/fraud@9", MODEL),
        edge("specializationOf", "urn:lineage:model-version:lab/fraud@10", MODEL),
        edge("parent", "swh:1:rev:" + "a1" * 20, "swh:1:rev:" + "b2" * 20),
        edge("wasInfluencedBy", f"{PATH}@md5:old", "swh:1:rev:" + "b2" * 20),
        edge("wasGeneratedBy", f"{PATH}@md5:new", "urn:run:2"),
        edge("used", "urn:run:2", "swh:1:rev:" + "a1" * 20),
        edge("used", "urn:run:1", "swh:1:rev:" + "b2" * 20),
        edge("wasInfluencedBy", f"{PATH}@md5:other", "swh:1:rev:" + "c3" * 20),
    ),
)


@pytest.fixture
def store():
    with lineage.open("memory:") as opened:
        opened.ingest(STORY)
        yield opened


@pytest.mark.parametrize(
    ("reference", "title"),
    [
        ("model:fraud@champion", "fraud@v10"),
        ("model:fraud@PROD", "fraud@v10"),
        ("model:fraud@production", "fraud@v10"),
        ("model:fraud@9", "fraud@v9"),
        ("fraud@latest", "fraud@v10"),
        ("\u201cmodel:fraud@v9\u201d", "fraud@v9"),
        ("model:'fraud@v9'", "fraud@v9"),
        ("HEAD", "a1 work"),
        ("HEAD~1", "b2 work"),
        ("HEAD^", "b2 work"),
        ("commit:other", "c3 work"),
        ("data/train.csv", "data/train.csv@new"),
        ("./data/train.csv", "data/train.csv@new"),
        ("data//train.csv", "data/train.csv@new"),
        ("md5:abab", "x"),
        ("MD5:ABAB", "x"),
    ],
)
def test_what_people_type_means_one_thing(store, reference, title):
    (node,) = (n for n in store.show(reference) if n.id == store.show(reference).start[0])
    assert node.title == title


def test_the_latest_run_of_a_name_is_the_one_that_began_last(store):
    assert store.show("run:train@latest").start == ("urn:run:2",)


def test_where_nothing_tells_which_version_is_the_latest_they_are_listed(store):
    whole = kinds.Dataset(
        id="urn:lineage:dataset:lab/untimed", label="untimed", name="untimed"
    ).node()
    versions = [
        kinds.DatasetVersion(id=f"urn:lineage:version:lab/untimed@{n}", label=f"untimed@{n}").node()
        for n in "ab"
    ]
    named = (edge("specializationOf", one.id, whole.id) for one in versions)
    store.ingest(Batch(nodes=(whole, *versions), edges=tuple(named)))
    with pytest.raises(Ambiguous, match="may be any of 2"):
        store.show("dataset:untimed@latest")


@pytest.mark.parametrize("name", ["run:~nobody@here", "run:~/nothing", "run:~"])
def test_a_name_that_begins_like_a_home_folder_is_a_name(store, name):
    with pytest.raises(NotFound):
        store.show(name)


def test_candidates_are_told_apart(store):
    with pytest.raises(Ambiguous) as caught:
        store.show("run:train")
    told = str(caught.value)
    assert "failed, 2026-01-01, commit b2b2b2b2b2b2" in told
    assert "finished, 2026-02-01, commit a1a1a1a1a1a1" in told


def test_only_names_that_are_near_are_called_near(store):
    with pytest.raises(NotFound) as caught:
        store.show("model:fruad")
    assert "The nearest: fraud" in caught.value.hint
    with pytest.raises(NotFound) as caught:
        store.show("data/customers.csv")
    assert "No name here is like it" in caught.value.hint
    assert "was never imported" in str(caught.value)


def test_what_came_later_is_said_to_have_come_later(store):
    store.ingest(Batch(nodes=(kinds.Run(id="urn:run:3", label="late").node(),)))
    with pytest.raises(NotFound, match="late is here now, and was not as of entry 1"):
        store.show("run:late", at=1)


def test_a_file_that_is_named_and_not_joined_is_told_with_the_run_that_names_it(tmp_path):
    with lineage.open("memory:") as opened:
        opened.ingest(run("baseline", None, "/home/ana/data/customers.csv"))
        opened.join()
        with pytest.raises(NotFound) as caught:
            opened.impact("data/customers.csv")
    assert "baseline names such a file (/home/ana/data/customers.csv)" in caught.value.hint
    assert "the run names no commit" in caught.value.hint


def test_a_path_on_this_machine_means_the_file_of_the_project_that_was_imported(tmp_path):
    project = Project(tmp_path / "churn")
    sha = project.commit(**{"data/train.csv": "a,b\n" * 40})
    with lineage.open("memory:") as opened:
        opened.ingest(run("baseline", sha, "data/train.csv"))
        opened.load(project.root)
        found = opened.impact(str(project.root / "data" / "train.csv"))
        assert "baseline" in {node.title for node in found}


def test_runs_of_a_commit_are_found_by_what_the_commit_became(tmp_path):
    project = Project(tmp_path / "churn")
    project.commit(**{"a.txt": "1\n"})
    project.git("switch", "-q", "-c", "work")
    old = project.commit(**{"b.txt": "2\n"})
    project.git("switch", "-q", "main")
    project.commit(**{"c.txt": "3\n"})
    project.git("rebase", "-q", "main", "work")
    new = project.git("rev-parse", "work")
    assert new != old
    with lineage.open("memory:") as opened:
        opened.ingest(run("baseline", old))
        opened.load(project.root)
        for name in (new, new[:10], "work"):
            assert {n.title for n in opened.ask(f'kind:run and commit:"{name}"')} == {"baseline"}
        assert "baseline" in {n.title for n in opened.impact(f"commit:{new}")}
        assert opened.join().added == 0


def test_a_run_that_comes_later_is_found_by_what_its_commit_became_too(tmp_path):
    project = Project(tmp_path / "churn")
    old = project.commit(**{"a.txt": "1\n"})
    project.git("commit", "-q", "--amend", "-m", "said better")
    new = project.git("rev-parse", "HEAD")
    (tmp_path / "uv.lock").write_text('version = 1\nrequires-python = ">=3.11"\n')
    with lineage.open("memory:") as opened:
        opened.load(project.root)
        opened.ingest(run("baseline", old))
        opened.load(tmp_path / "uv.lock")
        assert {n.title for n in opened.ask(f'kind:run and commit:"{new}"')} == {"baseline"}
