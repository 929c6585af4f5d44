# SPDX-License-Identifier: Apache-2.0
"""Two institutions and a hostile third: what leaves, what is let in, and what never changes."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lineage
from lineage import formats
from lineage.errors import (
    BadInput,
    BadNamespace,
    BadSignature,
    Expired,
    InputMissing,
    LineageError,
    NotFound,
    Rejected,
    StoreBusy,
    UnknownFormat,
    Usage,
    WrongSequence,
)
from lineage.formats import named, zip_writer
from lineage.ledger import merkle, seal
from lineage.ledger.checkpoint import Proof
from lineage.model import kinds
from lineage.model.record import Batch, Edge, Node
from lineage.services.exchange import kept, names, ownership, quarantine, send, tie
from lineage.services.exchange.trust import Trust
from lineage.sources import zip_reader
from lineage.store.base import NOW as PRESENT
from lineage.store.base import pages
from tests.access.test_redact import graphs
from tests.conftest import KEY
from tests.services import hostile
from tests.services.hostile import CASES, FIRST, NOW, A, B, C, document, forge

DIGEST = "ab" * 32
CONTENT = f"urn:lineage:content:sha256:{DIGEST}"
COMMIT = "swh:1:rev:" + "a1" * 20
#: What a holds: a pipeline under its own names and under those that everybody uses.
OURS = Batch(
    nodes=(
        kinds.ModelVersion(id="https://a.example/model", label="the model").node(),
        kinds.Run(id="https://a.example/run", label="ana's run").node(),
        kinds.Dataset(id="urn:lineage:dataset:a-lab/data", label="the data", name="data").node(),
        kinds.Person(id="urn:lineage:person:1", label="Ana", name="Ana").node(),
        kinds.Commit(id=COMMIT, label="a commit").node(),
        kinds.Content(id=CONTENT, label="some bytes", digest=f"sha256:{DIGEST}").node(),
    ),
    edges=tuple(
        Edge(relation=relation, effect=effect, cause=cause, attributes=attributes)
        for relation, effect, cause, attributes in (
            ("wasGeneratedBy", "https://a.example/model", "https://a.example/run", {}),
            (
                "used",
                "https://a.example/run",
                "urn:lineage:dataset:a-lab/data",
                {"prov:role": "in"},
            ),
            ("used", "https://a.example/run", COMMIT, {}),
            ("wasAssociatedWith", "https://a.example/run", "urn:lineage:person:1", {}),
            ("alternateOf", "urn:lineage:dataset:a-lab/data", CONTENT, {"method": "digest"}),
            ("alternateOf", CONTENT, "urn:lineage:dataset:a-lab/data", {"method": "digest"}),
        )
    ),
)
#: What a says itself of something that is b's.
KNOWN = Batch(nodes=(kinds.Dataset(id="https://b.example/known", label="as we know it").node(),))
POLICY = """
partner: {partner}
nodes:
  - keep: {{kind: [Model, ModelVersion, Commit, Content, Entity, Activity]}}
  - keep: {{id: "https://*"}}
  - pseudonymise: {{kind: [Run, Person, Dataset]}}
attributes:
  - keep: {{kind: Dataset, name: label}}
  - keep: {{kind: ModelVersion, name: label}}
  - keep: {{name: ["prov:role", reason]}}
digests: share
"""
#: Everything that b holds goes back under the names that it has.
BACK = """
partner: a
nodes:
  - keep: {kind: [Run, Model, ModelVersion, Dataset, Commit, Content, Entity, Activity, Person]}
attributes:
  - keep: {name: [label, "prov:role"]}
