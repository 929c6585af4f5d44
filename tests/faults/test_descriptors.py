# SPDX-License-Identifier: Apache-2.0
"""No files can be opened any more: one error, before anything is done."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

import lineage
from lineage.errors import TooFewDescriptors
from tests.conftest import KEY, unmeasured
from tests.store.test_crashes import batches

#: Runs a command again and again, each time with so many files more that it may open.
SCRIPT = """
import os, resource, sys
from lineage.cli import main
limits, now = map(int, sys.argv[1].split(",")), len(os.listdir("/proc/self/fd")) - 1
for more in limits:
    if (child := os.fork()) == 0:
        resource.setrlimit(resource.RLIMIT_NOFILE, (now + more, now + more))
        main(sys.argv[2:])
    print(more, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=sys.stderr, flush=True)
"""


def run(limits, *command):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, ",".join(map(str, limits)), *map(str, command)],
        env=unmeasured(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def path(tmp_path):
    with lineage.open(tmp_path / "s.db", person_key=KEY) as store:
        store.ingest(batches(3))
    (tmp_path / "source.json").write_text('{"entity": {"e:a": {}}, "prefix": {"e": "http://e/"}}')
    return tmp_path


COMMANDS = {
    "import": ("import", "source.json"),
    "open": ("stats",),
    "serve": ("serve", "--port", "0"),
    "backup": ("backup", "b.db"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_without_descriptors_is_one_error_and_does_nothing(command, path):
    name, *arguments = COMMANDS[command]
    arguments = [path / a if "." in a else a for a in arguments]
    limits = (0, 1, 2, 3, 5, 8, 13, 21, 31)
    said = run(limits, "--store", path / "s.db", name, *arguments)
    assert said.count("error[too-few-descriptors]") == len(limits)
    assert all(f"\n{limit} 75\n" in said for limit in limits)
    assert not (path / "b.db").exists()
    with lineage.open(path / "s.db") as store:
        assert store.stats().entries == 3
        assert store.verify().state == "intact"


@pytest.mark.parametrize("command", ["import", "open", "backup"])
def test_as_many_descriptors_as_are_demanded_are_enough(command, path):
    name, *arguments = COMMANDS[command]
    arguments = [path / a if "." in a else a for a in arguments]
    assert run([33], "--store", path / "s.db", name, *arguments).endswith("33 0\n")


def test_a_process_that_has_used_them_up_is_told_so_by_every_door(path):
    """And goes on when it has closed some."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with lineage.open(path / "s.db") as store:
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, hard))
        try:
            for work in (
                lambda: store.load(path / "source.json"),
                lambda: store.backup(path / "b.db"),
                lambda: lineage.open(path / "other.db"),
            ):
                with pytest.raises(TooFewDescriptors, match="more files can be opened"):
                    work()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert not (path / "b.db").exists()
        assert not (path / "other.db").exists()
        assert store.load(path / "source.json")[0].added
