# SPDX-License-Identifier: Apache-2.0
"""A partner's plain SPARQL, over what we export and without reasoning, finds what ``trace`` finds."""

from __future__ import annotations

import pyoxigraph
import pytest
import rdflib
from hypothesis import given, settings

import lineage
from lineage import app
from lineage.model.terms import TABLE
from lineage.services.move import copy
from tests.contract.test_four_questions import churn, demo  # noqa: F401 - fixtures
from tests.strategies import batches

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
#: The same for ``trace``: revisions, quotations and the like are derivations. The parents of a
#: commit are not followed, here as there.
VIA = [r.name for r in TABLE if r.name in FOLLOWED or (r.base in FOLLOWED and r.name != "parent")]


def by_rdflib(turtle, query):
    graph = rdflib.Graph().parse(data=turtle, format="turtle")
    return {tuple(str(term) for term in row) for row in graph.query(query)}


def by_pyoxigraph(turtle, query):
    graph = pyoxigraph.Store()
    graph.load(turtle, format=pyoxigraph.RdfFormat.TURTLE)
    return {tuple(term.value for term in row) for row in graph.query(query)}


def two_hops(store, ident):
    """The pairs that a trace of two hops finds: what was used by the run that generated it."""
    found = store.trace(ident, via=["wasGeneratedBy", "used"], depth=2).edges
    runs = {e.cause for e in found if e.effect == ident and e.relation == "wasGeneratedBy"}
    return {(ident, e.cause) for e in found if e.effect in runs and e.relation == "used"}


def reached(store, ident):
    return {(ident, other) for other in store.trace(ident, via=VIA).ids if other != ident}


def everything(store):
    return [node.id for node in store.ask("*").nodes]


def agree(store, idents, *readers):
    """Every reader of our Turtle finds the pairs that traces of every node find."""
    turtle = store.export(format="turtle").data
    hops = set().union(*(two_hops(store, ident) for ident in everything(store)))
    walks = set().union(*(reached(store, ident) for ident in idents))
    assert hops == store_pairs(store, STEPS)
    for read in readers:
        assert read(turtle, STEPS) == hops
        found = set()
        for ident in idents:
            query = f"{PROV} SELECT DISTINCT ?a ?b {{ BIND(<{ident}> AS ?a) ?a ({PATH})+ ?b }}"
            found |= {pair for pair in read(turtle, query) if pair[0] != pair[1]}
        assert found == walks
    return hops, walks


def store_pairs(store, query):
    """What the verb itself answers."""
    found = store.sparql(query)
    assert not found.cut
    return {tuple(row[name]["value"] for name in found.variables) for row in found.rows}
