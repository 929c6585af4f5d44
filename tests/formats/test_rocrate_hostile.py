# SPDX-License-Identifier: Apache-2.0
"""Crates that are damaged, or made to do harm: one error with a place, or what can be read."""

from __future__ import annotations

import io
import json
import stat
import struct
from random import Random
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from lineage.errors import BadInput, InputTruncated, LimitExceeded, LineageError
from lineage.formats import zip_writer
from lineage.formats.rocrate.archive import MOST_ENTRIES
from tests.formats.crates import FORMAT, METADATA, TRAINING, crate, same, written

BAD = {
    "not JSON": (b"{nope", BadInput, "not JSON"),
    "cut in half": (b'{"@graph": [', InputTruncated, "ends too early"),
    "empty": (b"", InputTruncated, "empty"),
    "a list": (b"[]", BadInput, "are an object"),
    "no graph": (b"{}", BadInput, 'no "@graph"'),
    "a graph that is none": (b'{"@graph": {}}', BadInput, 'no "@graph"'),
    "@id twice": (crate({"@id": "#a"}, {"@id": "#a", "name": "b"}), BadInput, "different things"),
    "no root": (crate().replace(b'"./"', b'"x"', 1), BadInput, "'x' is not described"),
    "no descriptor": (b'{"@graph": []}', BadInput, "no entity says"),
    "unknown context": (
        b'{"@context": "http://evil.example/context", "@graph": []}',
        BadInput,
        "nothing was fetched",
    ),
    "context of a number": (b'{"@context": 3, "@graph": []}', BadInput, "address or an object"),
    "a type that is none": (crate({"@id": "#a", "@type": 3}), BadInput, "a type that is no text"),
    "an empty key": (crate({"@id": "#a", "": 3}), BadInput, "cannot name a property"),
    "deep": (b'{"@graph":' * 5_000 + b"1" + b"}" * 5_000, LimitExceeded, "nested deeper"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_metadata_are_one_error_with_a_place(name):
    data, kind, said = BAD[name]
    with pytest.raises(kind, match=said) as caught:
        FORMAT.loads(data, "crate.json")
    assert caught.value.where.startswith("crate.json")
    assert caught.value.hint


def zipped(*entries, **changes):
    """A zip file with the metadata and some entries, each a name or a changed ZipInfo."""
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as made:
        made.writestr(METADATA, crate())
        for name in entries:
            info = ZipInfo(name)
            for key, value in changes.items():
                setattr(info, key, value)
            made.writestr(info, b"x" * 200)
    return out.getvalue()


def flagged(data):
    """The same zip file, its entries marked as encrypted."""
    for head, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(head)
        while at >= 0:
            data = data[: at + place] + struct.pack("<H", 1) + data[at + place + 2 :]
            at = data.find(head, at + 1)
    return data


def bomb():
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as made:
        made.writestr(METADATA, crate())
        made.writestr("bomb", bytes(20_000_000))
    return out.getvalue()


def crowd():
    out = io.BytesIO()
    with ZipFile(out, "w") as made:
        made.writestr(METADATA, crate())
        for number in range(MOST_ENTRIES):
            made.writestr(f"{number}", b"")
    return out.getvalue()


def twice():
    out = io.BytesIO()
    with ZipFile(out, "w") as made, pytest.warns(UserWarning, match="Duplicate"):
        made.writestr(METADATA, crate())
        made.writestr(METADATA, crate())
    return out.getvalue()


LINK = (stat.S_IFLNK | 0o777) << 16
ZIPS = {
    "upwards": (lambda: zipped("../../evil"), BadInput, "leads out of the zip"),
    "upwards inside": (lambda: zipped("a/../../evil"), BadInput, "leads out of the zip"),
    "absolute": (lambda: zipped("/etc/passwd"), BadInput, "absolute"),
    "a drive": (lambda: zipped("C:/evil"), BadInput, "absolute"),
    "backslashes": (lambda: zipped("..\\evil"), BadInput, "no path has"),
    "a control character": (lambda: zipped("a\tb"), BadInput, "no path has"),
    "a link": (lambda: zipped("link", external_attr=LINK), BadInput, "link or a device"),
    "case": (lambda: zipped("Data", "data"), BadInput, "in case only"),
    "file and folder": (lambda: zipped("data", "data/"), BadInput, "in case only"),
    "twice": (twice, BadInput, "is there twice"),
    "encrypted": (lambda: flagged(zipped()), BadInput, "is encrypted"),
    "bomb": (bomb, LimitExceeded, "expands to 20000000 bytes"),
    "a crowd": (crowd, LimitExceeded, "more than 10000"),
    "no metadata": (lambda: zip_writer.write({"a": b""}), BadInput, "holds no ro-crate-metadata"),
    "two crates": (
        lambda: zip_writer.write({f"a/{METADATA}": b"", f"b/{METADATA}": b""}),
        BadInput,
        "more than one",
    ),
    "cut": (lambda: zipped("data")[:-30], InputTruncated, "damaged"),
    "damaged": (lambda: FORMAT.dumps(TRAINING).replace(b"train", b"other"), BadInput, "CRC"),
}


@pytest.mark.parametrize("name", ZIPS)
def test_bad_zip_files_are_one_error(name):
    make, kind, said = ZIPS[name]
    data = make()
    with pytest.raises(kind, match=said) as caught:
        FORMAT.loads(data, "some.crate.zip")
    assert caught.value.where == "some.crate.zip"


def test_a_crate_in_a_folder_of_its_zip_file_is_read():
    batch = FORMAT.loads(zip_writer.write({f"crate/{METADATA}": crate(), "crate/data": b""}))
    assert "Somebody's" in {node.label for node in batch.nodes}


def test_mutants_raise_nothing_else_and_what_is_read_can_be_written(extent):
    mutants = (1_000, 10_000)[extent]
    random = Random(5)
    graph = json.dumps({"@graph": list(written(TRAINING).values())}).encode()
    seeds = [graph, crate(*NESTED), crate(*NESTED, CreateAction="schema:CreateAction")]
    read = 0
    for number in range(mutants):
        text = random.choice(seeds)
        if number % 5 == 0:
            data = damaged(FORMAT_ZIP, random)
        elif number % 2:
            data = damaged(text, random)
        else:
            data = json.dumps(bent(json.loads(text), random)).encode()
        try:
            batch = FORMAT.loads(data)
        except LineageError:
            continue
        read += 1
        assert same(batch, FORMAT.loads(FORMAT.dumps(batch)))
    assert read > mutants * 0.15


NESTED = (
    {
        "@id": "#a",
        "@type": ["File", "schema:Thing"],
        "author": {"@type": "Person", "name": "Ana", "knows": {"@id": "_:b", "name": ["B", 3]}},
        "hasPart": {"@list": [{"@id": "b"}, [{"@id": "c", "@type": "CreateAction"}]]},
        "prov:label": {"@value": "x", "@language": "en"},
        "size": {"@value": "3", "@type": "xsd:int"},
        "sha1": "ab" * 20,
    },
)
FORMAT_ZIP = FORMAT.dumps(TRAINING)
WORDS = ("@id", "@type", "@value", "@list", "@context", "name", "instrument", "prov:startTime")
THINGS = (None, True, 0, -1, 2**70, 1.5, "", "x", "./", "_:b", "\u202e", "CreateAction", "../..")


def damaged(data, random):
    """Some bytes with one of them changed, a piece cut out, doubled, or the end lost."""
    at, size = random.randrange(len(data)), random.randrange(1, 20)
    return random.choice(
        (
            data[:at] + bytes([random.randrange(256)]) + data[at + 1 :],
            data[:at] + data[at + size :],
            data[:at] + data[at : at + size] + data[at:],
            data[:at],
        )
    )


def bent(value, random):
    """A JSON value with something in it changed for something else."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    if not keys:
        return random.choice(THINGS)
    key = random.choice(list(keys))
    inner = value[key]
    if isinstance(inner, dict | list) and random.random() < 0.8:
        value[key] = bent(inner, random)
    else:
        value[key] = random.choice(
            (random.choice(THINGS), [inner, inner], {"@id": inner}, {"@value": inner}, [[inner]])
        )
    if isinstance(value, dict) and random.random() < 0.2:
        value[random.choice(WORDS)] = value.pop(key)
    return value
