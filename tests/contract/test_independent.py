# SPDX-License-Identifier: Apache-2.0
"""What git, YAML, SQL and TOML say of the demo's project, worked out without the product, is what its
verbs answer; and where they cannot know it, a gap says so.
"""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import tomllib
from contextlib import closing
from dataclasses import dataclass, field

import pytest
import yaml

import lineage
from tests.contract.test_four_questions import demo  # noqa: F401 - a fixture


@dataclass
class Run:
    """A run as its tool wrote it down: ``key`` is the id of MLflow, or the bytes that a stage made."""

    key: object
    commits: set = field(default_factory=set)
    paths: set = field(default_factory=set)
    packages: set = field(default_factory=set)
    made: set = field(default_factory=set)
    read: set = field(default_factory=set)


class Project:
    """The project, read with the tools that everybody has."""

    def __init__(self, root):
        self.root = root
        self.commits = self.git("rev-list", "--all", "--reflog").split()
        self.stages = self._stages()
        self.tracked = self._tracked()
        self.models = {}

    def git(self, *words):
        done = subprocess.run(
            ["git", "-C", self.root, *words], check=True, capture_output=True, text=True
        )
        return done.stdout

    def file(self, commit, path):
        try:
            return self.git("show", f"{commit}:{path}")
        except subprocess.CalledProcessError:
            return None

    def packages(self, commit):
        held = tomllib.loads(self.file(commit, "uv.lock") or "")
        return {
            (package["name"], package["version"])
            for package in held.get("package", ())
            if "registry" in package["source"]
        }

    def _stages(self):
        """The stages of every commit that changed dvc.lock: one run for each that a commit brought in."""
        found = {}
        for commit in self.commits:
            stages = yaml.safe_load(self.file(commit, "dvc.lock") or "") or {"stages": {}}
            before = yaml.safe_load(self.file(f"{commit}^", "dvc.lock") or "") or {"stages": {}}
            for name, stage in stages["stages"].items():
                key = (name, frozenset((o["path"], o["md5"]) for o in stage["outs"]), str(stage))
                run = found.setdefault(key, Run(frozenset(o["md5"] for o in stage["outs"])))
                run.paths |= {dep["path"] for dep in stage["deps"]}
                run.read |= {dep["md5"] for dep in stage["deps"]}
                run.made |= {out["md5"] for out in stage["outs"]}
                if "uv.lock" in run.paths:
                    run.packages |= self.packages(commit)
                if before["stages"].get(name) != stage:
                    run.commits.add(commit)
        return list(found.values())

    def _tracked(self):
        """Commit -> path -> md5 of what *.dvc files track."""
        found = {}
        for commit in self.commits:
            names = self.git("ls-tree", "-r", "--name-only", commit).split()
            for name in (one for one in names if one.endswith(".dvc")):
                (out,) = yaml.safe_load(self.file(commit, name))["outs"]
                path = name.rpartition("/")[0] + "/" + out["path"]
                found.setdefault(commit, {})[path] = out["md5"]
        return found

    def tracker_runs(self):
        """The runs of MLflow: their commit, the files that their datasets are at that commit, what they
        logged, the packages of the lock file of the commit.
        """
        with closing(sqlite3.connect(self.root / "mlflow.db")) as db:
            tags = "SELECT run_uuid, value FROM tags WHERE key = 'mlflow.source.git.commit'"
            commits = dict(db.execute(tags))
            inputs = db.execute(
                "SELECT destination_id, dataset_source FROM inputs JOIN datasets ON source_id = dataset_uuid"
            ).fetchall()
            keys = [key for (key,) in db.execute("SELECT run_uuid FROM runs")]
            versions = db.execute("SELECT version, run_id FROM model_versions").fetchall()
        self.models = {f"readmission@{version}": run for version, run in versions}
        runs = {key: Run(key) for key in keys}
        for key, run in runs.items():
            if key in commits:
                run.commits.add(commits[key])
                run.packages |= self.packages(commits[key])
            for file in (self.root / "mlruns" / "1" / key / "artifacts").iterdir():
                run.made.add(hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest())
        for key, source in inputs:
            path = yaml.safe_load(source)["uri"]
            digest = self.tracked.get(commits.get(key), {}).get(path)
            if digest is not None:
                runs[key].paths.add(path)
                runs[key].read.add(digest)
        return list(runs.values())


