# SPDX-License-Identifier: Apache-2.0
"""A thousand random edits of a store behind its back: verify names each that changes anything."""

from __future__ import annotations

import sqlite3
from random import Random

import pytest
from neo4j.exceptions import ConstraintError

import lineage
from lineage.app import open_store
from lineage.errors import LineageError, StoreDamaged
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Ref
from lineage.services.operate import verify
from lineage.store.memory import MemoryStore
from tests.conftest import KEY, RELEASES, clock, empty, neo4j_address

#: Edits of a Neo4j graph: some and many.
EDITS, FLIPS, GRAPH_EDITS = 800, 300, (20, 50)
#: Columns whose values nobody reads as content: inner keys that all agree anyway are not edited.
CONTENT = {
    "entry": (
        "source",
        "importer",
        "actor",
        "recorded",
        "note",
        "added",
        "retracted",
        "records",
        "body",
        "leaf",
    ),
    "head": ("size", "peaks"),
    "node": ("id", "kind", "label", "attributes", "since", "until"),
    "statement": ("source", "since", "until", "kind", "label", "attributes", "bundle"),
    "edge": (
        "relation",
        "cause",
        "variant",
        "source",
        "since",
        "until",
        "follow",
        "attributes",
        "id",
        "bundle",
    ),
    "source": ("name",),
}


def test_a_revocation_that_a_trigger_swallows_is_not_said_to_be_done(tmp_path):
    path = str(tmp_path / "s.db")
    with lineage.open(path) as store:
        token = store.add_token("ana", role="viewer").token
    with sqlite3.connect(path) as behind:
        behind.execute(
            "CREATE TRIGGER x BEFORE INSERT ON kept WHEN new.name LIKE 'revoked/%' "
            "BEGIN SELECT raise(ignore); END"
        )
    behind.close()
    with lineage.open(path) as store:
        with pytest.raises(StoreDamaged, match=token.id):
            store.revoke_token(token.id)
        assert {f.code for f in store.verify().findings} == {"storage-damaged", "token-differs"}


def fill(opened):
    for number in range(4):
        nodes = [
            Node(
                id=f"urn:n:{number}:{n}",
                kind="Run" if n % 2 else "Dataset",
                label=f"thing {n}",
                attributes={"name": f"n{n}", "metric.auc": n / 7},
            )
            for n in range(6)
        ]
        edges = [
            Edge(
                relation="used",
                effect=f"urn:n:{number}:{n}",
                cause=f"urn:n:{max(0, number - 1)}:{n - 1}",
                attributes={"prov:role": "training"} if n % 2 else {},
            )
            for n in range(1, 6)
        ]
        plan = {"prov:plan": Ref("urn:plan")}
        edges.append(
            Edge(relation="wasAssociatedWith", effect=nodes[1].id, cause="urn:who", attributes=plan)
        )
        opened.ingest(Batch(nodes=tuple(nodes), edges=tuple(edges)), source=f"source {number % 2}")
    from lineage.ledger.log import Draft

    gone = Node(id="urn:gone", kind="Dataset", label="gone")
    opened.ingest(Batch(nodes=(gone,)), source="source 1")
    draft = Draft(source="source 1", importer="api", actor="tester", recorded="2026")
    opened.store.write(draft, Batch(), [nodes[0], edges[0], gone])


@pytest.fixture
def original(tmp_path):
    path = tmp_path / "original.db"
    with lineage.open(
        path, clock=clock, person_key=KEY, actor="tester", durability="fast"
    ) as opened:
        fill(opened)
        assert opened.verify().state == "intact"
        opened.store._open.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def verdict(path):
    """What verify says; opening may already tell that the file is no store any more."""
    try:
        store = open_store(str(path), create=False, durability="fast")
    except LineageError:
        return "unknown", ()
    try:
        from lineage.services.context import Context

        ctx = Context(store=store, actor="tester", person_key=KEY)
        found = verify.verify(ctx, MemoryStore)
        return found.state, found.findings
    except LineageError:
        return "unknown", ()
    finally:
        store.close()


def content(path):
    """Everything a store says, or ``None`` where it cannot say it."""
    try:
        with sqlite3.connect(path) as db:
            return {t: sorted(map(repr, db.execute(f"SELECT * FROM {t}"))) for t in CONTENT}
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def anew(folder, data):
    """A store's file of these bytes, with no log beside it."""
    for left in folder.glob("edited.db*"):
        left.unlink(missing_ok=True)  # a connection to it that ends now takes its log away itself
    path = folder / "edited.db"
    path.write_bytes(data)
    return path


def other(random, value):
    """A value that is another one, of the same kind where that is possible."""
    if value is None:
        return random.choice([1, "x"])
    if isinstance(value, int):
        return value + random.choice([-1, 1, 1000])
    if isinstance(value, bytes):
        at = random.randrange(max(1, len(value)))
        return (
            value[:at] + bytes([value[at] ^ 1 << random.randrange(8)]) + value[at + 1 :]
            if value
            else b"x"
        )
    if isinstance(value, str) and value:
        at = random.randrange(len(value))
        return value[:at] + random.choice("xyz09{") + value[at + 1 :]
    return "x"


