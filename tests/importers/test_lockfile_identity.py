# SPDX-License-Identifier: Apache-2.0
"""Equal environments are one, whatever lists them; what cannot be read is one clear error."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers.base import Source
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
from tests.importers.lockfile_read import (
    HASH,
    PIPFILE,
    POETRY,
    PYLOCK,
    REQUIREMENTS,
    Read,
    read,
    written,
)

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
    assert artifact.id == ids.dataset_version_id(root, "env/requirements.txt", "sha256", digest)
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