digests: share
"""


def policy(partner):
    return POLICY.format(partner=partner).encode()


def trusting(us, spaces, **partners):
    """A trust file; partners as (key, namespaces, more)."""
    listed = {
        name: {"keys": [key.public.to_text()], "origin": key.name, "namespaces": theirs, **more}
        for name, (key, theirs, more) in partners.items()
    }
    return json.dumps({"us": {"name": us, "namespaces": spaces}, "partners": listed}).encode()


def a_trusts(**more):
    return trusting(
        "a",
        ["https://a.example/", "urn:lineage:dataset:a-lab/"],
        b=(B, ["https://b.example/"], {"trust": "auto", **more}),
        c=(C, ["https://c.example/"], {"trust": "auto"}),
    )


def b_trusts(pseudonyms, **more):
    spaces = ["https://a.example/", pseudonyms]
    return trusting("b", ["https://b.example/"], a=(A, spaces, {"trust": "auto", **more}))


@pytest.fixture
def at(tmp_path, request):
    """Open stores by engine; the clock is ``NOW`` unless it is set."""
    opened = []
    time = [NOW]

    def get(engine="memory", actor="ana"):
        url = str(tmp_path / f"{len(opened)}.db") if engine == "sqlite" else f"{engine}:"
        if engine.startswith(("neo4j", "bolt")):
            url = engine
        store = lineage.open(
            url, clock=lambda: time[0], person_key=KEY, actor=actor, durability="fast"
        )
        opened.append(store)
        return store

    get.time = time
    yield get
    for store in opened:
        store.close()


def snapshot(store):
    """Everything that a store holds: nodes with all claims, the ledger, the settings."""
    store = store.store
    idents = store.identifiers(None, 10_000, PRESENT)
    return (
        dict(store.held(idents, PRESENT)),
        [entry.leaf for entry in pages(store)],
        dict(store.values_under("", limit=10_000)),
        store.head().root,
    )


def local(store):
    """What is shown and said of every node by other sources than partners."""
    store = store.store
    idents = store.identifiers(None, 10_000, PRESENT)
    found = {}
    for ident, held in store.held(idents, PRESENT).items():
        own = [c for c in held.claims if not c.source.startswith(ownership.SOURCE)]
        if any(isinstance(c.record, Node) for c in own):
            found[ident] = (held.row, held.since, held.until, own)
    return found


def labels(answer):
    return {node.title for node in answer.nodes}


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


def names_in(package):
    batch = named("json").loads(files_of(package.data)["bundle.prov.json"])
    return {node.id for node in batch.nodes}


def files_of(data):
    return zip_reader.read(data, most_bytes=10**8, most_files=20, where="package")


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
        proof = Proof.of(files["proof.tlog-proof"].decode())
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
    shown = send.check(a.context, None, send.policy_of(policy("b")), origin=A.name)
    assert snapshot(a) == before
    assert shown.check.more_strings == 0
    sent = a.package(None, policy("b"), A)
    told = {item.text for item in shown.check.strings} | set(shown.around)
    shown_again = send.check(a.context, None, send.policy_of(policy("b")), origin=A.name)
    batch = named("json").loads(files_of(sent.data)["bundle.prov.json"])
    for record in batch.records:
        for text in texts(record):
            assert text in told or text.startswith("urn:lineage:partner:b:"), text
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
    keep = kept.keep_bytes

    def faster(store, data):
        monkeypatch.setattr(kept, "keep_bytes", keep)
        a.package("kind:commit", policy("b"), A)
        return keep(store, data)

    monkeypatch.setattr(kept, "keep_bytes", faster)
    with pytest.raises(StoreBusy, match="sent/b"):
        a.package(None, policy("b"), A)
    assert a.package(None, policy("b"), A).statement.sequence == 2


def test_an_export_that_was_interrupted_is_made_again_without_another_entry(at, monkeypatch):
    a = at()
    a.ingest(OURS)
    with monkeypatch.context() as broken:
        broken.setattr(kept, "keep", lambda *_: (_ for _ in ()).throw(StoreBusy("power cut")))
        with pytest.raises(StoreBusy):
            a.package(None, policy("b"), A)
    entries = a.stats().entries
    assert a.package(None, policy("b"), A).statement.sequence == 1
    assert a.stats().entries == entries


# --- what is let in --------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def victim(request, tmp_path_factory):
    """A store that has sent something to b and taken b's first package."""
    url = "memory:"
    if request.param == "sqlite":
        url = str(tmp_path_factory.mktemp("victim") / "store.db")
    with lineage.open(url, clock=lambda: NOW, person_key=KEY, durability="fast") as store:
        store.ingest([OURS, KNOWN])
        store.package(None, policy("b"), A)
        assert store.admit(FIRST.data, a_trusts()).state == "committed"
        yield store


def issued(store):
    """Finds the name that b was given for something, by the end of ours."""
    known = {}
    for package in kept.numbered(store.store, kept.SENT, "b").values():
        known.update(json.loads(kept.bytes_of(store.store, package["issued"]))["names"])

    def name(ending):
        (found,) = [new for new, old in known.items() if old and old.endswith(ending)]
        return found

    return name


TIGHT = a_trusts(max_bytes=1_000_000, max_records=100)


