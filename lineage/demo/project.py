# SPDX-License-Identifier: Apache-2.0
"""Makes the project: a repository with a rebase and a squash merge, data under DVC, a lockfile,
an MLflow store. Nothing is canned: the model is trained, git does the rewriting.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from random import Random

from lineage.errors import MissingExtra

MODEL = "readmission"
DATA = "data/admissions.csv"
WEIGHTS = "model/weights.json"
SCORES = "model/scores.json"
_START = 1_767_225_600
_LOCK = """version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "readmission"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "numpy" }, { name = "pandas" }]

[[package]]
name = "numpy"
version = "2.3.1"
source = { registry = "https://packages.example/simple" }

[[package]]
name = "pandas"
version = "2.3.0"
source = { registry = "https://packages.example/simple" }
dependencies = [{ name = "numpy" }, { name = "python-dateutil" }]

[[package]]
name = "python-dateutil"
version = "2.9.0.post0"
source = { registry = "https://packages.example/simple" }
"""
_DVC_YAML = f"""stages:
  train:
    cmd: python train.py {DATA} {WEIGHTS} {SCORES} ${{rate}} ${{rounds}} ${{seed}}
    deps:
      - {DATA}
      - train.py
      - uv.lock
    params:
      - rate
      - rounds
      - seed
    outs:
      - {WEIGHTS}
    metrics:
      - {SCORES}:
          cache: false
