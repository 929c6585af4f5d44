# SPDX-License-Identifier: Apache-2.0
"""What several tools recorded of one file or one environment is joined, and what is not is said."""

from __future__ import annotations

import hashlib
import json
import subprocess

import pytest

import lineage
from lineage.errors import NotFound
from lineage.model import kinds
from lineage.model.record import Batch, Edge

LOCK = """version = 1
requires-python = ">=3.11"

[[package]]
name = "numpy"
version = "{numpy}"
source = {{ registry = "https://example.org/simple" }}
"""
BIG = "id,age\n" + "1,42\n" * 40


class Project:
    """A git repository that a test makes, commit by commit."""

    def __init__(self, root):
        self.root = root
        root.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *command):
        who = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
        done = subprocess.run(
            ["git", *who, *command], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, **files):
        """Write files (their paths with ``__`` for ``/``) and commit them: the full hash."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "work")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "churn")


@pytest.fixture
def store(project):
    with lineage.open("memory:", actor="ana") as opened:
        yield opened


def run(name, commit, *datasets, program=None, made=(), digest="mlflow:1a2b3c4d"):
    """A run as the import of a tracker gives it: its commit, and the data that it read by address."""
    ident = f"urn:lineage:run:mlflow:lab/{name}"
    more = {} if program is None else {"tag.mlflow.source.name": program}
    nodes = [kinds.Run(id=ident, label=name, name=name, more=more).node()]
    edges = []
    if commit:
        nodes.append(kinds.Commit(id="swh:1:rev:" + commit).node())
        edges.append(Edge(relation="used", effect=ident, cause="swh:1:rev:" + commit))
    for number, address in enumerate(datasets):
        version = f"urn:lineage:version:lab/{name}-{number}@{digest}"
        nodes.append(
            kinds.DatasetVersion(id=version, label=f"data of {name}", more={"uri": address}).node()
        )
        edges.append(Edge(relation="used", effect=ident, cause=version))
    for path, bytes_ in made:
        file = f"urn:lineage:version:lab/{name}/{path}"
        nodes.append(kinds.Artifact(id=file, label=path, name=path, digest=bytes_).node())
        edges.append(Edge(relation="wasGeneratedBy", effect=file, cause=ident))
    return Batch(nodes=tuple(nodes), edges=tuple(edges))


def runs(answer):
    return {node.title for node in answer if node.kind == "Run"}


def told(report):
    return {loss.what: loss for loss in report.losses}


# --- data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "program"),
    [
        ("data/train.csv", None),
        ("./data//train.csv", None),
        ("data\\train.csv", None),
        ("file:data/train.csv", None),
        ("train.csv", "data/fit.py"),
        ("../data/train.csv", "src/fit.py"),
        ("{root}/data/train.csv", None),
        ("file://{root}/data/train.csv", None),
        ("/home/ana/work/churn/data/train.csv", None),
        ("file:///C:/work/churn/data/train.csv", None),
        ("C:\\work\\churn\\data\\train.csv", None),
        ("/builds/42/data/train.csv", "/builds/42/src/fit.py"),
    ],
)
def test_the_address_of_data_means_the_file_at_the_commit_of_the_run(
    store, project, address, program
):
    files = {"src/fit.py": "fit", "data/fit.py": "fit"}
    old = project.commit(**{"data/train.csv": BIG}, **files)
    project.commit(**{"data/train.csv": BIG + "2,43\n"})
    store.ingest(run("baseline", old, address.format(root=project.root), program=program))
    store.load(project.root)
    assert runs(store.impact("data/train.csv")) == {"baseline"}
    (file,) = (n for n in store.trace("run:baseline") if n.title.startswith("data/train.csv@"))
    blob = project.git("rev-parse", f"{old}:data/train.csv")
    assert file.attributes["digest"] == f"git:{blob}"


@pytest.mark.parametrize("name", ["data/train.csv.dvc", "data/Dvcfile", "data/dvc.lock"])
def test_what_any_file_of_dvc_tracks_is_the_data_of_a_run(store, project, name):
    md5 = "0123456789abcdef0123456789abcdef"
    entry = f"outs:\n- md5: {md5}\n  path: train.csv\n"
    if name.endswith(".lock"):
        inner = entry.replace("\n", "\n    ").rstrip()
        entry = f"schema: '2.0'\nstages:\n  get:\n    cmd: wget x\n    {inner}\n"
    commit = project.commit(**{name: entry})
    store.ingest(run("baseline", commit, "data/train.csv"))
    store.load(project.root)
    assert runs(store.impact(f"md5:{md5}")) >= {"baseline"}


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("data/gone.csv", "no such file at"),
        ("/somewhere/else/gone.csv", "no such file at"),
    ],
)
def test_data_that_is_no_file_of_the_commit_is_said_to_be_joined_with_none(
    store, project, address, reason
):
    commit = project.commit(**{"data/train.csv": BIG})
    store.ingest(run("baseline", commit, address))
    *_, report = store.load(project.root)
    assert reason in told(report)["data of runs"].reason
    (node,) = (node for node in store.show("run:baseline") if node.title == "baseline")
    assert node.attributes["unjoined"] == address


def test_an_absolute_path_of_some_other_project_is_shown_and_not_followed(store, project):
    commit = project.commit(**{"data/train.csv": BIG})
    store.ingest(run("baseline", commit, "/home/ana/other/data/train.csv"))
    store.load(project.root)
    assert runs(store.impact("data/train.csv")) == set()
    edges = store.show("urn:lineage:version:lab/baseline-0@mlflow:1a2b3c4d").edges
    (claim,) = {e.attributes["confidence"] for e in edges if e.relation == "alternateOf"}
    assert claim < 0.7


def test_addresses_on_object_stores_are_no_files_of_a_project(store, project):
    commit = project.commit(**{"data/train.csv": BIG})
    store.ingest(run("baseline", commit, "s3://lab/data/train.csv", "https://x.org/data/train.csv"))
    *_, report = store.load(project.root)
    assert "data of runs" not in told(report)
    assert runs(store.impact("data/train.csv")) == set()


def test_an_event_of_openlineage_that_names_its_commit_is_joined_like_a_run_of_a_tracker(
    store, project, tmp_path
):
    commit = project.commit(**{"data/train.csv": BIG, "uv.lock": LOCK.format(numpy="2.3.1")})
    says = {"_producer": "https://e.example/p", "_schemaURL": "https://e.example/s"}
    code = {**says, "type": "git", "url": "https://e.example/churn", "version": commit}
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-05-01T12:09:00Z",
        "producer": "https://e.example/p",
        "run": {"runId": "01a21795-a796-785d-9b9c-a08e65315710"},
        "job": {"namespace": "ns", "name": "train", "facets": {"sourceCodeLocation": code}},
        "inputs": [{"namespace": "file", "name": "/home/ana/churn/data/train.csv"}],
        "outputs": [{"namespace": "file", "name": "/home/ana/churn/model.bin"}],
    }
    (tmp_path / "event.json").write_text(json.dumps(event))
    store.load(tmp_path / "event.json")
    store.load(project.root)
    assert runs(store.impact("data/train.csv")) == {"train"}
    assert "/home/ana/churn/model.bin" in {node.title for node in store.impact("data/train.csv")}
    assert runs(store.ask('kind:run and package:"numpy==2.3.1"')) == {"train"}


def test_one_version_of_a_tracker_that_means_two_files_is_none_of_them(store, project):
    """A tracker's short digest did not see the change: each run read the file of its own commit."""
    one = project.commit(**{"data/train.csv": BIG})
    two = project.commit(**{"data/train.csv": BIG + "2,43\n"})
    store.ingest(run("first", one, "data/train.csv"))
    same = run("second", two, "data/train.csv")
    swap = {
        "urn:lineage:version:lab/second-0@mlflow:1a2b3c4d": "urn:lineage:version:lab/first-0@mlflow:1a2b3c4d"
    }
    edges = tuple(
        Edge(relation=e.relation, effect=e.effect, cause=swap.get(e.cause, e.cause))
        for e in same.edges
    )
    store.ingest(Batch(nodes=same.nodes[:2], edges=edges))
    store.load(project.root)
    for commit, name in ((one, "first"), (two, "second")):
        blob = project.git("rev-parse", f"{commit}:data/train.csv")[:8]
        assert runs(store.impact(f"data/train.csv@{blob}")) == {name}
    assert runs(store.impact("dataset:data/train.csv")) == {"first", "second"}


