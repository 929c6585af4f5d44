# SPDX-License-Identifier: Apache-2.0
"""A large file that has not changed is read once; one that may have changed unseen is read again."""

from __future__ import annotations

import hashlib
import mmap
import os
import time

import pytest

from lineage.capture.found import Budget
from lineage.capture.probes import digests, files
from lineage.capture.probes.digests import SMALLEST

LATER = 3_000_000_000


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A file that is worth remembering, in a file system that keeps times, as if it had been written a while ago."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "file_system", lambda path: "ext4")
    now = time.time_ns
    monkeypatch.setattr(digests.time, "time_ns", lambda: now() + LATER)
    path = tmp_path / "large.bin"
    path.write_bytes(b"x" * SMALLEST)
    return path


@pytest.fixture
def read(monkeypatch):
    """How often files were read."""
    times = []
    real = files.digests_of

    def counted(path, budget):
        times.append(path)
        return real(path, budget)

    monkeypatch.setattr(files, "digests_of", counted)
    return times


def sha256(path):
    [told] = files.probe([str(path)], path.parent, Budget(60)).facts["files"]
    return told["digests"]["sha256"]


def right(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_has_not_changed_is_read_once(large, read):
    assert {sha256(large), sha256(large)} == {right(large)}
    assert len(read) == 1


def test_all_digests_come_back(large):
    first = files.probe([str(large)], large.parent, Budget(60)).facts
    assert files.probe([str(large)], large.parent, Budget(60)).facts == first


def test_a_file_that_is_written_or_replaced_is_read_again(large, read):
    sha256(large)
    about = large.stat()
    with large.open("r+b") as file:
        file.write(b"y")
    os.utime(large, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert sha256(large) == right(large)
    other = large.with_name("other")
    other.write_bytes(b"z" * SMALLEST)
    os.utime(other, ns=(about.st_atime_ns, about.st_mtime_ns))
    other.replace(large)
    assert sha256(large) == right(large)
    assert len(read) == 3


def test_a_file_that_somebody_has_mapped_for_writing_is_not_remembered(large, read):
    with large.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0] = ord("a")
        before = sha256(large)
        mapped[0] = ord("b")  # no time of the file tells of this
        assert before != sha256(large) == right(large)
    assert len(read) == 2


def test_a_file_that_changed_just_now_is_not_remembered(large, read, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(digests, "file_system", lambda path: "ext4")
    known = digests.Known(large.parent / "known.db")
    known.keep(large, large.stat(), dict.fromkeys(("md5", "sha1", "sha256", "git"), "0"))
    assert known.of(large.stat()) is None


@pytest.mark.parametrize("kind", ["tmpfs", "nfs4", "fuse.sshfs", None])
def test_where_times_may_not_tell_nothing_is_remembered(large, read, monkeypatch, kind):
    monkeypatch.setattr(digests, "file_system", lambda path: kind)
    assert sha256(large) == sha256(large)
    assert len(read) == 2


def test_the_file_system_is_that_of_the_innermost_mount(tmp_path):
    lines = [
        "1 0 254:0 / / rw,relatime - ext4 /dev/vda rw",
        rf"2 1 0:5 / {str(tmp_path).replace('/', '/')}/with\040space rw - tmpfs tmpfs rw",
        f"3 1 0:6 / {tmp_path}/with rw - nfs4 host:/x rw",
        f"4 1 0:7 / {tmp_path}/données rw - nfs4 host:/y rw",
    ]
    (tmp_path / "mounts").write_text("\n".join(lines) + "\n")
    found = {
        name: digests.file_system(tmp_path / name, tmp_path / "mounts")
        for name in ("with space/x", "with/x", "without", "wither", "données/x")
    }
    assert found == {
        "with space/x": "tmpfs",
        "with/x": "nfs4",
        "without": "ext4",
        "wither": "ext4",
        "données/x": "nfs4",
    }


def test_a_damaged_cache_counts_for_nothing(large, read):
    place = large.parent / "cache" / "lineagedb"
    place.mkdir(parents=True)
    (place / "digests.db").write_bytes(b"no database" * 1000)
    assert {sha256(large), sha256(large)} == {right(large)}
