# SPDX-License-Identifier: Apache-2.0
"""What was planted between two captured runs is what comparing them names, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.capture.launched import LINEAGE, stored

TRAIN = """
import json, random, sys
random.seed(7)
rows = open("data.csv").read()
json.dump({"w": random.random(), "n": len(rows)}, open("model.json", "w"))
"""


def git(*words):
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@lab.example")
    subprocess.run(["git", *who, *words], check=True, capture_output=True)


class Runs:
    """Runs of one program; each may be another in one thing."""

    def __init__(self, python):
        self.python, self._number = python, 0

    def named(self, *, before=(), words=(), options=(), program="train.py", **environ):
        self._number += 1
        name = f"r{self._number}"
        command = [*before, *LINEAGE, "run", "--name", name, *options, "--"]
        done = subprocess.run(
            [*command, self.python, program, *words],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return name


@pytest.fixture
def made(workspace):
    """A committed program with data that git ignores, and an interpreter with two packages."""
    site = workspace / "venv" / "lib" / "python{}.{}".format(*sys.version_info) / "site-packages"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", workspace / "venv"], check=True)
    _package(site, "one", "1.0")
    _package(site, "two", "2.0")
    (workspace / "train.py").write_text(TRAIN)
    (workspace / "data.csv").write_text("a,b\n" + "1,2\n2,1\n" * 15)
    (workspace / "more.csv").write_text("c,d\n" + "1,2\n" * 30)
    (workspace / ".gitignore").write_text("*.csv\n*.json\n.lineage/\nvenv/\n")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "begin"]):
        git(*words)
    return Runs(str(workspace / "venv" / "bin" / "python")), site


def _package(site, name, version):
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def differences(workspace, a, b):
    """What comparing two runs names, by section."""
    with stored(workspace) as opened:
        found = opened.compare(f"run:{a}", f"run:{b}")
    return {
        section: {each.what for each in listed}
        for section, listed in found.sections.items()
        if listed
    }


def _commit():
    Path("README.md").write_text("words\n")
    git("add", "-A")
    git("commit", "-qm", "words")


def _upgrade(site):
    (site / "one-1.0.dist-info").rename(site / "one-1.1.dist-info")
    metadata = site / "one-1.1.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.0", "1.1"))


def _write(name, text):
    return lambda site: Path(name).write_text(text)


def _seed(site):
    Path("train.py").write_text(TRAIN.replace("seed(7)", "seed(8)"))


#: What is planted -> how it is done before the second run, how that is started, and what is named.
PLANTED = {
    "nothing": (None, {}, {}),
    "a commit": (lambda site: _commit(), {}, {"code": {"commit"}}),
    "an edited file": (_write("train.py", TRAIN + "# edited\n"), {}, {"code": {"commit"}}),
    "a new file": (_write("helper.py", "x = 1\n"), {}, {"code": {"commit"}}),
    "data": (_write("data.csv", "a,b\n" + "2,1\n1,2\n" * 15), {}, {"data": {"input: data.csv"}}),
    "another input": (
        None,
        {"options": ["--in", "more.csv"]},
        {"data": {"input: more.csv"}, "other": {"declared_not_read", "read_not_declared"}},
    ),
    "a version of a package": (_upgrade, {}, {"environment": {"one"}}),
    "one more package": (lambda site: _package(site, "three", "3"), {}, {"environment": {"three"}}),
    "a parameter": (None, {"options": ["--param", "rate=0.1"]}, {"parameters": {"rate"}}),
    "an argument": (
        None,
        {"words": ["--rate", "0.1"]},
        {"parameters": {"rate"}, "other": {"command"}},
    ),
    "a seed": (_seed, {}, {"code": {"commit"}, "other": {"seeds", "random_state.random"}}),
    "a variable of seeds": (
        None,
        {"PYTHONHASHSEED": "1"},
        {"other": {"env.PYTHONHASHSEED", "random.PYTHONHASHSEED"}},
    ),
    "threads": (
        None,
        {"OMP_NUM_THREADS": "1"},
        {"other": {"env.OMP_NUM_THREADS", "threads.OMP_NUM_THREADS"}},
    ),
    "a variable that is not shown": (None, {"EDITOR": "vi"}, {"other": {"env_hashed"}}),
    "processors that it may use": (
        None,
        {"before": ["taskset", "-c", "0"]},
        {"other": {"affinity", "machine.cores", "machine.effective.cpus.effective"}},
    ),
    "a priority": (None, {"before": ["nice", "-n", "5"]}, {"other": {"nice"}}),
    "why": (None, {"options": ["--why", "May"]}, {"other": {"why"}}),
    "a decision": (None, {"options": ["--decision", "ADR-7"]}, {"other": {"decision"}}),
    "how it ends": (
        _write("train.py", TRAIN + "raise SystemExit(0)\n"),
        {},
        {"code": {"commit"}},
    ),
    "another program": (
        _write("other.py", TRAIN),
        {"program": "other.py"},
        {"code": {"commit", "imported train.py", "imported other.py"}, "other": {"command"}},
    ),
    "a branch": (lambda site: git("switch", "-qc", "feature/x"), {}, {}),
}


#: Those that are looked at each time; the others with ``--deep``.
OFTEN = {"nothing", "an edited file", "data", "a version of a package", "a seed", "threads"}


@pytest.mark.parametrize(
    "what",
    [pytest.param(each, marks=[] if each in OFTEN else pytest.mark.deep) for each in PLANTED],
)
def test_what_was_planted_is_named_and_nothing_else(workspace, made, what):
    each, site = made
    plant, how, expected = PLANTED[what]
    first = each.named()
    if plant is not None:
        plant(site)
    found = differences(workspace, first, each.named(**how))
    shown = {
        section: {name.rpartition("/")[2] for name in names} for section, names in found.items()
    }
    assert shown == expected
