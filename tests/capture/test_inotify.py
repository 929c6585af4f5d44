# SPDX-License-Identifier: Apache-2.0
"""What programs of any kind open is seen from beside them, and is claimed only where it can be nobody else's."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lineage.capture import inotify, strace
from tests.capture.launched import LINEAGE, files_of, run, stored

DATA = "a,b\n" * 30


PIPELINE = """
cut -d, -f1 data/people.csv > ages.txt
mkdir -p out/deep/er
sort ages.txt > out/deep/er/sorted.txt
cat ages.txt > "na'me \\ of é.txt"
cp ages.txt part.tmp; mv part.tmp final.txt
echo gone > passing.tmp; rm passing.tmp
mkdir -p .git/x node_modules; echo own > .git/x/y; echo own > node_modules/z.js
echo own > helper.py; cat helper.py > /dev/null
"""
MADE = {"ages.txt", "out/deep/er/sorted.txt", "na'me \\ of é.txt", "final.txt"}


@pytest.mark.parametrize("layer", ["inotify", "strace"])
def test_what_a_shell_and_its_programs_read_and_write_is_told(workspace, layer):
    (workspace / "data").mkdir()
    (workspace / "data" / "people.csv").write_text(DATA)
    (workspace / "steps.sh").write_text(PIPELINE)
    options = ["--name", "x", *(["--strace"] if layer == "strace" else [])]
    done = run("sh", "steps.sh", options=options)
    assert (done.returncode, done.stderr) == (0, "")
    read, made, told = files_of(workspace, "x")
    assert read == {"data/people.csv": layer, "steps.sh": layer}
    assert made == dict.fromkeys(MADE, layer)
    assert not [text for text in [told["not_observed"]] if "inotify" in text]


LIBRARY = """
import sqlite3
with sqlite3.connect("rows.db") as db:
    print(db.execute("SELECT count(*) FROM rows").fetchone())
