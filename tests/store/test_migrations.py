# SPDX-License-Identifier: Apache-2.0
"""Stores of earlier layouts open, are migrated behind a backup, and verify with the same root."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

import lineage
from lineage.errors import StoreDamaged, StoreTooNew
from lineage.ledger.log import Draft
from lineage.model.record import Batch, Node
from lineage.services.exchange import quarantine, state
from lineage.services.operate import tokens
from lineage.store.base import NOW
from lineage.store.neo4j import migrations as neo4j_migrations
from lineage.store.sqlite import body, migrations
from tests.conftest import KEY, RELEASES, clock, neo4j_address
from tests.services.forging import B

OLD = Path(__file__).resolve().parents[1] / "old_stores"
#: The roots of the two ledgers: each was filled by itself, and exchange makes its own keys.
ROOT = "17d153ffdb0f73b2993c8d60696b7e750b7b1975f18bba7e217bdcb04effabb9"
ROOT_3 = "acd343f3f9be254033ab0a889cc8a65bc9b34305887438235ed2dd6760ee845b"
ROOT_4 = "9c30136e9d142934145e7e68bf7c4a3ddd7620cce02c16d875283d53bf7c3a86"
NEO4J_ROOT = "72e2d778f5f0a3e4306121ae52c801b42a12ccf9670dde7f8c7bcfaf3a592bf8"
ENGINES = ("sqlite", *(f"neo4j-{release}" for release in RELEASES))


def load(url):
    """Put the old Neo4j store into an empty database."""
    import neo4j

    old = json.loads((OLD / "layout-1.neo4j.json").read_text("utf-8"))
    auth = (os.environ.get("LINEAGE_NEO4J_USER", "neo4j"), os.environ["LINEAGE_NEO4J_PASSWORD"])
    with (
        neo4j.GraphDatabase.driver(url, auth=auth) as driver,
        driver.session(database="neo4j") as session,
    ):
        for statement in old["schema"]:
            session.run(statement).consume()
        ids = []
        for labels, properties in old["nodes"]:
            values = {k: _value(v) for k, v in properties.items()}
            text = f"CREATE (n:{':'.join(labels)}) SET n = $values RETURN elementId(n)"
            ids.append(session.run(text, values=values).single()[0])
        for begin, type_, end, properties in old["relationships"]:
            text = (
                "MATCH (a), (b) WHERE elementId(a) = $a AND elementId(b) = $b "
                f"CREATE (a)-[r:{type_}]->(b) SET r = $values"
            )
            session.run(text, a=ids[begin], b=ids[end], values=properties).consume()


def _value(value):
    return bytes.fromhex(value["$bytes"]) if isinstance(value, dict) else value


@pytest.fixture(params=ENGINES)
def old(request, tmp_path, monkeypatch):
    """The address of a store of layout 1, and where its backup is going to be."""
    monkeypatch.setenv("LINEAGE_BACKUPS", str(tmp_path / "backups"))
    if request.param == "sqlite":
        path = tmp_path / "store.db"
        shutil.copy(OLD / "layout-1.db", path)
        return str(path), migrations.backup_of(path, 1)
    url = neo4j_address(request.param.removeprefix("neo4j-"), request, monkeypatch)
    load(url)
    return url, neo4j_migrations.backup_of(url + "/neo4j", 1)


def test_a_store_of_layout_1_opens_and_is_what_it_was(old):
    url, _ = old
    with lineage.open(url, clock=clock) as store:
        verdict = store.verify()
        root = NEO4J_ROOT if "://" in url else ROOT
        assert (verdict.state, verdict.entries, verdict.root) == ("intact", 14, root)
        assert (store.stats().nodes, store.stats().edges) == (20, 15)
        assert store.context.person_key == KEY
        answer = store.trace("run:train", at=5)
        assert "urn:lineage:dataset:lab/iris" in answer.ids
        states = {item.name: item.state for item in quarantine.listed(store.context)}
        assert states == {"b/1": "accepted", "b/2": "rejected", "b/3": "waiting"}
        assert sorted(state.numbered(store.store, state.SENT, "b")) == [1, 2]
        assert [item.state for item in tokens.listed(store.context)] == ["valid", "revoked"]


def test_what_was_kept_in_layout_1_goes_on_working(old):
    """A package that waited is let in from its bytes, one that comes back is known again, and the
    next one has the next number.
    """
    from lineage.services.exchange.trust import Trust
    from tests.services.hostile import A
    from tests.services.test_exchange import a_trusts, policy

    url, _ = old
    with lineage.open(url, clock=clock) as store:
        trust = Trust.of(a_trusts(trust="quarantine"))
        assert quarantine.accept(store.context, "b/3", trust).unchanged
        assert store.package(None, policy("b"), A).statement.sequence == 3
        assert store.verify().state == "intact"
    assert B.name in str(trust)


def test_tokens_of_an_older_layout_are_verified_and_from_the_next_act_on_held_by_the_ledger(old):
    url, _ = old
    with lineage.open(url, clock=clock) as store:
        valid, revoked = store.tokens()
        kept = dict(store.store.values_under("", limit=10_000))
        token, gone = f"token/{valid.token.id}", f"revoked/{revoked.token.id}"
        for change in ({token: kept[token].replace(b'"role": "', b'"role": "x')}, {gone: None}):
            store.store.keep(change)
            assert {f.code for f in store.verify().findings} == {"token-differs"}
            store.store.keep({name: kept[name] for name in change})
        store.add_token("new", role="viewer")
        store.revoke_token(valid.token.id)
        assert (store.verify().state, store.verify().entries) == ("intact", 16)
        # What is kept of former tokens cannot be added to any more.
        store.store.keep({"token/planted": kept[token], f"before/{token[:-1]}": b"1"})
        assert store.verify().state == "tampered"


@pytest.mark.parametrize(
    ("engine", "layout"),
    [*((engine, layout) for engine in ENGINES for layout in (3, 4, 5)), ("sqlite", 6)],
)
def test_what_the_migration_shows_is_what_the_ledger_says(
    engine, layout, request, monkeypatch, tmp_path
):
    """Of random histories with partners, of things that are gone too."""
    url = str(tmp_path / "s.db")
    if engine != "sqlite":
        url = neo4j_address(engine.removeprefix("neo4j-"), request, monkeypatch)
    random = Random(layout)
    sources = ("x", "y", "partner:z/1", "partner:z/2")
    with lineage.open(url, clock=clock, person_key=KEY) as store:
        said = []
        for number in range(50):
            kind = random.choice(["Entity", "Dataset", "Artifact", "Run"])
            label = random.choice([None, "a", "b", "c"])
            more = {"lineage:x": random.randrange(3)} if random.random() < 0.5 else {}
            ident = f"urn:n:{random.randrange(6)}"
            node = Node(id=ident, kind=kind, label=label, attributes=more)
            source = random.choice(sources)
            draft = Draft(
                source=source, importer="t", actor="t", recorded=f"2026-01-01T{number:06}"
            )
            gone = [one for other, one in said if other == source and random.random() < 0.4]
            store.store.write(draft, Batch(nodes=(node,)), gone)
            said.append((source, node))
        for source in sources:
            draft = Draft(source=source, importer="t", actor="t", recorded="2026-01-02")
            mine = [n for other, n in said if other == source and n.id in ("urn:n:0", "urn:n:1")]
            store.store.write(draft, Batch(), mine)
        assert store.verify().state == "intact"
    as_layout(layout, url)
    with lineage.open(url, clock=clock) as store:
        verdict = store.verify()
        assert (verdict.state, verdict.findings) == ("intact", ())


def test_a_store_of_layout_3_opens_and_is_called_as_it_was_first(tmp_path):
    shutil.copy(OLD / "layout-3.db", tmp_path / "s.db")
    with sqlite3.connect(tmp_path / "s.db") as before:
        assert before.execute("SELECT label FROM node WHERE id = 'urn:m'").fetchone() == ("aaa",)
    before.close()
    with lineage.open(tmp_path / "s.db", clock=clock) as store:
        verdict = store.verify()
        assert (verdict.state, verdict.entries, verdict.root) == ("intact", 4, ROOT_3)
        assert [node.id for node in store.find("readmission@v3")] == ["urn:m"]
        assert [token.state for token in store.tokens()] == ["valid", "revoked"]


def test_a_store_of_layout_4_opens_and_shows_our_word_before_a_partners(tmp_path):
    shutil.copy(OLD / "layout-4.db", tmp_path / "s.db")
    purl, orcid = "pkg:pypi/pandas@2.2.0", "https://orcid.org/0000-0002-1825-0097"
    with lineage.open(tmp_path / "s.db", clock=clock) as store:
        verdict = store.verify()
        assert (verdict.state, verdict.entries, verdict.root) == ("intact", 6, ROOT_4)
        seen = store.store.get([purl, orcid, "https://b.example/m"], NOW)
        assert (seen[purl].label, seen[purl].attributes) == ("pandas 2.2.0", '{"version":"2.2.0"}')
        assert (seen[orcid].label, seen[orcid].kind) == ("Ada", "Person")
        assert seen["https://b.example/m"].label == "their model"


#: Indexes of nodes that layout 4 did not have.
NEWER = """
SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'node' AND sql IS NOT NULL"""
AS_LAYOUT_6 = (
    "DROP TABLE tally",
    "DROP TABLE named",
    "DROP TABLE node_name",
    "DROP INDEX edge_cause",
    "CREATE INDEX edge_cause ON edge (cause, relation, effect)",
)
AS_BEFORE = (
    "CREATE INDEX node_kind ON node (kind, label)",
    "UPDATE entry SET body = expanded(body)",
    """UPDATE statement AS s SET attributes = (SELECT n.attributes FROM node AS n WHERE n.key = s.node)