def test_what_was_joined_stays_where_its_repository_is_not_at_hand(store, project, tmp_path):
    commit = project.commit(**{"data/train.csv": BIG, "uv.lock": LOCK.format(numpy="2.3.1")})
    store.ingest(run("baseline", commit, "data/train.csv"))
    store.load(project.root)
    project.root.rename(tmp_path / "moved")
    report = store.join()
    assert (report.added, report.retracted) == (0, 0)
    assert runs(store.impact("data/train.csv")) == {"baseline"}
    assert store.join(str(tmp_path / "moved")).retracted == 0


def test_a_join_says_how_it_was_found_and_can_be_rejected_for_good(store, project):
    commit = project.commit(**{"data/train.csv": BIG})
    store.ingest(run("baseline", commit, "data/train.csv"))
    store.load(project.root)
    version = "urn:lineage:version:lab/baseline-0@mlflow:1a2b3c4d"
    claim = next(e for e in store.show(version).edges if e.relation == "alternateOf")
    assert claim.attributes["method"] == "path-at-commit"
    assert claim.attributes["evidence"] == f"data/train.csv of baseline at {commit[:12]}"
    file = next(end for end in (claim.effect, claim.cause) if end != version)
    store.untie(version, file, reason="it read a sample")
    assert runs(store.impact("data/train.csv")) == set()
    assert store.join().added == 0
    assert runs(store.impact("data/train.csv")) == set()
    (entry,) = store.log(count=1).entries
    assert json.loads(entry.note)["reason"] == "it read a sample"
    with pytest.raises(NotFound, match="nobody claims"):
        store.untie(version, file, reason="again")