def test_there_are_more_than_sixty_hostile_packages_and_an_honest_one_is_taken(at):
    assert len(CASES) >= 60
    a = at()
    a.ingest(OURS)
    a.admit(FIRST.data, TIGHT)
    assert a.admit(forge(document(entity={"b:n": {}}), after=FIRST).data, TIGHT).report.added == 1


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_package_is_named_and_changes_nothing(victim, name):
    code, bundle, odd = CASES[name]
    if callable(bundle):
        bundle = bundle(issued(victim))
    forged = forge(**({} if bundle is None else {"bundle": bundle}), after=FIRST, **odd)
    before = snapshot(victim)
    with pytest.raises(LineageError) as caught:
        victim.admit(forged.data, TIGHT)
    assert caught.value.code == code, caught.value
    assert caught.value.hint
    assert snapshot(victim) == before


#: What may be said, for it is only a claim: nothing of ours is other than before.
CLAIMS = {
    "our commit, described": hostile.entity("i:x", **{"prov:label": "x"})
    | {"entity": {COMMIT: {"prov:label": "evil"}}},
    "our bytes under a false name": document(
        entity={CONTENT: {"prov:label": "evil", "lineage:digest": "sha256:00"}, "b:evil": {}},
        alternateOf={
            "_:t": {
                "prov:alternate1": "b:evil",
                "prov:alternate2": CONTENT,
                "lineage:method": "digest",
            }
        },
    ),
    "something of c, revoked": hostile.relation(
        "wasInvalidatedBy", "entity", "c:data", "activity", "b:revocation"
    ),
    "a word of PROV": hostile.entity("prov:Entity", **{"prov:label": "evil"}),
    "their own, which we described": hostile.entity("b:known", **{"prov:label": "evil"}),
    "a claim in our words": hostile.entity("urn:lineage:claim:c:https%3A%2F%2Fa.example%2Fmodel"),
    "a name of ours that is not there": hostile.relation(
        "used", "activity", "b:run", "entity", "a:missing"
    ),
    "a person of ours": hostile.document(agent={"urn:lineage:person:1": {"prov:label": "Eve"}}),
    "a run of a tracker": hostile.document(activity={"urn:lineage:run:mlflow:lab/1": {}}),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_about_what_is_not_theirs_changes_nothing_of_ours(at, name):
    a = at("sqlite")
    a.ingest([OURS, KNOWN])
    before = local(a)
    found = a.admit(forge(CLAIMS[name]).data, a_trusts())
    assert found.report.added
    assert found.claims == 1
    assert local(a) == before
    added = set(a.store.identifiers(None, 1_000, PRESENT)) - before.keys()
    assert all(i.startswith(("urn:lineage:claim:b:", "https://b.example/")) for i in added)


def test_equal_bytes_meet_by_their_digest_only_where_they_are_held(at):
    a, without = at(), at()
    a.ingest(OURS)
    package = forge(CLAIMS["our bytes under a false name"]).data
    assert a.admit(package, a_trusts()).joined == 1
    assert without.admit(package, a_trusts()).joined == 0
    reached = a.impact("urn:lineage:dataset:a-lab/data")
    assert "https://b.example/evil" in {node.id for node in reached}
    (claim,) = (
        c for c in a.store.held([CONTENT], PRESENT)[CONTENT].claims if c.source == "partner:b"
    )
    assert claim.record.relation == "alternateOf"


def test_blank_nodes_of_two_packages_never_meet(at):
    a = at()
    blank = "urn:lineage:blank:x"
    first = forge(document(entity={blank: {"prov:label": "one"}}))
    a.admit(first.data, a_trusts())
    a.admit(forge(document(entity={blank: {"prov:label": "two"}}), after=first).data, a_trusts())
    found = [n for n in a.find() if "blank" in n.id]
    assert sorted(n.label for n in found) == ["one", "two"]
    assert {names.claimed("b", node.id) for node in found} == {blank}


def test_the_same_package_again_is_already_there_even_when_it_has_expired(at):
    a = at("sqlite")
    assert a.admit(FIRST.data, a_trusts()).state == "committed"
    before = snapshot(a)
    at.time[0] = NOW + timedelta(days=1_000)
    assert a.admit(FIRST.data, a_trusts()).state == "already"
    assert snapshot(a) == before
    with pytest.raises(Expired):
        a.admit(forge(after=FIRST).data, a_trusts())


def test_a_gap_is_refused_until_somebody_accepts_it(at):
    a = at()
    a.admit(FIRST.data, a_trusts())
    second = forge(document(entity={"b:two": {}}), after=FIRST)
    third = forge(document(entity={"b:three": {}}), after=second)
    with pytest.raises(WrongSequence) as caught:
        a.admit(third.data, a_trusts())
    assert "--accept-gap" in caught.value.hint
    found = a.admit(third.data, a_trusts(), accept_gap=True)
    assert (found.state, found.gap) == ("committed", True)
    with pytest.raises(WrongSequence, match="too late"):
        a.admit(second.data, a_trusts(), accept_gap=True)


def test_an_interrupted_import_is_finished_by_the_next(at, monkeypatch):
    a = at("sqlite")
    with monkeypatch.context() as broken:
        broken.setattr(type(a.store), "write", lambda *_: (_ for _ in ()).throw(StoreBusy("cut")))
        with pytest.raises(StoreBusy):
            a.admit(FIRST.data, a_trusts())
    assert a.stats().nodes == 0
    assert a.admit(FIRST.data, a_trusts()).report.added == 5
    assert a.admit(FIRST.data, a_trusts()).state == "already"


def test_a_package_taken_by_two_at_once_is_there_once(at):
    a = at("sqlite")
    found = []

    def take():
        try:
            found.append(a.admit(FIRST.data, a_trusts()).state)
        except StoreBusy:
            found.append("busy")

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) <= {"committed", "already", "busy"}
    assert a.stats().entries == 1