WHERE s.attributes = ''""",
    """UPDATE node SET label = (SELECT min(label) FROM statement WHERE node = node.key),
  kind = (SELECT min(kind) FROM statement WHERE node = node.key)
WHERE :layout < 5 AND (until IS NULL OR label IS NOT NULL) AND key IN (
  SELECT n.key FROM node n
  JOIN statement s ON s.node = n.key AND (s.until IS n.until OR :layout = 3)
  JOIN source ON source.key = s.source
  GROUP BY n.key HAVING :layout = 3 OR count(DISTINCT name LIKE 'partner:%') = 2)""",
)


def as_layout(layout, url):
    """Make a store what the layout was: each thing is shown with what sorts first of all that is said."""
    if "://" not in url:
        with sqlite3.connect(url) as connection:
            connection.create_function("expanded", 1, body.expanded)
            newer = connection.execute(NEWER).fetchall() if layout < 6 else ()
            for (index,) in newer:
                connection.execute(f"DROP INDEX {index}")
            for statement in (*AS_LAYOUT_6, *(AS_BEFORE if layout < 6 else ())):
                connection.execute(statement, {"layout": layout})
            connection.execute(f"PRAGMA user_version = {layout}")
        connection.close()
        return
    import neo4j

    auth = (os.environ.get("LINEAGE_NEO4J_USER", "neo4j"), os.environ["LINEAGE_NEO4J_PASSWORD"])
    with neo4j.GraphDatabase.driver(url, auth=auth) as driver:
        driver.execute_query(
            "MATCH (l:Ledger {one: 1}) SET l.layout = $layout", database_="neo4j", layout=layout
        )
        driver.execute_query("MATCH (n:Node) SET n.label = 'a'", database_="neo4j")


def test_the_second_opening_finds_nothing_to_migrate(old):
    url, backup = old
    with lineage.open(url) as store:
        values = list(store.store.values_under("", limit=10_000))
    assert backup.exists()
    backup.unlink()
    with lineage.open(url) as store:
        assert list(store.store.values_under("", limit=10_000)) == values
    assert not backup.exists()


def test_the_backup_is_the_store_as_it_was(old):
    url, backup = old
    lineage.open(url).close()
    assert backup.stat().st_mode & 0o077 == 0
    if backup.suffix == ".backup":
        with sqlite3.connect(backup) as copy, sqlite3.connect(OLD / "layout-1.db") as first:
            assert list(copy.iterdump()) == list(first.iterdump())
        return
    with gzip.open(backup) as lines:
        nodes = [json.loads(line) for line in lines]
    labels = sorted(node["labels"][0] for node in nodes)
    assert labels.count("LedgerEntry") == 14
    assert labels.count("LedgerHead") == 1
    assert {"person_key", "exchange/key/b"} <= {node["properties"].get("name") for node in nodes}


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "store.db"
    shutil.copy(OLD / "layout-1.db", path)
    broken = migrations.Migration(number=2, name="broken", text="CREATE TABLE kept (x); NONSENSE")
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "MIGRATIONS", (broken,))
        with pytest.raises(StoreDamaged):
            lineage.open(str(path))
    with sqlite3.connect(path) as left, sqlite3.connect(OLD / "layout-1.db") as first:
        assert list(left.iterdump()) == list(first.iterdump())
    with lineage.open(str(path)) as store:
        assert store.verify().root == ROOT


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    "at",
    [
        "_MOVE_VALUES",
        pytest.param("_MOVE_ENTRIES", marks=pytest.mark.deep),
        pytest.param("_FINISH", marks=pytest.mark.deep),
    ],
)
def test_a_migration_of_a_database_that_is_cut_off_is_taken_up_again(
    at, release, request, monkeypatch, tmp_path
):
    monkeypatch.setenv("LINEAGE_BACKUPS", str(tmp_path / "backups"))
    url = neo4j_address(release, request, monkeypatch)
    load(url)
    with monkeypatch.context() as patched:
        patched.setattr(neo4j_migrations, "_TOGETHER", 3)
        patched.setattr(neo4j_migrations, at, getattr(neo4j_migrations, at) + " NONSENSE")
        with pytest.raises(StoreDamaged, match="NONSENSE"):
            lineage.open(url)
    backup = neo4j_migrations.backup_of(url + "/neo4j", 1)
    first = backup.read_bytes()
    with lineage.open(url, clock=clock) as store:
        assert (store.verify().state, store.verify().root) == ("intact", NEO4J_ROOT)
        assert store.context.person_key == KEY
    assert backup.read_bytes() == first


@pytest.mark.parametrize("release", RELEASES)
def test_those_who_open_an_old_database_at_once_wait_for_one_migration(
    release, request, monkeypatch, tmp_path
):
    monkeypatch.setenv("LINEAGE_BACKUPS", str(tmp_path))
    url = neo4j_address(release, request, monkeypatch)
    load(url)

    def opened(_):
        with lineage.open(url) as store:
            verdict = store.verify()
            return verdict.state, verdict.root

    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(opened, range(3))) == {("intact", NEO4J_ROOT)}
    assert [path.name.endswith("layout-1.backup.jsonl.gz") for path in tmp_path.iterdir()] == [True]


def test_a_store_of_a_later_layout_is_refused_and_not_changed(tmp_path):
    path = tmp_path / "store.db"
    lineage.open(str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {migrations.LAYOUT + 1}")
        before = connection.serialize()
    with pytest.raises(StoreTooNew, match=f"layout {migrations.LAYOUT + 1}"):
        lineage.open(str(path))
    with sqlite3.connect(path) as connection:
        assert connection.serialize() == before


def test_a_store_that_another_migration_made_is_refused(tmp_path):
    path = tmp_path / "store.db"
    shutil.copy(OLD / "layout-1.db", path)
    lineage.open(str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE migration SET checksum = 'of another text'")
    connection.close()
    with pytest.raises(StoreDamaged, match="with another text"):
        lineage.open(str(path))


def test_a_migrated_file_is_laid_out_as_a_new_one_is(tmp_path):
    def layout(path):
        lineage.open(path).close()
        with sqlite3.connect(path) as file:
            rows = file.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        return {(*names, " ".join((text or "").split())) for *names, text in rows}

    for old in OLD.glob("*.db"):
        shutil.copy(old, tmp_path / old.name)
        assert layout(tmp_path / old.name) == layout(tmp_path / "new.db"), old


def test_migrations_are_numbered_without_gaps_up_to_the_layout_that_is_written():
    for engine in (migrations, neo4j_migrations):
        numbers = [migration.number for migration in engine.MIGRATIONS]
        assert numbers == list(range(2, engine.LAYOUT + 1))
        # Their texts never change: stores hold these.
        assert [m.checksum[:16] for m in engine.MIGRATIONS] == CHECKSUMS[engine.__name__]


CHECKSUMS = {
    "lineage.store.sqlite.migrations": [
        "479e56d777537444",
        "f9050d7ea9bbeebd",
        "6f49431b91ac6bce",
        "5fa9ab510e5e4a17",
        "345c65e35c3e1331",
        "32962640a10731cb",
    ],
    "lineage.store.neo4j.migrations": [
        "758c35fc41552bf1",
        "ecee0a1140a4750a",
        "6c6a0cdaebf51087",
        "fb3b20da04e9e591",
        "771fe321035daedd",
    ],
}


def test_a_term_of_a_batch_is_kept_when_it_is_first_used(old):
    url, _ = old
    with lineage.open(url) as store:
        assert not store.store.values_under("vocabulary/")
        store.ingest(lineage.Batch(nodes=(lineage.Node(id="urn:x", kind="Review"),)))
        names = [name for name, _ in store.store.values_under("vocabulary/")]
        assert names == ["vocabulary/Review"]
        assert store.store.get(["urn:x"], NOW)
