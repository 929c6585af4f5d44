# SPDX-License-Identifier: Apache-2.0
"""Our terms as an OWL ontology: every kind, relation and declared attribute with its words, and the
class or property of PROV-O that it narrows, so that tools such as Protégé show words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyoxigraph as rdf

from lineage.formats import agent_types, prov_terms
from lineage.formats.prov_o.words import LABEL, RDFS, TYPE, WORDS
from lineage.model import kinds, terms
from lineage.model.namespaces import LINEAGE, PREFIXES, PROV
from lineage.version import __version__

OWL = "http://www.w3.org/2002/07/owl#"
#: The ontology itself, and where PROV-O is.
IRI, PROV_O = LINEAGE, "http://www.w3.org/ns/prov-o#"
_ABOUT = (
    "The terms of lineagedb beyond W3C PROV: kinds of things, relations, and attributes. Further "
    "attributes follow their sources: param.NAME is a parameter of a run, metric.NAME a metric."
)
#: Attributes of edges that were found rather than recorded (docs/concepts/joins.md).
_OF_EDGES = {
    terms.METHOD: "How a link was found, where nobody recorded it.",
    terms.EVIDENCE: "What shows a link that was found.",
    terms.CONFIDENCE: "How sure a link is that was found, from 0 to 1.",
}
#: Subject, property, and an IRI, or a text in English.
_Triple = tuple[str, str, str, bool]


def turtle() -> bytes:
    """The ontology as Turtle."""
    return serialized("text/turtle")


def serialized(media_type: str) -> bytes:
    """The ontology in a syntax of RDF, by its media type. Raises ``ValueError`` for another one."""
    chosen = rdf.RdfFormat.from_media_type(media_type)
    if chosen is None:
        raise ValueError(f"{media_type} is no syntax of RDF")
    triples = (
        rdf.Triple(
            rdf.NamedNode(subject),
            rdf.NamedNode(prop),
            rdf.Literal(value, language="en") if is_text else rdf.NamedNode(value),
        )
        for subject, prop, value, is_text in sorted(set(_triples()))
    )
    return rdf.serialize(triples, format=chosen, prefixes={**PREFIXES, "owl": OWL}) or b""


def _triples() -> Iterator[_Triple]:
    yield IRI, TYPE, OWL + "Ontology", False
    yield IRI, LABEL, "lineagedb", True
    yield IRI, RDFS + "comment", _ABOUT, True
    yield IRI, OWL + "versionInfo", __version__, True
    yield IRI, OWL + "imports", PROV_O, False
    for name, declared in kinds.KINDS.items():
        if name not in kinds.PLAIN:
            above = PROV + (name if PROV + name in agent_types.KINDS else declared.family)
            yield from _term(name, "Class", kinds.describe(name), "subClassOf", above)
    said: dict[str, list[str]] = {}
    for name in kinds.KINDS:
        for field in kinds.fields_of(name):
            if field.name in prov_terms.TIMES:
                continue  # PROV-O has the property
            text = f"{field.metadata['description']} ({name})"
            said.setdefault(field.name, []).append(text)
    said.update({key: [text] for key, text in _OF_EDGES.items()})
    for key, texts in said.items():
        yield from _term(key, "DatatypeProperty", " ".join(dict.fromkeys(texts)))
    for relation in terms.TABLE:
        if not relation.implied_by:
            yield from _relation(relation)


def _relation(relation: terms.Relation) -> Iterator[_Triple]:
    words, name = WORDS[relation.name], relation.name
    if relation.ours:
        about = f"A {_words(name)} link: {relation.root} of PROV, narrowed."
        above = WORDS[relation.root].plain[:1]
        yield from _term(name, "ObjectProperty", about, "subPropertyOf", *above)
    for one in (words.qualified, *words.named):
        if not one.startswith(LINEAGE):
            continue
        local = one.removeprefix(LINEAGE)
        if one == words.qualified:
            about = f"Leads to the statement that qualifies a {_words(name)} link."
            general = PROV + "qualifiedInfluence"
            yield from _term(local, "ObjectProperty", about, "subPropertyOf", general)
        else:
            about = f"One {_words(name)} statement, with what is said of it."
            yield from _term(local, "Class", about, "subClassOf", PROV + "Influence")


def _term(name: str, sort: str, about: str, narrows: str = "", *above: str) -> Iterator[_Triple]:
    iri = LINEAGE + name
    yield iri, TYPE, OWL + sort, False
    yield iri, LABEL, _words(name), True
    yield iri, RDFS + "comment", about.replace("``", '"'), True
    yield iri, RDFS + "isDefinedBy", IRI, False
    for one in above:
        yield iri, RDFS + narrows, one, False


def _words(name: str) -> str:
    """A name as words: ModelVersion -> model version."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ")
    return spaced if spaced.isupper() else spaced.lower()
