# SPDX-License-Identifier: Apache-2.0
"""docs/reference/neo4j.md: its questions are asked of a real server, and answered as they stand there."""

from __future__ import annotations

import contextlib
import io
import re

import pytest

import lineage
from lineage.app import open_store
from lineage.services.operate import replicate
from lineage.store.base import NOW, Walk
from lineage.store.neo4j import labels
from tests.conftest import RELEASES, neo4j_address
from tests.docs.test_samples import made, written
from tests.store.test_cypher import ask, session

__all__ = ["made"]
BLOCK = re.compile(r"```(cypher|python)\n(.*?)```\n(?:```text\n(.*?)```\n)?", re.DOTALL)


@pytest.fixture(params=RELEASES)
def url(request, made, monkeypatch):
    """The demo's store, copied into a database."""
    address = neo4j_address(request.param, request, monkeypatch)
    with lineage.open(made / ".lineage" / "store.db") as demo:
        target = open_store(address)
        replicate.copy(demo.store, target)
        target.close()
    return address


def blocks(language):
    found = [b[1:] for b in BLOCK.findall(written("docs/reference/neo4j.md")) if b[0] == language]
    assert found
    return found


def table(result):
    """An answer as the page shows it."""
    keys = result.keys()
    rows = [keys, *(row.values() for row in result)]
    return "".join(" | ".join(map(shown, row)) + "\n" for row in rows) if keys else ""


def shown(value):
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    return value.to_native().isoformat() if hasattr(value, "to_native") else str(value)


def test_the_questions_have_the_answers_that_the_page_shows(url):
    asked = blocks("cypher")
    assert sum(bool(answer) for _, answer in asked) == 10
    with session(url) as opened:
        opened.run("CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()").consume()
        found = [(text, table(opened.run(text))) for text, _ in asked]
    with session(url) as opened:
        opened.run("DROP INDEX run_accuracy IF EXISTS").consume()
    assert found == asked


def test_the_classes_print_what_the_page_shows(url, monkeypatch):
    ((text, answer),) = blocks("python")
    monkeypatch.setattr(lineage, "open", lambda _shown, opening=lineage.open: opening(url))
    printed = io.StringIO()
    names = {}
    with contextlib.redirect_stdout(printed):
        exec(text, names)
    names["store"].close()
    assert printed.getvalue() == answer


def test_plain_cypher_and_the_store_answer_alike_on_the_demo(url):
    """From every thing of the demo: what produced it, and what it went into."""
    causes = "MATCH (s:Node) MATCH (s) ((a)-[e WHERE e.follow]->(b)){0,} (n) "
    effects = "MATCH (s:Node) MATCH (s) ((a)<-[e WHERE e.follow]-(b)){0,} (n) "
    with lineage.open(url) as opened:
        for toward, text in (("causes", causes), ("effects", effects)):
            rows = ask(url, text + "RETURN s.uid, collect(DISTINCT n.uid)")
            assert len(rows) == opened.stats().nodes
            for start, found in rows:
                walk = Walk(start=frozenset({start}), toward=toward)
                assert {n.id for n in opened.store.walk(walk, NOW).nodes} == set(found)


def test_the_page_names_every_property_and_type_that_there_is(url):
    page = written("docs/reference/neo4j.md")
    own = labels.properties.NODE | labels.properties.EDGE
    rows = ask(url, "MATCH ()-[r]->() WHERE startNode(r):Ledger RETURN DISTINCT type(r)")
    assert {name for name in own if f"`{name}`" not in page} == set()
    assert {type_ for (type_,) in rows if f"`{type_}`" not in page} == set()
