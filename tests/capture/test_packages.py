# SPDX-License-Identifier: Apache-2.0
"""What a program has installed is seen without running anything, and is what an import of it says."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from importers.base import Options, Source
from importers.lockfile import IMPORTER, environment_of_model
from importers.lockfile.records import environment_id
from importers.tally import Tally
from lineage.capture.found import Budget
from lineage.capture.probes.packages import probe
from lineage.sources.installed import FACTS

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "ghp_" + "aB3" * 12
VERSION = ".".join(map(str, sys.version_info[:3]))
SITE = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


def seen(prefix, cache=None, seconds=60.0, **more):
    return probe(prefix / "bin" / "python", budget=Budget(seconds), cache=cache, **more)


def made(folder):
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    return folder


def put(site, name, version="1.0", *, requires=(), origin=None, module=None, record=True, **files):
    """Install a distribution as pip leaves it."""
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    wanted = "".join(f"Requires-Dist: {x}\n" for x in requires)
    said = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{wanted}\nText.\nName: no\n"
    files = {"METADATA": said, "INSTALLER": "pip\n", **files}
    if origin is not None:
        files["direct_url.json"] = origin if isinstance(origin, str) else json.dumps(origin)
    rows = [f"{folder.name}/RECORD,,"]
    if module is not None:
        path = site / name / "__init__.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(module)
        digest = base64.urlsafe_b64encode(hashlib.sha256(module.encode()).digest()).decode()
        rows.append(f"{name}/__init__.py,sha256={digest.rstrip('=')},{len(module)}")
    if record:
        files["RECORD"] = "\n".join(rows) + "\n"
    for file, text in files.items():
        (folder / file).write_text(text)
    return folder


@pytest.fixture
def home(tmp_path):
    """A real virtual environment with nothing in it."""
    return made(tmp_path / "venv")


def names(found):
    return [(x.get("name"), x.get("version")) for x in found.facts["distributions"]]


def identified(found):
    """The environment that a captured run would have used."""
    return environment_of_model({FACTS: json.dumps(found.facts).encode()}, Tally())


def imported(address):
    batches = IMPORTER.read(Source.of(address), Options())
    (node,) = [n for batch in batches for n in batch.nodes if n.kind == "Environment"]
    return node.id


def various(site):
    """Everything that the metadata of packages can be."""
    plain = "Tag: cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64\n"
    put(site, "Plain_Name", "1.0.0", requires=["idna>=3", "x; extra == 'y'"], WHEEL=plain)
    git = {"url": f"https://ana:{TOKEN}@git.example/r.git", "subdirectory": "sub"}
    git["vcs_info"] = {"vcs": "git", "commit_id": COMMIT, "requested_revision": "main"}
    put(site, "from-git", origin=git)
    put(site, "of-a-clone", origin={**git, "url": "file:///srv/r.git"})
    archive = {"hashes": {"sha256": "ab" * 32}}
    url = f"https://x.example/z.zip?token={TOKEN}"
    put(site, "from-zip", origin={"url": url, "archive_info": archive})
    put(site, "local", origin={"url": "file:///srv/local", "dir_info": {"editable": True}})
    put(site, "odd", origin="no JSON")
    put(site, "no-record", record=False)
    (site / "gone-1.0.dist-info").mkdir()
    egg = site / "egg-2.0.egg-info"
    egg.mkdir()
    (egg / "PKG-INFO").write_text("Name: egg\nVersion: 2.0\n")


def test_a_captured_environment_is_the_one_that_an_import_of_it_finds(home):
    various(home / SITE)
    found = identified(seen(home))
    assert environment_id(found) == imported(home)
    git = f"vcs_url=git%2Bhttps://git.example/r.git%40{COMMIT}"
    assert {x.purl for x in found.packages} == {
        "pkg:pypi/plain-name@1.0.0",
        f"pkg:pypi/from-git@1.0?{git}",
        f"pkg:pypi/of-a-clone@1.0?vcs_url=git%2Bfile:///srv/r.git%40{COMMIT}",
        "pkg:pypi/from-zip@1.0?download_url=https://x.example/z.zip",
        *("pkg:pypi/odd@1.0", "pkg:pypi/no-record@1.0"),
    }
    assert (found.python, found.platform) == (VERSION, "linux_x86_64")
    assert found.unpinned == ["local (local folder)"]


def test_the_environment_of_these_tests_is_the_one_that_env_says():
    found = probe(Path(sys.executable), budget=Budget(60), cache=None, environ=os.environ)
    assert environment_id(identified(found)) == imported("env:")
    assert found.facts["implementation"] == sys.implementation.name
    assert not found.unseen


def test_an_environment_without_pip_is_seen_whole_and_nothing_is_run(home, monkeypatch):
    """Case 69."""
    (home / "pyvenv.cfg").write_text(
        "home = /opt/python/bin\nimplementation = CPython\nuv = 0.9.9\n"
        "version_info = 3.11.4\ninclude-system-site-packages = false\n"
    )
    put(home / SITE, "attrs", "25.1.0")
    for module, name in ((subprocess, "Popen"), (socket, "socket"), (os, "fork")):
        monkeypatch.setattr(module, name, None)
    found = seen(home)
    assert names(found) == [("attrs", "25.1.0")]
    assert (found.facts["python"], found.facts["implementation"]) == ("3.11.4", "cpython")
    assert found.facts["prefix"] == str(home)
    assert not found.unseen


def test_a_half_removed_package_is_listed_and_of_two_versions_that_one_is_told_whose_files_lie_there(
    home,
):
    """Case 70."""
    site = home / SITE
    (site / "dill-0.3.dist-info").mkdir()
    (site / "dill-0.3.dist-info" / "RECORD").write_text("")
    put(site, "dill", "0.3.8", module="version = '0.3.8'\n")
    put(site, "dill", "0.4.0", module="version = '0.4.0'\n")
    found = seen(home)
    assert names(found) == [("dill", "0.3.8"), (None, None), ("dill", "0.4.0")]
    assert found.facts["distributions"][1]["path"] == str(site / "dill-0.3.dist-info")
    assert found.facts["distributions"][1]["broken"]
    (twice,) = found.facts["twice"]
    assert [(x["version"], x["intact"]) for x in twice["records"]] == [
        ("0.3.8", False),
        ("0.4.0", True),
    ]
    script = "import dill; print(dill.version)"
    said = subprocess.check_output([home / "bin/python", "-c", script], text=True)
    assert said.strip() == "0.4.0"


def test_an_editable_package_tells_its_folder_and_the_repository_around_it(home, tmp_path):
    """Case 72."""
    inner = tmp_path / "other repo" / "python" / "tool"
    inner.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", tmp_path / "other repo"], check=True)
    origin = {"url": inner.as_uri(), "dir_info": {"editable": True}}
    put(home / SITE, "tool", "0.1", origin=origin)
    found = seen(home)
    assert found.facts["local"] == [
        {
            "name": "tool",
            "version": "0.1",
            "path": str(inner),
            "editable": True,
            "repository": str(tmp_path / "other repo"),
        }
    ]


def test_what_conda_installed_is_kept_apart_from_what_pip_did(tmp_path):
    """Case 73."""
    site = tmp_path / "conda" / "lib" / "python3.12" / "site-packages"
    (tmp_path / "conda" / "bin").mkdir(parents=True)
    (tmp_path / "conda" / "bin" / "python").write_bytes(b"\x7fELF")
    put(site, "numpy", "2.1.0", INSTALLER="conda\n")
    put(site, "attrs", "25.1.0")
    (site.parent / "os.py").write_text("")
    meta = tmp_path / "conda" / "conda-meta"
    meta.mkdir()
    records = {
        "python-3.12.5-h2628c8c_0": {"name": "python", "version": "3.12.5", "files": []},
        "mkl-2024.1-1": {"name": "mkl", "version": "2024.1", "build": "1", "sha256": "cd" * 32},
        "numpy-2.1.0-py312_0": {
            "name": "numpy",
            "version": "2.1.0",
            "build": "py312_0",
            "channel": f"https://conda.example/t/{TOKEN}/conda-forge/linux-64",
            "sha256": "ab" * 32,
            "files": ["lib/python3.12/site-packages/numpy-2.1.0.dist-info/METADATA", "bin/f2py"],
        },
    }
    for name, said in records.items():
        (meta / f"{name}.json").write_text(json.dumps(said))
    (meta / "broken-1-0.json").write_text("{")
    (meta / "history").write_text("")
    found = seen(tmp_path / "conda")
    assert found.facts["python"] == "3.12.5"
    assert names(found) == [("attrs", "25.1.0"), ("numpy", "2.1.0")]
    broken, mkl, numpy, python = found.facts["conda"]
    assert (mkl["name"], mkl["sha256"], "distributions" in mkl) == ("mkl", "cd" * 32, False)
    assert (numpy["build"], numpy["distributions"]) == ("py312_0", ["numpy-2.1.0.dist-info"])
    assert python["version"] == "3.12.5"
    assert broken["broken"]
    assert TOKEN not in json.dumps(found.facts)


def test_no_secret_in_the_metadata_comes_into_the_facts(home):
    various(home / SITE)
    put(home / SITE, "needy", requires=[f"other @ https://ana:{TOKEN}@git.example/o.zip"])
    assert TOKEN not in json.dumps(seen(home).facts)


def test_packages_that_variables_and_the_system_add_are_seen_where_the_interpreter_sees_them(
    tmp_path,
):
    base = tmp_path / "base"
    (base / "bin").mkdir(parents=True)
    library = base / "lib" / "python3.12"
    put(library / "site-packages", "of-base")
    (library / "os.py").write_text("")
    (base / "bin" / "python3.12").write_bytes(b"\x7fELF")
    users = tmp_path / "home" / ".local" / "lib" / "python3.12" / "site-packages"
    put(users, "of-user")
    put(tmp_path / "path", "of-path")
    nowhere = f"/none:/{'x' * 300}"  # no system has a name that is so long
    environ = {"HOME": str(tmp_path / "home"), "PYTHONPATH": f"{nowhere}:{tmp_path / 'path'}"}

    def names_in(executable, environ):
        found = probe(executable, budget=Budget(60), cache=None, environ=environ)
        return [x["name"] for x in found.facts["distributions"]]

    installation = base / "bin" / "python3.12"
    assert names_in(installation, environ) == ["of-path", "of-user", "of-base"]
    assert names_in(installation, {**environ, "PYTHONNOUSERSITE": "1"}) == ["of-path", "of-base"]
    inside = tmp_path / "venv"
    put(inside / "lib" / "python3.12" / "site-packages", "of-venv")
    put(inside / "lib" / "python3.9" / "site-packages", "of-the-python-before")
    (inside / "bin").mkdir()
    (inside / "bin" / "python").symlink_to(installation)
    config = f"home = {base / 'bin'}\nversion = 3.12.1\ninclude-system-site-packages = "
    (inside / "pyvenv.cfg").write_text(config + "false\n")
    assert names_in(inside / "bin" / "python", environ) == ["of-path", "of-venv"]
    (inside / "pyvenv.cfg").write_text(config + "true\n")
    assert names_in(inside / "bin" / "python", environ) == [
        *("of-path", "of-user", "of-venv", "of-base"),
    ]


def test_the_nearest_lock_file_of_the_project_is_named_with_its_digest(home, tmp_path):
    project = tmp_path / "project"
    (project / "src" / "deep").mkdir(parents=True)
    (tmp_path / "uv.lock").write_text("of another project")
    (project / ".git").mkdir()
    assert seen(home, folder=project / "src").facts["lock"] is None
    assert seen(home, folder=project / ("x" * 300)).facts["lock"] is None
    (project / "requirements.txt").write_text("attrs==25.1.0\n")
    (project / "poetry.lock").write_text("# locked\n")
    found = seen(home, folder=project / "src" / "deep")
    assert found.facts["lock"] == {
        "path": str(project / "poetry.lock"),
        "sha256": hashlib.sha256(b"# locked\n").hexdigest(),
        "size": 9,
    }
    assert found.facts["other_locks"] == [str(project / "requirements.txt")]


def test_what_there_was_no_time_for_or_no_python_is_said(home):
    put(home / SITE, "attrs")
    found = seen(home, seconds=0)
    assert found.facts["distributions"] == []
    ((what, reason),) = found.unseen.items()
    assert what == f"packages in {(home / SITE).resolve()}"
    assert reason.startswith("1 of 1 were not read")
    assert "packages" in probe(None, budget=Budget(1), cache=None).unseen
    for gone in (Path("/nowhere/python"), home / "bin" / "gone"):
        nowhere = probe(gone, budget=Budget(1), cache=None)
        assert "packages" in nowhere.unseen
        assert "distributions" not in nowhere.facts


def test_the_probes_load_nothing_that_takes_long_to_load():
    heavy = "{'orjson', 'email', 'subprocess', 'packaging', 'socket', 'tempfile', 'importlib.util', 'yaml'}"
    script = (
        "from lineage.capture import command; import sys;"
        "from lineage.capture.probes import ci, config, machine, packages, usage, who;"
        f"print({heavy} & sys.modules.keys())"
    )
    said = subprocess.check_output([sys.executable, "-I", "-c", script], text=True)
    assert said.strip() == "set()"


# --- what was read is remembered -----------------------------------------------------------------

opened: list[str] | None = None
sys.addaudithook(
    lambda event, args: event == "open" and opened is not None and opened.append(args[0])
)


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """An environment that nobody changed in the last seconds, and a cache of it."""
    folder = tmp_path_factory.mktemp("settled")
    various(made(folder / "venv") / SITE)
    put(folder / "venv" / SITE, "attrs", "25.1.0", WHEEL="Tag: py3-none-any\n")
    time.sleep(2.1)
    seen(folder / "venv", cache=folder / "cache")
    return folder


@pytest.fixture
def remembered(settled):
    """The same, with the cache as it was."""
    kept = {x: x.read_bytes() for x in (settled / "cache").iterdir()}
    yield settled
    shutil.rmtree(settled / "cache", ignore_errors=True)
    (settled / "cache").mkdir()
    for path, data in kept.items():
        path.write_bytes(data)


def test_the_second_time_no_file_of_a_package_is_opened(remembered):
    global opened  # noqa: PLW0603 - an audit hook stays for good
    opened = []
    found = seen(remembered / "venv", cache=remembered / "cache")
    again, opened = opened, None
    assert not [x for x in again if isinstance(x, str) and "-info" in x]
    assert found.facts == seen(remembered / "venv").facts


def test_what_was_changed_just_before_it_was_read_is_read_again(home, tmp_path):
    """It may change once more in the same tick of a clock, with nothing to tell it by."""
    put(home / SITE, "attrs")
    global opened  # noqa: PLW0603 - an audit hook stays for good
    for _ in range(2):
        opened = []
        seen(home, cache=tmp_path / "cache")
        again, opened = opened, None
        assert [x for x in again if isinstance(x, str) and x.endswith("METADATA")]


@pytest.mark.parametrize("part", ["METADATA", "RECORD", "INSTALLER", "WHEEL"])
def test_a_file_rewritten_in_place_with_its_size_and_its_time_kept_is_read_again(remembered, part):
    path = remembered / "venv" / SITE / "attrs-25.1.0.dist-info" / part
    data, about = path.read_bytes(), path.stat()
    try:
        path.write_bytes(data.swapcase())
        os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
        changed = seen(remembered / "venv", cache=remembered / "cache").facts
        assert changed == seen(remembered / "venv").facts
    finally:
        path.write_bytes(data)
    assert changed != seen(remembered / "venv", cache=remembered / "cache").facts


def test_what_is_installed_or_removed_meanwhile_is_seen(remembered):
    site, cache = remembered / "venv" / SITE, remembered / "cache"
    folder = put(site, "new")
    assert ("new", "1.0") in names(seen(remembered / "venv", cache=cache))
    (folder / "direct_url.json").write_text('{"url": "file:///srv/new", "dir_info": {}}')
    assert seen(remembered / "venv", cache=cache).facts["local"][0]["name"] == "local"
    assert seen(remembered / "venv", cache=cache).facts["local"][1]["name"] == "new"
    (folder / "METADATA").unlink()
    assert ("new", "1.0") not in names(seen(remembered / "venv", cache=cache))
    shutil.rmtree(folder)
    assert seen(remembered / "venv", cache=cache).facts == seen(remembered / "venv").facts


def test_a_damaged_cache_counts_for_nothing_and_one_that_cannot_be_written_does_not_matter(
    remembered,
):
    whole = seen(remembered / "venv").facts
    (path,) = (remembered / "cache").iterdir()
    data = path.read_bytes()
    for bad in (b"", data[:-5], b"\n[]", data.replace(b"25.1.0", b"25.1.9"), b"\xff" * 100):
        path.write_bytes(bad)
        assert seen(remembered / "venv", cache=path.parent).facts == whole
        assert path.read_bytes().startswith(data[:20])
    path.unlink()
    path.mkdir()
    assert seen(remembered / "venv", cache=path.parent).facts == whole
    assert seen(remembered / "venv", cache=path / "file" / "in").facts == whole
    assert seen(remembered / "venv", cache=remembered / "venv" / "pyvenv.cfg").facts == whole
