# SPDX-License-Identifier: Apache-2.0
"""Lock files: every package that a file lists is in the environment, and what is open is said."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import tomllib
from collections import Counter
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

import importers
from importers.base import Options, Source
from importers.lockfile import IMPORTER
from lineage import ids
from lineage.errors import (
    BadInput,
    InputMissing,
    InputTooNew,
    InputTruncated,
    LimitExceeded,
    UnknownFormat,
)
from lineage.model.record import line

HASH = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(params=["memory", "sqlite"])
def opened(request, lineage_at, tmp_path, monkeypatch):
    table = tuple(dict.fromkeys((*importers.BUILTIN, "lockfile")))
    monkeypatch.setattr(importers, "BUILTIN", table)
    return lineage_at("memory:" if request.param == "memory" else str(tmp_path / "store.db"))


class Read:
    """What one source says."""

    def __init__(self, source):
        self.batches = list(IMPORTER.read(source, Options()))
        self.nodes = [node for batch in self.batches for node in batch.nodes]
        self.edges = [edge for batch in self.batches for edge in batch.edges]
        self.losses = self.batches[-1].losses
        self.seen = self.batches[-1].seen

    def of(self, kind):
        return [node for node in self.nodes if node.kind == kind]

    @property
    def environment(self):
        (one,) = self.of("Environment")
        return one

    @property
    def members(self):
        return {e.cause: dict(e.attributes) for e in self.edges if e.relation == "hadMember"}

    @property
    def lost(self):
        total = Counter()
        for loss in self.losses:
            total[loss.what] += loss.number
        return total


def read(path):
    return Read(Source.of(path))


def written(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


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


# --- formats, small ------------------------------------------------------------------------------

PYLOCK = f"""
lock-version = "1.0"
created-by = "hand"
requires-python = ">=3.11"
[[packages]]
name = "attrs"
version = "25.1.0"
dependencies = [{{ name = "idna" }}]
wheels = [{{ url = "https://x.example/attrs-25.1.0-py3-none-any.whl", hashes = {{ sha256 = "{"ab" * 32}" }} }}]
[[packages]]
name = "tool"
vcs = {{ type = "git", url = "https://ana:hunter2@git.example/tool.git", commit-id = "{COMMIT}" }}
[[packages]]
name = "mine"
directory = {{ path = "." }}
[[packages]]
name = "beside"
directory = {{ path = "../beside" }}
"""

POETRY = f"""# This file is automatically @generated by Poetry 2.1.1 and should not be changed by hand.

[[package]]
name = "Attrs"
version = "25.1.0"
groups = ["main"]
markers = "python_version >= '3.9'"
files = [{{file = "a.whl", hash = "{HASH}"}}, {{file = "a.tar.gz", hash = "{OTHER}"}}]
[package.dependencies]
idna = ">=3"

[[package]]
name = "tool"
version = "1.0"
files = []
[package.source]
type = "git"
url = "https://git.example/tool.git"
reference = "main"
resolved_reference = "{COMMIT}"

[[package]]
name = "beside"
version = "0.1"
files = []
[package.source]
type = "directory"
url = "../beside"

[metadata]
lock-version = "2.1"
python-versions = ">=3.9"
content-hash = "0"
"""

PIPFILE = json.dumps(
    {
        "_meta": {"pipfile-spec": 6, "requires": {"python_version": "3.11"}, "sources": []},
        "default": {
            "attrs": {"version": "==25.1.0", "hashes": [HASH], "markers": "python_version > '3'"},
            "tool": {"git": "https://git.example/tool.git", "ref": COMMIT},
            "loose": {"version": "*"},
            "mine": {"path": ".", "editable": True},
        },
        "develop": {"pytest": {"version": "==9.0.0", "hashes": [OTHER]}},
    }
)

REQUIREMENTS = f"""# compiled by hand
--index-url https://ana:hunter2@packages.example/simple
--extra-index-url=https://token:hunter2@packages.example/simple
attrs==25.1.0 ; python_version >= "3.9" \\
    --hash={HASH} \\
    --hash={OTHER}
    # via mine
