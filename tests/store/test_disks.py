# SPDX-License-Identifier: Apache-2.0
"""Disks as they are: full, and not to be written to. Real file systems, in memory."""

from __future__ import annotations

import subprocess
from contextlib import suppress

import pytest

import lineage
from lineage.errors import StoreFull, StoreMissing, StoreReadOnly
from lineage.services.operate import backup
from tests.conftest import KEY
from tests.store.test_crashes import batches


@pytest.fixture
def disk(tmp_path):
    """A file system of its own, of so many bytes."""
    place = tmp_path / "disk"
    place.mkdir()

    def made(size):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", place], check=False
        )
        if done.returncode:
            pytest.skip("no file system may be mounted here")
        return place

    yield made
    subprocess.run(["umount", place], check=False, capture_output=True)


def test_a_store_on_a_read_only_disk_is_read_and_says_why_it_is_not_written(disk, tmp_path):
    place = disk(20_000_000)
    with lineage.open(place / "s.db", person_key=KEY) as store:
        store.ingest(batches(3))
        expected = store.stats()
        store.backup(place / "backup.db")
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    for name in ("s.db", "backup.db"):
        with lineage.open(place / name) as store:
            assert store.stats() == expected
            assert store.verify().state == "intact"
            assert store.trace("urn:n:2:3").ids
            with pytest.raises(StoreReadOnly, match="cannot be written"):
                store.ingest(next(batches()), source="other")
            with pytest.raises(StoreReadOnly):
                store.add_token("airflow", role="viewer")
            store.backup(tmp_path / f"of-{name}")
    with pytest.raises(StoreReadOnly):
        lineage.open(place / "new.db")
    with pytest.raises(StoreMissing):
        lineage.open(place / "new.db", create=False)


def test_a_store_whose_log_was_left_on_a_read_only_disk_says_so_or_is_read_whole(disk):
    """What a server that was killed left: a part of the store lies in the log beside the file."""
    place = disk(20_000_000)
    store = lineage.open(place / "s.db", person_key=KEY)
    store.ingest(batches(3))
    assert (place / "s.db-wal").stat().st_size
    # Open still, as after a crash: nobody has folded the log into the file.
    (place / "t.db").write_bytes((place / "s.db").read_bytes())
    (place / "t.db-wal").write_bytes((place / "s.db-wal").read_bytes())
    expected = store.stats()
    store.close()
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    with suppress(StoreReadOnly), lineage.open(place / "t.db") as left:
        assert left.stats() == expected


def test_a_full_disk_is_one_error_and_nothing_is_half_there(disk, tmp_path):
    place = disk(1_500_000)
    with lineage.open(tmp_path / "large.db", person_key=KEY) as large:
        large.ingest(batches(700))
        large.backup(tmp_path / "backup.db")
        head = large.store.head()
        with pytest.raises(StoreFull):
            large.backup(place / "backup.db")
    with pytest.raises(StoreFull):
        backup.restore(tmp_path / "backup.db", str(place / "restored.db"))
    assert list(place.iterdir()) == []
    with lineage.open(place / "s.db", person_key=KEY) as store:
        with pytest.raises(StoreFull):
            store.ingest(batches(700))
        entries = store.stats().entries
        assert 0 < entries < head.size
        assert store.verify().state == "intact"
    with lineage.open(place / "s.db") as store:
        assert store.stats().entries == entries
