# SPDX-License-Identifier: Apache-2.0
"""What leaves is true, whole where it can be, and says nothing of what is hidden."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import event
from hypothesis import strategies as st

from lineage import ids
from lineage.access.policy import Policy
from lineage.access.pseudonym import opens
from lineage.access.redact import REDACTED, redact
from lineage.model import check, dictionary, kinds, terms
from lineage.model.dictionary import Pair
from lineage.model.record import Batch, Edge, Loss, Node, arcs, line
from lineage.model.value import Literal, Ref
from tests.strategies import drawn

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
VERBS = ["keep", "pseudonymise", "surrogate", "collapse", "cut"]
SHOWN = {"keep", "pseudonymise"}
KINDS = ["Run", "Run", "Model", "DatasetVersion", "Artifact", "Artifact", "SoftwareAgent"]
NAMES = ["license", "stage", "uri", "prov:role", "see"]
ATTRIBUTE_VERBS = ["keep", "pseudonymise", "seal", "drop"]
DERIVATIONS = frozenset(r.name for r in terms.TABLE if "wasDerivedFrom" in (r.name, r.base))
FLOWS = frozenset({"used", "wasGeneratedBy", "wasInformedBy"})


# --- random graphs and policies --------------------------------------------------------------


def ident(n):
    return f"urn:t:canary{n}id"


@st.composite
def graphs(draw):
    """Up to ten things in well-typed relations, each attribute value a canary of its own."""
    some = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=10))
    bundle = st.sampled_from([None, None, "urn:t:canarybundle"])
    described = [draw(st.integers(0, 9)) > 0 for _ in some]
    nodes = []
    for n, kind in enumerate(some):
        attributes = {name: f"canary{n}{name.replace(':', '')}x" for name in NAMES[:3]}
        other = ident(draw(st.integers(0, len(some) - 1)))
        attributes["see"] = draw(st.sampled_from([Ref(other), other, f"see <{other}>, please"]))
        label = f"canary{n}labelx"
        if described[n]:
            nodes.append(
                Node(
                    id=ident(n), kind=kind, label=label, attributes=attributes, bundle=draw(bundle)
                )
            )
    families = {family: [] for family in kinds.PLAIN}
    for n, kind in enumerate(some):
        families[kinds.family(kind)].append(n)
    fitting = [
        r
        for r in terms.TABLE
        if not r.implied_by and families[r.effect] and families[r.cause] and not r.any_ends
    ]
    edges = []
    for at in range(draw(st.integers(0, 16)) if fitting else 0):
        relation = draw(st.sampled_from(fitting))
        effect = draw(st.sampled_from(families[relation.effect]))
        cause = draw(st.sampled_from(families[relation.cause]))
        attributes = {"prov:role": f"canaryedge{at}x"} if draw(st.booleans()) else {}
        if relation.name == "alternateOf":
            attributes["method"] = "digest"
        if relation.name in DERIVATIONS and families["Activity"]:
            attributes["prov:activity"] = Ref(ident(families["Activity"][0]))
            attributes["prov:generation"] = Ref("urn:t:canaryedge0id")
        if relation.name == "wasAssociatedWith" and families["Entity"]:
            attributes["prov:plan"] = Ref(ident(families["Entity"][-1]))
        if relation.name == "derivedByInsertionFrom":
            pair = Pair("key", ident(families["Entity"][0]))
            attributes["prov:key-entity-set"] = dictionary.written([pair])
        edges.append(
            Edge(
                relation=relation.name,
                effect=ident(effect),
                cause=ident(cause),
                attributes=attributes,
                id=f"urn:t:canaryedge{at}id" if draw(st.booleans()) else None,
                bundle=draw(bundle),
            )
        )
    return Batch(
        nodes=tuple(nodes),
        edges=tuple(edges),
        prefixes={"t": "urn:t:", "canary": "urn:canaryprefix:"},
        seen={"canaryseen": 1},
        losses=(Loss("canaryloss", 1, "canary"),),
    )


@st.composite
def policies(draw, verbs=VERBS):
    nodes = [{draw(st.sampled_from(verbs)): {"id": ident(n)}} for n in range(10)]
    attributes = [
        {draw(st.sampled_from(ATTRIBUTE_VERBS)): {"name": name}} for name in [*NAMES, "label"]
    ]
    attributes.append({"keep": {"name": "prov:key-entity-set"}})
    return Policy.of(
        {
            "partner": "b",
            "nodes": nodes,
            "attributes": attributes,
            "digests": draw(st.sampled_from(["share", "hmac", "drop"])),
        }
    )


@st.composite
def pipelines(draw):
    """Runs and artifacts in a row, with a few relations across: where chains are hidden."""
    nodes = [
        Node(id=ident(n), kind="Run" if n % 2 else "Artifact")
        for n in range(draw(st.integers(5, 10)))
    ]
    ends = [(a, b) for a in range(len(nodes)) for b in range(len(nodes)) if a > b]
    across = draw(st.lists(st.sampled_from(ends), max_size=5))
    relation = {
        (1, 0): "used",
        (0, 1): "wasGeneratedBy",
        (0, 0): "wasDerivedFrom",
        (1, 1): "wasInformedBy",
    }
    pairs = [(n + 1, n) for n in range(len(nodes) - 1) if draw(st.integers(0, 3))] + across
    edges = [
        Edge(relation=relation[a % 2, b % 2], effect=ident(a), cause=ident(b)) for a, b in pairs
    ]
    return Batch(nodes=tuple(nodes), edges=tuple(edges))


@st.composite
def hiding(draw):
    """A policy that hides much and cuts nothing: where chains are."""
    return draw(policies(["keep", "surrogate", "collapse", "collapse", "collapse"]))


# --- the oracle: reachability, said plainly --------------------------------------------------------


def closure(edges, relations=None):
    """All (effect, cause) pairs of which the one depends on the other."""
    out = {}
    for edge in edges:
        for arc in arcs(edge):
            if relations is None or arc.relation in relations:
                out.setdefault(arc.effect, set()).add(arc.cause)
    pairs = set()
    for start, causes in out.items():
        seen, todo = set(), list(causes)
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += out.get(at, ())
        pairs |= {(start, end) for end in seen}
    return pairs


def followed(batch):
    return [e for e in batch.edges if terms.follows(e.relation, e.attributes)]


def verb_of(batch, policy):
    from lineage.access.survey import Survey

    return Survey(batch, policy).verbs


def graphs_of_dependency(batch):
    yield closure(batch.edges)
    yield closure(followed(batch))
    yield closure(batch.edges, DERIVATIONS)
    yield closure(batch.edges, FLOWS)


def text_of(batch):
    shown = b"\n".join(map(line, batch.records)).decode()
    return shown + json.dumps([dict(batch.prefixes), dict(batch.bundles), dict(batch.seen)])


# --- invariants ------------------------------------------------------------------------------


@drawn(80, 250, st.one_of(graphs(), pipelines()), st.one_of(policies(), hiding(), hiding()))
def test_every_dependency_that_leaves_is_one_we_have(batch, policy):
    result = redact(batch, policy, KEY)
    before = {}
    for old, new in result.names.items():
        before.setdefault(new, set()).add(old)
    event(f"groups: {any(len(olds) > 1 for new, olds in before.items() if new)}")
    for ours, theirs in zip(
        graphs_of_dependency(batch), graphs_of_dependency(result.batch), strict=True
    ):
        for effect, cause in theirs:
            if effect == cause and len(before[effect]) > 1:
                continue
            pairs = {(a, b) for a in before[effect] for b in before[cause]}
            assert pairs & ours, (effect, cause)


@drawn(80, 250, st.one_of(graphs(), pipelines(), pipelines()), hiding())
def test_every_dependency_among_what_is_shown_leaves_where_nothing_is_cut(batch, policy):
    result = redact(batch, policy, KEY)
    assert not result.incomplete
    verbs = verb_of(batch, policy)
    for ours, theirs in zip(
        graphs_of_dependency(batch), graphs_of_dependency(result.batch), strict=True
    ):
        alone = {i for i, verb in verbs.items() if verb != "collapse"}
        mapped = {(result.names[a], result.names[b]) for a, b in ours if a in alone and b in alone}
        assert mapped <= theirs
        assert mapped == {(a, b) for a, b in theirs if {a, b} <= {result.names[i] for i in alone}}


@drawn(50, 150, st.one_of(graphs(), pipelines()), st.one_of(policies(), hiding(), hiding()))
def test_no_cycle_appears(batch, policy):
    result = redact(batch, policy, KEY)
    for ours, theirs in zip(
        graphs_of_dependency(batch), graphs_of_dependency(result.batch), strict=True
    ):
        in_cycle = {result.names[a] for a, b in ours if a == b}
        assert {a for a, b in theirs if a == b} <= in_cycle


@drawn(50, 150, graphs(), policies())
def test_nothing_of_what_is_hidden_or_dropped_leaves(batch, policy):
    result = redact(batch, policy, KEY)
    shown, verbs = text_of(result.batch), verb_of(batch, policy)
    dropped = {
        name for name in [*NAMES, "label"] if policy.attribute("used", name, "x").verb != "keep"
    }
    for n in range(10):
        if verbs.get(ident(n), "keep") != "keep":
            assert ident(n) not in shown
        for name in [*NAMES[:3], "label"]:
            if verbs.get(ident(n)) not in SHOWN or name in dropped:
                assert f"canary{n}{name}x" not in shown
    for word in ("canaryloss", "canaryseen", "canaryprefix"):
        assert word not in shown
    for at, edge in enumerate(batch.edges):
        assert f"canaryedge{at}id" not in shown
        if "prov:role" in dropped or not {verbs[edge.effect], verbs[edge.cause]} <= SHOWN:
            assert f"canaryedge{at}x" not in shown
    assert ("canarybundle" in shown) is False


@drawn(50, 150, graphs(), policies(["keep", "pseudonymise"]))
def test_what_is_kept_is_there(batch, policy):
    result = redact(batch, policy, KEY)
    assert not result.incomplete
    found = {}
    for node in result.batch.nodes:
        found.setdefault(node.id, []).append(node)
    for node in batch.nodes:
        (shown,) = found[result.names[node.id]]
        assert shown.kind == node.kind
        for name in NAMES[:3]:
            if policy.attribute("used", name, "x").verb == "keep":
                assert shown.attributes[name] == node.attributes[name]
    assert (
        Counter(e.relation for e in result.batch.edges).keys()
        == Counter(e.relation for e in batch.edges).keys()
    )


@drawn(50, 150, graphs(), policies(), st.randoms(use_true_random=False))
def test_the_same_input_and_key_give_the_same_bytes_in_any_order(batch, policy, random):
    nodes, edges = list(batch.nodes), list(batch.edges)
    random.shuffle(nodes)
    random.shuffle(edges)
    one = redact(batch, policy, KEY)
    other = redact(replace(batch, nodes=tuple(nodes), edges=tuple(edges)), policy, KEY)
    assert list(map(line, one.batch.records)) == list(map(line, other.batch.records))
    assert (one.sealed, one.counts, one.names) == (other.sealed, other.counts, other.names)


@drawn(50, 150, graphs(), policies(["pseudonymise", "surrogate", "collapse"]))
def test_two_partners_share_no_name(batch, policy):
    def names(said, key):
        result = redact(batch, said, key)
        records = result.batch.records
        known = {e.id for e in result.batch.edges} | {r.bundle for r in records} - {None}
        sealed = {item.commitment for item in result.sealed} | {s.salt for s in result.sealed}
        return (known | sealed | set(result.names.values())) - {None}

    assert not names(policy, KEY) & names(replace(policy, partner="c"), OTHER_KEY)
    assert not names(policy, KEY) & names(policy, OTHER_KEY)


@drawn(50, 150, st.one_of(graphs(), pipelines()), st.one_of(policies(), hiding(), hiding()))
def test_what_leaves_is_well_typed_prov(batch, policy):
    result = redact(batch, policy, KEY).batch
    check.demand(result)
    family = {node.id: kinds.family(node.kind) for node in result.nodes}
    for edge in result.edges:
        for arc in arcs(edge):
            row = terms.RELATIONS[arc.relation]
            assert family.get(arc.effect, row.effect) == row.effect
            assert family.get(arc.cause, row.cause) == row.cause
        for key, expected in {"prov:activity": "Activity", "prov:plan": "Entity"}.items():
            value = edge.attributes.get(key)
            for item in value if isinstance(value, tuple) else (value,) if value else ():
                assert family.get(item.iri, expected) == expected
        edges_there = {e.id for e in result.edges}
        generation = edge.attributes.get("prov:generation")
        assert generation is None or generation.iri in edges_there


# --- each verb, by example ---------------------------------------------------------------------------


def said(**more):
    return Policy.of({"partner": "b", **more})


def only(batch):
    (node,) = batch.nodes
    return node


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
    policy = Policy.of(
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
    policy = Policy.of(
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
    policy = Policy.of(
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
        policy = Policy.of(
            {"partner": "b", "nodes": [{"keep": {"kind": "Artifact"}}], "digests": digests}
        )
        (shown,) = redact(Batch(nodes=(bytes_,)), policy, KEY).batch.nodes
        assert (shown.id == bytes_.id) is leaves


def test_a_placeholder_stays_a_placeholder_under_another_name():
    gone = ids.unknown(["secret", "x"])
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
