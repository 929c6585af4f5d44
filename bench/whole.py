# SPDX-License-Identifier: Apache-2.0
"""Work on a whole store, by the command: verified, exported, imported. Each runs in a process of its own,
which says how long it took and the most memory that it ever held.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from bench import alone
from bench.engines import stored
from bench.graph import Graph
from bench.measure import Row, above, below, reported, say, shown

#: The most memory that work of any size is to hold, in bytes.
_VERIFY, _STREAM = 150 << 20, 120 << 20


def measure(graph: Graph, folder: Path) -> Iterator[Row]:
    """The rows, on SQLite."""
    store = str(stored(graph, folder))
    say("whole: verify")
    ran = alone.lineage("--store", store, "verify", "--json")
    assert json.loads(ran.out)["state"] == "intact", ran.out
    yield below("verify, time", ran.seconds, 30, "s")
    yield below("verify, memory", ran.peak, _VERIFY, "MiB")
    for name in ("nquads", "json"):
        say(f"whole: export {name}")
        out = folder / f"whole.{name}"
        ran = alone.lineage("--store", store, "export", "--format", name, "--out", str(out))
        size = shown(out.stat().st_size, "MiB")
        yield reported(f"export {name} ({size}), records", shown(graph.records / ran.seconds, "/s"))
        yield below(f"export {name}, memory", ran.peak, _STREAM, "MiB")
    document = folder / "whole.json"
    fresh = ("--store", str(folder / "imported.db"))
    say("whole: import")
    ran = alone.lineage(*fresh, "import", str(document), "--json")
    yield above("import of that JSON, records", graph.records / ran.seconds, 60_000)
    yield below("import of that JSON, memory", ran.peak, _STREAM, "MiB")
    say("whole: import again")
    again = alone.lineage(*fresh, "import", str(document), "--json")
    assert not any(report["added"] for report in json.loads(again.out)["imports"]), again.out
    yield reported("the same again, nothing new", shown(again.seconds, "s"))
