# SPDX-License-Identifier: Apache-2.0
"""Engines for measuring: a new file, or a real server of our own."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.graph import Graph
from bench.measure import say, settle
from lineage.app import open_here
from lineage.store.base import Store

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools" / "neo4j"))


@lru_cache(maxsize=1)
def server(folder: Path) -> Any:
    """A server with room for a million edges; ``stop`` ends it."""
    from server import Server

    release = os.environ.get("BENCH_NEO4J", "5.26.31")
    running = Server.create(release, folder / "neo4j", heap="3g", page_cache="1g")
    running.start()
    os.environ["LINEAGE_NEO4J_USER"] = running.user
    os.environ["LINEAGE_NEO4J_PASSWORD"] = running.password
    return running


def stop(folder: Path) -> None:
    """End the server, if there is one, while its folder is still there."""
    if server.cache_info().currsize:
        server(folder).kill()


def wipe(folder: Path) -> None:
    """Empty the server's database."""
    import neo4j

    running = server(folder)
    auth = (running.user, running.password)
    with (
        neo4j.GraphDatabase.driver(running.url, auth=auth) as driver,
        driver.session(database="neo4j") as session,
    ):
        text = "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 20000 ROWS"
        session.run(text).consume()


@lru_cache(maxsize=1)
def stored(graph: Graph, folder: Path) -> Path:
    """A SQLite file that holds the graph, for those who do not measure how it gets there; they only read."""
    path = folder / "stored.db"
    say("a store of the graph, for all who read")
    with closing(open_here(str(path), durability="fast")) as opened:
        opened.ingest(graph.batches())
    settle()
    return path


def size(path: Path) -> int:
    """The bytes of a SQLite file, what is still in its log with it."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return path.stat().st_size


def open_ours(engine: str, folder: Path, name: str) -> Store:
    """An empty store of ours, as users get it: durable."""
    if engine == "sqlite":
        return open_here(str(folder / f"{name}.db")).store
    wipe(folder)
    return open_here(server(folder).url).store
