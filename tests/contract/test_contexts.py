# SPDX-License-Identifier: Apache-2.0
"""Contexts of JSON-LD are handed over on the command line: nothing that a document names is fetched."""

from __future__ import annotations

import json

import pytest

import lineage

ENTITY = "http://www.w3.org/ns/prov#Entity"
GIVEN = {
    "@context": {
        "Thing": ENTITY,
        "madeFrom": {"@id": "http://www.w3.org/ns/prov#wasDerivedFrom", "@type": "@id"},
    }
}
THEIRS = {
    "@context": ["https://lab.example/context?v=1", {"e": "http://e/"}],
    "@graph": [{"@id": "e:a", "@type": "Thing", "madeFrom": "e:b"}],
}  # fmt: skip


@pytest.mark.parametrize("content", [GIVEN, GIVEN["@context"], {"@context": [GIVEN["@context"]]}])
def test_a_context_that_a_document_names_is_handed_over(content, tmp_path, run):
    (tmp_path / "theirs.jsonld").write_text(json.dumps(THEIRS))
    (tmp_path / "context.json").write_text(json.dumps(content))
    given = ("--context", "https://lab.example/context?v=1=context.json")
    code, _, err = run("convert", "theirs.jsonld", "--to", "provn")
    assert (code, "--context https://lab.example/context?v=1=FILE" in err) == (2, True)
    code, out, err = run("convert", "theirs.jsonld", "--to", "provn", *given)
    assert (code, err) == (0, "")
    assert "wasDerivedFrom(e:a, e:b)" in out
    assert run("validate", "theirs.jsonld", *given)[0] == 0
    assert run("--store", "s.db", "import", "theirs.jsonld", *given)[0] == 0
    with lineage.open("s.db") as store:
        assert {node.id for node in store.trace("http://e/a").nodes} == {"http://e/a", "http://e/b"}


def test_a_context_that_cannot_be_used_is_one_clear_error(tmp_path, run):
    (tmp_path / "theirs.jsonld").write_text(json.dumps(THEIRS))
    (tmp_path / "context.json").write_text("no JSON")
    for given, word in {
        "x": "no URL=FILE",
        "=context.json": "no URL=FILE",
        "http://e/c=absent.json": "absent.json",
        "http://e/c=context.json": "http://e/c",
    }.items():
        code, _, err = run("convert", "theirs.jsonld", "--to", "json", "--context", given)
        assert (code != 0, word in err) == (True, True), given
    code, _, err = run("--store", "s.db", "import", ".", "--context", "http://e/c=theirs.jsonld")
    assert (code != 0, "this is a folder" in err) == (True, True)