# --- quarantine ------------------------------------------------------------------------------------


def waits(store, package=FIRST):
    assert store.admit(package.data, a_trusts(trust="quarantine")).state == "quarantined"


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_a_package_that_waits_changes_no_answer_until_a_steward_accepts_it(at, engine):
    a = at(engine)
    a.ingest(OURS)
    before = snapshot(a)
    waits(a)
    assert snapshot(a)[:2] == before[:2]
    trust = Trust.of(a_trusts(trust="quarantine"))
    (waiting,) = quarantine.listed(a.context)
    assert (waiting.name, waiting.state) == ("b/1", "waiting")
    shown = quarantine.show(a.context, "b/1", trust)
    assert (shown.kinds, shown.relations) == (
        {"Activity": 1, "Entity": 2},
        {"used": 1, "wasGeneratedBy": 1},
    )
    assert snapshot(a)[:2] == before[:2]
    assert a.admit(FIRST.data, a_trusts(trust="quarantine")).state == "already"
    report = quarantine.accept(a.context, "b/1", trust)
    assert (report.added, report.source) == (5, "partner:b")
    (entry,) = a.store.headers(report.entries[0] - 1, 1, PRESENT)
    assert (entry.actor, json.loads(entry.note)["accepted"]) == ("b", "ana")
    assert quarantine.accept(a.context, "b/1", trust).added == 0
    assert quarantine.listed(a.context)[0].actor == "ana"
    assert a.verify().state == "intact"


def test_a_package_turned_away_stays_away_and_the_next_may_come(at):
    a = at("sqlite")
    waits(a)
    with pytest.raises(Usage, match="reason"):
        quarantine.reject(a.context, "b/1", " ")
    assert quarantine.reject(a.context, "b/1", "not agreed").reason == "not agreed"
    trust = Trust.of(a_trusts())
    with pytest.raises(Usage, match="rejected by ana"):
        quarantine.accept(a.context, "b/1", trust)
    assert a.admit(FIRST.data, a_trusts()).state == "already"
    assert a.stats().nodes == 0
    waits(a, forge(after=FIRST))
    assert [item.state for item in quarantine.listed(a.context)] == ["rejected", "waiting"]
    with pytest.raises(NotFound):
        quarantine.accept(a.context, "b/7", trust)


def test_a_key_withdrawn_while_a_package_waited_opens_nothing(at):
    a = at()
    waits(a)
    without = trusting("a", ["https://a.example/"], c=(C, ["https://c.example/"], {}))
    before = snapshot(a)
    with pytest.raises(BadSignature):
        quarantine.accept(a.context, "b/1", Trust.of(without))
    assert snapshot(a) == before


def test_what_waits_and_what_was_taken_moves_with_the_store(at, tmp_path):
    from lineage.services.move import copy

    a, moved = at("sqlite"), at()
    a.ingest(OURS)
    sent = a.package(None, policy("b"), A)
    waits(a)
    copy(a.store, moved.store, lambda *_: None)
    trust = Trust.of(a_trusts())
    assert quarantine.accept(moved.context, "b/1", trust).added == 5
    again = moved.package(None, policy("b"), A)
    assert (again.statement.sequence, again.pseudonyms) == (2, sent.pseudonyms)


# --- a steward's word, and the files beside the store ----------------------------------------------


