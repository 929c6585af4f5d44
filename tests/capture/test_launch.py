# SPDX-License-Identifier: Apache-2.0
"""``lineage run``: the program runs as if nobody stood beside it, and what happened is in the store."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lineage
from lineage.sources import run_file
from tests.capture.launched import LINEAGE, run, runs, spooled, stored

PYTHON = sys.executable


def one(workspace):
    [found] = runs(workspace)
    return found.attributes


ENDS = {
    "sys.exit(3)": "import sys; sys.exit(3)",
    "an uncaught exception": "raise ValueError",
    "os._exit(4)": "import os; os._exit(4)",
    "SIGSEGV": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "SIGKILL": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "a signal for real time": "import os; os.kill(os.getpid(), 40)",
    "an exception at exit": "import atexit; atexit.register(int, 'x')",
    "success": "pass",
}


@pytest.mark.parametrize("how", ENDS)
def test_it_ends_as_the_program_ends_without_it(workspace, how):
    program = [PYTHON, "-c", ENDS[how]]
    bare = subprocess.run(program, capture_output=True, text=True, check=False)
    done = run(*program)
    assert (done.returncode, done.stdout, done.stderr) == (
        bare.returncode,
        bare.stdout,
        bare.stderr,
    )
    told = one(workspace)
    if bare.returncode < 0:
        number = -bare.returncode
        name = "SIG40" if number == 40 else signal.Signals(number).name
        assert (told["status"], told["signal"]) == ("killed", name)
    else:
        status = "finished" if bare.returncode == 0 else "failed"
        assert (told["status"], told["exit_code"]) == (status, bare.returncode)


def test_a_program_that_is_left_behind_is_told_and_not_waited_for(workspace):
    begun = time.monotonic()
    command = [*LINEAGE, "run", "--", "sh", "-c", "sleep 30 & sleep 0.3; exit 7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as launched:
        assert launched.wait(timeout=20) == 7
        assert time.monotonic() - begun < 15
        [left] = [one(workspace)["left_running"]]
        assert left == "sleep 30"
        subprocess.run(["pkill", "-f", "^sleep 30$"], check=False)


def test_a_signal_to_the_launcher_is_handed_on_once_and_waited_for(workspace):
    script = (
        "import os, signal, sys, time, pathlib\n"
        "def stop(number, _):\n"
        "    time.sleep(0.5)\n"
        "    pathlib.Path('checkpoint').write_text('x' * 100)\n"
        "    os.write(1, b'got %d\\n' % number)\n"
        "    sys.exit(5)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "print('ready', flush=True)\n"
        "time.sleep(30)\n"
    )
    command = [*LINEAGE, "run", "--out", "checkpoint", "--", PYTHON, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as launched:
        assert launched.stdout.readline() == "ready\n"
        launched.send_signal(signal.SIGTERM)
        assert launched.stdout.read() == "got 15\n"
        assert launched.wait(timeout=20) == 5
    told = one(workspace)
    assert (told["exit_code"], told["signals_sent"]) == (5, "SIGTERM")
    with stored(workspace) as opened:
        assert [n.attributes["size"] for n in opened.ask("kind:artifact").nodes] == [100]


def test_who_stopped_a_job_of_a_scheduler_is_told_and_not_why(workspace):
    slurm = {"SLURM_JOB_ID": "17", "SLURM_JOB_END_TIME": "1790000000", "SLURM_RESTART_COUNT": "1"}
    script = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b'saved\\n'))\n"
        "print('ready', flush=True)\n"
        "time.sleep(30)\n"
    )
    command = [*LINEAGE, "run", "--name", "stopped", "--", PYTHON, "-c", script]
    environ = {**os.environ, **slurm}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as launched:
        assert launched.stdout.readline() == "ready\n"
        launched.send_signal(signal.SIGUSR1)
        assert launched.stdout.readline() == "saved\n"
        launched.send_signal(signal.SIGTERM)
        assert launched.wait(timeout=20) == -signal.SIGTERM
    run("sh", "-c", "kill -9 $$", options=["--name", "killed"], env=environ)
    run("sh", "-c", "exit 3", options=["--name", "failed"], env=environ)
    told = {node.label: node.attributes for node in runs(workspace)}
    names = ("status", "signal", "exit_code", "signals_sent_by")
    by = tuple(f"{name}: process {os.getpid()}" for name in ("SIGTERM", "SIGUSR1"))
    assert {label: tuple(map(found.get, names)) for label, found in told.items()} == {
        "stopped": ("killed", "SIGTERM", None, by),
        "killed": ("killed", "SIGKILL", None, None),
        "failed": ("failed", None, 3, None),
    }
    for found in told.values():
        assert {name: found[f"scheduler.slurm.{name}"] for name in slurm} == slurm


def in_a_terminal(words, typed):
    """What a program prints in a terminal of its own, where keys are typed once it is ready."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(words[0], words)
    shown = b""
    try:
        while data := os.read(terminal, 1024):
            shown += data
            # The whole line: keys that interrupt make the terminal forget what nobody has read yet.
            if typed and b"ready\r\n" in shown:
                os.write(terminal, typed)
                typed = b""
    except OSError:  # the terminal was closed with its last program
        pass
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return shown, os.waitstatus_to_exitcode(status)


