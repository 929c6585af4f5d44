# SPDX-License-Identifier: Apache-2.0
"""A partner's plain SPARQL, over what we export and without reasoning, finds what ``trace`` finds."""

from __future__ import annotations

import pyoxigraph
import pytest
import rdflib
from hypothesis import strategies as st

import lineage
from lineage import app
from lineage.model import kinds
from lineage.model.record import Batch, Edge
from lineage.model.terms import TABLE
from lineage.services.operate.replicate import copy
from tests.contract.test_four_questions import churn, demo  # noqa: F401 - fixtures
from tests.strategies import batches, drawn

PROV = "PREFIX prov: <http://www.w3.org/ns/prov#> "
STEPS = PROV + "SELECT DISTINCT ?m ?d { ?m prov:wasGeneratedBy ?r . ?r prov:used ?d }"
FOLLOWED = (
    "wasGeneratedBy",
    "used",
    "wasDerivedFrom",
    "wasInformedBy",
    "wasStartedBy",
    "wasInfluencedBy",
    "hadMember",
    "specializationOf",
)
PATH = "|".join(f"prov:{name}" for name in FOLLOWED)
#: The same for ``trace``: revisions, quotations and the like are derivations. The parents of a commit and the
#: baselines of a decision are not followed, here as there.
VIA = [r.name for r in TABLE if r.name in FOLLOWED or (r.base in FOLLOWED and r.follow)]


def by_rdflib(turtle):
    graph = rdflib.Graph().parse(data=turtle, format="turtle")
    return lambda query: {tuple(map(str, row)) for row in graph.query(query)}


def by_pyoxigraph(turtle):
    graph = pyoxigraph.Store()
    graph.load(turtle, format=pyoxigraph.RdfFormat.TURTLE)
    return lambda query: {tuple(term.value for term in row) for row in graph.query(query)}


def two_hops(store, ident):
    """The pairs that a trace of two hops finds: what was used by the run that generated it."""
    found = store.trace(ident, via=["wasGeneratedBy", "used"], depth=2).edges
    runs = {e.cause for e in found if e.effect == ident and e.relation == "wasGeneratedBy"}
    return {(ident, e.cause) for e in found if e.effect in runs and e.relation == "used"}


def reached(store, ident):
    return {(ident, other) for other in store.trace(ident, via=VIA).ids if other != ident}


def unnamed(store):
    """Everything but names, which are traced by their versions; SPARQL finds these under them."""
    return [node.id for node in store.ask("*") if node.kind not in kinds.NAMES]


def demand_agreement(store, some, many):
    """Two readers of our Turtle find what traces find: pyoxigraph from ``many``, rdflib, which is
    slow, from ``some`` of them.
    """
    turtle = store.export(format="turtle").data
    hops = set().union(*(two_hops(store, ident) for ident in many))
    for parsed, idents in ((by_pyoxigraph(turtle), many), (by_rdflib(turtle), some)):
        assert parsed(STEPS) == hops
        for ident in idents:
            query = f"{PROV} SELECT DISTINCT ?a ?b {{ BIND(<{ident}> AS ?a) ?a ({PATH})+ ?b }}"
            found = {(one, other) for one, other in parsed(query) if one != other}
            assert found == reached(store, ident), ident
    return hops


#: Few things and many relations between them, also those that are not followed.
identifiers = st.sampled_from([f"urn:test:{name}" for name in "abcde"])
edges = st.builds(
    Edge,
    relation=st.sampled_from([*VIA, "wasGeneratedBy", "used", "parent", "wasAssociatedWith"]),
    effect=identifiers,
    cause=identifiers,
    bundle=st.sampled_from([None, None, "urn:test:bundle"]),
    id=st.sampled_from([None, None, "urn:test:e"]),
)
dense = st.lists(edges, max_size=10).map(lambda some: Batch(edges=tuple(some)))


@drawn(30, 80, batch=st.one_of(dense, batches))
def test_plain_sparql_finds_what_trace_finds_in_any_graph(batch):
    with lineage.open("memory:") as store:
        store.ingest(batch)
        every = unnamed(store)
        demand_agreement(store, every, every)


@pytest.mark.parametrize(
    ("project", "engine"), [("demo", "sqlite"), ("churn", "sqlite"), ("demo", "neo4j-2026.09.0")]
)
def test_plain_sparql_finds_what_trace_finds_in_projects(project, engine, address, request):
    url = str(request.getfixturevalue(project))
    if engine != "sqlite":
        source, target = app.open_store(url), app.open_store(address)
        copy(source, target)
        source.close()
        target.close()
        url = address
    with lineage.open(url, create=False) as store:
        every = unnamed(store)
        models = store.ask("kind:modelversion or kind:datasetversion").ids
        hops = demand_agreement(store, models[:9], every)
        # The verb itself gives the same answer as a partner's tools.
        found = store.sparql(STEPS)
        assert {(row["m"]["value"], row["d"]["value"]) for row in found.rows} == hops
        assert hops
