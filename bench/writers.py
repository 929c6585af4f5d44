# SPDX-License-Identifier: Apache-2.0
"""Processes that share one SQLite file, as jobs on one machine do: eight that write, and readers beside a
writer. ``python -m bench.writers`` prints the rows; with words it is one of the processes.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import lineage
from bench.graph import make
from bench.measure import Row, above, below, reported, say, shown, table
from bench.runs import a_run
from bench.served import begin, clients

EDGES, RUNS, WRITERS, READERS, SECONDS, ROUNDS = 100_000, 200, 8, 16, 6, 3


def measure(folder: Path) -> Iterator[Row]:
    """The rows; a process that fails ends the bench, and so does a commit that is not there."""
    store, models = folder / "writers.db", folder / "models.json"
    graph = make(EDGES)
    with lineage.open(store) as opened:
        opened.ingest(graph.batches())
    models.write_text(json.dumps(random.Random(5).sample(graph.models, 200)))
    rates, waits = zip(*(_writing(store, turn) for turn in range(ROUNDS)), strict=True)
    yield above(f"{WRITERS} processes that write, runs", median(rates), 1_300)
    yield below(f"{WRITERS} processes that write, longest wait", median(waits), 0.5)
    shares = []
    for turn in range(ROUNDS):
        say("writers: readers alone, then beside a writer")
        alone, _ = _reading(store, models, turn, writers=0)
        beside, written = _reading(store, models, turn, writers=1)
        shares.append((beside / alone, beside, alone, written))
    share, beside, alone, written = sorted(shares)[ROUNDS // 2]
    yield reported(
        f"{READERS} processes that read, answers",
        shown(beside, "/s"),
        f"{shown(alone, '/s')} alone",
    )
    yield above(
        f"{READERS} processes that read beside one that writes, of their rate", share, 0.9, "%"
    )
    yield reported("that one, runs", shown(written, "/s"))


def _writing(store: Path, turn: int) -> tuple[float, float]:
    """Commits a second of all writers together, and the longest that one of them took."""
    say(f"writers: {WRITERS} of them")
    before = _entries(store)
    found = clients("bench.writers", WRITERS, "write", str(store), str(turn), at_once=True)
    assert _entries(store) == before + WRITERS * RUNS
    seconds = max(end for *_, end in found)
    return WRITERS * RUNS / seconds, max(max(taken) for *taken, _ in found)


def _reading(store: Path, models: Path, turn: int, *, writers: int) -> tuple[float, float]:
    """Answers a second of all readers together, and runs a second of the writer."""
    words = (str(store), str(turn), str(models), str(READERS))
    found = clients("bench.writers", READERS + writers, "share", *words, at_once=True)
    answers = sum(number for kind, number in found if kind == "read")
    runs = sum(number for kind, number in found if kind == "wrote")
    return answers / SECONDS, runs / SECONDS


def _entries(store: Path) -> int:
    with lineage.open(store, create=False) as opened:
        return int(opened.stats().entries)


def _write(number: int, store: str, turn: int) -> list[float]:
    """A writer's whole work: what each commit took, and all of it since the beginning."""
    taken = []
    with lineage.open(store) as opened:
        start = begin()
        for run in range(RUNS):
            batch = a_run(f"{turn}-{number}-{run}")
            begun = time.perf_counter()
            opened.ingest(batch)
            taken.append(time.perf_counter() - begun)
        return [*taken, time.time() - start]


def _share(number: int, store: str, turn: int, models: str, readers: int) -> tuple[str, int]:
    """A reader, or the writer beside them, for some seconds: how much it did."""
    chosen, done = json.loads(Path(models).read_text()), 0
    picked = random.Random(number)
    with lineage.open(store) as opened:
        opened.trace(chosen[0])
        end = begin() + SECONDS
        while time.time() < end:
            if number < readers:
                opened.trace(picked.choice(chosen))
            else:
                opened.ingest(a_run(f"beside-{turn}-{done}"))
            done += 1
    return "read" if number < readers else "wrote", done


def main(number: str, word: str, store: str, turn: str, *rest: str) -> object:
    """One of the processes."""
    if word == "write":
        return _write(int(number), store, int(turn))
    models, readers = rest
    return _share(int(number), store, int(turn), models, int(readers))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(main(*sys.argv[1:])))
    else:
        with tempfile.TemporaryDirectory(prefix="lineage-bench-") as made:
            print(table(measure(Path(made))))
