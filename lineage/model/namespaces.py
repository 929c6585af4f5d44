# SPDX-License-Identifier: Apache-2.0
"""The namespaces that every document knows; converts attribute keys to short forms and full IRIs."""

from __future__ import annotations

import re
from collections.abc import Mapping

PROV = "http://www.w3.org/ns/prov#"
XSD = "http://www.w3.org/2001/XMLSchema#"
LINEAGE = "urn:lineage:term:"

#: Namespaces every document of ours knows; attribute keys in them are written with the prefix,
#: those of ours without any, and all others as full IRIs.
PREFIXES: Mapping[str, str] = {
    "prov": PROV,
    "xsd": XSD,
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "lineage": LINEAGE,
}

_LONGEST_FIRST = sorted(PREFIXES.items(), key=lambda item: -len(item[1]))
_LOCAL = re.compile(r"[^:]+")


def compact(iri: str) -> str:
    """An attribute or type IRI as our answers write it.

    >>> compact("http://www.w3.org/ns/prov#role"), compact("urn:lineage:term:license")
    ('prov:role', 'license')
    """
    for prefix, base in _LONGEST_FIRST:
        if iri.startswith(base) and _LOCAL.fullmatch(iri, len(base)):
            local = iri[len(base) :]
            return local if prefix == "lineage" else f"{prefix}:{local}"
    return iri


def expand(key: str) -> str:
    """The full IRI of a key that ``compact`` wrote.

    >>> expand("prov:role"), expand("license"), expand("http://example.org/a")
    ('http://www.w3.org/ns/prov#role', 'urn:lineage:term:license', 'http://example.org/a')
    """
    prefix, colon, local = key.partition(":")
    if not colon:
        return LINEAGE + key
    base = PREFIXES.get(prefix)
    return base + local if base else key
