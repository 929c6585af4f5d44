# SPDX-License-Identifier: Apache-2.0
"""``lineage reproduce``: a run is done again bit for bit, or it is said exactly why it cannot be."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from lineage.cli import main
from tests.capture.launched import run, stored
from tests.importers.conftest import Repository

PROGRAM = """
import json, tiny
rows = [line.split(",") for line in open("data/people.csv").read().split()[1:]]
json.dump({"visits": sum(int(row[1]) for row in rows), "made by": "nobody" * tiny.TIMES}, open("model.json", "w"))
"""
PEOPLE = "age,visits\n" + "".join(f"{age},{age % 7}\n" for age in range(20, 60))


UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """A folder with the wheel of one small package: all the index that there is."""
    folder, about = tmp_path_factory.mktemp("wheels"), "tiny-1.0.dist-info"
    files = {
        "tiny.py": "TIMES = 20\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{about}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{about}/RECORD"))
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return folder


@pytest.fixture(scope="module")
def programs(tmp_path_factory, wheels):
    """The programs of an environment with that package."""
    folder = tmp_path_factory.mktemp("plain")
    venv.create(folder, symlinks=True)
    install = [UV, "pip", "install", "--quiet", "--offline", "--no-index", "--find-links", wheels]
    subprocess.run([*install, "--python", folder / "bin" / "python", "tiny"], check=True)
    return folder / "bin"


@pytest.fixture
def project(workspace, programs, wheels, monkeypatch):
    """A repository with a store, a program and data that git ignores; its Python has one package."""
    for tool, alone in (("UV", "OFFLINE"), ("PIP", "NO_INDEX")):
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(wheels))
        monkeypatch.setenv(f"{tool}_{alone}", "1")
    uv = workspace.parent / "uv"
    uv.mkdir()
    (uv / "uv").symlink_to(UV)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{uv}{os.pathsep}/usr/bin:/bin")
    found = Repository(workspace)
    found.git("init", "-q")
    found.write({".gitignore": "data/\nmodel.json\n.lineage/\n", "data/people.csv": PEOPLE})
    found.commit("one", {"train.py": PROGRAM})
    return found


@pytest.fixture
def again(capfd):
    """``lineage reproduce`` in this process: its exit code, and its document or error."""

    def called(*words):
        with pytest.raises(SystemExit) as ended:
            main(["reproduce", *words, "--json"])
        shown = capfd.readouterr()
        said = shown.out or shown.err.splitlines()[-1]
        return ended.value.code, json.loads(said)

    return called


def captured(*words, name="first", out="model.json", cwd=None):
    done = run(*words, options=("--name", name, "--out", out), cwd=cwd)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def states(document, part):
    return {each["what"]: each["state"] for each in document["parts"] if each["part"] == part}


def test_a_committed_program_comes_out_equal_and_the_second_run_says_whose_it_is(project, again):
    held = (Path.cwd(), dict(os.environ), signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    captured("python", "train.py")
    model = project.path / "model.json"
    before = (model.read_bytes(), model.stat().st_mtime_ns)
    code, told = again("run:first", "--run")
    assert (code, told["whole"], told["notes"], told["folder"]) == (0, True, [], None)
    # Who asks in a program of their own has that as it was.
    assert (Path.cwd(), dict(os.environ), signal.pthread_sigmask(signal.SIG_BLOCK, ())) == held
    assert told["again"]["outputs"] == [
        {"what": "model.json", "verdict": "equal", "a": None, "b": None}
    ]
    assert (model.read_bytes(), model.stat().st_mtime_ns) == before
    with stored(project.path) as store:
        shown = store.show(told["again"]["run"])
        edges = {(e.relation, e.attributes.get("prov:role")): e for e in shown.edges}
        tied = edges["wasInformedBy", "reproduction-of"]
        assert (tied.cause, tied.attributes["verdict"]) == (told["run"], "equal")
        assert tied.attributes["equal"] == "model.json"
        both = [store.show(ident) for ident in (told["run"], told["again"]["run"])]
        for role in ("source", "environment", "input"):
            one, other = (
                {e.cause for e in found.edges if e.attributes.get("prov:role") == role}
                for found in both
            )
            assert one == other, role
            assert one, role


def test_files_that_nobody_committed_run_again_word_by_word(project, again, monkeypatch):
    """Cases 85 and 105, of a folder in the project; a path into the old folder is one into the new."""
    project.write({"sub/say.py": 'open("../train.py").read()\n'})
    project.commit("two", {})
    program = (
        "import os, sys\nwith open(sys.argv[1], 'wb') as file:\n"
        "    said = [*sys.argv[2:], os.environ['OMP_NUM_THREADS'], open('../new.txt').read()]\n"
        "    file.write(b'|'.join(map(os.fsencode, said)))\n"
    )
    project.write({"sub/say.py": program, "new.txt": "nobody committed this\n" * 9})
    odd = ["a b", "new\nline", "{x}", os.fsdecode(b"\xff\xfe"), "", "\\n", "it's"]
    out = project.path / "out.bin"
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    captured("python", "say.py", str(out), *odd, out="../out.bin", cwd=project.path / "sub")
    project.git("checkout", "-q", "--", ".")
    (project.path / "new.txt").unlink()
    written = out.read_bytes()
    out.unlink()
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    code, told = again("run:first", "--run", "--into", "../laid")
    assert code == 0, told
    assert not out.exists()
    assert (project.path.parent / "laid/project/out.bin").read_bytes() == written
    assert told["notes"] == [
        f"a path in the project is now one in the fresh folder: {told['folder']}/project/out.bin",
        "variable OMP_NUM_THREADS as it was: 3",
    ]


def test_a_commit_that_was_rebased_away_is_taken_from_where_it_is_kept_and_never_another(
    project, again, monkeypatch
):
    """Case 104, in a project that lies elsewhere now, and in a clone that never had the commit."""
    project.git("branch", "-M", "main")
    project.git("switch", "-qc", "feature")
    project.commit("a feature", {"train.py": PROGRAM + "# better\n"})
    captured("python", "train.py")
    project.git("switch", "-q", "main")
    project.commit("another", {"README": "x\n"})
    project.git("cherry-pick", "feature")
    project.git("branch", "-qD", "feature")
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "-q", "--prune=now")
    moved = project.path.rename(project.path.with_name("moved"))
    monkeypatch.chdir(moved)
    code, told = again("run:first", "--run")
    assert (code, told["again"]["verdict"]) == (0, "equal"), told

    clone = moved.with_name("clone")
    subprocess.run(["git", "clone", "-q", "--no-local", moved, clone], check=True)
    (clone / ".lineage").mkdir(mode=0o700)
    shutil.copy(moved / ".lineage" / "store.db", clone / ".lineage")
    shutil.rmtree(moved)
    monkeypatch.chdir(clone)
    with stored(clone) as store:
        store.load(clone, named="git")
    code, told = again("run:first")
    head = Repository(clone).git("rev-parse", "HEAD")
    [note] = [part["note"] for part in told["parts"] if part["part"] == "source"]
    assert code == 4
    assert note == f"the commit is not in it; same change now in {head[:12]} (patch-id)"
    code, told = again("run:first", "--into", "../laid")
    assert (code, told["error"]["code"]) == (1, "not-reproducible")
    assert not clone.with_name("laid").exists()


def test_a_run_whose_data_is_gone_says_exactly_why_and_starts_nothing(project, again):
    captured("python", "train.py")
    people = project.path / "data" / "people.csv"
    digest = hashlib.sha256(PEOPLE.encode()).hexdigest()[:12]
    for said in (f"other bytes are at {people} now", f"nothing is at {people} now"):
        if said.startswith("other"):
            people.write_text(PEOPLE.replace("20", "21"))
        else:
            people.unlink()
        code, told = again("run:first")
        assert (code, told["whole"]) == (4, False)
        assert list(states(told, "source").values()) == ["there"]
        assert states(told, "data") == {"data/people.csv": "missing"}
        why = f"{said}, and no cache and no object of git has them (sha256 {digest})"
        assert [p["note"] for p in told["parts"] if p["part"] == "data"] == [why]
    code, told = again("run:first", "--run")
    assert (code, told["error"]["code"]) == (1, "not-reproducible")
    assert why in told["error"]["message"]
    with stored(project.path) as store:
        assert len(store.ask("kind:run").nodes) == 1


def test_what_would_write_over_the_first_run_is_refused(project, again, tmp_path):
    """Case 107: an output outside of the project, and a folder that a file of settings names."""
    outside = tmp_path / "outside.bin"
    project.write(
        {
            "outside.py": "import sys; open(sys.argv[1], 'w').write('x' * 99)\n",
            "named.py": "open(open('conf.txt').read() + '/o.bin', 'w').write('x' * 99)\n",
            "conf.txt": str(project.path),
        }
    )
    project.commit("two", {})
    captured("python", "outside.py", str(outside), out=str(outside))
    captured("python", "named.py", name="named", out="o.bin")
    before = [path.stat().st_mtime_ns for path in (outside, project.path / "o.bin")]
    for ref, said in (
        ("run:first", f"the run wrote outside of its project: {outside}"),
        ("run:named", f"the old folder {project.path} is named in conf.txt"),
    ):
        code, told = again(ref, "--run")
        assert (code, told["error"]["message"]) == (1, said)
    assert [path.stat().st_mtime_ns for path in (outside, project.path / "o.bin")] == before


def test_bytes_come_from_repositories_inside_from_caches_and_from_objects_of_git(
    project, again, new_repository
):
    lib = new_repository("lib")
    lib.commit("lib", {"lib.py": "v = 1\n"})
    project.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(lib.path))
    old = "".join(f"{number}\n" for number in range(99))
    (project.path / "data" / "old.csv").write_text(old)
    project.git("add", "-f", "data/old.csv")
    program = (
        "import sys; sys.path.insert(0, 'lib'); import lib\n"
        "text = open('data/people.csv').read() + open('data/old.csv').read() * lib.v\n"
        "open('model.json', 'w').write(text)\n"
    )
    project.commit("two", {"train.py": program})
    project.git("rm", "-q", "--cached", "data/old.csv")
    project.commit("three", {})
    project.write({"lib/lib.py": "v = 2\n", ".dvc/config": ""})
    captured("python", "train.py")
    project.git("-C", "lib", "checkout", "-q", "--", ".")
    digest = hashlib.md5(PEOPLE.encode(), usedforsecurity=False).hexdigest()
    cached = project.path / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    cached.parent.mkdir(parents=True)
    (project.path / "data" / "people.csv").rename(cached)
    cached.chmod(0o444)
    (project.path / "data" / "old.csv").unlink()
    code, told = again("run:first", "--run")
    assert (code, told["again"]["verdict"]) == (0, "equal"), told
    data = {part["what"]: part["where"] for part in told["parts"] if part["part"] == "data"}
    blob = hashlib.sha1(b"blob %d\0" % len(old) + old.encode(), usedforsecurity=False).hexdigest()
    assert data == {
        "data/people.csv": f"DVC cache, {cached}",
        "data/old.csv": f"the object {blob[:12]} of git",
    }


def test_nothing_of_the_repository_is_run_when_it_is_laid_out(project, again, tmp_path):
    ran = tmp_path / "ran"
    for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"):
        hook = project.path / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\necho {name} >> {ran}\n")
        hook.chmod(0o755)
    text = {".gitattributes": "*.txt filter=evil eol=crlf ident\n", "a.txt": "one\n$Id$\n"}
    project.commit("two", text)
    for name in ("clean", "smudge"):
        project.git("config", f"filter.evil.{name}", f"sh -c 'echo {name} >> {ran}; cat'")
    captured("python", "train.py")
    ran.unlink(missing_ok=True)
    code, told = again("run:first", "--into", "../laid")
    assert (code, ran.exists()) == (0, False)
    assert told["notes"] == [
        "1 file (a.txt) as git keeps them: no filter is run, no line end changed"
    ]
    laid = project.path.parent / "laid" / "project"
    assert (laid / "a.txt").read_bytes() == text["a.txt"].encode()
    assert (laid / "data" / "people.csv").read_text() == PEOPLE
    code, told = again("run:first", "--into", "../laid")
    assert (code, told["error"]["message"]) == (2, "the folder is not empty")


def test_secrets_of_the_command_and_of_the_files_are_named_as_what_is_missing(project, again):
    project.write({"id_ed25519": "-----BEGIN OPENSSH PRIVATE KEY-----\n"})
    captured("python", "train.py", "--password", "hunter2-hunter2")
    code, told = again("run:first")
    parts = {part["part"]: part for part in told["parts"]}
    assert (code, parts["command"]["state"], parts["source"]["state"]) == (4, "missing", "missing")
    assert parts["command"]["note"] == "word 3 held a secret, which is not kept: it cannot be run"
    assert parts["source"]["note"].startswith(
        "the commit is there, but not all files that ran are in it: id_ed25519: "
    )


def test_metrics_are_compared_within_a_tolerance_and_an_output_that_differs_is_said(project, again):
    program = (
        "import os, sys, lineage\n"
        "is_first = os.path.exists('.lineage/store.db')\n"
        "with lineage.run('inner') as run:\n"
        "    run.metric('auc', 0.909 if is_first else 0.9)\n"
        "    open('model.json', 'w').write(os.urandom(99).hex())\n"
        "sys.exit(0 if is_first else 3)\n"
    )
    project.commit("two", {"train.py": program})
    captured(sys.executable, "train.py")
    code, told = again("run:first", "--run", "--here", "--tolerance", "0.01")
    assert code == 4
    assert told["again"]["metrics"] == [{"what": "auc", "verdict": "equal", "a": 0.909, "b": 0.9}]
    assert told["again"]["ended"] == {"what": "exit code", "verdict": "differs", "a": 0, "b": 3}
    [output] = told["again"]["outputs"]
    assert (output["what"], output["verdict"]) == ("model.json", "differs")
    assert (Path(told["folder"]) / "project" / "model.json").exists()
    shutil.rmtree(told["folder"])


@pytest.mark.deep
def test_without_uv_the_environment_is_made_by_venv_and_pip(project, again):
    (project.path.parent / "uv" / "uv").unlink()
    captured("python", "train.py")
    code, told = again("run:first", "--run", "--into", "../laid")
    assert (code, told["again"]["verdict"]) == (0, "equal"), told
    with stored(project.path) as store:
        edges = [store.show(run).edges for run in (told["run"], told["again"]["run"])]
    held = [{e.cause for e in some if e.relation == "used"} for some in edges]
    assert any(".environment:" in x or ":environment:" in x for x in held[0] & held[1])


def test_an_environment_that_cannot_be_made_is_not_made_and_says_what_is_missing(
    project, again, monkeypatch, tmp_path
):
    captured("python", "train.py")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    code, told = again("run:first", "--run", "--into", "../laid")
    assert (code, told["error"]["code"]) == (1, "not-reproducible")
    assert "the environment cannot be made: uv: " in told["error"]["message"]
    with stored(project.path) as store:
        assert len(store.ask("kind:run").nodes) == 1
