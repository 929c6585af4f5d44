# SPDX-License-Identifier: Apache-2.0
"""What was recorded outlasts whatever dies, and is delivered exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lineage
from lineage.errors import InputTruncated
from lineage.services.write import push
from lineage.sources import run_file
from tests.capture.launched import LINEAGE, runs, spooled, stored
from tests.conftest import MANY

EVENTS = st.lists(st.dictionaries(st.text(), st.text() | st.integers()), max_size=5)


@given(EVENTS, st.data())
def test_of_a_file_that_was_cut_off_anywhere_all_whole_events_are_read(events, data):
    lines = [run_file.line(event) for event in events]
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    found = run_file.parse(whole[:cut])
    complete = [n for n in range(len(lines) + 1) if len(b"".join(lines[:n])) - 1 <= cut][-1]
    assert found.events == events[:complete]
    assert found.damaged <= 1


@given(EVENTS.filter(bool), st.data())
def test_a_byte_that_is_another_costs_one_event_and_is_counted(events, data):
    whole = bytearray(b"".join(map(run_file.line, events)))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    found = run_file.parse(bytes(whole))
    kept = Counter(map(repr, found.events))
    assert not kept - Counter(map(repr, events))
    assert len(found.events) >= len(events) - 2
    assert found.damaged or found.events == events


def test_behind_a_line_that_was_cut_off_the_next_event_is_whole(tmp_path):
    path = tmp_path / "x.run"
    run_file.append(path, {"event": "started"}, new=True)
    with path.open("ab") as file:
        file.write(b'99 00000000 {"ev')
    run_file.append(path, {"event": "ended"})
    found = run_file.parse(path.read_bytes())
    assert ([event["event"] for event in found.events], found.damaged) == (["started", "ended"], 1)


def test_a_file_without_a_whole_event_is_refused_and_stays(workspace):
    spool = workspace / ".lineage" / "spool"
    spool.mkdir()
    (spool / "x.run").write_bytes(b'99 00000000 {"ev')
    done = subprocess.run([*LINEAGE, "push"], capture_output=True, text=True, check=True)
    assert "stays" in done.stdout
    assert len(spooled(workspace)) == 1
    with stored(workspace) as opened, pytest.raises(InputTruncated):
        opened.load(spool / "x.run", named="captured")


@pytest.mark.parametrize(
    "many", [pytest.param(12, id="some"), pytest.param(100, marks=MANY.marks, id="many")]
)
def test_whatever_is_killed_whenever_every_program_that_started_is_told_once(workspace, many):
    random, started = Random(4), set()
    for number in range(many):
        script = f"touch started-{number}; exec sleep 60"
        command = [*LINEAGE, "run", "--name", f"r{number}", "--", "sh", "-c", script]
        with subprocess.Popen(
            command, start_new_session=True, stderr=subprocess.DEVNULL
        ) as launched:
            if random.random() < 0.7:
                while not (workspace / f"started-{number}").exists() and launched.poll() is None:
                    time.sleep(0.002)
                time.sleep(random.choice([0, 0.001, 0.005, 0.02, 0.1]))
            else:
                time.sleep(random.uniform(0, 0.3))
            # The launcher alone, or all of them at once.
            if random.random() < 0.5:
                launched.kill()
            else:
                with suppress(ProcessLookupError):
                    os.killpg(launched.pid, signal.SIGKILL)
            launched.wait()
            with suppress(ProcessLookupError):
                os.killpg(launched.pid, signal.SIGKILL)
        if (workspace / f"started-{number}").exists():
            started.add(f"r{number}")
    for _ in range(2):
        subprocess.run([*LINEAGE, "push"], capture_output=True, check=True)
    told = Counter(node.attributes["name"] for node in runs(workspace))
    assert started
    assert started <= told.keys()
    assert set(told.values()) == {1}
    assert spooled(workspace) == []
    with stored(workspace) as opened:
        assert opened.verify().state == "intact"


@pytest.mark.parametrize(
    "many", [pytest.param(24, id="some"), pytest.param(200, marks=MANY.marks, id="many")]
)
def test_many_runs_at_once_into_one_store_lose_nothing(workspace, many):
    command = [*LINEAGE, "run", "--name"]
    begun = [subprocess.Popen([*command, f"r{number}", "--", "true"]) for number in range(many)]
    assert [each.wait(timeout=300) for each in begun] == [0] * many
    subprocess.run([*LINEAGE, "push"], capture_output=True, check=True)
    assert {node.attributes["name"] for node in runs(workspace)} == {f"r{n}" for n in range(many)}
    assert spooled(workspace) == []


def test_a_file_that_lost_its_first_line_replaces_nothing(workspace, tmp_path):
    begun = {"event": "started", "format": 1, "run": "r1", "at": "2026-01-01T00:00:00+00:00"}
    path = tmp_path / "a.run"
    said = {**begun, "monotonic": 1.0, "name": "x", "host": "elsewhere", "pid": 1}
    run_file.append(path, said, new=True)
    with stored(workspace) as opened:
        opened.load(path)
        before = opened.stats()
        path.unlink()
        ended = {"event": "ended", "format": 1, "run": "r1", "code": 0}
        run_file.append(path, ended, new=True)
        with pytest.raises(lineage.LineageError, match="how the run started"):
            opened.load(path)
        assert opened.stats() == before


def test_who_has_read_less_of_a_run_is_not_the_last_to_tell_it(workspace):
    """A delivery that began before the run was over, and is slow, does not replace what the end says."""
    path = workspace / ".lineage" / "spool" / "r1.run"
    path.parent.mkdir()
    begun = {"event": "started", "format": 1, "run": "r1", "at": "2026-01-01T00:00:00+00:00"}
    more = {"monotonic": 1.0, "name": "x", "host": "elsewhere", "pid": 1}
    run_file.append(path, {**begun, **more}, new=True)
    with stored(workspace) as opened, ThreadPoolExecutor() as pool:
        is_reading = Event()

        def slowly(data):
            is_reading.set()
            time.sleep(0.5)
            return opened.take_run(data)

        slow = pool.submit(push.deliver, slowly, path)
        is_reading.wait()
        run_file.append(path, {**begun, "event": "ended", "monotonic": 2.0, "code": 0})
        quick = pool.submit(push.deliver, opened.take_run, path)
        assert (slow.result()[0], quick.result()[0]) == ("running", "run")
        [told] = opened.ask("kind:run").nodes
    assert told.attributes["status"] == "finished"
