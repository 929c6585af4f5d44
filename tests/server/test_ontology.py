# SPDX-License-Identifier: Apache-2.0
"""The ontology has a word for every term of ours that an export uses, and says what of PROV it narrows."""

from __future__ import annotations

import pytest
import rdflib
from rdflib import OWL, RDF, RDFS, Namespace, URIRef

from lineage import formats
from lineage.formats import ontology
from lineage.model import kinds, terms
from lineage.model.record import Batch, Edge, Node

LINEAGE, PROV = Namespace("urn:lineage:term:"), Namespace("http://www.w3.org/ns/prov#")


@pytest.fixture(scope="module")
def graph():
    return rdflib.Graph().parse(data=ontology.turtle(), format="turtle")


def declared(graph):
    return set(graph.subjects(RDFS.isDefinedBy, URIRef(ontology.IRI)))


def test_every_term_has_words_and_no_term_stands_without_any(graph):
    found = declared(graph)
    assert len(found) > 60
    for term in found:
        assert graph.value(term, RDFS.label), term
        assert len(str(graph.value(term, RDFS.comment))) > 10, term


def test_every_kind_is_a_class_below_one_of_prov(graph):
    for name in kinds.KINDS.keys() - kinds.PLAIN:
        above = graph.value(LINEAGE[name], RDFS.subClassOf)
        assert (LINEAGE[name], RDF.type, OWL.Class) in graph
        assert str(above).startswith(str(PROV)), name
        family = kinds.family(name)
        assert str(above).removeprefix(str(PROV)) in (family, name)


def test_all_that_an_export_says_in_our_terms_is_declared(graph):
    """Kinds, their attributes, and every relation with something said of it."""
    nodes = [
        Node(
            id=f"urn:k:{kind}",
            kind=kind,
            attributes={f.name: "2026-01-01T00:00:00Z" for f in kinds.fields_of(kind)},
        )
        for kind in kinds.KINDS
    ]
    said = {"prov:role": "r", "method": "m", "evidence": "e", "confidence": 0.5}
    edges = [
        Edge(relation=relation.name, effect="urn:a", cause="urn:b", attributes=attributes)
        for relation in terms.TABLE
        if not relation.implied_by
        for attributes in ({}, said)
    ]
    data = formats.named("turtle").dumps(Batch(nodes=tuple(nodes), edges=tuple(edges)))
    exported = rdflib.Graph().parse(data=data, format="turtle")
    ours = {
        str(term)
        for triple in exported
        for term in triple[1:]
        if isinstance(term, URIRef) and str(term).startswith(str(LINEAGE))
    }
    known = {str(term) for term in declared(graph)} | {str(LINEAGE["Agent"])}
    assert ours - known == set()


@pytest.mark.parametrize(
    ("accept", "kind"),
    [("*/*", "text/turtle"), ("application/rdf+xml", "xml"), ("application/n-triples", "nt")],
)
def test_a_server_serves_it_and_things_lead_to_it(serving, accept, kind):
    site = serving()
    answer = site.client.get("/ontology", headers={**site.bearer(), "accept": accept})
    assert answer.status_code == 200
    told = rdflib.Graph().parse(data=answer.content, format=kind.removeprefix("text/"))
    assert (LINEAGE["Run"], RDFS.subClassOf, PROV["Activity"]) in told
    headers = {**site.bearer(), "accept": "text/turtle"}
    assert 'rel="describedby"' in site.client.get("/prov/urn:m", headers=headers).headers["link"]
    refused = site.client.get("/ontology", headers={**site.bearer(), "accept": "image/png"})
    assert refused.json()["code"] == "not-acceptable"
    assert site.client.get("/ontology").status_code == 401
