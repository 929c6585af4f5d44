# SPDX-License-Identifier: Apache-2.0
"""What a policy does to values, identifiers, chains and names, case by case."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from urllib.parse import quote

import pytest

from lineage import ids
from lineage.access import policy_document
from lineage.access.pseudonym import opens
from lineage.access.redact import REDACTED, redact
from lineage.model import dictionary
from lineage.model.dictionary import Pair
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Literal, Ref
from tests.access.strategies import KEY, closure, ident, only, said, text_of


def shown_value(value, rule, *, name="x", digests="share"):
    """What one attribute of one kept node becomes."""
    node = Node(id="urn:t:n", kind="Run", attributes={name: value})
    verb, about = rule
    policy = said(
        nodes=[{"otherwise": "keep"}], attributes=[{verb: {"name": name, **about}}], digests=digests
    )
    return only(redact(Batch(nodes=(node,)), policy, KEY).batch).attributes.get(name)


@pytest.mark.parametrize(
    ("value", "to", "result"),
    [
        ("2026-03-14T15:09:26Z", "month", "2026-03"),
        ("2026-04-01T01:00:00+02:00", "month", "2026-03"),
        ("2026-03-14", "month", "2026-03"),
        ("2026-03", "month", "2026-03"),
        ("in March, by Ana", "month", None),
        (20260314, "month", None),
        (
            Literal("2026-03-14T15:09:26Z", "xsd:dateTime"),
            "month",
            Literal("2026-03-01T00:00:00Z", "xsd:dateTime"),
        ),
        ("/home/ana/data/train.csv", "basename", "train.csv"),
        ("C:\\Users\\ana\\train.csv", "basename", "train.csv"),
        ("s3://bucket/ana/train.csv?sig=abc#x", "basename", "train.csv"),
        ("https://ana:hunter2@host", "basename", None),
        ("data/", "basename", "data"),
        ("/", "basename", None),
        (("a/x", "b/y"), "basename", ("x", "y")),
        ("node17.lab.example", {"word": "gpu-node"}, "gpu-node"),
    ],
)
def test_generalising_keeps_the_month_the_last_part_or_a_word(value, to, result):
    assert shown_value(value, ("generalise", {"to": to})) == result


def test_times_that_prov_knows_become_the_first_moment_of_their_month_and_say_so():
    node = Node(id="urn:r", kind="Run", attributes={"started": "2026-03-14T15:09:26Z"})
    policy = said(
        nodes=[{"otherwise": "keep"}],
        attributes=[{"generalise": {"name": "started", "to": "month"}}],
    )
    shown = only(redact(Batch(nodes=(node,)), policy, KEY).batch)
    assert shown.attributes == {"started": "2026-03-01T00:00:00Z", "time.precision": "month"}


SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.mark.parametrize(
    ("value", "digests", "result"),
    [
        (f"sha256:{SHA}", "share", f"sha256:{SHA}"),
        (f"sha256:{SHA}", "hmac", r"hmac-sha256:[0-9a-f]{32}"),
        (f"sha256:{SHA}", "drop", None),
        ("mlflow:9f86d081", "drop", None),
        (f"built from {SHA}", "hmac", None),
        (SHA[:40], "drop", None),
        ("short ab12", "drop", "short ab12"),
    ],
)
def test_digests_in_values_follow_their_own_setting(value, digests, result):
    shown = shown_value(value, ("keep", {}), digests=digests)
    assert shown is None if result is None else re.fullmatch(result, shown)


def test_digests_in_ids_follow_the_same_setting():
    content, other = f"urn:lineage:content:sha256:{SHA}", "urn:lineage:content:md5:" + "ab" * 16
    version = f"urn:lineage:version:lab/a@b.csv@sha256:{SHA}"
    batch = Batch(
        nodes=(
            Node(id=content, kind="Content"),
            Node(id=other, kind="Content"),
            Node(id=version, kind="DatasetVersion"),
        )
    )
    names = {}
    for setting in ("share", "hmac", "drop"):
        policy = said(nodes=[{"otherwise": "keep"}], digests=setting)
        names[setting] = redact(batch, policy, KEY).names
    assert names["share"] == {i: i for i in (content, other, version)}
    mark = names["hmac"][content].removeprefix("urn:lineage:content:")
    assert re.fullmatch(r"hmac-sha256:[0-9a-f]{32}", mark)
    assert names["hmac"][version] == f"urn:lineage:version:lab/a@b.csv@{mark}"
    assert names["hmac"][other] != names["hmac"][content]
    for name in names["drop"].values():
        assert name.startswith("urn:lineage:partner:b:")
        assert "lab" not in name


def test_a_pseudonym_has_the_form_that_is_documented():
    node = Node(id="urn:lineage:run:mlflow:lab/7", kind="Run")
    policy = said(nodes=[{"otherwise": "pseudonymise"}])
    name = only(redact(Batch(nodes=(node,)), policy, KEY).batch).id
    assert re.fullmatch(r"urn:lineage:partner:b:[0-9a-f]{8}:[a-z2-7]{26}", name)
    assert ids.iri_fault(name) is None
    with pytest.raises(ValueError, match="32 bytes"):
        redact(Batch(nodes=(node,)), policy, b"short")


def test_a_sealed_value_can_be_opened_and_not_guessed_from_another():
    batch = Batch(
        nodes=tuple(
            Node(id=f"urn:t:{n}", kind="Run", attributes={"metric.auc": (0.25, 0.5)}) for n in "ab"
        )
    )
    policy = said(nodes=[{"otherwise": "keep"}], attributes=[{"seal": {"name": "metric.*"}}])
    result = redact(batch, policy, KEY)
    one, other = result.sealed
    assert (one.record, one.attribute) == ("urn:t:a", "metric.auc")
    assert len({one.commitment, other.commitment}) == len({one.salt, other.salt}) == 2
    shown = {node.id: node.attributes["metric.auc"] for node in result.batch.nodes}
    for item in result.sealed:
        assert shown[item.record] == Literal(item.commitment, "lineage:Sealed")
        salt, value = bytes.fromhex(item.salt), json.loads(item.value)
        assert opens(item.commitment, salt, value)
        assert not opens(item.commitment, salt, value[:1])
    assert one.salt not in text_of(result.batch)
    assert "salt" not in repr(result)


def chain(*nodes):
    """Runs and artifacts in a line: each thing caused by the one after it."""
    edges = []
    for effect, cause in pairwise(nodes):
        relation = "used" if effect.startswith("run") else "wasGeneratedBy"
        edges.append(Edge(relation=relation, effect=f"urn:{effect}", cause=f"urn:{cause}"))
    described = tuple(
        Node(id=f"urn:{n}", kind="Run" if n.startswith("run") else "Artifact") for n in nodes
    )
    return Batch(nodes=described, edges=tuple(edges))


def test_a_hidden_thing_in_the_middle_stays_as_a_nameless_one():
    result = redact(chain("b", "run", "a"), said(nodes=[{"keep": {"kind": "Artifact"}}]), KEY)
    (hidden,) = [n for n in result.batch.nodes if n.kind == "Activity"]
    assert (hidden.label, hidden.attributes) == (None, {"prov:type": REDACTED})
    assert ("urn:b", "urn:a") in closure(result.batch.edges)
    assert result.counts == {
        "nodes": {"keep": 2, "surrogate": 1},
        "edges": {"keep": 2},
        "attributes": {},
    }
    assert not result.incomplete


def test_a_hidden_pipeline_becomes_one_activity():
    batch = chain("b", "run3", "x2", "run2", "x1", "run1", "a")
    policy = said(nodes=[{"keep": {"id": ["urn:a", "urn:b"]}}, {"otherwise": "collapse"}])
    result = redact(batch, policy, KEY)
    assert sorted(node.kind for node in result.batch.nodes) == ["Activity", "Artifact", "Artifact"]
    assert [e.relation for e in result.batch.edges] == ["wasGeneratedBy", "used"] or [
        e.relation for e in result.batch.edges
    ] == ["used", "wasGeneratedBy"]
    assert ("urn:b", "urn:a") in closure(result.batch.edges)
    assert result.counts["edges"] == {"collapse": 4, "keep": 2}


def test_a_hidden_thing_that_others_see_too_keeps_the_chain_from_being_one():
    batch = chain("b", "run2", "x", "run1", "a")
    seen = Edge(relation="wasDerivedFrom", effect="urn:c", cause="urn:x")
    batch = replace(batch, edges=(*batch.edges, seen))
    policy = said(nodes=[{"keep": {"id": ["urn:a", "urn:b", "urn:c"]}}, {"otherwise": "collapse"}])
    result = redact(batch, policy, KEY)
    hidden = [node.kind for node in result.batch.nodes if node.attributes]
    assert sorted(hidden) == ["Activity", "Activity", "Entity"]


def test_activities_with_other_ways_in_and_out_do_not_become_one():
    """As one they would say that urn:c depends on urn:v, which it does not."""
    batch = chain("b", "run2", "x", "run1", "a")
    other = (
        Edge(relation="wasGeneratedBy", effect="urn:c", cause="urn:run1"),
        Edge(relation="used", effect="urn:run2", cause="urn:v"),
    )
    policy = said(nodes=[{"collapse": {"id": ["urn:run*", "urn:x"]}}, {"otherwise": "keep"}])
    result = redact(replace(batch, edges=batch.edges + other), policy, KEY)
    assert ("urn:c", "urn:v") not in closure(result.batch.edges)
    assert ("urn:b", "urn:v") in closure(result.batch.edges)


def test_a_thing_that_is_an_entity_here_and_an_activity_there_stays_both():
    batch = Batch(
        nodes=(
            Node(id="urn:x", kind="Artifact", bundle="urn:b1"),
            Node(id="urn:x", kind="Run", bundle="urn:b2"),
        ),
        edges=(Edge(relation="used", effect="urn:x", cause="urn:y", bundle="urn:b2"),),
    )
    for verb in ("surrogate", "collapse"):
        result = redact(batch, said(nodes=[{"otherwise": verb}]), KEY).batch
        assert sorted(node.kind for node in result.nodes) == ["Activity", "Entity"]


def test_long_chains_and_wide_stars_collapse_in_linear_time():
    long = chain(*(f"run{n}" if n % 2 else f"x{n}" for n in range(10_001)))
    policy = said(nodes=[{"keep": {"id": ["urn:x0", "urn:x10000"]}}, {"otherwise": "collapse"}])
    assert len(redact(long, policy, KEY).batch) == 3 + 2
    star = Batch(
        edges=tuple(
            Edge(relation="wasDerivedFrom", effect="urn:hub", cause=f"urn:leaf{n}")
            for n in range(5_000)
        )
    )
    assert len(redact(star, said(nodes=[{"otherwise": "collapse"}]), KEY).batch) == 0


def test_cutting_says_that_the_export_is_incomplete():
    batch = chain("b", "run", "a")
    assert redact(batch, said(nodes=[{"cut": {"kind": "Run"}}]), KEY).incomplete
    result = redact(batch, said(edges=[{"cut": {"relation": "used"}}]), KEY)
    assert result.incomplete
    assert [e.relation for e in result.batch.edges] == ["wasGeneratedBy"]


def test_hidden_names_are_found_within_what_is_kept():
    commit = f"swh:1:rev:{SHA[:40]}"
    values = {
        "a": Ref(commit),
        "b": commit,
        "c": f"git checkout ({commit})!",
        "d": SHA[:40],
        "e": Ref("urn:lineage:dataset:elsewhere/x"),
        "h": "urn:lineage:dataset:elsewhere/x",
        "i": "read urn:lineage:dataset:elsewhere/x and went on",
        "f": Ref("http://example.org/Vocabulary"),
        "g": Literal(commit, "xsd:anyURI"),
        f"seen.{commit}": "yes",
    }
    batch = Batch(
        nodes=(
            Node(id="urn:r", kind="Run", attributes=values),
            Node(id=commit, kind="Commit", label="fix"),
        )
    )
    policy = said(
        nodes=[{"pseudonymise": {"kind": "Commit"}}, {"otherwise": "keep"}],
        attributes=[{"keep": {"name": "*"}}],
        digests="share",
    )
    result = redact(batch, policy, KEY)
    new = result.names[commit]
    (run,) = [node for node in result.batch.nodes if node.id == "urn:r"]
    assert run.attributes == {
        "a": Ref(new),
        "b": new,
        "f": Ref("http://example.org/Vocabulary"),
        "g": Literal(new, "xsd:anyURI"),
    }
    assert SHA[:40] not in text_of(result.batch)


def test_the_entities_of_a_dictionary_go_by_their_new_names_and_those_that_are_cut_are_not_in_it():
    before = dictionary.written([Pair(f"key {n}", ident(n)) for n in range(4)])
    attributes = {"prov:key-entity-set": before}
    edge = Edge(
        relation="derivedByInsertionFrom", effect="urn:t:b", cause="urn:t:a", attributes=attributes
    )
    policy = policy_document.read(
        {
            "partner": "b",
            "nodes": [
                {verb: {"id": ident(n)}}
                for n, verb in enumerate(["keep", "pseudonymise", "surrogate", "cut"])
            ]
            + [{"keep": {"kind": "Entity"}}],
            "attributes": [{"keep": {"name": name}} for name in attributes],
        }
    )
    result = redact(Batch(edges=(edge,)), policy, KEY)
    (shown,) = result.batch.edges
    found = dictionary.members(shown.attributes["prov:key-entity-set"])
    assert set(found) == {Pair(f"key {n}", result.names[ident(n)]) for n in range(3)}
    assert len({result.names[ident(n)] for n in range(3)} - {ident(1), ident(2)}) == 3


SECRET = "urn:lineage:dataset:hr/salaries"


@pytest.mark.parametrize(
    "attributes",
    [
        {"a": Literal("x", None, SECRET)},
        {"a": Literal("x", SECRET)},
        {"started": Literal("2026-01-02T00:00:00Z", SECRET)},
        {SECRET: "x"},
        {"a": f"see {quote(SECRET, safe='')}"},
        {"a": Ref(f"urn:lineage:claim:c:{quote(SECRET, safe='')}")},
    ],
    ids=["a language", "a datatype", "a time", "a key", "a text", "a reference"],
)
@pytest.mark.parametrize("there", [True, False], ids=["in the batch", "outside"])
def test_no_part_of_a_value_says_what_is_hidden(attributes, there):
    policy = policy_document.read(
        {
            "partner": "b",
            "nodes": [{"cut": {"id": "urn:lineage:dataset:hr/*"}}, {"keep": {"kind": "Run"}}],
            "attributes": [
                {"generalise": {"name": "started", "to": "month"}},
                {"keep": {"name": "*"}},
            ],
        }
    )
    nodes = (Node(id="urn:run", kind="Run", attributes=attributes),)
    hidden = (Node(id=SECRET, kind="Dataset"),) if there else ()
    shown = text_of(
        redact(Batch(nodes=nodes + hidden, prefixes={SECRET: "urn:r"}), policy, KEY).batch
    )
    assert "urn:run" in shown
    assert "salaries" not in shown or (not there and "%" in shown)


def test_what_a_partner_says_of_a_hidden_thing_does_not_name_it():
    claim = f"urn:lineage:claim:c:{quote(SECRET, safe='')}"
    nodes = (Node(id=SECRET, kind="Dataset"), Node(id=claim, kind="Dataset"))
    policy = policy_document.read(
        {
            "partner": "b",
            "nodes": [
                {"pseudonymise": {"id": "urn:lineage:dataset:hr/*"}},
                {"keep": {"kind": "Dataset"}},
            ],
        }
    )
    result = redact(Batch(nodes=nodes), policy, KEY)
    assert len(result.batch.nodes) == 2
    assert "salaries" not in text_of(result.batch)


def test_the_name_of_bytes_is_a_digest_of_them():
    bytes_ = Node(id="swh:1:cnt:" + "ab" * 20, kind="Artifact")
    for digests, leaves in {"share": True, "drop": False, "hmac": False}.items():
        policy = policy_document.read(
            {"partner": "b", "nodes": [{"keep": {"kind": "Artifact"}}], "digests": digests}
        )
        (shown,) = redact(Batch(nodes=(bytes_,)), policy, KEY).batch.nodes
        assert (shown.id == bytes_.id) is leaves


def test_a_placeholder_stays_a_placeholder_under_another_name():
    gone = ids.unknown_id(["secret", "x"])
    batch = Batch(
        nodes=(Node(id="urn:e", kind="Artifact"),),
        edges=(Edge(relation="wasGeneratedBy", effect="urn:e", cause=gone),),
    )
    (edge,) = redact(batch, said(nodes=[{"otherwise": "cut"}]), KEY).batch.edges or (None,)
    assert edge is None
    (edge,) = redact(batch, said(nodes=[{"keep": {"kind": "Artifact"}}]), KEY).batch.edges
    assert ids.is_unknown(edge.cause)
    assert edge.cause != gone


def test_only_short_forms_in_use_leave_and_bundles_go_by_another_name():
    batch = Batch(
        nodes=(
            Node(id="http://a.example/x", kind="Artifact", bundle="urn:bundle"),
            Node(id="http://b.example/x", kind="Model"),
        ),
        prefixes={"a": "http://a.example/", "b": "http://b.example/", "c": "http://c.example/"},
        bundles={
            "urn:bundle": {"z": "http://a.example/", "y": "http://b.example/"},
            "urn:gone": {},
        },
    )
    policy = said(nodes=[{"keep": {"kind": "Artifact"}}])
    result = redact(batch, policy, KEY).batch
    assert result.prefixes == {"a": "http://a.example/"}
    ((name, prefixes),) = result.bundles.items()
    assert name.startswith("urn:lineage:partner:b:")
    assert prefixes == {"z": "http://a.example/"}
    assert {node.bundle for node in result.nodes} == {name, None}