-r more/base.txt
-c constraints.txt
Tool @ git+https://ana:hunter2@git.example/tool.git@{COMMIT}
loose>=1,<2
wild==1.*
wheel @ https://x.example/wheel-1.0-py3-none-any.whl?token=hunter2#sha256={"ab" * 32}
there @ https://x.example/there.zip
-e git+https://git.example/ed.git@{COMMIT}#egg=ed
-e .
-e ./sub/part
extra[one,two]===2.0
-r ../../outside.txt
"""


def test_pylock_toml_is_read_by_the_standard_model(tmp_path):
    found = read(written(tmp_path, "pylock.dev.toml", PYLOCK))
    tool = f"pkg:pypi/tool?vcs_url=git%2Bhttps://git.example/tool.git%40{COMMIT}"
    assert found.members == {
        "pkg:pypi/attrs@25.1.0": {"hash": HASH, "requires": "idna"},
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
    }
    assert found.environment.attributes["reason"].startswith("4 of 10 requirements")
    assert found.lost == {"options": 3, "packages": 1, "included files": 1, "requirements": 4}
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


# --- identity -------------------------------------------------------------------------------------


def test_two_copies_of_one_lock_are_one_environment(tmp_path, opened):
    for name in ("one/poetry.lock", "two/poetry.lock"):
        (report,) = opened.load(written(tmp_path, name, POETRY), named="lockfile")
        assert report.added
        (again,) = opened.load(tmp_path / name, named="lockfile")
        assert (again.added, again.retracted) == (0, 0)
    assert opened.stats().kinds["Environment"] == 1
    (environment,) = opened.find(kinds=["Environment"]).nodes
    written_from_it = opened.impact(environment.id)
    assert len([x for x in written_from_it if x.kind == "Artifact"]) == 2


def test_an_environment_is_its_packages_and_not_the_file_that_lists_them(tmp_path):
    one = read(written(tmp_path, "a/requirements.txt", "b==1\na==2.0 --hash=" + HASH))
    two = read(written(tmp_path, "b/requirements.txt", "# other\nA==2.0\nB==1\n"))
    three = read(written(tmp_path, "c/requirements.txt", "A==2.0\nB==1\nc\n"))
    assert one.environment == two.environment
    assert three.environment.id != one.environment.id


def test_a_lock_file_in_a_repository_is_named_as_the_repository_names_it(new_repository):
    project = new_repository()
    project.commit("lock", {"env/requirements.txt": "attrs==25.1.0\n" + "# padding" * 10})
    data = (project.path / "env" / "requirements.txt").read_bytes()
    found = read(project.path / "env" / "requirements.txt")
    digest = hashlib.sha256(data).hexdigest()
    root = project.git("rev-list", "--max-parents=0", "HEAD")
    (artifact,) = found.of("Artifact")
    assert artifact.id == ids.version(root, "env/requirements.txt", "sha256", digest)
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    assert {node.id for node in found.of("Content")} == {
        f"urn:lineage:content:sha256:{digest}",
        f"urn:lineage:content:md5:{md5}",
    }
    assert read(project.path / "env").environment == found.environment


def test_a_folder_is_read_for_all_its_locks_and_a_bad_one_hides_no_other(tmp_path):
    written(tmp_path, "poetry.lock", POETRY)
    written(tmp_path, "uv.lock", "version = 1\n[[package")
    written(tmp_path, "requirements.in", "attrs\n")
    written(tmp_path, "settings.yml", "dependency: none\n")
    found = read(tmp_path)
    assert len(found.of("Environment")) == 1
    assert found.lost["lock files"] == 1
    assert IMPORTER.sniffs(Source.of(tmp_path))


def test_a_lock_is_known_by_its_look_when_it_comes_through_a_pipe():
    for data in (POETRY, PYLOCK, PIPFILE, "attrs==25.1.0\n", "dependencies:\n- numpy==1.0\n"):
        source = Source.of("-", data.encode())
        assert IMPORTER.sniffs(source)
        assert len(Read(source).of("Environment")) == 1


def test_reading_twice_gives_the_same_lines(tmp_path):
    path = written(tmp_path, "poetry.lock", POETRY)
    one, two = ([line(r) for b in read(path).batches for r in b.records] for _ in range(2))
    assert one == two


# --- bad input ------------------------------------------------------------------------------------

UV = 'version = 1\nrequires-python = ">=3.11"\n[[package]]\nname = "a"\nversion = "1"\n'
CONDA = """version: 1
metadata: {content_hash: {}, platforms: [linux-64]}
package:
- name: a
  version: '1'
  manager: pip
  platform: linux-64
  url: https://x.example/a.whl
  hash: {sha256: abab}
