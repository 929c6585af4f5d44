# SPDX-License-Identifier: Apache-2.0
"""A document is what it says of itself, not what words stand in it."""

from __future__ import annotations

import json

import pytest

import lineage
from lineage import formats
from lineage.errors import BadInput, UnknownFormat
from lineage.formats.prov_jsonld import words
from lineage.model.record import Batch, Edge, Node

ENTITY = "http://www.w3.org/ns/prov#Entity"
CRATE = {
    "@context": "https://w3id.org/ro/crate/1.1/context",
    "@graph": [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        {"@id": "./", "@type": "Dataset", "name": "a crate"},
    ],
}
SPEAKS_OF_CRATES = Batch(
    nodes=(
        Node(id="urn:a", kind="Entity", label="ro-crate-metadata.json"),
        Node(id="https://w3id.org/ro/crate/1.1", kind="Entity"),
        Node(id="http://e/ro-crate-metadata.json", kind="Entity"),
    ),
    edges=(Edge(relation="used", effect="urn:r", cause="http://e/ro-crate-metadata.json"),),
)
DOCUMENTS = {
    "a crate": (json.dumps(CRATE).encode(), "rocrate"),
    "PROV-JSONLD that speaks of crates": (
        formats.named("jsonld").dumps(SPEAKS_OF_CRATES),
        "jsonld",
    ),
    "PROV-JSON that speaks of crates": (formats.named("json").dumps(SPEAKS_OF_CRATES), "json"),
    "a list of node objects": (b'[{"@id": "http://e/a", "@type": ["%b"]}]' % ENTITY.encode(), "jsonld"),
    "types before names": (b'\n[ {"@type": ["%b"], "@id": "urn:a"}]' % ENTITY.encode(), "jsonld"),
    "one node object": (b'{"@id": "http://e/a", "@type": "%b"}' % ENTITY.encode(), "jsonld"),
    "a graph without a context": (b'{"@graph": [{"@id": "http://e/a", "@type": "%b"}]}' % ENTITY.encode(), "jsonld"),
    "PROV-JSON": (b'{"entity": {"_:a": {}}}', "json"),
    "PROV-JSON without anything": (b" {} ", "json"),
}  # fmt: skip


@pytest.mark.parametrize("case", DOCUMENTS)
def test_a_document_is_what_it_says_of_itself(case, tmp_path):
    data, name = DOCUMENTS[case]
    assert formats.sniff(data).name == name
    file = tmp_path / ("x.jsonld" if name == "jsonld" else "x.json")
    file.write_bytes(data)
    with lineage.open("memory:") as store:
        (report,) = store.load(file)
    assert report.importer == ("rocrate" if name == "rocrate" else "document")


NO_PROV = {
    "CycloneDX": b'{"bomFormat": "CycloneDX", "$schema": "x", "metadata": {"activity": {"entity": {}}}}',
    "a word without an object": b'{"entity": 3, "activity": "x", "used": []}',
    "a word in a text": b'{"a": "\\"entity\\": {", "b": {"used": {}}}',
    "quotes that do not end": b'{"' + b'\\"' * 40_000,
    "a list": b'[{"entity": {}}]',
}


@pytest.mark.parametrize("case", NO_PROV)
def test_other_json_is_nothing_that_is_known(case, tmp_path):
    assert formats.sniff(NO_PROV[case]) is None
    (tmp_path / "x.json").write_bytes(NO_PROV[case])
    with lineage.open("memory:") as store, pytest.raises(UnknownFormat):
        store.load(tmp_path / "x.json")


BROKEN = {
    "x.ttl": "<http://e/a> a .x",
    "x.trig": "{ <a> <b> }",
    "x.nt": "<a> <b",
    "x.rdf": "<rdf",
    "x.provn": "entity(",
    "x.jsonld": "{",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_document_is_said_to_be_broken_where_it_is(name, tmp_path):
    (tmp_path / name).write_text(BROKEN[name])
    with lineage.open("memory:") as store, pytest.raises(BadInput) as caught:
        store.load(tmp_path / name)
    assert name in caught.value.where


@pytest.mark.parametrize(
    "address",
    [
        words.CONTEXT,
        "http://openprovenance.org/prov-jsonld/context-2026-10-14.jsonld",
        "https://openprovenance.org/prov.jsonld",
        "https://www.w3.org/Submission/2024/SUBM-prov-jsonld-20240825/context.jsonld",
        "https://www.w3.org/submissions/prov-jsonld/context.jsonld",
    ],
)
def test_contexts_of_prov_jsonld_are_known_by_their_names(address):
    document = {"@context": [address], "@graph": [{"@type": "Entity", "@id": "http://e/a"}]}
    (node,) = formats.named("jsonld").loads(json.dumps(document).encode()).nodes
    assert node.id == "http://e/a"
