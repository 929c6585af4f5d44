# SPDX-License-Identifier: Apache-2.0
"""Random graphs and policies, and what may be asked of what leaves."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from lineage.access import policy_document
from lineage.model import dictionary, kinds, terms
from lineage.model.dictionary import Pair
from lineage.model.record import Batch, Edge, Loss, Node, arcs, line
from lineage.model.value import Ref

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
    return policy_document.read(
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
    from lineage.access.subjects import Survey

    return Survey(batch, policy).verbs


def graphs_of_dependency(batch):
    yield closure(batch.edges)
    yield closure(followed(batch))
    yield closure(batch.edges, DERIVATIONS)
    yield closure(batch.edges, FLOWS)


def text_of(batch):
    shown = b"\n".join(map(line, batch.records)).decode()
    return shown + json.dumps([dict(batch.prefixes), dict(batch.bundles), dict(batch.seen)])


def said(**more):
    return policy_document.read({"partner": "b", **more})


def only(batch):
    (node,) = batch.nodes
    return node
