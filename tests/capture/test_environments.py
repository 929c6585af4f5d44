# SPDX-License-Identifier: Apache-2.0
"""``lineage environment``: what was there beside what was declared, and files that make it again."""

from __future__ import annotations

import json

import pytest
from packaging.requirements import Requirement

from lineage.cli import main
from tests.capture.launched import run, stored
from tests.capture.test_reproduce import programs, wheels

__all__ = ["programs", "wheels"]

LOCK = "tiny==2.0 --hash=sha256:" + "1" * 64 + "\nother==3.1 --hash=sha256:" + "2" * 64 + "\n"
CONDA = """
channels: [conda-forge]
dependencies:
  - conda-forge::python=3.11.7=h1
  - conda-forge::zlib=1.3.1=h2_0
  - blas
  - pip:
    - other==3.1
"""


@pytest.fixture
def told(capsys):
    """A command in this process: its exit code, and what it printed on both streams."""

    def called(*words):
        with pytest.raises(SystemExit) as ended:
            main(["environment", *words])
        return ended.value.code, *capsys.readouterr()

    return called


def test_what_was_there_and_what_was_declared_stand_side_by_side(workspace, programs, told):
    assert run(str(programs / "python"), "-c", "", options=("--name", "first")).returncode == 0
    (workspace / "requirements.txt").write_text(LOCK)
    with stored(workspace) as store:
        store.load(workspace / "requirements.txt", runs=["run:first"])
    code, out, _ = told("show", "run:first", "--json")
    found = json.loads(out)
    there, declared = found["environments"]
    assert (code, there["observed"], there["packages"]) == (0, True, {"tiny": "1.0"})
    assert (declared["observed"], declared["packages"]) == (False, {"other": "3.1", "tiny": "2.0"})
    [drift] = found["drift"]
    assert (drift["only_a"], drift["only_b"]) == ([], ["other"])
    assert drift["versions"] == {"tiny": ["1.0", "2.0"]}
    assert "other versions: tiny 1.0 -> 2.0" in told("show", "run:first")[1]
    # The one that was there is written, and not what somebody asked for.
    _, text, left = told("export", "run:first", "--to", "requirements")
    assert (text.splitlines()[1:], left) == (["tiny==1.0"], "")


def test_a_file_means_the_environment_that_it_was_written_from(workspace, told):
    (workspace / "requirements.txt").write_text(LOCK)
    (workspace / "environment.yml").write_text(CONDA)
    with stored(workspace) as store:
        for name in ("requirements.txt", "environment.yml"):
            store.load(workspace / name)
        known = {node.attributes["packages"]: node.id for node in store.ask("kind:environment")}
        packages = store.ask("kind:package").ids
    for count, form, name in (
        (2, "requirements", "requirements.txt"),
        (3, "conda", "environment.yml"),
    ):
        place = workspace / form / name
        place.parent.mkdir()
        code, *_ = told("export", known[count], "--to", form, "--out", str(place))
        assert code == 0
        with stored(workspace) as store:
            store.load(place)
            assert store.ask("kind:package").ids == packages
    hashed = (workspace / "requirements" / "requirements.txt").read_text().replace("\\\n", "")
    assert all("--hash=sha256:" in line for line in hashed.splitlines())


def test_what_a_format_cannot_hold_is_said_and_stands_in_the_file(workspace, told):
    (workspace / "environment.yml").write_text(CONDA)
    with stored(workspace) as store:
        store.load(workspace / "environment.yml")
        [node] = store.ask("kind:environment").nodes
    for form, lost in (
        ("requirements", ["blas", "zlib 1.3.1 (a package of conda)"]),
        ("dockerfile", ["blas", "zlib 1.3.1 (a package of conda)"]),
        ("conda", ["blas", "other platforms (builds of conda are of one)"]),
    ):
        code, text, said = told("export", node.id, "--to", form)
        assert code == 0
        assert said.splitlines() == [f"not in it: {one}" for one in lost]
        assert [
            line[2:] for line in text.splitlines() if line.startswith("# not")
        ] == said.splitlines()
    _, text, _ = told("export", node.id, "--to", "dockerfile")
    assert text.splitlines()[:2] == ["# syntax=docker/dockerfile:1", "FROM python:3.11.7-slim"]
    inner = text.partition("<<'EOF'\n")[2].removesuffix("EOF\n").splitlines()
    assert [Requirement(line).name for line in inner] == ["other"]
