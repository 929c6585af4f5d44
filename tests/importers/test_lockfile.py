# SPDX-License-Identifier: Apache-2.0
"""Every kind of lock file, read as its own tool reads it."""

from __future__ import annotations

import json
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import yaml
from packaging.utils import canonicalize_name

from importers.base import Source
from importers.lockfile import IMPORTER
from tests.importers.lockfile_read import (
    COMMIT,
    HASH,
    OTHER,
    PIPFILE,
    POETRY,
    PYLOCK,
    REQUIREMENTS,
    read,
    written,
)

# --- real files -----------------------------------------------------------------------------------


def test_uv_lock_has_every_package_and_hash_that_tomllib_finds(corpora):
    path = corpora / "lockfiles" / "trungdong+prov" / "uv.lock"
    said = tomllib.loads(path.read_text())
    published = [x for x in said["package"] if "registry" in x["source"]]
    found = read(path)
    assert found.members.keys() == {f"pkg:pypi/{x['name']}@{x['version']}" for x in published}
    for package in published:
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
        mine = found.members[f"pkg:pypi/{package['name']}@{package['version']}"]
        assert as_set(mine["hash"]) == {x["hash"] for x in files}
        assert as_set(mine["file"]) == {f"{x['url']}#{x['hash'].replace(':', '=')}" for x in files}
        assert as_set(mine.get("requires", ())) == {
            d["name"] for d in package.get("dependencies", ())
        }
    assert found.environment.attributes["python"] == said["requires-python"]
    assert found.lost == {"packages": len(said["package"]) - len(published)}


def as_set(value):
    return {value} if isinstance(value, str) else set(value)


def test_conda_lock_is_one_environment_a_platform_with_every_package_of_it(corpora):
    paths = sorted((corpora / "lockfiles" / "conda+conda-lock").rglob("*conda-lock*.yml"))
    assert len(paths) == 10
    for path in paths:
        said = yaml.safe_load(path.read_text())
        found = read(path)
        members = {e.effect: set() for e in found.edges if e.relation == "hadMember"}
        for edge in found.edges:
            if edge.relation == "hadMember":
                members[edge.effect].add(edge.cause)
        mine = {
            node.attributes["platform"]: len(members.get(node.id, ()))
            for node in found.of("Environment")
        }
        theirs = {platform: set() for platform in said["metadata"]["platforms"]}
        for x in said["package"]:
            theirs[x["platform"]].add((x["manager"], x["name"], x["version"], x["url"]))
        assert mine == {platform: len(packages) for platform, packages in theirs.items()}
        assert found.seen["packages"] == len(said["package"])
        hashes = {f"{name}:{x}" for one in said["package"] for name, x in one["hash"].items()}
        assert hashes <= {h for e in found.edges for h in as_set(e.attributes.get("hash", ()))}


def test_environment_yml_keeps_every_requirement_pinned_or_open(corpora):
    paths = sorted((corpora / "lockfiles" / "conda+conda-lock").rglob("*.y*ml"))
    paths = [path for path in paths if "conda-lock" not in path.name]
    assert len(paths) == 42
    for path in paths:
        said = yaml.safe_load(path.read_text())["dependencies"]
        pip = [x for entry in said if isinstance(entry, dict) for x in entry["pip"]]
        asked = [x for x in said if isinstance(x, str)] + pip
        found = read(path)
        kept = found.seen.get("packages", 0) + found.seen.get("requirements left open", 0)
        project = sum(x.strip() == "-e ." for x in pip)
        assert kept == len(asked) - project, path
        open_ = found.environment.attributes.get("unpinned", ())
        assert (found.environment.attributes.get("reproducible") is False) == bool(open_)


def test_the_running_environment_is_what_its_own_records_say():
    found = read("env:")
    theirs = {
        f"pkg:pypi/{canonicalize_name(x.name)}@{x.version}".replace("+", "%2B")
        for x in distributions(path=[str(next(Path(sys.prefix).glob("lib/python*/site-packages")))])
        if x.read_text("direct_url.json") is None
    }
    assert found.members.keys() == theirs
    assert found.environment.attributes["python"] == ".".join(map(str, sys.version_info[:3]))
    assert all(x["record"].startswith("sha256:") for x in found.members.values())
    assert IMPORTER.sniffs(Source.of(sys.prefix))
    assert read(sys.prefix).environment.id == found.environment.id


def test_pylock_toml_is_read_by_the_standard_model(tmp_path):
    found = read(written(tmp_path, "pylock.dev.toml", PYLOCK))
    tool = f"pkg:pypi/tool?vcs_url=git%2Bhttps://git.example/tool.git%40{COMMIT}"
    assert found.members == {
        "pkg:pypi/attrs@25.1.0": {
            "hash": HASH,
            "file": f"https://x.example/attrs-25.1.0-py3-none-any.whl#{HASH.replace(':', '=')}",
            "requires": "idna",
        },
        tool: {},
    }
    assert found.environment.attributes["python"] == ">=3.11"
    assert found.environment.attributes["unpinned"] == "beside (local folder)"
    assert found.lost == {"packages": 1, "requirements": 1}
    assert "hunter2" not in repr(found.batches)


def test_poetry_lock_has_hashes_groups_and_markers(tmp_path):
    found = read(written(tmp_path, "poetry.lock", POETRY))
    assert found.members["pkg:pypi/attrs@25.1.0"] == {
        "hash": (HASH, OTHER),
        "requires": "idna",
        "group": "main",
        "marker": "python_version >= '3.9'",
    }
    assert len(found.members) == 2
    assert found.environment.attributes["reproducible"] is False