# --- environments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "program", "numpy"),
    [
        ({"uv.lock": "2.3.1"}, None, "2.3.1"),
        ({"uv.lock": "2.3.1", "service/uv.lock": "2.0.0"}, "service/fit.py", "2.0.0"),
        ({"uv.lock": "2.3.1", "service/uv.lock": "2.0.0"}, "other/fit.py", "2.3.1"),
        ({"uv.lock": "2.3.1", "service/uv.lock": "2.0.0"}, None, "2.3.1"),
        ({"service/uv.lock": "2.0.0"}, None, "2.0.0"),
        ({"service/uv.lock": "2.0.0"}, "/ci/7/service/deep/fit.py", "2.0.0"),
    ],
)
def test_a_run_used_the_environment_that_its_commit_declares(store, project, files, program, numpy):
    code = dict.fromkeys(("service/fit.py", "other/fit.py", "service/deep/fit.py"), "fit")
    commit = project.commit(
        **{path: LOCK.format(numpy=version) for path, version in files.items()}, **code
    )
    project.commit(**{path: LOCK.format(numpy="9.9.9") for path in files})
    store.ingest(run("baseline", commit, program=program))
    store.load(project.root)
    assert runs(store.ask(f'kind:run and package:"numpy=={numpy}"')) == {"baseline"}
    assert runs(store.impact(f"pkg:pypi/numpy@{numpy}")) == {"baseline"}
    assert runs(store.ask('kind:run and package:"numpy==9.9.9"')) == set()


def test_which_of_several_lock_files_is_meant_is_not_guessed(store, project):
    commit = project.commit(
        **{"a/uv.lock": LOCK.format(numpy="2.3.1"), "b/uv.lock": LOCK.format(numpy="2.0.0")}
    )
    store.ingest(run("baseline", commit))
    store.load(project.root)
    assert runs(store.ask('kind:run and package:"numpy"')) == set()