"""
MARKED = "<<<<<<< HEAD\nattrs==1\n=======\nattrs==2\n>>>>>>> b\n"
BAD = [
    ("uv.lock", "", InputTruncated, "empty"),
    ("uv.lock", UV[:-4], InputTruncated, "ends too early"),
    ("uv.lock", UV.replace("version = 1\n", "version = 2\n"), InputTooNew, "version 2"),
    ("uv.lock", "a = 1\n", BadInput, "no lock file of uv"),
    ("uv.lock", b"\xff\xfe\xff", BadInput, "UTF-8"),
    ("uv.lock", "a = " + "[" * 100_000, BadInput, ""),
    ("poetry.lock", POETRY.partition("[metadata]")[0], InputTruncated, "[metadata]"),
    ("poetry.lock", POETRY.replace('"2.1"', '"3.0"'), InputTooNew, "version 3.0"),
    ("poetry.lock", "a = 1\n", BadInput, "no lock file of poetry"),
    ("pylock.toml", PYLOCK[:-4], InputTruncated, "ends too early"),
    ("pylock.toml", PYLOCK.replace('"1.0"', '"2.0"'), InputTooNew, "2.0"),
    ("pylock.toml", "a = 1\n", BadInput, "no pylock.toml"),
    ("Pipfile.lock", PIPFILE[:-9], InputTruncated, "ends too early"),
    ("Pipfile.lock", PIPFILE.replace('spec": 6', 'spec": 7'), InputTooNew, "version 7"),
    ("Pipfile.lock", "[]", BadInput, "no lock file of pipenv"),
    ("conda-lock.yml", CONDA.partition("  url")[0], InputTruncated, "breaks off"),
    ("conda-lock.yml", CONDA.replace("version: 1\n", "version: 2\n"), InputTooNew, "version 2"),
    ("conda-lock.yml", "a: 1\n", BadInput, "no conda-lock.yml"),
    ("conda-lock.yml", "a: !!python/name:os.system", BadInput, "tag"),
    ("environment.yml", "dependencies: &a\n- " + "[*a,*a]", BadInput, ""),
    ("environment.yml", "name: x\n", UnknownFormat, "no lock file"),
    ("requirements.txt", "attrs==1 \\\n", InputTruncated, "continued"),
    ("requirements.txt", '{"a": 1}\n', BadInput, "no line is one"),
    ("requirements.txt", "-r gone.txt\n", BadInput, "not there"),
    ("requirements.txt", MARKED, BadInput, "conflict markers at line 1"),
    ("requirements.txt", "a" * 200_000, LimitExceeded, "too long"),
    ("notes.txt", "hello\n", UnknownFormat, "no lock file"),
]


@pytest.mark.parametrize(("name", "content", "kind", "text"), BAD)
def test_what_cannot_be_read_is_one_clear_error(tmp_path, name, content, kind, text):
    path = written(tmp_path, name, content)
    with pytest.raises(kind) as raised:
        read(path)
    assert text in raised.value.what
    assert name in raised.value.where
    assert raised.value.hint


@pytest.mark.parametrize("name", ["gone/uv.lock", "empty"])
def test_what_is_not_there_is_one_clear_error(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputMissing if "gone" in name else BadInput):
        read(tmp_path / name)
    assert not IMPORTER.sniffs(Source.of(tmp_path / name))


def test_an_include_through_a_link_is_not_followed_out_of_the_folder(tmp_path):
    written(tmp_path, "secret.txt", "evil==1\n")
    path = written(tmp_path, "project/requirements.txt", "-r link.txt\n")
    (tmp_path / "project" / "link.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(BadInput, match="not there"):
        read(path)


@settings(max_examples=200)
@given(
    st.sampled_from([UV, POETRY, PYLOCK, PIPFILE, CONDA, REQUIREMENTS]),
    st.integers(0, 600),
    st.integers(0, 600),
    st.binary(max_size=12),
)
def test_a_damaged_file_is_read_or_refused_but_never_anything_else(
    tmp_path_factory, text, start, length, bytes_
):
    names = {UV: "uv.lock", POETRY: "poetry.lock", PYLOCK: "pylock.toml"}
    names |= {PIPFILE: "Pipfile.lock", CONDA: "conda-lock.yml", REQUIREMENTS: "requirements.txt"}
    folder = tmp_path_factory.mktemp("damaged")
    data = text.encode()
    path = written(folder, names[text], data[:start] + bytes_ + data[start + length :])
    try:
        found = read(path)
    except BadInput as error:
        assert error.where
    else:
        for batch in found.batches:
            for record in batch.records:
                assert line(record)
    shutil.rmtree(folder)


versions = st.from_regex(re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}"), fullmatch=True)
names = st.from_regex(re.compile(r"[a-z][a-z0-9]{0,8}"), fullmatch=True)


@settings(max_examples=50)
@given(st.dictionaries(names, versions, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_a_file_says_nothing(tmp_path_factory, packages, random):
    """Any order, one environment with exactly the packages listed."""
    lines = [f"{name}=={version}" for name, version in packages.items()]
    first = read(written(tmp_path_factory.mktemp("a"), "requirements.txt", "\n".join(lines)))
    random.shuffle(lines)
    second = read(written(tmp_path_factory.mktemp("b"), "requirements.txt", "\n".join(lines)))
    assert first.environment == second.environment
    assert Counter(x.attributes["name"] for x in first.of("Package")) == Counter(packages.keys())
