# SPDX-License-Identifier: Apache-2.0
"""PROV-JSON goes in and comes out: everything it says, and one clear error for what it is not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from prov.model import ProvDocument

import lineage
from lineage.errors import BadInput, InputTruncated, LimitExceeded
from lineage.formats import prov_json
from lineage.model.record import Batch, Node, line
from lineage.model.value import Literal, Ref
from tests.strategies import batches

FORMAT = prov_json.FORMAT
HEAD = '"prefix": {"ex": "http://example.org/"}'


def same(one, other):
    return sorted(map(line, one.records)) == sorted(map(line, other.records))


@settings(max_examples=200)
@given(batches)
def test_what_is_written_reads_back_the_same_and_writes_the_same_bytes(batch):
    data = FORMAT.dumps(batch)
    back = FORMAT.loads(data)
    assert same(batch, back)
    assert FORMAT.dumps(back) == data


def test_documents_of_others_survive_whole_and_prov_agrees(corpora):
    """Every PROV-JSON document of the corpus that the prov library can load comes back equal."""
    read = 0
    for path in sorted((corpora / "prov").rglob("*.json")):
        if "malformed" in path.parts:
            continue
        data = path.read_bytes()
        batch = FORMAT.loads(data)
        written = FORMAT.dumps(batch)
        assert same(batch, FORMAT.loads(written)), path
        try:
            expected = ProvDocument.deserialize(content=data.decode(), format="json")
        except Exception:  # noqa: BLE001 - the oracle refuses PROV-Dictionary
            continue
        assert ProvDocument.deserialize(content=written.decode(), format="json") == expected, path
        read += 1
    assert read > 200


def test_kinds_and_labels_are_prov_types_and_labels():
    run = Node(
        id="urn:r", kind="Run", label="train", attributes={"started": "2026-01-01T00:00:00Z"}
    )
    shown = json.loads(FORMAT.dumps(Batch(nodes=(run,))))["activity"]
    ((_, body),) = shown.items()
    assert body["prov:label"] == "train"
    assert body["prov:startTime"] == "2026-01-01T00:00:00Z"
    assert body["prov:type"] == {"$": "lineage:Run", "type": "prov:QUALIFIED_NAME"}


def test_bundles_empty_ones_too_are_kept():
    text = f'{{{HEAD}, "bundle": {{"ex:b": {{}}, "ex:c": {{"entity": {{"ex:e": {{}}}}}}}}}}'
    back = json.loads(FORMAT.dumps(FORMAT.loads(text.encode())))
    assert back["bundle"] == {"ex:b": {}, "ex:c": {"entity": {"ex:e": {}}}}


def test_an_argument_left_out_stays_left_out():
    text = f'{{{HEAD}, "used": {{"_:u": {{"prov:activity": "ex:a", "prov:time": "2026-01-01"}}}}}}'
    batch = FORMAT.loads(text.encode())
    assert batch.edges[0].cause.startswith("urn:lineage:unknown:")
    written = json.loads(FORMAT.dumps(batch))
    assert written["used"] == {"_:r1": {"prov:activity": "ex:a", "prov:time": "2026-01-01"}}


def test_values_keep_their_type_and_language():
    values = (Literal("1.50", "xsd:decimal"), Literal("bonjour", None, "fr"), Ref("urn:x"), 3, True)
    node = Node(id="urn:e", kind="Entity", attributes={"http://example.org/v": values})
    assert set(
        FORMAT.loads(FORMAT.dumps(Batch(nodes=(node,)))).nodes[0].attributes.popitem()[1]
    ) == set(values)


BAD = {
    "not JSON": (b"{nope", BadInput, "not JSON"),
    "cut in half": (b'{"entity": {"ex:a": {', InputTruncated, "ends too early"),
    "empty": (b"", InputTruncated, "empty"),
    "a list": (b"[]", BadInput, "not an object"),
    "null": (b"null", BadInput, "not an object"),
    "not UTF-8": (b'{"entity": "\xff"}', BadInput, "not UTF-8"),
    "a key twice": (b'{"entity": {}, "entity": {}}', BadInput, "twice"),
    "NaN": (b'{"entity": {"urn:a": {"x": NaN}}}', BadInput, "NaN"),
    "1e999": (b'{"entity": {"urn:a:b": {"x": 1e999}}}', BadInput, "too large"),
    "deep": (b'{"entity":' * 5_000 + b"1" + b"}" * 5_000, LimitExceeded, "deeper"),
    "prefix not declared": (b'{"entity": {"ex:a": {}}}', BadInput, "'ex' is used but not declared"),
    "prov bound anew": (b'{"prefix": {"prov": "http://evil.example/"}}', BadInput, "reserved"),
    "unknown word": (b'{"entities": {}}', BadInput, "no word of PROV-JSON"),
    "nested bundle": (b'{"bundle": {"urn:b:1": {"bundle": {}}}}', BadInput, "do not nest"),
    "wrong shape": (b'{"entity": ["urn:a:b"]}', BadInput, "object is expected"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_error_with_a_place(name):
    data, kind, words = BAD[name]
    with pytest.raises(kind, match=words) as caught:
        FORMAT.loads(data, "file.json")
    assert caught.value.where.startswith("file.json")
    assert caught.value.hint


def test_the_public_door_converts_and_validates():
    data = f'{{{HEAD}, "entity": {{"ex:a b": {{}}, "ex:c": {{}}}}, "activity": {{"ex:c": {{}}}}}}'.encode()
    findings = lineage.validate(data, "json")
    assert {(f.code, f.severity) for f in findings} == {("bad-id", "error"), ("prov-55", "error")}
    assert json.loads(lineage.convert(data, "json", "json"))["entity"] == {"ex:a b": {}, "ex:c": {}}
