# SPDX-License-Identifier: Apache-2.0
"""What a partner's package may do: hostile ones nothing, honest ones wait or are taken, once."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest

import lineage
from lineage.errors import (
    BadInput,
    BadSignature,
    Expired,
    LineageError,
    NotFound,
    StoreBusy,
    Usage,
    WrongSequence,
)
from lineage.model.record import Edge
from lineage.services.exchange import identifiers, quarantine, state
from lineage.services.exchange.trust import Trust
from lineage.store.base import NOW as PRESENT
from tests.conftest import KEY
from tests.services import forging
from tests.services.forging import FIRST, NOW, A, B, C, document, forge
from tests.services.hostile import CASES
from tests.services.partners import (
    COMMIT,
    CONTENT,
    KNOWN,
    OURS,
    a_trusts,
    local,
    policy,
    snapshot,
    trusting,
)

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
    for package in state.numbered(store.store, state.SENT, "b").values():
        known.update(json.loads(state.bytes_of(store.store, package["issued"]))["names"])

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
    "our commit, described": forging.entity("i:x", **{"prov:label": "x"})
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
    "something of c, revoked": forging.relation(
        "wasInvalidatedBy", "entity", "c:data", "activity", "b:revocation"
    ),
    "a word of PROV": forging.entity("prov:Entity", **{"prov:label": "evil"}),
    "their own, which we described": forging.entity("b:known", **{"prov:label": "evil"}),
    "a claim in our words": forging.entity("urn:lineage:claim:c:https%3A%2F%2Fa.example%2Fmodel"),
    "a name of ours that is not there": forging.relation(
        "used", "activity", "b:run", "entity", "a:missing"
    ),
    "a person of ours": forging.document(agent={"urn:lineage:person:1": {"prov:label": "Eve"}}),
    "a run of a tracker": forging.document(activity={"urn:lineage:run:mlflow:lab/1": {}}),
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
    assert {identifiers.claimed("b", node.id) for node in found} == {blank}


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
    from lineage.services.operate.replicate import copy

    a, moved = at("sqlite"), at()
    a.ingest(OURS)
    sent = a.package(None, policy("b"), A)
    waits(a)
    copy(a.store, moved.store)
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
    report = a.tie(one, other, reason="the same release", confidence=0.9)
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
            a.tie(one, other, **words)
    with pytest.raises(Usage, match="one thing"):
        a.tie(one, one, reason="x")


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