"""


_NAMES = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in {"NAME": "Ana Lima", "EMAIL": "ana@hospital.example"}.items()
}


@dataclass(slots=True)
class Project:
    """The project while it is being made; every step is a minute later than the one before."""

    path: Path
    #: The store of captured runs; without one the trainings run alone.
    captured: Path | None = None
    minutes: int = 0
    runs: int = 0
    versions: int = 0

    # --- git ---

    def git(self, *command: str) -> str:
        """Run git in the name of a person."""
        self.minutes += 1
        now = f"{_START + 60 * self.minutes} +0000"
        names = {**_NAMES, "GIT_AUTHOR_DATE": now, "GIT_COMMITTER_DATE": now}
        base = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.path)}
        fixed = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_EDITOR": "true"}
        done = subprocess.run(
            ["git", *command],
            cwd=self.path,
            env=base | fixed | names,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything as it is now."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    # --- data and training ---

    def collect(self, rows: int, seed: int) -> None:
        """Make a new version of the data, tracked as ``dvc add`` tracks it."""
        random = Random(seed)  # noqa: S311 - admissions, not secrets
        file = self.path / DATA
        file.parent.mkdir(exist_ok=True)
        with file.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(("age", "stays", "again"))
            for _ in range(rows):
                age, stays = random.randint(18, 95), random.randint(0, 9)
                again = random.random() < 0.15 + 0.04 * stays + 0.004 * (age - 50)
                writer.writerow((age, stays, int(again)))
        digest, size = self._cached(file)
        text = f"outs:\n- md5: {digest}\n  size: {size}\n  hash: md5\n  path: {file.name}\n"
        (self.path / f"{DATA}.dvc").write_text(text)

    def train(self, rate: float, rounds: int, name: str) -> dict[str, float]:
        """Run the stage, which is captured under a name, and lock it, as ``dvc repro`` does; returns the scores."""
        (self.path / "model").mkdir(exist_ok=True)
        (self.path / "params.yaml").write_text(f"rate: {rate}\nrounds: {rounds}\nseed: 7\n")
        command = ["train.py", DATA, WEIGHTS, SCORES, str(rate), str(rounds), "7"]
        captured = [] if self.captured is None else self._captured(name)
        program = [sys.executable, "-I", *command]
        environ = {**os.environ, **_NAMES}
        subprocess.run([*captured, *program], cwd=self.path, env=environ, check=True)
        lines = [
            "schema: '2.0'",
            "stages:",
            "  train:",
            f"    cmd: python {' '.join(command)}",
            "    deps:",
        ]
        for each in (DATA, "train.py", "uv.lock"):
            lines += self._locked(each)
        lines += [
            "    params:",
            "      params.yaml:",
            f"        rate: {rate}",
            f"        rounds: {rounds}",
        ]
        lines += ["        seed: 7", "    outs:", *self._locked(SCORES), *self._locked(WEIGHTS)]
        (self.path / "dvc.lock").write_text("\n".join(lines) + "\n")
        scores: dict[str, float] = json.loads((self.path / SCORES).read_text())
        return scores

    def decide(self, name: str) -> None:
        """Write down a decision, of which the text is in this package."""
        place = self.path / "decisions" / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(files("lineage.demo").joinpath(name).read_text("utf-8"))

    def _captured(self, name: str) -> list[str]:
        """The words that are put before a command so that it is captured."""
        main = [sys.executable, "-c", "from lineage.cli import main; main()"]
        declared = ["--in", DATA, "--out", WEIGHTS, "--out", SCORES]
        store = str(self.captured)
        return [*main, "--store", store, "run", "--name", name, *declared, "--"]

    def _locked(self, name: str) -> list[str]:
        digest, size = self._cached(self.path / name)
        return [
            f"    - path: {name}",
            "      hash: md5",
            f"      md5: {digest}",
            f"      size: {size}",
        ]

    def _cached(self, file: Path) -> tuple[str, int]:
        """The md5 and size of a file, which goes into DVC's cache under it."""
        data = file.read_bytes()
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        place = self.path / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return digest, len(data)

    # --- MLflow ---

    def log_run(
        self,
        name: str,
        commit: str | None,
        scores: dict[str, float],
        rate: float,
        data: str = DATA,
        decision: str | None = None,
    ) -> str:
        """Record a run in the MLflow store, with its model file as artifact; one without a commit is of
        a notebook that lies in no repository. Which decision it follows, a tag says.
        """
        self.runs += commit is not None
        run = hashlib.sha256(f"{name}{self.runs}".encode()).hexdigest()[:32]
        now = (_START + 60 * self.minutes) * 1000
        artifacts = self.path / "mlruns" / "1" / run / "artifacts"
        artifacts.mkdir(parents=True)
        shutil.copy(self.path / WEIGHTS, artifacts / "weights.json")
        digest = hashlib.sha256((self.path / DATA).read_bytes()).hexdigest()[:8]
        with sqlite3.connect(self.path / "mlflow.db") as db:
            program = "train.py" if commit else "Untitled.ipynb"
            row = (run, name, "LOCAL", program, "", "ana", "FINISHED", now, now + 4000, "")
            db.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', ?, 1, NULL)",
                (*row, f"mlruns/1/{run}/artifacts"),
            )
            for key, value in {"rate": rate, "seed": 7}.items():
                db.execute("INSERT INTO params VALUES (?, ?, ?)", (key, str(value), run))
            for key, score in scores.items():
                db.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, 0, 0)", (key, score, now, run))
                db.execute(
                    "INSERT INTO latest_metrics VALUES (?, ?, ?, 0, 0, ?)", (key, score, now, run)
                )
            tags = {"mlflow.user": "ana", "mlflow.runName": name}
            if commit:
                tags["mlflow.source.git.commit"] = commit
            if decision:
                tags["lineage.decision"] = decision
            db.executemany(
                "INSERT INTO tags VALUES (?, ?, ?)", [(k, v, run) for k, v in tags.items()]
            )
            source = json.dumps({"uri": data})
            known = f"d{digest}" if data == DATA else f"n{digest}"
            called = "admissions" if data == DATA else "admissions-of-a-notebook"
            dataset = (known, 1, called, digest, "local", source, None, None)
            db.execute("INSERT OR IGNORE INTO datasets VALUES (?, ?, ?, ?, ?, ?, ?, ?)", dataset)
            given = (f"i{run}", "DATASET", known, "RUN", run)
            db.execute("INSERT INTO inputs VALUES (?, ?, ?, ?, ?, 0)", given)
            role = (f"i{run}", "mlflow.data.context", "training")
            db.execute("INSERT INTO input_tags VALUES (?, ?, ?)", role)
        return run

    def register(self, run: str) -> None:
        """Register the next version of the model, out of a run."""
        self.versions += 1
        now = (_START + 60 * self.minutes) * 1000
        source = f"mlruns/1/{run}/artifacts/weights.json"
        with sqlite3.connect(self.path / "mlflow.db") as db:
            db.execute(
                "INSERT OR IGNORE INTO registered_models VALUES (?, ?, ?, NULL, 'default')",
                (MODEL, now, now),
            )
            row = (MODEL, self.versions, now, now, source, run)
            db.execute(
                "INSERT INTO model_versions VALUES (?, ?, ?, ?, NULL, 'ana', 'None', ?, ?, 'READY', "
                "NULL, NULL, NULL, 'default')",
                row,
            )
            alias = ("champion", self.versions, MODEL)
            db.execute(
                "INSERT OR REPLACE INTO registered_model_aliases VALUES (?, ?, ?, 'default')", alias
            )


