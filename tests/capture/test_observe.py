# SPDX-License-Identifier: Apache-2.0
"""Which files a program opened is seen without its saying so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.capture.launched import files_of, run, runs, stored


@pytest.fixture
def observed(workspace):
    """Runs a program under ``lineage.run()``; the names of what it was seen to read and write, with witnesses."""

    def called(text, **environ):
        body = "".join(f"    {line}\n" for line in text.splitlines())
        (workspace / "train.py").write_text(
            f"import lineage\nwith lineage.run('x') as this:\n{body}"
        )
        command = [sys.executable, "train.py"]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, **environ}, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return files_of(workspace, "x")

    return called


DATA = "a,b\n" * 30
#: What Python opens is seen from inside and from beside.
BOTH = ("inotify", "opened")


def test_what_is_opened_for_reading_and_for_writing_is_told(workspace, observed):
    (workspace / "data.csv").write_text(DATA)
    read, made, _ = observed("text = open('data.csv').read()\nopen('out.csv', 'w').write(text * 2)")
    assert (read, made) == ({"data.csv": BOTH}, {"out.csv": BOTH})


def test_what_is_declared_and_opened_has_both_witnesses(workspace, observed):
    (workspace / "data.csv").write_text(DATA)
    read, _, _ = observed("open(this.input('data.csv')).read()")
    assert read == {"data.csv": ("declared", *BOTH)}


def test_a_file_that_is_written_under_another_name_first_is_told_by_its_own(workspace, observed):
    text = "import os\nopen('out.tmp', 'w').write('x' * 100)\nos.replace('out.tmp', 'out.bin')"
    _, made, _ = observed(text)
    assert made == {"out.bin": BOTH}


def test_of_an_input_that_is_written_to_meanwhile_the_bytes_are_not_claimed(workspace, observed):
    (workspace / "data.csv").write_text(DATA)
    read, made, told = observed("open('data.csv').read()\nopen('data.csv', 'a').write('more')")
    assert (read, made) == ({}, {"data.csv": BOTH})
    assert any("data.csv: it was written to" in text for text in told["not_observed"])


def test_what_a_child_wrote_while_the_run_went_on_is_no_input(workspace, observed):
    (workspace / "data.csv").write_text(DATA)
    text = (
        "import subprocess\n"
        "subprocess.run(['cp', 'data.csv', 'clean.csv'], check=True)\n"
        "open('clean.csv').read(), open('data.csv').read()"
    )
    read, made, told = observed(text)
    assert read.keys() == {"data.csv"}
    # Who sees it being written claims it; who does not says so.
    assert "clean.csv" in made or any("clean.csv" in said for said in told["not_observed"])


def test_code_caches_and_what_is_not_there_are_no_data(workspace, observed):
    (workspace / "helper.py").write_text("x = 1\n")
    text = (
        "import helper, os, json\n"
        "try: open('none.csv')\nexcept OSError: pass\n"
        "os.makedirs('.git/x', exist_ok=True)\nopen('.git/x/y', 'w').write('x' * 100)\n"
        "open('/proc/self/status').read()\nopen('/dev/null', 'w').write('x')"
    )
    assert observed(text)[:2] == ({}, {})


FORKED = """
import os, signal
for number in range(3):
    pid = os.fork()
    if pid == 0:
        open(f'part-{number}.csv').read()
        os._exit(0) if number else os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
"""


def test_what_children_read_that_are_killed_is_told(workspace, observed):
    for number in range(3):
        (workspace / f"part-{number}.csv").write_text(DATA + str(number))
    read, _, _ = observed(FORKED)
    assert set(read) == {"part-0.csv", "part-1.csv", "part-2.csv"}


def test_three_hundred_children_beside_a_busy_thread_all_end(workspace, observed):
    (workspace / "data.csv").write_text(DATA)
    text = (
        "import os, threading\nend = False\n"
        "def busy():\n    while not end:\n        open('data.csv').read()\n"
        "thread = threading.Thread(target=busy)\nthread.start()\n"
        "for _ in range(300):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n        open('data.csv').read(); os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "end = True\nthread.join()"
    )
    assert observed(text)[0] == {"data.csv": BOTH}


def test_no_random_number_is_drawn(workspace, observed):
    (workspace / "probe.py").write_text(
        "import random, lineage\nrandom.seed(3); before = random.getstate()\n"
        "with lineage.run('y'):\n    open('probe.py').read()\n"
        "print(random.getstate() == before)\n"
    )
    done = subprocess.run([sys.executable, "probe.py"], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


PLAIN = """
import os, sys
print([os.environ.get("PYTHONPATH"), [p for p in sys.path if "injected" in p]])
text = open("data.csv").read()
open("out.csv", "w").write(text * 2)
"""


@pytest.fixture
def plain(workspace):
    """A program that knows nothing of capture, and its data."""
    (workspace / "data.csv").write_text(DATA)
    (workspace / "plain.py").write_text(PLAIN)
    return [sys.executable, "plain.py"]


def test_a_program_that_knows_nothing_of_capture_is_seen_under_the_launcher(workspace, plain):
    done = run(*plain, options=["--name", "x"])
    assert (done.stdout, done.stderr) == ("[None, []]\n", "")
    with stored(workspace) as opened:
        answer = opened.trace("artifact:out.csv")
    names = {node.attributes.get("name", "").rpartition("/")[2] for node in answer.nodes}
    assert {"data.csv", "x"} <= names
    assert {
        e.attributes.get("witness") for e in answer.edges if e.relation == "wasGeneratedBy"
    } == {BOTH}


def test_the_path_and_the_module_of_the_user_are_as_they_were(workspace, plain):
    (workspace / "own").mkdir()
    (workspace / "own" / "sitecustomize.py").write_text("print('mine')\n")
    environ = {**os.environ, "PYTHONPATH": str(workspace / "own")}
    done = run(*plain, env=environ)
    bare = subprocess.run(plain, env=environ, capture_output=True, text=True, check=True)
    assert bare.stdout == f"mine\n{[environ['PYTHONPATH'], []]}\n"
    # The launcher is a Python too, which writes out what it printed at its end.
    assert sorted(done.stdout.splitlines()) == sorted(f"mine\n{bare.stdout}".splitlines())


@pytest.mark.parametrize("option", ["-I", "-S", "-E"])
def test_a_python_that_wants_no_help_has_none(workspace, plain, option):
    done = run(plain[0], option, *plain[1:])
    assert (done.returncode, done.stderr) == (0, "")
    assert len(runs(workspace)) == 1


def test_a_module_of_the_user_that_fails_fails_as_it_would(workspace, plain):
    (workspace / "own").mkdir()
    (workspace / "own" / "sitecustomize.py").write_text("raise ValueError('no')\n")
    environ = {**os.environ, "PYTHONPATH": str(workspace / "own")}
    done = run(*plain, env=environ)
    bare = subprocess.run(plain, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (bare.returncode, bare.stdout)
    assert done.stderr.splitlines()[-1:] == bare.stderr.splitlines()[-1:]
