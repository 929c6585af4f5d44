# SPDX-License-Identifier: Apache-2.0
"""The words of RO-Crate and its run profiles: keys and types by their IRIs, and what each means here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from lineage.errors import BadInput

SCHEMA = "http://schema.org/"
RUN_TERMS = "https://w3id.org/ro/terms/workflow-run#"
#: The names of the file that makes a folder a crate; the second is that of RO-Crate 1.0.
METADATA = "ro-crate-metadata.json"
METADATA_NAMES = (METADATA, "ro-crate-metadata.jsonld")
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
SPECIFICATION = "https://w3id.org/ro/crate/1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
#: The exact records of a batch, in a crate of ours, and the words that tie it to the metadata.
SIDECAR = "provenance.prov.json"
SIDECAR_FORM = "https://www.w3.org/submissions/2013/SUBM-prov-json-20130424/"
DESCRIBED = "urn:lineage:term:described"
#: Terms of ours that the context of RO-Crate 1.1 does not have.
OWN_TERMS = {"sha256": RUN_TERMS + "sha256", "described": DESCRIBED}

#: Contexts that are known by name. None is ever fetched: their terms are those of ``_TERMS``.
_KNOWN_CONTEXT = re.compile(
    r"https?://(?:w3id\.org/ro/(?:crate/[\w.-]+(?:/context)?|terms/[\w-]+(?:/context)?)"
    r"|(?:www\.)?researchobject\.(?:github\.io|org)/ro-crate/[\w./-]*|schema\.org/?"
    r"|w3id\.org/workflowhub/workflow-ro-crate[\w./-]*)"
)
#: Prefixes that the contexts of RO-Crate bind.
_PREFIXES = {
    "schema": SCHEMA,
    "bioschemas": "https://bioschemas.org/",
    "dct": "http://purl.org/dc/terms/",
    "dcterms": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "wfrun": RUN_TERMS,
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_RUN_WORDS = (
    "ContainerImage DockerImage ParameterConnection SIFImage connection containerImage environment "
    "md5 registry resourceUsage sha1 sha256 sha512 sourceParameter tag targetParameter"
)
_TEST_WORDS = (
    "GithubService JenkinsService PlanemoEngine TestDefinition TestInstance TestService TestSuite "
    "TravisService definition engineVersion instance resource runsOn"
)
#: Terms that are not of schema.org under the same name.
_TERMS: Mapping[str, str] = {
    "File": SCHEMA + "MediaObject",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
    "buildInstructions": "https://codemeta.github.io/terms/buildInstructions",
    **{word: RUN_TERMS + word for word in _RUN_WORDS.split()},
    **{word: "https://w3id.org/ro/terms/test#" + word for word in _TEST_WORDS.split()},
}
#: IRI -> the term that the tables here know it by; crates differ in the IRIs of a few.
_BACK: Mapping[str, str] = {iri: term for term, iri in _TERMS.items()} | {
    "https://bioschemas.org/terms/ComputationalWorkflow": "ComputationalWorkflow",
    "https://bioschemas.org/terms/FormalParameter": "FormalParameter",
    **{SCHEMA + word: word for word in ("sha256", "environment")},
}
#: What no IRI may hold (RFC 3987 section 2.2), and characters that nobody can see in one.
_NOT_IRI = re.compile(
    r"[\x00-\x20<>\"{}|\\^`\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


class Tie(NamedTuple):
    """What a property says in PROV. ``backwards``: its value is the effect; ``role`` tells apart
    what is one relation in PROV.
    """

    relation: str
    backwards: bool = False
    role: str | None = None


#: Properties of an action.
OF_ACTIONS: Mapping[str, Tie] = {
    "object": Tie("used"),
    "result": Tie("wasGeneratedBy", backwards=True),
    "agent": Tie("wasAssociatedWith"),
    "participant": Tie("wasAssociatedWith", role="participant"),
    "containerImage": Tie("used", role="containerImage"),
    "environment": Tie("used", role="environment"),
}
#: Properties of everything that is no action and no agent.
OF_THINGS: Mapping[str, Tie] = {
    "isBasedOn": Tie("wasDerivedFrom"),
    "author": Tie("wasAttributedTo", role="author"),
    "creator": Tie("wasAttributedTo", role="creator"),
    "contributor": Tie("wasAttributedTo", role="contributor"),
    "publisher": Tie("wasAttributedTo", role="publisher"),
    "hasPart": Tie("hadMember"),
    "step": Tie("hadMember", role="step"),
    "isPartOf": Tie("hadMember", backwards=True),
    "exampleOfWork": Tie("specializationOf"),
    "workExample": Tie("specializationOf", backwards=True),
}
#: Properties whose text is an attribute that our kinds declare.
OF_KINDS: Mapping[str, str] = {
    "name": "name",
    "startTime": "started",
    "endTime": "ended",
    "actionStatus": "status",
    "email": "email",
    "license": "license",
    "softwareVersion": "version",
    "version": "version",
    "error": "error",
}
STATUS: Mapping[str, str] = {
    "CompletedActionStatus": "finished",
    "FailedActionStatus": "failed",
    "ActiveActionStatus": "running",
    "PotentialActionStatus": "scheduled",
}
#: Hex digits of the digests that a crate may state of a file.
DIGESTS: Mapping[str, int] = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
RUNS = frozenset({"CreateAction", "ActivateAction", "UpdateAction", "OrganizeAction"})
#: What is named by a type first in this order.
KINDS: Mapping[str, str] = {
    "Person": "Person",
    "Organization": "Organization",
    "ContainerImage": "Environment",
    "File": "Artifact",
    "Dataset": "Dataset",
    "SoftwareApplication": "SoftwareAgent",
}


class Context:
    """The terms of one document's ``@context``, resolved without fetching anything."""

    def __init__(self, value: Any, where: str) -> None:
        self._where = where
        self._own: dict[str, str] = {}
        self._vocabulary: str | None = None
        self.base: str | None = None
        self.language: str | None = None
        #: Terms defined with more than an IRI, whose values are read as they stand.
        self.coerced: list[str] = []
        self._terms: dict[str, str] = {}
        for part in value if isinstance(value, list) else [value]:
            self._take(part)

    def term(self, key: str) -> str:
        """A key or type as the tables here know it: a term of RO-Crate, else a full IRI."""
        found = self._terms.get(key)
        if found is None:
            iri = self.iri(key)
            found = _BACK.get(iri, iri)
            local = found.removeprefix(SCHEMA)
            if local and ":" not in local:
                found = local
            self._terms[key] = found
        return found

    def iri(self, key: str) -> str:
        """The full IRI of a key or type. Raises ``BadInput`` for one that cannot be a key."""
        if not key or not key.isprintable():
            raise BadInput(f"{key!r} cannot name a property or type", where=self._where)
        return encoded(self._expand(key, 0))

    def _expand(self, key: str, depth: int) -> str:
        own = self._own.get(key)
        if own is not None and own != key and depth < _DEEPEST_TERM:
            return self._expand(own, depth + 1)
        prefix, colon, local = key.partition(":")
        if not colon:
            return _TERMS.get(key) or (self._vocabulary or SCHEMA) + key
        if local.startswith("//"):
            return "http" + key[5:] if key.startswith("https://schema.org/") else key
        if prefix in self._own and depth < _DEEPEST_TERM:
            return self._expand(self._own[prefix], depth + 1) + local
        return _PREFIXES.get(prefix, prefix + ":") + local

    def _take(self, part: Any) -> None:
        if isinstance(part, dict):
            self._define(part)
        elif isinstance(part, str):
            if not _KNOWN_CONTEXT.fullmatch(part):
                message = f"context {part!r} is none that is known; nothing was fetched"
                hint = "Put the terms that it defines into the document's own @context."
                raise BadInput(message, where=self._where, hint=hint)
        elif part is not None:
            raise BadInput("@context is an address or an object", where=self._where)

    def _define(self, part: dict[str, Any]) -> None:
        for term, meaning in part.items():
            iri = meaning.get("@id") if isinstance(meaning, dict) else meaning
            if term == "@base" and isinstance(iri, str) and _SCHEME.match(iri):
                self.base = encoded(iri)
            elif term == "@vocab" and isinstance(iri, str):
                self._vocabulary = iri
            elif term == "@language" and isinstance(iri, str):
                self.language = iri
            elif isinstance(iri, str) and iri and not term.startswith("@"):
                self._own[term] = iri
                if isinstance(meaning, dict) and len(meaning) > 1:
                    self.coerced.append(term)


def full(term: str) -> str:
    """The IRI of a term as the tables here know it."""
    return term if ":" in term else _TERMS.get(term, SCHEMA + term)


#: Terms may be defined by terms; a chain longer than this is a circle.
_DEEPEST_TERM = 20


def absolute(text: str) -> bool:
    """Whether an identifier names a thing without the document it is in."""
    return _SCHEME.match(text) is not None


def encoded(text: str) -> str:
    """An identifier with what no IRI may hold in percent form, in Unicode normal form C.

    >>> encoded("my file.txt"), encoded("my%20file.txt")
    ('my%20file.txt', 'my%20file.txt')
    """
    return _NOT_IRI.sub(lambda found: quote(found[0]), unicodedata.normalize("NFC", text))


def listed(value: Any) -> list[Any]:
    """A value as a list, which JSON-LD leaves out around one."""
    return value if isinstance(value, list) else [value]