TERMINAL = """
import os, signal, sys, termios, time
count = []
settings = termios.tcgetattr(0)
settings[3] &= ~termios.ECHO
termios.tcsetattr(0, termios.TCSANOW, settings)
signal.signal(signal.SIGINT, lambda *_: count.append(1))
print(sys.stdin.isatty(), sys.stdout.isatty(), os.get_terminal_size(), os.environ.get("TERM"))
print("ready", flush=True)
end = time.monotonic() + 0.8
while time.monotonic() < end:
    time.sleep(0.1)
print("interrupts:", len(count), os.getpgrp() == os.tcgetpgrp(0))
line = sys.stdin.readline()
print("read:", line.strip())
"""


def test_in_a_terminal_it_shows_what_the_program_shows_and_ctrl_c_comes_once(workspace):
    program = [PYTHON, "-c", TERMINAL]
    bare = in_a_terminal(program, b"\x03hello\n")
    launched = in_a_terminal([*LINEAGE, "run", "--", *program], b"\x03hello\n")
    assert launched == bare
    assert b"interrupts: 1 True" in launched[0]
    told = one(workspace)
    assert (told["status"], "signals_sent" in told) == ("finished", False)


def test_what_is_no_program_ends_as_in_a_shell_and_is_recorded(workspace):
    (workspace / "data.txt").write_text("no program")
    (workspace / "plain").write_text("exit 9\n")
    (workspace / "plain").chmod(0o755)
    assert run("./no-such-program").returncode == 127
    assert run("./data.txt").returncode == 126
    assert run("./plain").returncode == 9
    told = {node.attributes["command"]: node.attributes for node in runs(workspace)}
    assert told["./no-such-program"]["error"] == "No such file or directory"
    assert told["./data.txt"]["status"] == "failed"
    assert told["./plain"]["exit_code"] == 9


def test_words_reach_the_program_as_they_were_typed(workspace):
    words = ["a b", "new\nline", "{x}", "", "--name", "$HOME", "-h"]
    script = "import sys, json; print(json.dumps(sys.argv[1:]))"
    done = run(PYTHON, "-c", script, *words)
    assert json.loads(done.stdout) == words
    assert one(workspace)["command"].endswith("'{x}' '' --name '$HOME' -h")