def test_pipfile_lock_has_both_groups(tmp_path):
    found = read(written(tmp_path, "Pipfile.lock", PIPFILE))
    groups = {purl.partition("?")[0]: x.get("group") for purl, x in found.members.items()}
    assert groups == {
        "pkg:pypi/attrs@25.1.0": "default",
        "pkg:pypi/tool": "default",
        "pkg:pypi/pytest@9.0.0": "develop",
    }
    assert found.environment.attributes["python"] == "3.11"
    assert found.environment.attributes["unpinned"] == "loose*"


def test_requirements_are_read_as_pip_reads_them(tmp_path):
    written(tmp_path, "project/more/base.txt", "idna==3.10\n-r ../requirements.txt\n")
    written(tmp_path, "outside.txt", "evil==1\n")
    path = written(tmp_path, "project/requirements.txt", REQUIREMENTS)
    found = read(path)
    assert found.members == {
        "pkg:pypi/attrs@25.1.0": {"hash": (HASH, OTHER), "marker": 'python_version >= "3.9"'},
        "pkg:pypi/idna@3.10": {},
        f"pkg:pypi/tool?vcs_url=git%2Bhttps://git.example/tool.git%40{COMMIT}": {},
        f"pkg:pypi/ed?vcs_url=git%2Bhttps://git.example/ed.git%40{COMMIT}": {},
        "pkg:pypi/wheel?download_url=https://x.example/wheel-1.0-py3-none-any.whl": {"hash": HASH},
        "pkg:pypi/extra@2.0": {"extra": ("one", "two")},
    }
    assert as_set(found.environment.attributes["unpinned"]) == {
        "loose<2,>=1",
        "wild==1.*",
        "there @ https://x.example/there.zip",
        "part (local folder)",
        "-r ../../outside.txt (not read)",
    }
    assert found.environment.attributes["reason"].startswith("5 of 11 requirements")
    assert found.lost == {"options": 3, "packages": 1, "included files": 1, "requirements": 5}
    assert len(found.of("Artifact")) == 2
    assert "hunter2" not in repr(found.batches)


def test_pip_freeze_redirected_by_powershell_is_utf_16(tmp_path):
    found = read(
        written(tmp_path, "requirements.txt", "attrs==25.1.0\r\nidna==3.10\r\n".encode("utf-16"))
    )
    assert found.members.keys() == {"pkg:pypi/attrs@25.1.0", "pkg:pypi/idna@3.10"}


def test_conda_specs_name_a_version_only_when_they_leave_no_choice(tmp_path):
    specs = [
        "numpy==1.26.4",
        "python=3.11.4=h123_0",
        "scipy=1.11.2",
        "pandas=2.0",
        "x>=1",
        "a::b==1 c_0",
    ]
    said = yaml.safe_dump({"name": "e", "dependencies": specs})
    found = read(written(tmp_path, "environment.yml", said))
    assert found.members.keys() == {
        "pkg:conda/numpy@1.26.4",
        "pkg:conda/python@3.11.4?build=h123_0",
        "pkg:conda/scipy@1.11.2",
        "pkg:conda/b@1?build=c_0&channel=a",
    }
    assert found.environment.attributes["python"] == "3.11.4"
    assert as_set(found.environment.attributes["unpinned"]) == {"pandas=2.0", "x>=1"}


def test_installed_packages_tell_where_they_came_from(tmp_path):
    site = tmp_path / "venv" / "lib" / "python3.12" / "site-packages"
    written(tmp_path, "venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.12.4\n")
    origins = {
        "git": {
            "url": "https://a:hunter2@git.example/r.git",
            "vcs_info": {"vcs": "git", "commit_id": COMMIT},
        },
        "zip": {
            "url": "https://x.example/z.zip?token=hunter2",
            "archive_info": {"hash": HASH.replace(":", "=")},
        },
        "dev": {"url": "file:///home/ana/dev", "dir_info": {"editable": True}},
        "bad": "not json",
    }
    for name, origin in origins.items():
        folder = f"{name}-1.0.dist-info"
        written(
            site,
            f"{folder}/METADATA",
            f"Name: {name}\nVersion: 1.0\nRequires-Dist: idna>=3\nRequires-Dist: x; extra == 'y'\n\n",
        )
        written(site, f"{folder}/RECORD", "")
        written(site, f"{folder}/INSTALLER", "pip\n")
        written(
            site, f"{folder}/WHEEL", "Tag: cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64\n"
        )
        text = origin if isinstance(origin, str) else json.dumps(origin)
        written(site, f"{folder}/direct_url.json", text)
    written(site, "empty-1.0.dist-info/RECORD", "")
    found = read(tmp_path / "venv")
    assert {purl.partition("?")[0] for purl in found.members} == {
        "pkg:pypi/git@1.0",
        "pkg:pypi/zip@1.0",
        "pkg:pypi/bad@1.0",
    }
    assert found.members["pkg:pypi/zip@1.0?download_url=https://x.example/z.zip"]["hash"] == HASH
    assert found.members["pkg:pypi/bad@1.0"]["requires"] == "idna"
    assert found.environment.attributes["python"] == "3.12.4"
    assert found.environment.attributes["platform"] == "linux_x86_64"
    assert found.lost == {"packages": 1, "origins of packages": 1, "requirements": 1}
    assert "hunter2" not in repr(found.batches)
    assert read(site).environment.attributes["python"] == "3.12"
