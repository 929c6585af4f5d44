# SPDX-License-Identifier: Apache-2.0
"""Stores of others beside ours: the same graph, the same questions, answers compared before any clock runs,
then asked in turns, all of them in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import lineage
from bench.document import Table
from bench.graph import Graph
from bench.measure import clock, judged, percentile, say, settle, shown, together, within
from bench.peers.contract import PAGE, Found, Peer, Rows, size
from lineage.model.record import Batch

#: What it is called in the table -> where it stands.
PEERS = {
    "DuckDB": "bench.peers.duckdb:DuckDB",
    "Ladybug": "bench.peers.ladybug:Ladybug",
    "pyoxigraph": "bench.peers.oxigraph:Oxigraph",
    "rustworkx": "bench.peers.rustworkx:Rustworkx",
}
#: Models that are asked for what produced them, and for what lies between the hub and them.
MODELS, BETWEEN = 40, 10
TEXT = "model-3@77"


class Ours(Peer):
    """Our store as users open it: every answer has a certificate, and says which entry it is of."""

    version = lineage.__version__

    def __init__(self, folder: Path) -> None:
        self._path = folder / "store" / "ours.db"
        self._db: Any = lineage.open(self._path)
        self._batches: Iterable[Batch] = ()

    def prepare(self, batches: Iterable[Batch]) -> None:
        """See ``Peer``: it takes what there is."""
        self._batches = batches

    def load(self) -> None:
        """See ``Peer``."""
        self._db.ingest(self._batches)
        # Closing moves the log of SQLite into the file.
        self._db.close()
        self._db = lineage.open(self._path)

    def upstream(self, model: str) -> Found:
        """See ``Peer``."""
        found = self._db.trace(model).found
        return found.node_rows, found.edge_rows

    def effects(self, hub: str) -> Found:
        """See ``Peer``."""
        found = self._db.impact(hub).found
        return found.node_rows, found.edge_rows

    def identifiers(self, hub: str) -> Collection[str]:
        """See ``Peer``."""
        return self._db.reach(hub).ids  # type: ignore[no-any-return]

    def counts(self, hub: str) -> Mapping[str, int]:
        """See ``Peer``."""
        return self._db.reach(hub, counts=True).kinds  # type: ignore[no-any-return]

    def between(self, hub: str, model: str) -> Found:
        """See ``Peer``."""
        found = self._db.ask(f'between(id:"{hub}", "{model}")').found
        return found.node_rows, found.edge_rows

    def failed(self) -> Rows:
        """See ``Peer``."""
        rows: Rows = self._db.ask("kind:run and status:failed", limit=PAGE).found.ordered_nodes
        return rows

    def find(self, text: str) -> Rows:
        """See ``Peer``."""
        rows: Rows = self._db.find(text, limit=PAGE).found.ordered_nodes
        return rows

    def close(self) -> None:
        """See ``Closeable``."""
        self._db.close()


class _Question(NamedTuple):
    """A line of the table: how it is asked, with what, how its answers compare, what of the times is
    shown, and which peer it is to be how many times faster than.
    """

    what: str
    method: str
    asked: Sequence[tuple[str, ...]]
    compared: Callable[[Any], Any]
    share: float = 0.5
    bound: tuple[str, float] | None = None


def measure(graph: Graph, folder: Path) -> Table:
    """The table; whoever is not here, or cannot be asked something, is there
    with the reason. Raises ``AssertionError`` for an answer that is not ours.
    """
    with ExitStack() as stack:
        sides, absent = _opened(folder, stack)
        loads = {name: _load(name, side, graph) for name, side in sides.items()}
        settle()
        lines: list[Sequence[str]] = []
        columns = ("ours", *PEERS)
        records = {name: shown(graph.records / seconds, "/s") for name, seconds in loads.items()}
        lines.append(_line("written or loaded, records", columns, records))
        kept = {
            name: shown(size(folder / name / "store") / graph.edges, "B")
            if side.keeps
            else "in memory"
            for name, side in sides.items()
        }
        lines.append(_line("on disk, an edge with its share of all", columns, kept))
        for method, questions in _grouped(_questions(graph, sides["ours"])).items():
            say(f"peers: {questions[0].what}")
            times = _times(method, questions[0], sides)
            lines += [_judged(question, columns, times, sides) for question in questions]
        head = [absent.get(name) or f"{name} {sides[name].version}" for name in PEERS]
        return Table(
            ("what", "ours", *head, "ours / best store of others", "bound", ""), lines, graph.told
        )


def _opened(folder: Path, stack: ExitStack) -> tuple[dict[str, Peer], dict[str, str]]:
    """Ours and every peer that is here, and why the others are not."""
    sides: dict[str, Peer] = {}
    absent: dict[str, str] = {}
    for name, place in {"ours": "bench.peers:Ours", **PEERS}.items():
        module, _, made = place.partition(":")
        try:
            kind = getattr(import_module(module), made)
        except ImportError as error:
            absent[name] = f"{name}, not here ({error})"
            continue
        (folder / name / "store").mkdir(parents=True)
        sides[name] = stack.enter_context(kind(folder / name))
    return sides, absent


def _load(name: str, side: Peer, graph: Graph) -> float:
    say(f"peers: {name} loads")
    side.prepare(graph.batches())
    settle()
    return clock(side.load)


def _questions(graph: Graph, ours: Peer) -> Iterable[_Question]:
    models = [(model,) for model in Random(3).sample(graph.models, min(MODELS, len(graph.models)))]
    hub = graph.hub
    below = set(ours.identifiers(hub)).intersection(graph.models)
    asked = sorted(below)
    pairs = [(hub, model) for model in Random(3).sample(asked, min(BETWEEN, len(asked)))]
    upstream = "upstream of a model, nodes and edges"
    many = len(ours.identifiers(hub))
    yield _Question(f"{upstream}, p50", "upstream", models, _sets, bound=("Ladybug", 3))
    yield _Question(f"{upstream}, p95", "upstream", models, _sets, share=0.95)
    effects = f"effects of the hub ({many:,} nodes)"
    yield _Question(f"{effects}: nodes and edges", "effects", [(hub,)], _sets)
    yield _Question(f"{effects}: identifiers", "identifiers", [(hub,)], sorted)
    yield _Question(f"{effects}: counts", "counts", [(hub,)], dict)
    yield _Question("between the hub and a model, p50", "between", pairs, _sets)
    yield _Question("the first fifty runs that failed", "failed", [()], _listed)
    yield _Question("find by a part of a name", "find", [(TEXT,)], _listed)


def _grouped(questions: Iterable[_Question]) -> dict[str, list[_Question]]:
    found: dict[str, list[_Question]] = {}
    for question in questions:
        found.setdefault(question.method, []).append(question)
    return found


def _times(method: str, question: _Question, sides: Mapping[str, Peer]) -> dict[str, list[float]]:
    """For each side that can be asked its times, one for each that was asked about."""
    able = {name: getattr(s, method) for name, s in sides.items() if method not in s.cannot}
    for asked in question.asked:
        expected = question.compared(able["ours"](*asked))
        for name, ask in able.items():
            assert question.compared(ask(*asked)) == expected, (name, method, asked)
    work = [[partial(ask, *asked) for ask in able.values()] for asked in question.asked]
    return dict(zip(able, together(work), strict=True))


def _judged(
    question: _Question,
    columns: Sequence[str],
    times: Mapping[str, list[float]],
    sides: Mapping[str, Peer],
) -> Sequence[str]:
    """The line of a question."""
    figures = {name: percentile(taken, question.share) for name, taken in times.items()}
    cannot = {name: side.cannot.get(question.method, "") for name, side in sides.items()}
    cells = {**cannot, **{name: shown(f, "ms") for name, f in figures.items()}}
    stores = [f for name, f in figures.items() if name != "ours" and sides[name].keeps]
    ratio = f"{figures['ours'] / min(stores):.2f}" if stores else ""
    bound = verdict = ""
    if question.bound:
        peer, least = question.bound
        bound, verdict = f">= {least:g}x as fast as {peer}", "not measured"
        if peer in figures:
            times_as_fast = figures[peer] / figures["ours"]
            bound += f" ({times_as_fast:.2f}x)"
            held, near = within(times_as_fast, least, least=True)
            verdict = judged(held=held, near=near)
    return _line(question.what, columns, cells, ratio, bound, verdict)


def _line(what: str, columns: Sequence[str], cells: Mapping[str, str], *rest: str) -> Sequence[str]:
    return (what, *(cells.get(name, "") for name in columns), *(rest or ("", "", "")))


def _sets(found: Found) -> tuple[frozenset[Any], frozenset[Any]]:
    """Nodes and edges as sets; an answer that has one twice is none."""
    nodes, edges = ([tuple(row[:4]) for row in rows] for rows in found)
    assert len(nodes) == len(set(nodes))
    assert len(edges) == len(set(edges))
    return frozenset(nodes), frozenset(edges)


def _listed(rows: Rows) -> list[tuple[str, ...]]:
    return [tuple(row) for row in rows]
