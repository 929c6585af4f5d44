# SPDX-License-Identifier: Apache-2.0
"""Joining runs with the files of their commits, and what the gaps of an answer cost.

``python -m bench.joins`` prints the rows: 20,000 runs of a tracker over a DVC history of 2,000 commits.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import lineage
from bench.measure import Row, at_most, clock, say, table
from lineage.model import kinds
from lineage.model.record import Batch, Edge, Node
from lineage.services.read import trace

COMMITS, RUNS = 2_000, 20_000
_REPEAT = 5
_LOCK = """version = 1
requires-python = ">=3.11"

[[package]]
name = "numpy"
version = "2.{0}.0"
source = {{ registry = "https://example.org/simple" }}
"""
_STAGE = """schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - path: data/raw.csv
      hash: md5
      md5: {0:032x}
    outs:
    - path: model.bin
      hash: md5
      md5: {1:032x}
"""


def measure(folder: Path) -> Iterator[Row]:
    """Joins beside the import of the same runs, and beside themselves at a quarter of the size; gaps
    beside the same walk without them.
    """
    say("joins: a DVC history")
    repository = folder / "project"
    commits = _history(repository)
    taken = {}
    for runs in (RUNS // 4, RUNS):
        say(f"joins: {runs:,} runs")
        with lineage.open(folder / f"{runs}.db", durability="fast") as store:
            for name in ("git", "dvc"):
                store.load(repository, named=name, joined=False)
            batches = list(_runs(commits, runs))
            imported = clock(lambda s=store, b=batches: s.ingest(b, source="mlflow:bench"))
            taken[runs] = imported, clock(store.join), clock(store.join)
            again = store.join()
            if again.added or again.retracted:
                raise AssertionError("joining again changed something")
    small, large = taken[RUNS // 4], taken[RUNS]
    yield at_most(f"join {RUNS:,} runs, beside writing them", large[1], large[0], 8, "s")
    yield at_most("join them again", large[2], large[0], 8, "s")
    yield at_most("join four times as many runs", large[1], small[1], 4.8, "s")
    with lineage.open(folder / f"{RUNS}.db", durability="fast") as store:
        yield from _gaps(store)


def _gaps(store: Any) -> Iterator[Row]:
    """Traces and impacts with their gaps, and without: as JSON, which is what an answer is."""
    for verb, reference in (("trace", "run:run-7"), ("impact", "data/table.csv")):

        def ask(verb: str = verb, reference: str = reference) -> None:
            getattr(store, verb)(reference).to_json()

        ask()
        with_gaps, without = [], []
        for _ in range(_REPEAT * 20 if verb == "trace" else _REPEAT):
            with_gaps.append(clock(ask))
            with mock.patch.object(trace, "of_walk", return_value=()):
                without.append(clock(ask))
        yield at_most(f"{verb} with its gaps", median(with_gaps), median(without), 1.05)


def _history(repository: Path) -> Sequence[str]:
    subprocess.run(["git", "init", "-q", "-b", "main", repository], check=True)
    stream = b"".join(_commit(number) for number in range(COMMITS))
    git = ["git", "-C", str(repository)]
    subprocess.run([*git, "fast-import", "--quiet"], input=stream, check=True)
    subprocess.run([*git, "checkout", "-q", "main"], check=True)
    said = subprocess.run(
        [*git, "rev-list", "--reverse", "main"], check=True, capture_output=True, text=True
    )
    return said.stdout.split()


def _commit(number: int) -> bytes:
    when = 1_700_000_000 + number * 60
    head = f"commit refs/heads/main\nmark :{number + 1}\ncommitter A <a@example.org> {when} +0000\n"
    lines = [head.encode(), _data(f"commit {number}")]
    if number:
        lines.append(f"from :{number}\n".encode())
    files = {
        "dvc.lock": _STAGE.format(number + 1, number + 10**6),
        "data/table.csv": "a,b\n" * 30 + str(number),
    }
    if number % 50 == 0:
        files["uv.lock"] = _LOCK.format(number)
    if number == 0:
        files |= {"train.py": "x", **{f"src/m{n}.py": f"{n}" * 40 for n in range(200)}}
    for path, text in files.items():
        lines += [f"M 100644 inline {path}\n".encode(), _data(text)]
    return b"".join(lines) + b"\n"


def _data(text: str) -> bytes:
    return f"data {len(text.encode())}\n{text}\n".encode()


def _runs(commits: Sequence[str], count: int) -> Iterator[Batch]:
    """Runs as an import of MLflow gives them: ten a commit, each with the table of its commit."""
    for start in range(0, count, 1_000):
        nodes: list[Node] = []
        edges: list[Edge] = []
        for number in range(start, start + 1_000):
            run, sha = f"urn:lineage:run:mlflow:lab/{number}", commits[number % len(commits)]
            data = f"urn:lineage:version:lab/table@mlflow:{number % len(commits):08x}"
            more = {"tag.mlflow.source.name": "train.py"}
            nodes.append(kinds.Run(id=run, label=f"run-{number}", more=more).node())
            nodes.append(
                kinds.DatasetVersion(id=data, label="table", more={"uri": "data/table.csv"}).node()
            )
            edges.append(Edge(relation="used", effect=run, cause=f"swh:1:rev:{sha}"))
            edges.append(Edge(relation="used", effect=run, cause=data))
        yield Batch(nodes=tuple(nodes), edges=tuple(edges))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="lineage-bench-") as name:
        print(table(list(measure(Path(name)))))
