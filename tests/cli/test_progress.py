# SPDX-License-Identifier: Apache-2.0
"""Long work says what it is doing and how far it is; work that is stopped says what is in the store."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time

import pytest

import lineage
from importers.git import GitImporter
from lineage.cli import main, progress
from lineage.demo import project
from lineage.store.sqlite.engine import SqliteStore


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "project"
    project.finish(project.begin(path))
    return path


def test_each_stage_of_an_import_is_told_with_how_far_it_is(demo):
    told = {}
    with lineage.open("memory:") as store:
        store.load(demo, progress=lambda what, done, total: told.setdefault(what, (done, total)))
    assert told["git: reading commits"] == (0, 5)
    assert told["mlflow: reading runs"] == (0, None)
    assert told["dvc: reading files of DVC"] == (0, told["dvc: reading files of DVC"][1])
    assert {f"{name}: writing records" for name in ("git", "dvc", "mlflow", "lockfile")} <= {*told}
    assert {"looking at files", "join: joining runs", "join: writing records"} <= told.keys()


def test_where_no_terminal_is_a_line_comes_now_and_then_with_the_rate_of_the_stage(
    capfd, monkeypatch
):
    monkeypatch.setattr(progress, "EVERY", 0.05)
    with progress.shown("churn") as tell:
        tell("git: listing commits", 0, None)
        time.sleep(0.2)
        tell("git: reading commits", 0, 56_727)
        time.sleep(1.1)
        tell("git: reading commits", 12_000, 56_727)
        time.sleep(0.2)
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "churn: git: listing commits, 0 s"
    last = re.fullmatch(
        r"churn: git: reading commits: 12,000 of 56,727, ([\d,]+)/s, 1 s", lines[-1]
    )
    assert 6_000 < int(last[1].replace(",", "")) < 11_000


def test_short_work_says_nothing_there(capfd):
    with progress.shown("churn") as tell:
        tell("git: reading commits", 0, 4)
    assert capfd.readouterr().err == ""


def test_on_a_terminal_a_bar_moves_and_goes(demo, tmp_path):
    ours, theirs = pty.openpty()
    words = [sys.executable, "-c", "from lineage.cli import main; main()"]
    words += ["--store", str(tmp_path / "s.db"), "import", str(demo)]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 1 << 20).decode()
    assert "…" in shown
    assert "writing records" in shown
    assert shown.endswith("\x1b[2K")
    assert done.stdout.startswith(b"git: ")


def stopped(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 130
    return capsys.readouterr().err


def test_who_stops_an_import_that_reads_learns_that_nothing_was_written(
    demo, tmp_path, capsys, monkeypatch
):
    def read(self, source, options):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(GitImporter, "read", read)
    told = stopped(["--store", str(tmp_path / "s.db"), "import", str(demo)], capsys)
    assert "error[stopped]: stopped; nothing was written\n" in told


def test_who_stops_an_import_that_writes_learns_how_much_is_in(demo, tmp_path, capsys, monkeypatch):
    write, calls = SqliteStore.write_all, []

    def once(self, *given):
        calls.append(given)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return write(self, *given)

    monkeypatch.setattr(SqliteStore, "write_all", once)
    told = stopped(["--store", str(tmp_path / "s.db"), "import", str(demo), "--json"], capsys)
    assert json.loads(told)["error"]["message"] == "stopped; entries written before stay in: 1"
    monkeypatch.undo()
    main_again = ["--store", str(tmp_path / "s.db"), "import", str(demo)]
    with pytest.raises(SystemExit) as end:
        main(main_again)
    assert end.value.code == 0
