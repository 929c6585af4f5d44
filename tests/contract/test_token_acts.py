# SPDX-License-Identifier: Apache-2.0
"""Acts on tokens are entries of the ledger, and verify finds what was changed of them behind its back."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

import lineage
from lineage.app import open_store
from lineage.errors import NotFound, Usage
from lineage.ledger import log
from lineage.ledger.log import Draft
from lineage.model.record import Batch, Node
from lineage.services.operate.backup import back_up
from lineage.services.operate.replicate import copy
from lineage.services.operate.token_acts import draft
from lineage.services.operate.tokens import Keyring
from lineage.store.base import NOW
from lineage.store.paging import pages, values_under
from tests.conftest import KEY

#: Changes of what is kept, behind the store's back.
CHANGES = 120
ACT = Draft(
    source="s", importer="i", actor="ana", recorded="2026-01-01T00:00:00Z", note={"act": "x"}
)


@pytest.fixture
def opened(store):
    """The store through the public door."""
    return over(store)


def over(store):
    db = lineage.open("memory:", actor="ana", person_key=KEY)
    db.close()
    return lineage.Lineage(replace(db.context, store=store))


def write(store, number):
    said = Draft(source="one", importer="t", actor="ana", recorded="2026-01-01T00:00:00Z")
    return store.write(said, Batch(nodes=(Node(id=f"urn:n:{number}", kind="Entity"),)))


def test_an_act_is_an_entry_without_records_in_the_transaction_of_its_value(store):
    write(store, 1)
    assert store.keep({"a": b"1"}, {"a": None}, ACT)
    assert not store.keep({"a": b"2"}, {"a": None}, ACT)
    assert (store.head().size, store.values(["a"])) == (2, {"a": b"1"})
    write(store, 2)
    entries = list(pages(store))
    assert [(e.seq, e.added, e.retracted) for e in entries] == [(1, 1, 0), (2, 0, 0), (3, 1, 0)]
    act = entries[1]
    assert (act.body, act.lines(), list(act.changes())) == (b"", [], [])
    assert (act.source, act.importer, act.note) == ("s", "i", '{"act":"x"}')
    assert (act.records, act.leaf) == (log.digest([]), act.leaf_hash().hex())
    with closing(open_store("memory:")) as other:
        assert copy(store, other).root == store.head().root.hex()
        assert other.stats(NOW) == store.stats(NOW)
    store.rebuild_graph(lambda _seq, _size: None)
    assert set(store.get(["urn:n:1", "urn:n:2"], NOW)) == {"urn:n:1", "urn:n:2"}


def test_the_first_entry_of_a_store_may_be_an_act(store):
    assert store.keep({"a": b"1"}, {"a": None}, ACT)
    assert write(store, 1).seq == 2
    assert [entry.seq for entry in pages(store)] == [1, 2]


def test_tokens_that_are_added_and_revoked_are_in_the_ledger_and_verified(opened):
    first = opened.add_token("airflow", role="contributor").token
    second = opened.add_token("ana", role="admin").token
    opened.revoke_token(first.id)
    opened.revoke_token(first.id)
    notes = [entry.to_dict() for entry in opened.log().entries][::-1]
    assert [(n["actor"], n["note"]["act"], n["note"]["token"]) for n in notes] == [
        ("ana", "token-added", first.id),
        ("ana", "token-added", second.id),
        ("ana", "token-revoked", first.id),
    ]
    assert notes[0]["note"]["role"] == "contributor"
    assert opened.verify().state == "intact"


def test_a_token_is_replaced_by_one_like_it_at_once_or_after_a_while(store):
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    opened = lineage.Lineage(replace(over(store).context, clock=lambda: now[0]))
    first = opened.add_token("airflow", role="contributor", days=30, rate=60)
    second = opened.rotate_token(first.token.id, grace=10)
    alike = [(t.name, t.role, t.rate, t.expires - t.created) for t in (first.token, second.token)]
    assert alike[0] == alike[1]
    assert (first.secret != second.secret, first.token.id != second.token.id) == (True, True)

    def opens(secret):
        keyring = Keyring()
        keyring.refresh(opened.context)
        return keyring.authenticate(secret, now[0]) is not None

    assert (opens(first.secret), opens(second.secret)) == (True, True)
    assert opened.verify().state == "intact"
    now[0] += timedelta(minutes=9, seconds=59)
    assert opens(first.secret)
    now[0] += timedelta(seconds=1)
    assert (opens(first.secret), opens(second.secret)) == (False, True)
    assert [s.state for s in opened.tokens()].count("revoked") == 1
    third = opened.rotate_token(second.token.id)
    assert (opens(second.secret), opens(third.secret)) == (False, True)
    with pytest.raises(Usage, match="revoked"):
        opened.rotate_token(second.token.id)
    with pytest.raises(NotFound):
        opened.rotate_token("nothing")
    acts = [entry.to_dict()["note"]["act"] for entry in opened.log().entries][::-1]
    assert acts == ["token-added", "token-rotated", "token-rotated"]
    assert opened.verify().state == "intact"


def test_a_token_that_was_to_end_later_is_ended_at_once_and_stays_so(opened):
    first = opened.add_token("airflow", role="viewer")
    opened.rotate_token(first.token.id, grace=600)
    name = f"revoked/{first.token.id}"
    later = opened.context.store.values([name])
    assert opened.revoke_token(first.token.id).state == "revoked"
    assert opened.verify().state == "intact"
    opened.context.store.keep(later)
    assert [(f.code, f.entry) for f in opened.verify().findings] == [("token-differs", 3)]


def test_a_copy_has_no_tokens_and_a_backup_has_them_and_both_are_intact(opened, tmp_path):
    token = opened.add_token("ana", role="admin").token
    gone = opened.add_token("bob", role="viewer").token
    opened.revoke_token(gone.id)
    store = opened.context.store
    with closing(open_store("memory:")) as other:
        copy(store, other)
        assert over(other).tokens() == ()
        assert over(other).verify().state == "intact"
    back_up(store, tmp_path / "b.db")
    with closing(open_store(str(tmp_path / "b.db"))) as kept:
        assert [(s.token.id, s.state) for s in over(kept).tokens()] == [
            (s.token.id, s.state) for s in opened.tokens()
        ]
        assert {s.token.id for s in over(kept).tokens()} == {token.id, gone.id}
        assert over(kept).verify().state == "intact"


def test_whatever_else_is_kept_of_tokens_than_was_said_is_found(opened, engine):
    """Random changes of what is kept, one at a time."""
    store, random = opened.context.store, Random(7)
    for number in range(3):
        token = opened.add_token(f"t{number}", role="viewer").token
        if number:
            opened.revoke_token(token.id)
    kept = dict(values_under(store, ""))
    kept = {n: v for n, v in kept.items() if n.startswith(("token/", "revoked/"))}
    tried = 20 if engine.startswith("neo4j") else CHANGES
    for _ in range(tried):
        changed = tampered(random, kept)
        store.keep({name: changed.get(name) for name in {*kept, *changed}})
        codes = {finding.code for finding in opened.verify().findings}
        assert codes == (set() if only_less(kept, changed) else {"token-differs"}), changed
        store.keep({**dict.fromkeys(changed), **kept})
    assert opened.verify().state == "intact"


def tampered(random, kept):
    """What somebody made of the kept values: one dropped, renamed, given to another, or edited."""
    changed, name = dict(kept), random.choice(sorted(kept))
    how = random.randrange(5)
    if how == 0:
        del changed[name]
    elif how == 1:
        changed[name[:-1] + random.choice("abc")] = changed.pop(name)
    elif how == 2:
        changed[name] = changed[random.choice(sorted(kept))]
    elif how == 3:
        changed[name] = changed[name].replace(b"viewer", b"admin")
    else:
        data = bytearray(changed[name])
        data[random.randrange(len(data))] ^= 1 << random.randrange(7)
        changed[name] = bytes(data)
    return changed


def only_less(kept, changed):
    """Whether nothing but tokens was dropped: what is kept nowhere opens nothing, as in a copy."""
    tokens = {name for name in kept if name.startswith("token/")}
    return changed.items() <= kept.items() and kept.keys() - changed.keys() <= tokens


@pytest.mark.parametrize("what", ["role", "revocation", "unknown", "revocation of nobody"])
def test_each_change_is_told_with_its_token_and_entry(opened, what):
    store = opened.context.store
    token = opened.add_token("ana", role="viewer").token
    value = store.values([f"token/{token.id}"])[f"token/{token.id}"]
    subject, entry = f"token {token.id}", 1
    if what == "role":
        store.keep({f"token/{token.id}": value.replace(b"viewer", b"admin")})
    elif what == "revocation":
        opened.revoke_token(token.id)
        store.keep({f"revoked/{token.id}": None})
        entry = 2
    elif what == "unknown":
        store.keep({"token/AAAAAAAA": value})
        subject, entry = "token AAAAAAAA", None
    else:
        store.keep({"revoked/BBBBBBBB": b"2026"})
        subject, entry = "token BBBBBBBB", None
    verdict = opened.verify()
    assert (verdict.state, [(f.code, f.subject, f.entry) for f in verdict.findings]) == (
        "tampered",
        [("token-differs", subject, entry)],
    )


def test_an_entry_that_adds_a_revoked_token_again_changes_nothing(opened):
    store = opened.context.store
    token = opened.add_token("ana", role="viewer").token
    opened.revoke_token(token.id)
    value = store.values([f"token/{token.id}"])[f"token/{token.id}"]
    act = draft(opened.context, "added", token.id, value, {})
    assert store.keep({f"revoked/{token.id}": None, "x": b"1"}, {"x": None}, act)
    assert opened.verify().state == "tampered"


def test_tokens_may_be_added_and_revoked_while_verify_reads(opened, address, monkeypatch):
    store, writer, stack = opened.context.store, opened, ExitStack()
    if address != "memory:":
        writer = over(stack.enter_context(closing(open_store(address))))
    first = opened.add_token("ana", role="viewer").token
    real, more = store.values_under, ["one", "two"]

    def meanwhile(prefix, after=None, limit=1_000):
        found = real(prefix, after, limit)
        if more and prefix in ("token/", "revoked/"):
            name = more.pop()
            monkeypatch.setattr(store, "values_under", real)
            writer.add_token(name, role="viewer")
            Keyring().revoke(writer.context, first.id)
            monkeypatch.setattr(store, "values_under", meanwhile)
        return found

    monkeypatch.setattr(store, "values_under", meanwhile)
    with stack:
        assert opened.verify().state == "intact"
        assert more == []
        monkeypatch.undo()
        assert opened.verify().state == "intact"
