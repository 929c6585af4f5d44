# SPDX-License-Identifier: Apache-2.0
"""What capture adds to a run: to a program that does nothing, in a large repository, and to ``open()``."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import lineage
from bench.measure import Row, at_most, below, clock, rate, reported, say, shown, together
from lineage.capture.found import Budget
from lineage.capture.probes.digests import Known, digests_of

FILES, ROUNDS = 10_000, 15
#: Bytes of a file whose digests are taken.
LARGE = 256 << 20
#: A launcher that does nothing but start the program and end as it did.
_BARE = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"
_OURS = "from lineage.cli import main; main()"
#: Opens a file again and again, and says how many seconds of CPU each took; what begins a run, likewise.
_OPENS = """
import sys, time
def each():
    begun = time.process_time()
    for _ in range(20_000): open('data.csv').close()
    return (time.process_time() - begun) / 20_000
bare = min(each() for _ in range(5))
begun = time.process_time()
import lineage
run = lineage.run('x')
start = time.process_time() - begun
within = min(each() for _ in range(5))
print(within - bare, start)
"""
#: A loop that computes and reads as a training does, and says how long it took.
_LOOP = """
import random, sys, time
if sys.argv[1:]:
    import lineage
    lineage.run('x')
random.seed(3)
begun = time.perf_counter()
for step in range(600):
    rows = [line.split(',') for line in open('data.csv')]
    total = sum(random.random() * len(row) for row in rows * 10)
print(time.perf_counter() - begun)
"""


def measure(folder: Path) -> Iterator[Row]:
    """The rows; the store is on SQLite."""
    place = folder / "capture"
    _repository(place)
    lineage.open(place / ".lineage" / "store.db").close()
    say("capture: a program that does nothing")
    for words in (["true"], [sys.executable, "-c", "pass"]):
        ours, bare = [], []
        for _ in range(ROUNDS):
            ours.append(_taken([sys.executable, "-c", _OURS, "run", "--", *words], place))
            bare.append(_taken([sys.executable, "-c", _BARE, *words], place))
        called = Path(words[0]).name
        for number, what in enumerate(("wall", "CPU")):
            more = median(one[number] for one in ours) - median(one[number] for one in bare)
            yield below(f"`lineage run -- {called}`, {what} more than bare", more, 0.15)
    say("capture: open")
    (place / "data.csv").write_text("a,b\n" * 100)
    done = subprocess.run(
        [sys.executable, "-c", _OPENS], cwd=place, capture_output=True, text=True, check=True
    )
    more, start = map(float, done.stdout.split())
    yield below("`open()` inside of `lineage.run()`, CPU more", more, 2e-6)
    yield below("`import lineage` and the start of `lineage.run()`, CPU", start, 0.04)
    say("capture: a loop")
    ours, bare = [], []
    for _ in range(ROUNDS):
        ours.append(_loop(place, "captured"))
        bare.append(_loop(place))
    yield at_most("a loop that computes and reads, wall", median(ours), median(bare), 1.01)
    say("capture: digests")
    yield from _digests(place)
    yield reported("files in the repository", shown(FILES, ""))


def _loop(place: Path, *words: str) -> float:
    command = [sys.executable, "-c", _LOOP, *words]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _digests(place: Path) -> Iterator[Row]:
    """Four digests in one reading, beside the three by ``hashlib`` alone; and again, when they are remembered."""
    path = place / "large.bin"
    with path.open("wb") as file:
        for _ in range(LARGE >> 20):
            file.write(os.urandom(1 << 20))
    [[ours], [rival]] = together([[lambda: digests_of(path, Budget(600)), lambda: _three(path)]])
    yield rate("digests of a file, bytes", LARGE / ours, LARGE / rival, 0.8)
    time.sleep(3)  # what changed just now is not remembered
    with tempfile.TemporaryDirectory() as cache:
        known = Known(Path(cache) / "digests.db")
        found = digests_of(path, Budget(600))
        assert found is not None
        known.keep(path, path.stat(), found)
        assert known.of(path.stat()) == found, (
            "the file system is not one that is known to keep times"
        )
        again = median(clock(lambda: known.of(path.stat())) for _ in range(ROUNDS))
    yield at_most("digests that are remembered", again, ours, 0.01)
    path.unlink()


def _three(path: Path) -> None:
    each = [hashlib.new(name, usedforsecurity=False) for name in ("md5", "sha1", "sha256")]
    buffer = memoryview(bytearray(1 << 20))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(buffer):
            for one in each:
                one.update(buffer[:size])


def _repository(place: Path) -> None:
    for number in range(FILES):
        path = place / f"part{number % 100}" / f"file{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"x = {number}\n")
    (place / ".gitignore").write_text(".lineage/\n*.csv\n")
    who = ("-c", "user.name=bench", "-c", "user.email=bench@lab.example")
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", *words], cwd=place, check=True)
    (place / ".lineage").mkdir(mode=0o700)


def _taken(command: Sequence[str], place: Path) -> tuple[float, float]:
    """Seconds that a command took, on the wall and of CPU, its children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    subprocess.run(command, cwd=place, env=os.environ, check=True)
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