def test_requirements_with_what_they_include_are_the_environment_of_that_commit(store, project):
    commit = project.commit(
        **{
            "requirements.txt": "-r base/core.txt\nnumpy==2.3.1\n",
            "base/core.txt": "rich==14.0.0\n",
        }
    )
    project.commit(**{"base/core.txt": "rich==15.0.0\n"})
    store.ingest(run("baseline", commit))
    store.load(project.root)
    assert runs(store.ask('kind:run and package:"rich==14.0.0"')) == {"baseline"}
    assert runs(store.ask('kind:run and package:"rich==15.0.0"')) == set()


def test_an_environment_of_conda_is_that_of_its_commit_with_what_it_includes(store, project):
    listed = "name: churn\ndependencies:\n  - python=3.11\n  - pip:\n    - -r wanted.txt\n"
    old = project.commit(**{"environment.yml": listed, "wanted.txt": "rich==14.0.0\n"})
    new = project.commit(**{"wanted.txt": "rich==15.0.0\n"})
    store.ingest(run("baseline", old))
    store.ingest(run("tuned", new))
    store.load(project.root)
    assert runs(store.ask('kind:run and package:"rich==14.0.0"')) == {"baseline"}
    assert runs(store.ask('kind:run and package:"rich==15.0.0"')) == {"tuned"}


def test_a_run_that_read_a_lock_file_used_what_it_lists(store, tmp_path):
    lock = tmp_path / "uv.lock"
    lock.write_text(LOCK.format(numpy="2.3.1") + "\n" * 64)
    store.load(lock)
    (file,) = (node for node in store.ask("kind:artifact") if node.title.startswith("uv.lock"))
    batch = run("stage", None)
    copy = kinds.Artifact(id="urn:copy", label="a copy of it", digest=file.attributes["digest"])
    content = "urn:lineage:content:" + file.attributes["digest"]
    tie = Edge(
        relation="alternateOf", effect="urn:copy", cause=content, attributes={"method": "digest"}
    )
    back = Edge(
        relation="alternateOf", effect=content, cause="urn:copy", attributes={"method": "digest"}
    )
    used = Edge(relation="used", effect=batch.nodes[0].id, cause="urn:copy")
    store.ingest(Batch(nodes=(*batch.nodes, copy.node()), edges=(tie, back, used)))
    store.join()
    assert runs(store.ask('kind:run and package:"numpy>=2"')) == {"stage"}


def test_the_environment_that_a_tracker_recorded_goes_before_what_a_commit_declares(store, project):
    commit = project.commit(**{"uv.lock": LOCK.format(numpy="2.3.1")})
    batch = run("baseline", commit)
    own = kinds.Environment(id="urn:lineage:environment:own", label="own")
    used = Edge(relation="used", effect=batch.nodes[0].id, cause=own.id)
    store.ingest(Batch(nodes=(*batch.nodes, own.node()), edges=(*batch.edges, used)))
    store.load(project.root)
    assert runs(store.ask('kind:run and package:"numpy"')) == set()


# --- files of git ---------------------------------------------------------------------------------


def test_data_and_configuration_that_git_tracks_are_known_as_of_the_commits_that_runs_used(
    store, project
):
    files = {"data/usage.parquet": BIG, "config.yaml": BIG, "src/train.py": "x", "notes.md": "x"}
    commit = project.commit(**files)
    project.commit(**{"data/usage.parquet": BIG + "1"})
    project.commit(**{"config.yaml": BIG + "2"})
    store.ingest(run("baseline", commit))
    store.load(project.root)
    names = {
        node.attributes.get("name") for node in store.ask("kind:artifact or kind:datasetversion")
    }
    assert names == {"data/usage.parquet", "config.yaml"}
    assert "work" in {
        node.attributes.get("message") for node in store.trace("dataset:data/usage.parquet")
    }


def test_a_pointer_of_git_lfs_is_the_file_that_it_stands_for(store, project):
    data = BIG.encode()
    oid = hashlib.sha256(data).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n"
    commit = project.commit(**{"weights.pt": pointer})
    store.ingest(run("baseline", commit, made=[("weights.pt", f"sha256:{oid}")]))
    store.load(project.root)
    (file,) = (n for n in store.ask("kind:datasetversion") if n.title.startswith("weights.pt@"))
    assert file.attributes["size"] == len(data)
    assert store.show(f"sha256:{oid}").nodes
    (node,) = (n for n in store.show("run:baseline") if n.kind == "Run")
    assert "modified_files" not in node.attributes