@pytest.fixture(scope="module")
def project(demo):  # noqa: F811 - the fixture
    return Project(demo.parent.parent)


@pytest.fixture(scope="module")
def runs(project):
    return [*project.stages, *project.tracker_runs()]


@pytest.fixture(scope="module")
def store(demo):  # noqa: F811 - the fixture
    with lineage.open(demo) as opened:
        yield opened


def key(store, run):
    """What tells a run of the store apart: its id in MLflow, or the bytes that a stage made."""
    if ":mlflow:" in run.id:
        return run.id.rpartition("/")[2]
    made = store.ask(f'("{run.id}" via wasGeneratedBy)+1').nodes
    digests = [
        n.attributes.get("digest", "") for n in made if n.kind in {"Artifact", "DatasetVersion"}
    ]
    return frozenset(digest.removeprefix("md5:") for digest in digests if digest.startswith("md5:"))


def found(store, answer):
    return {key(store, node) for node in answer if node.kind == "Run"}


def models(answer):
    return {node.title.replace("@v", "@") for node in answer if node.kind == "ModelVersion"}


def downstream(runs, start):
    """The runs that used some of these runs' products, and so on, the start included."""
    seen = list(start)
    for run in seen:
        seen += [one for one in runs if one not in seen and one.read & run.made]
    return seen


def test_every_file_has_the_runs_that_used_it_and_the_models_that_came_of_it(store, project, runs):
    paths = {path for run in runs for path in run.paths}
    assert {"data/admissions.csv", "train.py", "uv.lock"} <= paths
    for path in paths - {"train.py", "uv.lock"}:
        users = downstream(runs, [run for run in runs if path in run.paths])
        answer = store.impact(path)
        assert found(store, answer) == {run.key for run in users}, path
        made = {run.key for run in users}
        of_bytes = {md5 for run in users for md5 in run.made}
        expected = {
            name
            for name, run in project.models.items()
            if run in made or any(r.key == run and r.made & of_bytes for r in runs)
        }
        assert models(answer) == expected
        assert found(store, store.ask(f'dataset:"{path}"+ and kind:run')) == made
        # The run that names such a file on some machine is no user: it is a gap.
        (gap,) = (g for g in answer.certificate.gaps if g.code == "data-unjoined")
        assert (gap.count, gap.example) == (1, "/home/ana/Downloads/admissions.csv of trial")


def test_every_package_has_the_runs_that_ran_with_it(store, runs):
    packages = {package for run in runs for package in run.packages}
    assert ("numpy", "2.3.1") in packages
    unknown = [run for run in runs if not run.packages]
    for name, version in packages:
        users = {run.key for run in runs if (name, version) in run.packages}
        asked = store.ask(f'kind:run and package:"{name}=={version}"')
        assert found(store, asked) == users
        assert found(store, store.impact(f"pkg:pypi/{name}@{version}")) >= users
        (gap,) = (g for g in asked.certificate.gaps if g.code == "environment-unknown")
        assert gap.count == len(unknown) == 1


def test_every_commit_has_the_runs_that_used_it(store, runs):
    for commit in {commit for run in runs for commit in run.commits}:
        users = {run.key for run in runs if commit in run.commits}
        assert found(store, store.ask(f'kind:run and commit:"{commit}"')) >= users
        assert found(store, store.impact(f"commit:{commit}")) >= users


def test_what_produced_a_model_is_its_run_with_what_that_used(store, project, runs):
    by_key = {run.key: run for run in runs}
    for name, run in project.models.items():
        produced = store.produced(f"model:{name}")
        used = by_key[run]
        commits = {thing["id"].rpartition(":")[2] for thing in produced.things["commits"]}
        assert used.commits <= commits
        labels = {thing["label"] for thing in produced.things["datasets"]}
        assert "data/admissions.csv" in labels
        packages = {thing["label"] for thing in produced.things["packages"]}
        assert packages == {f"{package} {version}" for package, version in used.packages}
        assert produced.certificate.gaps == ()
