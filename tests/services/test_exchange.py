# SPDX-License-Identifier: Apache-2.0
"""A package goes to a partner and comes back: what was sent, and what it meets."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lineage
from lineage import formats
from lineage.errors import (
    BadNamespace,
    InputMissing,
    Rejected,
    StoreBusy,
    UnknownFormat,
)
from lineage.formats import named, zip_writer
from lineage.ledger import merkle, seal
from lineage.ledger.checkpoint import InclusionProof
from lineage.model import kinds
from lineage.model.record import Batch, Edge, Node
from lineage.services.exchange import files, identifiers, send, state
from lineage.sources import zip_reader
from lineage.store.base import NOW as PRESENT
from tests.access.strategies import graphs
from tests.conftest import KEY
from tests.services import forging
from tests.services.forging import FIRST, NOW, A, B, C, forge
from tests.services.partners import (
    BACK,
    OURS,
    a_trusts,
    b_trusts,
    files_of,
    labels,
    local,
    names_in,
    policy,
    snapshot,
)

# --- the way there and back ------------------------------------------------------------------------


def there_and_back(a, b):
    """A tells b, b works with it and answers, a traces across; echoes add nothing."""
    a.ingest(OURS)
    sent = a.package(None, policy("b"), A)
    took = b.admit(sent.data, b_trusts(sent.pseudonyms))
    assert (took.state, took.report.added) == ("committed", len(OURS))
    assert "the model" in labels(b.trace("https://a.example/model"))
    before = snapshot(a)
    echo = b.package(None, BACK.encode(), B)
    got = a.admit(echo.data, a_trusts())
    assert (got.report.added, got.echoes) == (0, len(OURS))
    after = snapshot(a)
    assert (after[0], after[1], after[3]) == (before[0], before[1], before[3])
    (data,) = [n.id for n in b.ask("kind:dataset") if n.id.startswith(sent.pseudonyms)]
    b.ingest(
        Batch(
            nodes=(
                kinds.Run(id="https://b.example/run", label="their run").node(),
                kinds.ModelVersion(id="https://b.example/model", label="their model").node(),
            ),
            edges=(
                Edge(relation="used", effect="https://b.example/run", cause=data),
                Edge(
                    relation="used", effect="https://b.example/run", cause="https://a.example/model"
                ),
                Edge(
                    relation="wasGeneratedBy",
                    effect="https://b.example/model",
                    cause="https://b.example/run",
                ),
            ),
        )
    )
    shown = local(a)
    answer = b.package(None, BACK.encode(), B)
    got = a.admit(answer.data, a_trusts())
    assert (got.report.added, got.echoes, got.claims) == (5, len(OURS), 0)
    assert local(a) == shown
    assert {"their run", "their model"} <= labels(a.impact("urn:lineage:dataset:a-lab/data"))
    again = a.package(None, policy("b"), A)
    root = b.stats().root
    assert b.admit(again.data, b_trusts(sent.pseudonyms)).report.added == 0
    assert b.stats().root == root
    for store in (a, b):
        assert store.verify().state == "intact"


@pytest.mark.parametrize("engines", [("memory", "sqlite"), ("sqlite", "memory")], ids="-".join)
def test_what_comes_back_adds_nothing_and_what_is_new_joins(at, engines):
    there_and_back(*map(at, engines))


@pytest.mark.parametrize("engine", ["neo4j-2026.09.0"])
def test_neo4j_and_sqlite_exchange_as_any_two(at, address):
    there_and_back(at("sqlite"), at(address))


def test_a_pseudonym_leads_back_only_here(at):
    a, b = at(), at("sqlite")
    a.ingest(OURS)
    sent = a.package(None, policy("b"), A)
    b.admit(sent.data, b_trusts(sent.pseudonyms))
    seen = snapshot(b)
    assert "a-lab" not in repr(seen)
    assert "ana's run" not in repr(seen)
    other = a.package(None, policy("c"), C)
    mine, theirs = (names_in(package) for package in (sent, other))
    assert not {n for n in mine & theirs if n.startswith("urn:lineage:partner:")}


# --- what leaves -----------------------------------------------------------------------------------


def test_the_same_store_clock_and_policy_make_the_same_bytes(at):
    a, twin = at("sqlite"), at()
    for store in (a, twin):
        store.store.keep({"exchange/key/b": b"11" * 32})
        store.ingest(OURS)
    assert a.package(None, policy("b"), A).data == twin.package(None, policy("b"), A).data


def test_the_package_proves_that_it_is_in_our_ledger(at):
    a = at("sqlite")
    a.ingest(OURS)
    for number in (1, 2):
        sent = a.package(None, policy("b"), A)
        files = files_of(sent.data)
        proof = InclusionProof.of(files["proof.tlog-proof"].decode())
        found = proof.demand(merkle.leaf_hash(proof.extra), [A.public], origin=A.name)
        assert found.root == a.store.head().root
        (entry,) = a.store.headers(sent.entry - 1, 1, PRESENT)
        assert proof.extra == entry.preimage()
        assert (entry.source, entry.actor) == ("export:b", A.name)
        note = json.loads(entry.note)
        assert (note["sequence"], note["policy"]) == (number, sent.statement.policy)
        opened = seal.verify(files["envelope.dsse.json"], [A.public])
        assert json.loads(opened.payload)["predicate"]["audience"] == "b"
        assert "ana" not in repr({name: data for name, data in files.items() if "proof" in name})


def test_our_own_exports_do_not_leave(at):
    a = at()
    a.ingest(OURS)
    first = a.package(None, policy("c"), A)
    second = a.package(None, policy("b"), A)
    assert (first.nodes, first.edges) == (second.nodes, second.edges)
    assert b"export" not in files_of(second.data)["bundle.prov.json"]


def test_a_check_writes_nothing_and_shows_every_string_that_leaves(at):
    a = at("sqlite")
    a.ingest(OURS)
    before = snapshot(a)
    shown = send.check(a.context, None, files.policy_of(policy("b")), origin=A.name)
    assert snapshot(a) == before
    assert shown.check.more_strings == 0
    sent = a.package(None, policy("b"), A)
    told = {item.text for item in shown.check.strings} | set(shown.around)
    shown_again = send.check(a.context, None, files.policy_of(policy("b")), origin=A.name)
    batch = named("json").loads(files_of(sent.data)["bundle.prov.json"])
    for record in batch.records:
        for text in texts(record):
            of_names = text.startswith("urn:lineage:partner:b:") or text.endswith(" (pseudonym)")
            assert text in told or of_names, text
    assert shown_again.sequence == 2


def texts(record):
    if isinstance(record, Node):
        yield from filter(None, (record.id, record.label))
    else:
        yield from (record.effect, record.cause)
    for key, value in record.attributes.items():
        yield key
        yield str(getattr(value, "iri", value))


def test_what_no_partner_would_take_is_not_sent(at):
    a = at()
    a.ingest(Batch(nodes=(Node(id="https://a.example/x/../y", kind="Entity"),)))
    before = snapshot(a)
    with pytest.raises(BadNamespace, match="path") as caught:
        a.package(None, b"{partner: b, nodes: [{keep: {kind: Entity}}]}", A)
    assert "partner" in caught.value.hint
    assert snapshot(a)[1] == before[1]


def test_nothing_is_written_where_a_rendering_cannot_be_made(at, monkeypatch):
    a = at()
    a.ingest(OURS)
    entries = a.stats().entries
    monkeypatch.delitem(formats.BUILTIN, "trig")
    with pytest.raises(UnknownFormat):
        a.package(None, policy("b"), A)
    assert a.stats().entries == entries


def test_two_exports_at_once_cannot_both_have_a_number(at, monkeypatch):
    a = at("sqlite")
    a.ingest(OURS)
    keep = state.keep_bytes

    def faster(store, data):
        monkeypatch.setattr(state, "keep_bytes", keep)
        a.package("kind:commit", policy("b"), A)
        return keep(store, data)

    monkeypatch.setattr(state, "keep_bytes", faster)
    with pytest.raises(StoreBusy, match="sent/b"):
        a.package(None, policy("b"), A)
    assert a.package(None, policy("b"), A).statement.sequence == 2


def test_an_export_that_was_interrupted_is_made_again_without_another_entry(at, monkeypatch):
    a = at()
    a.ingest(OURS)
    with monkeypatch.context() as broken:
        broken.setattr(state, "keep", lambda *_: (_ for _ in ()).throw(StoreBusy("power cut")))
        with pytest.raises(StoreBusy):
            a.package(None, policy("b"), A)
    entries = a.stats().entries
    assert a.package(None, policy("b"), A).statement.sequence == 1
    assert a.stats().entries == entries


def test_a_name_of_two_spellings_has_one_that_crosses():
    for good in (
        "https://b.example/données/x?y=1#z",
        "https://b.example/%C3%A9",
        "urn:lineage:version:lab/my%20file.csv@md5:ab",
        "swh:1:rev:ab",
        "pkg:pypi/torch@2.1+cu118",
        "https://b.example/данные/データ.csv",
    ):
        assert identifiers.fault(good) is None
        assert identifiers.claimed("b", identifiers.claim("b", good)) == good
        assert identifiers.fault(identifiers.claim("b", identifiers.claim("b", good))) is None


def test_an_archive_is_read_as_it_was_written():
    files = {"b/c.txt": b"x" * 10_000, "a": b""}
    data = zip_writer.write(files)
    assert zip_reader.read(data, most_bytes=10_000, most_files=2, where="zip") == files
    assert zip_writer.write(dict(files)) == data


def test_a_document_that_breaks_the_constraints_of_prov_says_which(at):
    a = at()
    with pytest.raises(Rejected, match="prov-42"):
        a.admit(forge(forging.ITSELF).data, a_trusts())
    with pytest.raises(InputMissing, match="no trust file"):
        at("sqlite").admit(FIRST.data)


@settings(max_examples=60)
@given(graphs(), st.booleans())
def test_whatever_is_sent_comes_back_as_an_echo(batch, pinned):
    """Bundles, blank nodes, plans, unnamed ends and relations with names, known by name or not."""
    keep = (
        "{{partner: {}, digests: share, nodes: [{{keep: {{kind: [{}]}}}}, otherwise: pseudonymise],"
        " attributes: [{{keep: {{name: [label, license, stage, uri, see, 'prov:role']}}}}]}}"
    )
    for verbs in ("Run, Model, Artifact, DatasetVersion, Entity, Activity", "Model"):
        with (
            lineage.open("memory:", clock=lambda: NOW, person_key=KEY) as a,
            lineage.open("memory:", clock=lambda: NOW, person_key=KEY) as b,
        ):
            a.ingest(batch)
            try:
                sent = a.package(None, keep.format("b", verbs).encode(), A)
            except Rejected:
                continue
            b.admit(sent.data, b_trusts(sent.pseudonyms if pinned else "urn:x:y:"))
            everything = ", ".join(kinds.KINDS)
            back = b.package(None, keep.format("a", everything).encode(), B)
            before = snapshot(a)
            assert a.admit(back.data, a_trusts()).report.added == 0
            assert snapshot(a)[0] == before[0]
