# SPDX-License-Identifier: Apache-2.0
"""``lineage environment``: what was there beside what was declared, and files that make it again."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tomllib
import venv

import pytest
from packaging.pylock import Pylock
from packaging.requirements import Requirement

from lineage.cli import main
from tests.capture.launched import run, stored
from tests.capture.test_reproduce import UV, programs, wheels

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
FILES = f"""
lock-version = "1.0"
created-by = "hand"
requires-python = ">=3.9"
[[packages]]
name = "one"
version = "1.0"
marker = "sys_platform == 'win32'"
sdist = {{url = "https://x.example/one-1.0.tar.gz", hashes = {{sha256 = "{"3" * 64}"}}}}
wheels = [
    {{url = "https://x.example/one-1.0-py3-none-any.whl", hashes = {{sha256 = "{"4" * 64}"}}}},
    {{url = "https://x.example/one-1.0-cp311-cp311-win32.whl", hashes = {{sha256 = "{"5" * 64}"}}}},
]
[[packages]]
name = "tool"
vcs = {{type = "git", url = "https://git.example/tool.git", commit-id = "{"6" * 40}"}}
[[packages]]
name = "zip"
archive = {{url = "https://x.example/zip.zip", hashes = {{sha256 = "{"7" * 64}"}}}}
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
    (workspace / "pylock.toml").write_text(FILES)
    with stored(workspace) as store:
        for name in ("requirements.txt", "environment.yml", "pylock.toml"):
            store.load(workspace / name)
        known = {
            (node.attributes["packages"], node.attributes.get("python")): node.id
            for node in store.ask("kind:environment")
        }
        packages = store.ask("kind:package").ids
    for about, form, name in (
        ((2, None), "requirements", "requirements.txt"),
        ((3, "3.11.7"), "conda", "environment.yml"),
        ((3, ">=3.9"), "pylock", "pylock.toml"),
    ):
        place = workspace / form / name
        place.parent.mkdir()
        code, *_ = told("export", known[about], "--to", form, "--out", str(place))
        assert code == 0
        with stored(workspace) as store:
            store.load(place)
            assert store.ask("kind:package").ids == packages
    hashed = (workspace / "requirements" / "requirements.txt").read_text().replace("\\\n", "")
    assert all("--hash=sha256:" in line for line in hashed.splitlines())
    mine, theirs = (
        Pylock.from_dict(tomllib.loads(path.read_text()))
        for path in (workspace / "pylock" / "pylock.toml", workspace / "pylock.toml")
    )
    assert (mine.requires_python, len(mine.packages)) == (theirs.requires_python, 3)
    for one, other in zip(mine.packages, theirs.packages, strict=True):
        assert (one.name, one.version, one.marker) == (other.name, other.version, other.marker)
        assert (one.vcs, one.archive) == (other.vcs, other.archive)
        assert _digests(one) == _digests(other)


def _digests(package):
    files = [package.sdist, *(package.wheels or ())] if package.sdist else []
    return {file.url: dict(file.hashes) for file in files}


def test_the_lock_file_of_what_was_there_has_digests_of_files_that_are_recorded_and_no_others(
    workspace, programs, wheels, told
):
    assert run(str(programs / "python"), "-c", "", options=("--name", "first")).returncode == 0
    # The digest of the RECORD that was installed is none of a file.
    code, text, said = told("export", "run:first", "--to", "pylock")
    assert (code, text) == (1, "")
    assert "no package of this environment is recorded with its files" in said
    [wheel] = wheels.iterdir()
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (workspace / "uv.lock").write_text(
        'version = 1\nrequires-python = ">=3.9"\n[[package]]\nname = "tiny"\nversion = "1.0"\n'
        'source = { registry = "https://x.example/simple" }\n'
        f'wheels = [{{ url = "{wheel.as_uri()}", hash = "sha256:{digest}" }}]\n'
    )
    with stored(workspace) as store:
        store.load(workspace / "uv.lock", runs=["run:first"])
    lock, place = workspace / "pylock.toml", workspace.parent / "again"
    code, _, said = told("export", "run:first", "--to", "pylock", "--out", str(lock))
    assert code == 0
    assert said.startswith("not in it: from which of these files a package was installed")
    venv.create(place, symlinks=True)
    sync = [UV, "pip", "sync", "--quiet", "--offline", "--python", place, lock]
    subprocess.run(sync, check=True)
    made = subprocess.check_output(
        [place / "bin" / "python", "-c", "import tiny; print(tiny.TIMES)"]
    )
    assert made == b"20\n"
    lock.write_text(lock.read_text().replace(digest, "0" * 64))
    refused = subprocess.run([*sync, "--reinstall"], capture_output=True, text=True, check=False)
    assert "Hash mismatch" in refused.stderr


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