def edit(random, path):
    """One edit by SQL; ``None`` where it changed nothing."""
    with sqlite3.connect(path) as db:
        table = random.choice(sorted(CONTENT))
        count = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        offset = random.randrange(count)
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        row = db.execute(f"SELECT * FROM {table} LIMIT 1 OFFSET {offset}").fetchone()
        key = " AND ".join(f"{name} IS ?" for name in names)
        if random.random() < 0.15:
            db.execute(f"DELETE FROM {table} WHERE {key}", row)
            return f"deleted from {table}"
        column = random.choice(CONTENT[table])
        value = other(random, row[names.index(column)])
        if value == row[names.index(column)]:
            return None
        try:
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {key}", (value, *row))
        except sqlite3.IntegrityError:
            return None
        return f"{table}.{column}: {row[names.index(column)]!r} -> {value!r}"


def test_every_edit_by_sql_is_named(original, tmp_path):
    random, done = Random(7), 0
    before = content(original)
    while done < EDITS:
        path = anew(tmp_path, original.read_bytes())
        what = edit(random, path)
        if what is None or content(path) == before:
            continue
        done += 1
        state, findings = verdict(path)
        assert state != "intact", what
        assert state == "unknown" or findings, what


SLIPPED_IN = {
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON node BEGIN DELETE FROM edge; END",
    "a view": "CREATE VIEW things AS SELECT * FROM node",
    "a table": "CREATE TABLE notes (text TEXT)",
    "an index": "CREATE INDEX mine ON node (label)",
    "a count": "UPDATE tally SET number = number + 1 WHERE of = 'edge'",
    "no counts": "DELETE FROM tally",
    "names said to be indexed": "UPDATE named SET last = (SELECT max(key) FROM node)",
    "described": "UPDATE node SET described = 0 WHERE id = 'urn:n:1:1'",
    "not described": "UPDATE node SET described = 1 WHERE id = 'urn:plan'",
    "a slot": "UPDATE statement SET slot = 7 WHERE node = (SELECT key FROM node WHERE label = 'thing 2')",
}


@pytest.mark.parametrize("what", SLIPPED_IN)
def test_what_is_slipped_in_beside_the_content_is_named(what, original):
    with sqlite3.connect(original) as db:
        db.execute(SLIPPED_IN[what])
    state, findings = verdict(original)
    assert (state, {finding.code for finding in findings}) == ("tampered", {"storage-damaged"})


def test_the_statistics_of_the_database_itself_are_no_fault(original):
    with sqlite3.connect(original) as db:
        db.execute("ANALYZE")
    assert verdict(original)[0] == "intact"


def test_every_flipped_byte_that_changes_content_is_named(original, tmp_path):
    random, changed = Random(11), 0
    before, data = content(original), original.read_bytes()
    for _ in range(FLIPS):
        flipped = bytearray(data)
        at = random.randrange(100, len(flipped))
        flipped[at] ^= 1 << random.randrange(8)
        path = anew(tmp_path, flipped)
        if content(path) == before:
            continue
        changed += 1
        assert verdict(path)[0] != "intact", at
    assert changed > FLIPS / 15


@pytest.mark.parametrize("release", RELEASES)
def test_every_edit_of_a_graph_is_named(release, request, monkeypatch, extent):
    url = neo4j_address(release, request, monkeypatch)
    random = Random(13 + extent)
    source = MemoryStore()
    from lineage.services.context import Context
    from lineage.services.operate.replicate import copy

    filled = lineage.Lineage(Context(store=source, actor="tester", person_key=KEY, clock=clock))
    fill(filled)
    for _ in range(GRAPH_EDITS[extent]):
        empty(url)
        store = open_store(url)
        copy(source, store)
        try:
            what = None
            while what is None:
                what = edit_graph(random, store)
            ctx = Context(store=store, actor="tester", person_key=KEY)
            assert verify.verify(ctx, MemoryStore).state != "intact", what
        finally:
            store.close()


def edit_graph(random, store):
    nodes = ["kind", "label", "attributes", "since", "claims", "name", "uid", "param.lr", "status"]
    edges = ["variant", "follow", "attributes", "asserted_by", "asserted_since", "since", "key"]
    past = [
        "type",
        "effect",
        "cause",
        "variant",
        "follow",
        "attributes",
        "source",
        "since",
        "until",
    ]
    entries = ["source", "actor", "recorded", "added", "records", "leaf", "note", "body"]
    pattern, names = random.choice(
        [
            ("(x:Node)", nodes),
            ("(:Node)-[x]->(:Node)", edges),
            ("()-[x:LEDGER_ENTRY]->()", entries),
            ("()-[x:PAST_NODE]->()", ["uid", "since", "until", "claim"]),
            ("()-[x:PAST_EDGE]->()", past),
            ("()-[x:GONE_NODE]->()", ["uid", "kind", "label", "attributes", "since", "until"]),
            ("(x:Ledger {one: 1})", ["size", "peaks"]),
        ]
    )
    name = random.choice(names)
    with store.driver.session(database="neo4j") as session:
        rows = session.run(f"MATCH {pattern} RETURN elementId(x), x[$name]", name=name).values()
        chosen, value = random.choice(rows)
        if random.random() < 0.15 and pattern not in ("(x:Node)", "(x:Ledger {one: 1})"):
            session.run(f"MATCH {pattern} WHERE elementId(x) = $id DELETE x", id=chosen).consume()
            return f"deleted {pattern}"
        changed = (
            [*value, *(value[:1] or ["[]"])] if isinstance(value, list) else other(random, value)
        )
        if isinstance(value, bool):
            changed = not value
        if changed == value:
            return None
        try:
            session.run(
                f"MATCH {pattern} WHERE elementId(x) = $id SET x.`{name}` = $value",
                id=chosen,
                value=changed,
            ).consume()
        except ConstraintError:  # the server itself keeps two things from having one name
            return None
        return f"{pattern} {name}: {value!r} -> {changed!r}"