def begin(path: Path, captured: Path | None = None) -> Project:
    """Make the project up to the point where its branches are about to be merged; its trainings are captured into
    the store ``captured``, where one is named.

    Raises ``MissingExtra`` where there is no git.
    """
    if shutil.which("git") is None:
        raise MissingExtra("the demo needs git", hint="Install git, then run the demo again.")
    path.mkdir(parents=True, exist_ok=True)
    project = Project(path, captured)
    project.git("init", "-q", "-b", "main")
    (path / ".gitignore").write_text(
        f"/{DATA}\n/{WEIGHTS}\n/mlruns\n/mlflow.db*\n/.lineage\n/.dvc/cache\n"
    )
    (path / "train.py").write_text(
        files("lineage.demo").joinpath("train.py.txt").read_text("utf-8")
    )
    (path / "dvc.yaml").write_text(_DVC_YAML)
    (path / "uv.lock").write_text(_LOCK)
    with sqlite3.connect(path / "mlflow.db") as db:
        db.executescript(files("lineage.demo").joinpath("mlflow.sql").read_text("utf-8"))
        now = _START * 1000
        row = (1, MODEL, "mlruns/1", "active", now, now, "default")
        db.execute("INSERT INTO experiments VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    project.collect(120, seed=1)
    scores = project.train(0.05, 20, "baseline")
    first = project.commit("Start: predict readmission")
    project.register(project.log_run("baseline", first, scores, 0.05))

    project.git("switch", "-q", "-c", "slower-rate")
    project.decide("0001-learn-more-slowly.md")
    project.train(0.02, 40, "slow")
    project.commit("Try a slower learning rate")
    scores = project.train(0.01, 80, "slower")
    second = project.commit("Slower still, more rounds")
    project.register(project.log_run("slower", second, scores, 0.01, decision="dec-slower"))

    project.git("switch", "-q", "-c", "more-data", "main")
    project.collect(180, seed=2)
    (path / "NOTES").write_text("The admissions of spring are in.\n")
    third = project.commit("Take in the admissions of spring")
    project.log_run("spring", third, project.train(0.05, 20, "spring"), 0.05)
    project.git("checkout", "-q", "--", ".")
    project.git("switch", "-q", "main")
    (path / "README").write_text("Predicts who comes back within thirty days.\n")
    project.commit("Say what this is")
    return project


def finish(project: Project) -> None:
    """Squash one branch, rebase the other, and delete both."""
    project.git("merge", "-q", "--squash", "slower-rate")
    project.commit("Slower learning rate (#7)")
    project.git("branch", "-q", "-D", "slower-rate")
    project.git("rebase", "-q", "main", "more-data")
    project.git("switch", "-q", "main")
    project.git("merge", "-q", "--ff-only", "more-data")
    project.git("branch", "-q", "-D", "more-data")
    project.collect(240, seed=3)
    project.decide("0002-take-in-the-summer.md")
    # Somebody tried it in a notebook: nothing recorded which code and which packages that ran with.
    scores, copy = project.train(0.02, 60, "trial"), f"/home/ana/Downloads/{Path(DATA).name}"
    project.log_run("trial", None, scores, 0.02, data=copy)
    scores = project.train(0.01, 80, "summer")
    last = project.commit("Take in the admissions of summer")
    project.register(project.log_run("summer", last, scores, 0.01, decision="dec-summer"))