def test_words_that_are_no_utf_8_reach_the_program_and_stop_nothing(workspace):
    script = "import sys, os; sys.stdout.buffer.write(os.fsencode(sys.argv[1]))"
    command = [*map(os.fsencode, [*LINEAGE, "run", "--", PYTHON, "-c", script]), b"\xff\xfe"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == (b"\xff\xfe", b"", 0)
    assert one(workspace)["command"].endswith("'\\xff\\xfe'")


def test_descriptors_and_standard_input_are_the_programs_own(workspace):
    opened = ["sh", "-c", 'exec 3>out.txt; exec "$@"', "sh", *LINEAGE, "run", "--"]
    program = ["sh", "-c", "cat; echo to three >&3"]
    done = subprocess.run(
        [*opened, *program], input="line\n", capture_output=True, text=True, check=False
    )
    assert (done.stdout, (workspace / "out.txt").read_text()) == ("line\n", "to three\n")


def test_a_run_says_what_it_used_and_made_by_their_bytes(workspace):
    (workspace / "data").mkdir()
    (workspace / "data" / "a.csv").write_text("a" * 100)
    (workspace / "old.bin").write_text("before" * 20)
    (workspace / "same.bin").write_text("same" * 20)
    script = "cat data/a.csv data/a.csv > new.bin; cp new.bin old.bin"
    given = [
        "--name",
        "sum",
        "--in",
        "data/*.csv",
        "--in",
        "none.csv",
        "--in",
        "s3://lab/x.parquet",
    ]
    given += ["--out", "*.bin", "--why", "to add"]
    assert run("sh", "-c", script, options=given).returncode == 0
    with stored(workspace) as opened:
        answer = opened.trace("run:sum")
        used = {node.attributes["name"] for node in answer.nodes if "name" in node.attributes}
        made = opened.ask("kind:artifact").nodes
    assert used >= {"sum", "x.parquet"}
    assert {Path(node.attributes["name"]).name for node in made} == {"a.csv", "new.bin", "old.bin"}


def test_an_input_that_changes_meanwhile_is_used_as_it_was_before(workspace):
    (workspace / "in.csv").write_text("first" * 50)
    script = "sleep 0.1; echo more >> in.csv"
    given = ["--name", "x", "--in", "in.csv", "--out", "in.csv"]
    run("sh", "-c", script, options=given)
    with stored(workspace) as opened:
        edges = opened.show("run:x").edges
        [edge] = [e for e in edges if e.attributes.get("prov:role") == "input"]
        trace = opened.trace("run:x").nodes
        after = [n for n in opened.ask("kind:artifact").nodes if n.attributes["size"] == 255]
        derived = [e for e in opened.show(after[0].id).edges if e.relation == "wasDerivedFrom"]
    assert edge.attributes["changed_during_run"] is True
    assert [n.attributes["size"] for n in trace if n.kind == "Artifact"] == [250]
    assert len(derived) == 1


def test_a_run_says_how_much_of_it_was_seen_and_what_was_not(workspace):
    run("true", options=["--name", "x"])
    whole = one(workspace)
    assert 0 < whole["completeness"] < 1
    missed = {str(each).partition(":")[0] for each in whole["not_observed"]}
    assert "packages" in missed  # true is no Python


def test_without_a_store_a_run_waits_and_is_pushed_once(workspace):
    for file in (workspace / ".lineage").glob("store.db*"):
        file.unlink()
    done = run("true", options=["--name", "early"])
    assert done.returncode == 0
    assert "lineage push" in done.stderr
    [file] = spooled(workspace)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    copy = file.read_bytes()
    lineage.open(workspace / ".lineage" / "store.db").close()
    push = [*LINEAGE, "push", "--json"]
    at_once = [subprocess.Popen(push, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [each.wait(timeout=60) for each in at_once] == [0, 0]
    for each in at_once:
        each.stdout.close()
    assert spooled(workspace) == []
    with stored(workspace) as opened:
        before = opened.stats()
    # Whoever did not hear that it was delivered does it again.
    file.write_bytes(copy)
    again = subprocess.run(push, capture_output=True, text=True, check=True)
    assert json.loads(again.stdout) == {"delivered": 1, "running": 0, "rewrites": 0, "problems": []}
    with stored(workspace) as opened:
        assert opened.stats() == before
        assert [node.label for node in opened.ask("kind:run").nodes] == ["early"]


def test_disabled_it_is_the_program_alone(workspace):
    off = {**os.environ, "LINEAGE_DISABLED": "1"}
    assert run("sh", "-c", "exit 3", env=off).returncode == 3
    assert run("no-such-program", env=off).returncode == 127
    # A pipe that nobody reads ends a program, unless it inherited from Python that it does not.
    for environ in (off, {**os.environ}):
        done = run("sh", "-c", "yes | head -1; echo ${PIPESTATUS[0]}", env=environ)
        pipe = run("bash", "-c", "yes | head -1; echo ${PIPESTATUS[0]}", env=environ)
        assert (done.stdout.split()[0], pipe.stdout) == ("y", "y\n141\n")
    assert len(runs(workspace)) == 2


def test_where_nothing_can_be_written_the_program_runs_with_one_warning(workspace):
    limited = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *LINEAGE, "run"]
    done = subprocess.run(
        [*limited, "--", "sh", "-c", "echo out; exit 3"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert done.stderr == "lineage: not recorded: File too large\n"
    strict = subprocess.run(
        [*limited, "--strict", "--", "echo", "out"], capture_output=True, text=True, check=False
    )
    assert (strict.returncode, strict.stdout) == (1, "")
    assert "error[not-recorded]" in strict.stderr


def test_a_long_run_is_in_the_store_before_it_ends(workspace):
    command = [*LINEAGE, "run", "--name", "long", "--", "sh", "-c", "read line"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as launched:
        end = time.monotonic() + 30
        while not (found := runs(workspace)) and time.monotonic() < end:
            time.sleep(0.2)
        assert found[0].attributes["status"] == "running"
        launched.stdin.write("go on\n")
        launched.stdin.close()
        assert launched.wait(timeout=30) == 0
    assert one(workspace)["status"] == "finished"


def test_a_launcher_that_is_killed_leaves_a_run_whose_end_is_unknown(workspace):
    command = [*LINEAGE, "run", "--name", "x", "--", "sleep", "30"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as launched:
        while (
            not spooled(workspace) or not run_file.parse(spooled(workspace)[0].read_bytes()).events
        ):
            time.sleep(0.02)
        launched.kill()
        launched.wait()
    subprocess.run(["pkill", "-f", "^sleep 30$"], check=False)
    subprocess.run([*LINEAGE, "push"], capture_output=True, check=True)
    told = one(workspace)
    assert told["status"] == "unknown"
    assert told["last_seen"] >= told["started"]
    assert "ended" not in told


def test_a_program_inside_another_is_a_run_of_its_own_behind_it(workspace):
    inner = shlex.join([*LINEAGE, "run", "--name", "inner", "--", "true"])
    assert run("sh", "-c", inner, options=["--name", "outer"]).returncode == 0
    with stored(workspace) as opened:
        assert "outer" in {node.label for node in opened.trace("run:inner").nodes}


def test_a_run_used_the_environment_and_the_machine_that_were_there(workspace):
    assert run(PYTHON, "-c", "pass", options=["--name", "x"]).returncode == 0
    with stored(workspace) as opened:
        used = {node.kind: node for node in opened.show("run:x").nodes}
        [before] = opened.load("env:")[:1]
        packages = {node.label for node in opened.trace("run:x").nodes if node.kind == "Package"}
    assert used["Environment"].attributes["python"] == ".".join(map(str, sys.version_info[:3]))
    assert "click" in {label.split()[0] for label in packages}
    assert used["Machine"].attributes["cores"] == len(os.sched_getaffinity(0))
    # What the importer finds of the same environment is the same environment.
    assert before.things == 0


def git(*words):
    subprocess.run(["git", *words], capture_output=True, check=True)


def test_a_program_that_commits_is_the_same_agent_as_the_importer_of_git_makes_it(workspace):
    (workspace / "train.py").write_text("pass\n")
    git("init")
    git("add", "-A")
    git("-c", "user.name=GitHub", "-c", "user.email=noreply@github.com", "commit", "-m", "Merge")
    run(PYTHON, "train.py", options=["--name", "merged"])

    def agents(opened):
        return {(n.kind, n.id) for n in opened.trace("run:merged").nodes if n.label == "GitHub"}

    with stored(workspace) as opened:
        captured = agents(opened)
        opened.load(workspace, named="git")
        assert agents(opened) == captured
    assert [kind for kind, _ in captured] == ["SoftwareAgent"]


def test_what_produced_a_model_is_the_exact_source_also_of_files_that_nobody_committed(workspace):
    (workspace / "train.py").write_text("open('m.bin', 'w').write('x' * 100)\n")
    (workspace / ".gitignore").write_text("*.bin\n.lineage/\n")
    for words in (["init"], ["add", "-A"], ["commit", "-m", "Train"]):
        git("-c", "user.name=Ana", "-c", "user.email=ana@lab.example", *words)
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    made = [PYTHON, "train.py"]
    run(*made, options=["--name", "clean", "--out", "m.bin"])
    (workspace / "train.py").write_text("open('m.bin', 'w').write('y' * 100)\n")
    (workspace / "notes.md").write_text("new\n")
    run(*made, options=["--name", "edited", "--out", "m.bin"])
    with stored(workspace) as opened:
        commits = {
            name: [n.id for n in opened.show(f"run:{name}").nodes if n.kind == "Commit"]
            for name in ("clean", "edited")
        }
        [state] = commits["edited"]
        behind = {n.id for n in opened.trace("run:edited").nodes}
        people = {n.label for n in opened.trace("run:clean").nodes if n.kind == "Person"}
    assert commits["clean"] == [f"swh:1:rev:{head.stdout.strip()}"]
    assert commits["clean"][0] in behind
    assert "Ana" in people
    # Whatever becomes of the branch, the bytes that ran come back.
    git("checkout", "-q", "--detach")
    git(
        "-c",
        "user.name=B",
        "-c",
        "user.email=b@lab.example",
        "commit",
        "-q",
        "--amend",
        "-m",
        "New",
    )
    git("branch", "-D", "master")
    git("reflog", "expire", "--expire=now", "--all")
    git("gc", "-q", "--prune=now")
    for path in ("train.py", "notes.md"):
        kept = subprocess.run(
            ["git", "show", f"{state.rpartition(':')[2]}:{path}"], capture_output=True, check=True
        )
        assert kept.stdout == (workspace / path).read_bytes()


def test_a_secret_goes_into_no_file_of_ours(workspace):
    secret = "gh" + "p_" + "a1B2c3D4" * 5
    (workspace / ".env").write_text(f"TOKEN={secret}\n")
    (workspace / "train.py").write_text(f"KEY = '{secret}'\n")
    git("init")
    words = [PYTHON, "train.py", "--token", secret, f"https://ana:{secret}@host/x"]
    said = [
        part for name in ("why", "name", "decision", "id") for part in (f"--{name}", f"x {secret}")
    ]
    said += ["--param", f"key={secret}", "--in", f"https://ana:{secret}@host/data.csv"]
    said += ["--in", f"s3://bucket/data.csv?token={secret}"]
    run(*words, options=said, env={**os.environ, "MY_TOKEN": secret, "LINEAGE_RUN_ID": secret})
    run(*words, options=said, env={**os.environ, "LINEAGE_STORE": "nowhere.db", "API_KEY": secret})
    with stored(workspace) as opened:
        told = json.dumps(
            [opened.trace(node.id).to_dict() for node in opened.ask("kind:run").nodes]
        )
    assert "Dataset" in told and secret not in told
    held = [path for path in (workspace / ".lineage").rglob("*") if path.is_file()]
    assert len(held) > 3
    assert [path for path in held if secret.encode() in path.read_bytes()] == []
    found = subprocess.run(
        "git cat-file --batch-all-objects --batch", shell=True, capture_output=True, check=True
    )
    assert secret.encode() not in found.stdout


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors_change_nothing(workspace, closed):
    command = f"{shlex.join(LINEAGE)} run -- sh -c 'exit 7' {closed}"
    assert subprocess.run(["sh", "-c", command], check=False).returncode == 7
    assert one(workspace)["exit_code"] == 7


def test_a_folder_that_was_removed_is_no_obstacle(workspace):
    (workspace / "gone").mkdir()
    command = f"cd gone && rmdir ../gone && {shlex.join(LINEAGE)} run -- sh -c 'exit 9'"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 9
    assert done.stderr.count("lineage:") <= 1


@pytest.mark.parametrize("state", ["no commit yet", "a broken repository", "no git"])
def test_whatever_the_repository_is_the_program_runs(workspace, state, monkeypatch, tmp_path):
    if state == "a broken repository":
        (workspace / ".git").mkdir()
        (workspace / ".git" / "HEAD").write_bytes(b"\xff\xfe")
    else:
        git("init")
    if state == "no git":
        monkeypatch.setenv("PATH", str(tmp_path))
    (workspace / os.fsdecode(b"bad\xff")).write_text("x" * 100)
    (workspace / "new\nline").write_text("x" * 100)
    done = run("/bin/sh", "-c", "exit 4", options=["--in", "*"])
    assert (done.returncode, done.stdout, done.stderr) == (4, "", "")
    assert one(workspace)["exit_code"] == 4