def test_a_steward_ties_two_things_without_making_them_one(at):
    a = at()
    a.ingest(OURS)
    a.admit(FIRST.data, a_trusts())
    one, other = "urn:lineage:dataset:a-lab/data", "https://b.example/data"
    report = tie.tie(a.context, one, other, reason="the same release", confidence=0.9)
    assert (report.source, report.added) == ("steward:ana", 1)
    assert other not in {node.id for node in a.trace("https://a.example/model")}
    (edge,) = (
        c.record
        for c in a.store.held([one], PRESENT)[one].claims
        if c.source == "steward:ana" and isinstance(c.record, Edge)
    )
    assert edge.attributes == {"method": "steward", "confidence": 0.9, "reason": "the same release"}
    for words in ({"reason": ""}, {"reason": "x", "confidence": 2.0}):
        with pytest.raises(Usage):
            tie.tie(a.context, one, other, **words)
    with pytest.raises(Usage, match="one thing"):
        tie.tie(a.context, one, one, reason="x")


LINE = B.public.to_text()
WRONG_TRUST = {
    "no us": ({"us": None}, "/us"),
    "a name with capitals": (
        {"us": {"name": "A", "namespaces": ["https://a.example/"]}},
        "/us/name",
    ),
    "no namespaces": ({"us": {"name": "a", "namespaces": []}}, "/us/namespaces"),
    "ours is everything": ({"us": {"name": "a", "namespaces": ["https:"]}}, "/us/namespaces"),
    "ours is content": (
        {"us": {"name": "a", "namespaces": ["urn:lineage:content:sha256:"]}},
        "/us/namespaces",
    ),
    "an unknown word": ({"b": {"color": "red"}}, "/partners/b"),
    "no key": ({"b": {"keys": []}}, "/partners/b/keys"),
    "a key that is none": ({"b": {"keys": ["b.example/lineage"]}}, "/partners/b/keys"),
    "no origin": ({"b": {"origin": ""}}, "/partners/b/origin"),
    "trust of another kind": ({"b": {"trust": "yes"}}, "/partners/b/trust"),
    "no size": ({"b": {"max_bytes": 0}}, "/partners/b/max_bytes"),
    "may revoke all": ({"b": {"may_revoke": "all"}}, "/partners/b/may_revoke"),
    **{
        f"theirs is {space}": ({"b": {"namespaces": [space]}}, "/partners/b/namespaces")
        for space in (
            "https://a.example/",
            "https://a.example/labs/",
            "https://b.example",
            "https://B.example/",
            "https:///",
            "urn:",
            "urn:lineage:",
            "urn:lineage:dataset:b-lab/",
            "urn:lineage:partner:c:01234567:",
            "http://www.w3.org/ns/prov#",
            "http://www.w3.org/",
            "swh:1:",
        )
    },
    "theirs is c's": ({"b": {"namespaces": ["https://c.example/"]}}, "/partners/c/namespaces"),
    "the key of another": ({"b": {"keys": [C.public.to_text()]}}, "/partners/c/keys"),
    "our own name": ({"partners": {"a": {}}}, "/partners/a"),
}


@pytest.mark.parametrize("name", WRONG_TRUST)
def test_a_trust_file_that_is_wrong_is_refused_with_the_place(name):
    odd, pointer = WRONG_TRUST[name]
    value = json.loads(a_trusts())
    value["partners"]["b"].update(odd.get("b", {}))
    value["partners"].update(dict.fromkeys(odd.get("partners", {}), value["partners"]["b"]))
    if "partners" in odd:
        del value["partners"]["b"]
    if "us" in odd:
        value["us"] = odd["us"]
    with pytest.raises(BadInput) as caught:
        Trust.of(json.dumps(value).encode())
    assert caught.value.where.startswith(f"trust.yaml#{pointer}")


def test_a_name_of_two_spellings_has_one_that_crosses():
    for good in (
        "https://b.example/données/x?y=1#z",
        "https://b.example/%C3%A9",
        "urn:lineage:version:lab/my%20file.csv@md5:ab",
        "swh:1:rev:ab",
        "pkg:pypi/torch@2.1+cu118",
        "https://b.example/данные/データ.csv",
    ):
        assert names.fault(good) is None
        assert names.claimed("b", names.claim("b", good)) == good
        assert names.fault(names.claim("b", names.claim("b", good))) is None


def test_an_archive_is_read_as_it_was_written():
    files = {"b/c.txt": b"x" * 10_000, "a": b""}
    data = zip_writer.write(files)
    assert zip_reader.read(data, most_bytes=10_000, most_files=2, where="zip") == files
    assert zip_writer.write(dict(files)) == data


def test_a_document_that_breaks_the_constraints_of_prov_says_which(at):
    a = at()
    with pytest.raises(Rejected, match="prov-42"):
        a.admit(forge(hostile.ITSELF).data, a_trusts())
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
