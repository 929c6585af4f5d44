# SPDX-License-Identifier: Apache-2.0
"""The power is cut: whatever was told to be in the store is in it, and a backup is there whole or not at all."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

import lineage
from lineage.errors import LineageError
from lineage.store.sqlite import connect
from tests.conftest import KEY, clock
from tests.faults.disk import Event, cuts, recorded
from tests.store.test_crashes import batches

#: Power cuts at any moment, some and many.
CUTS = (40, 500)
ENTRIES = 24


@pytest.fixture
def small_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is folded into the file again and again, not once in a long while."""
    monkeypatch.setattr(connect, "CHECKPOINT", 30)


def written(folder: Path, monkeypatch: pytest.MonkeyPatch, durability: str) -> list[Event]:
    """What happens to the disk while entries are written, each told with the root of the log so far."""
    folder.mkdir()
    with recorded(folder, monkeypatch) as events:
        for part in range(2):
            with lineage.open(
                folder / "s.db", clock=clock, person_key=KEY, durability=durability
            ) as store:
                for batch in list(batches(ENTRIES))[part::2]:
                    store.ingest(batch)
                    head = store.store.head()
                    events.append(Event("told", data=(head.size, head.root)))
    return events


def left(files: dict[str, bytes], folder: Path) -> Path:
    """A folder with the files that a power cut left."""
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    for name, data in files.items():
        if not name.endswith("-shm"):
            (folder / name).write_bytes(data)
    return folder / "s.db"


def test_what_was_told_to_be_written_survives_a_power_cut(tmp_path, monkeypatch, small_log, extent):
    events = written(tmp_path / "disk", monkeypatch, "full")
    roots = dict(event.data for event in events if event.kind == "told")
    assert len(roots) == ENTRIES
    kinds = {(event.kind, event.name) for event in events}
    assert {("sync", "s.db-wal"), ("sync", "s.db"), ("delete", "s.db-wal")} <= kinds
    for files, told in cuts(events, CUTS[extent], Random(extent)):
        path = left(files, tmp_path / "left")
        with lineage.open(path, clock=clock, person_key=KEY) as store:
            head = store.store.head()
            assert head.size >= max((size for size, _ in told), default=0)
            assert head.size == 0 or roots[head.size] == head.root
            assert store.verify().state in (("intact",) if head.size else ("intact", "empty"))


def test_without_waiting_for_the_disk_a_power_cut_loses_entries(tmp_path, monkeypatch, extent):
    """The same cuts find it: what is told with ``durability="fast"`` may be lost, as its description says."""
    events = written(tmp_path / "disk", monkeypatch, "fast")
    lost = 0
    for files, told in cuts(events, CUTS[0], Random(extent)):
        path = left(files, tmp_path / "left")
        try:
            with lineage.open(path, clock=clock, person_key=KEY) as store:
                lost += store.store.head().size < max((size for size, _ in told), default=0)
                assert store.verify().state in {"intact", "empty"}
        except LineageError:
            lost += 1
    assert lost


def test_a_backup_appears_whole_or_not_at_all_and_stays(tmp_path, monkeypatch, extent):
    (tmp_path / "disk").mkdir()
    with lineage.open(tmp_path / "source.db", clock=clock, person_key=KEY) as source:
        source.ingest(batches(ENTRIES))
        head = source.store.head()
        with recorded(tmp_path / "disk", monkeypatch) as events:
            source.backup(tmp_path / "disk" / "s.db")
            events.append(Event("told", data=head))
    seen = set()
    for files, told in cuts(events, CUTS[extent], Random(extent)):
        path = left(files, tmp_path / "left")
        seen.add(path.exists())
        assert path.exists() or not told
        if path.exists():
            with lineage.open(path, create=False) as store:
                assert store.store.head() == head
                assert store.verify().state == "intact"
    assert seen == {True, False}
