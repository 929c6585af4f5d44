# SPDX-License-Identifier: Apache-2.0
"""Whatever the graph and the policy, what leaves is true, well typed, and says nothing of what is hidden."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import event
from hypothesis import strategies as st

from lineage.access.redact import redact
from lineage.model import check, kinds, terms
from lineage.model.record import arcs, line
from tests.access.strategies import (
    KEY,
    NAMES,
    OTHER_KEY,
    SHOWN,
    graphs,
    graphs_of_dependency,
    hiding,
    ident,
    pipelines,
    policies,
    text_of,
    verb_of,
)
from tests.strategies import drawn


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