def test_a_file_that_a_run_logged_other_than_its_commit_has_it_was_modified(store, project):
    commit = project.commit(**{"config.yaml": "seed: 42\n", "same.yaml": "rate: 1\n"})
    same = "sha256:" + hashlib.sha256(b"rate: 1\n").hexdigest()
    other = "sha256:" + hashlib.sha256(b"seed: 43\n").hexdigest()
    store.ingest(run("dirty", commit, made=[("config.yaml", other), ("same.yaml", same)]))
    store.load(project.root)
    (node,) = store.ask('modified_files:"*"')
    assert (node.title, node.attributes["modified_files"]) == ("dirty", "config.yaml")


def test_every_engine_joins_alike(address, lineage_at, project):
    commit = project.commit(**{"data/train.csv": BIG, "uv.lock": LOCK.format(numpy="2.3.1")})
    opened = lineage_at(address)
    opened.ingest(run("baseline", commit, "data/train.csv"))
    opened.load(project.root)
    assert runs(opened.impact("data/train.csv")) == {"baseline"}
    assert runs(opened.ask('kind:run and package:"numpy>=2"')) == {"baseline"}
    assert opened.join().added == 0


@pytest.mark.parametrize("crlf", [False, True])
def test_a_file_that_dvc_before_3_locked_is_the_file_that_others_know_by_its_md5(
    store, project, crlf
):
    text = BIG.encode().replace(b"\n", b"\r\n") if crlf else BIG.encode()
    unix = hashlib.md5(BIG.encode(), usedforsecurity=False).hexdigest()
    (project.root / ".gitattributes").write_text("* -text\n")
    (project.root / "config.csv").write_bytes(text)
    lock = f"schema: '2.0'\nstages:\n  make:\n    cmd: make\n    outs:\n    - path: out.csv\n      md5: {unix}\n      size: {len(text)}\n"
    commit = project.commit(**{"dvc.lock": lock})
    store.ingest(run("reader", commit, "config.csv"))
    store.load(project.root)
    maker = {node.title for node in store.trace("run:reader") if node.kind == "Run"}
    assert "make" in maker


@pytest.mark.parametrize("stays", ["\n", "\r\n"])
def test_a_file_that_differs_in_its_line_ends_alone_was_not_modified(store, project, stays):
    (project.root / ".gitattributes").write_text("* -text\n")
    text = "seed: 42\n" * 10
    (project.root / "config.yaml").write_bytes(text.replace("\n", stays).encode())
    commit = project.commit()
    other = text.replace("\n", "\r\n" if stays == "\n" else "\n").encode()
    logged = [("config.yaml", "sha256:" + hashlib.sha256(other).hexdigest())]
    store.ingest(run("windows", commit, made=logged))
    store.load(project.root)
    (node,) = store.ask("kind:run")
    assert "modified_files" not in node.attributes


@pytest.mark.parametrize(
    "place", ["jobs/etl", "jobs/etl/clean.py", "./jobs/etl/", "/jobs/etl/clean.py"]
)
def test_a_run_of_openlineage_has_the_lock_file_nearest_to_its_code(store, project, place):
    numpy = LOCK.format(numpy="2.3.1")
    files = {
        "jobs/etl/clean.py": "x",
        "jobs/etl/uv.lock": numpy,
        "uv.lock": LOCK.format(numpy="1.0"),
    }
    commit = project.commit(**files)
    batch = run("nightly", commit)
    more = {"source.path": place}
    node = kinds.Run(id=batch.nodes[0].id, label="nightly", more=more).node()
    store.ingest(Batch(nodes=(node, *batch.nodes[1:]), edges=batch.edges))
    store.load(project.root)
    assert runs(store.ask('kind:run and package:"numpy==2.3.1"')) == {"nightly"}