open("count.txt", "w").write("1")
"""


@pytest.mark.parametrize("inside", [False, True])
def test_what_a_library_opens_by_itself_is_seen(workspace, inside):
    import sqlite3

    with sqlite3.connect("rows.db") as db:
        db.execute("CREATE TABLE rows (a)")
    db.close()
    indented = LIBRARY.replace("\n", "\n    ")
    text = f"import lineage\nwith lineage.run('x'):{indented}" if inside else LIBRARY
    (workspace / "count.py").write_text(text)
    words = [sys.executable, "count.py"]
    if inside:
        subprocess.run(words, check=True, capture_output=True)
    else:
        assert run(*words, options=["--name", "x"]).stderr == ""
    read, made, _ = files_of(workspace, "x")
    assert read == {"rows.db": "inotify"}
    assert made == {"count.txt": ("inotify", "opened")}


def at_once(workspace, program, number):
    """Runs at the same time, each with an output of its own; the names of all of them."""
    names = [f"r{each}" for each in range(number)]
    commands = [[*LINEAGE, "run", "--name", name, "--", *program, f"{name}.out"] for name in names]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for command in commands]
    assert [one.wait(timeout=60) for one in running] == [0] * number
    for one in running:
        one.stderr.close()
    subprocess.run([*LINEAGE, "push"], check=True, capture_output=True)
    return names


WRITES = (
    "import sys, time; time.sleep(1.5); open(sys.argv[1], 'w').write(sys.argv[1]); time.sleep(1)"
)


def test_runs_at_once_in_one_folder_have_each_its_own_output(workspace):
    names = at_once(workspace, [sys.executable, "-c", WRITES], 4)
    for name in names:
        assert files_of(workspace, name)[1] == {f"{name}.out": "opened"}


def test_what_may_be_another_run_s_is_claimed_by_none(workspace):
    shell = 'sleep 1.5; echo "$0" > "$0"; sleep 1'
    for name in at_once(workspace, ["sh", "-c", shell], 3):
        _, made, told = files_of(workspace, name)
        assert made == {}
        assert "other runs went on in this project" in str(told["not_observed"])
        assert f"{name}.out" in str(told["not_observed"])


def test_the_files_of_a_run_inside_a_run_are_the_inner_one_s(workspace):
    inner = "from lineage.cli import main; main()"
    words = ["sh", "-c", f"'{sys.executable}' -c '{inner}' run --name in -- cp a b; cp b c"]
    (workspace / "a").write_text(DATA)
    assert run(*words, options=["--name", "out"]).stderr == ""
    assert files_of(workspace, "in")[:2] == ({"a": "inotify"}, {"b": "inotify"})
    read, made, _ = files_of(workspace, "out")
    assert (read["b"], made) == ("inotify", {"c": "inotify"})


def test_an_input_that_somebody_changes_meanwhile_is_not_claimed(workspace):
    (workspace / "data.csv").write_text(DATA)
    words = "cat data.csv > copy.csv; sleep 0.3; echo more >> data.csv"
    run("sh", "-c", words, options=["--name", "x"])
    read, made, told = files_of(workspace, "x")
    assert (read, set(made)) == ({}, {"copy.csv", "data.csv"})
    assert f"{workspace}/data.csv: it was written to" in str(told["not_observed"])


def watched(folder, **more):
    return inotify.Folders([folder], more.pop("spool", None), "own.run", **more)


def names_of(seen, *, writes):
    return [Path(each["path"]).name for each in seen.files if each["writes"] is writes]


def test_folders_that_cannot_be_watched_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(inotify, "MOST_FOLDERS", 3)
    for number in range(5):
        (tmp_path / f"f{number}").mkdir()
    found = watched(tmp_path)
    (tmp_path / "here").write_text("x")
    seen = found.stop()
    assert names_of(seen, writes=True) == ["here"]
    [(what, why)] = seen.unseen.items()
    assert what.startswith(f"files below {tmp_path}/f") and "3 folders are watched" in why


def test_many_folders_do_not_fill_the_queue_before_the_program_starts(tmp_path):
    for number in range(6_000):
        (tmp_path / f"{number % 60}" / f"{number}").mkdir(parents=True, exist_ok=True)
    found = watched(tmp_path)
    (tmp_path / "here").write_text("x")
    seen = found.stop()
    assert names_of(seen, writes=True) == ["here"]
    assert "more files" not in seen.unseen


def test_a_folder_that_links_lead_to_is_watched_once(tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "project" / "data").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "project" / "again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "project" / "up").symlink_to("..")
    found = watched(tmp_path / "project")
    (tmp_path / "elsewhere" / "x").write_text("x")
    (tmp_path / "not-below").write_text("x")
    [told] = found.stop().files
    assert told["path"] in {f"{tmp_path}/project/{name}/x" for name in ("data", "again")}


def test_more_than_the_system_keeps_is_said(tmp_path):
    found = watched(tmp_path)
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    for number in range(most):
        (tmp_path / "ab"[number % 2]).open().close()
    assert "faster than the system keeps" in str(found.stop().unseen)


def test_a_run_that_ends_meanwhile_leaves_the_rest_to_the_other(tmp_path):
    spool, project = tmp_path / "spool", tmp_path / "project"
    spool.mkdir()
    project.mkdir()
    found = watched(project, spool=spool)
    (project / "alone").write_text("x")
    (spool / "another.run").write_text("x")
    (project / "unknown").write_text("x")
    (spool / "another.run").unlink()
    (project / "alone again").write_text("x")
    seen = found.stop()
    assert names_of(seen, writes=True) == ["alone", "alone again"]
    assert "unknown" in str(seen.unseen)


def test_strace_that_does_not_work_is_said_and_the_program_runs(workspace, monkeypatch):
    empty = workspace / "bin"
    empty.mkdir()
    (empty / "cp").symlink_to(shutil.which("cp"))
    (workspace / "a").write_text(DATA)
    monkeypatch.setenv("PATH", str(empty))
    done = run("cp", "a", "b", options=["--strace", "--name", "x"])
    assert (done.returncode, done.stderr) == (0, "lineage: not recorded: strace is not installed\n")
    assert (workspace / "b").read_text() == DATA
    (workspace / "c").unlink(missing_ok=True)
    strict = run("cp", "a", "c", options=["--strace", "--strict"])
    assert strict.returncode != 0 and not (workspace / "c").exists()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r"plain", "plain"),
        (r"a\"b\74\76\nx", 'a"b<>\nx'),
        (r"\303\251\\n", "é\\n"),
        (r"\377\0011", "\udcff\x011"),
    ],
)
def test_names_are_as_the_system_has_them(tmp_path, text, name):
    seen = inotify.Seen()
    (tmp_path / "log").write_text(
        f'7 openat(AT_FDCWD</w>, "x", O_RDONLY <unfinished ...>\n8 +++ exited with 0 +++\n'
        f"7 <... openat resumed>) = 3<{tmp_path}/d/{text}>\n7 +++ exited with 0 +++\n"
    )
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / name).write_text("x")
    seen = strace.Strace(tmp_path / "log").stop(7, tmp_path)
    assert [each["path"] for each in seen.files] == [f"{tmp_path}/d/{name}"]


def test_a_program_that_strace_sees_ends_as_without_it(workspace):
    for words, ends in ((["sh", "-c", "exit 3"], 3), (["sh", "-c", "kill -KILL $$"], -9)):
        begun = time.monotonic()
        assert run(*words, options=["--strace"]).returncode == ends
        assert time.monotonic() - begun < 10
    assert not list((workspace / ".lineage" / "spool").glob("*.strace"))


def test_what_was_declared_and_never_read_and_the_other_way_round_is_told(workspace):
    for name in ("read.csv", "unread.csv", "more.csv"):
        (workspace / name).write_text(DATA + name)
    declared = ["--in", "read.csv", "--in", "unread.csv"]
    run("cat", "read.csv", "more.csv", options=["--name", "x", *declared])
    _, _, told = files_of(workspace, "x")
    shown = {
        name: str(told[name]).rpartition("/")[2]
        for name in ("declared_not_read", "read_not_declared")
    }
    assert shown == {"declared_not_read": "unread.csv", "read_not_declared": "more.csv"}


def test_what_could_not_be_seen_to_be_read_is_not_called_unread(workspace, tmp_path):
    (workspace / "data").mkdir()
    (tmp_path / "elsewhere.csv").write_text(DATA)
    for name in ("data/a.csv", "code.py"):
        (workspace / name).write_text(DATA + name)
    (workspace / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    declared = ["data", "code.py", "link.csv", "s3://bucket/x.csv"]
    options = [word for name in declared for word in ("--in", name)]
    run("cat", "data/a.csv", "code.py", "link.csv", options=["--name", "x", *options])
    _, _, told = files_of(workspace, "x")
    assert "declared_not_read" not in told and "read_not_declared" not in told


@pytest.mark.parametrize(
    ("target", "digest"),
    [
        (f".git/annex/objects/x7/9z/K/SHA256E-s124--{'a' * 64}.csv", f"sha256:{'a' * 64}"),
        (f"../.dvc/cache/files/md5/ab/{'c' * 30}", f"md5:ab{'c' * 30}"),
    ],
)
def test_data_that_another_tool_keeps_elsewhere_is_known_by_its_link(workspace, target, digest):
    (workspace / "data.csv").symlink_to(target)
    done = run("true", options=["--name", "x", "--in", "data.csv"])
    assert (done.returncode, done.stderr) == (0, "")
    with stored(workspace) as opened:
        [data] = [n for n in opened.show("run:x").nodes if n.kind == "Artifact"]
    assert data.attributes["digest"] == digest
    assert files_of(workspace, "x")[2]["declared_not_read"].endswith("data.csv")
