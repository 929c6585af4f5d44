# SPDX-License-Identifier: Apache-2.0
"""Hostile packages as data: what each pretends to be, and the error that names it."""

from __future__ import annotations

import stat
import struct
import zipfile
from datetime import timedelta

from lineage.ledger import merkle
from tests.services.forging import (
    BEFORE,
    BUNDLE,
    ENVELOPE,
    GROWTH,
    ITSELF,
    NOBODY,
    NOW,
    PROOF,
    A,
    C,
    _only_a_hint,
    _other_payload,
    adding,
    document,
    dropping,
    entity,
    envelope_of,
    overlapping,
    patched,
    relation,
    with_entry,
    without,
)

#: A zero-width space, letters of another script that look like ours, a letter in two code points.
INVISIBLE, CYRILLIC_A, TWO_POINTS = "\u200b", "\u0430", "e\u0301"
DEEP = b'{"entity":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001
BZIP2 = struct.pack("<H", zipfile.ZIP_BZIP2)
FORKED = [merkle.leaf_hash(bytes([n])) for n in range(100, 112)]

#: Name -> (code of the error, the bundle or ``None`` for an honest one, what is odd).
CASES = {
    # size and shape
    "an empty file": ("bad-input", None, {"data": lambda data: b""}),
    "no zip": ("bad-input", None, {"data": lambda data: b"PK" + data[4:]}),
    "a zip cut short": ("bad-input", None, {"data": lambda data: data[:-40]}),
    "a zip with a flipped bit": (
        "bad-input",
        None,
        {"data": lambda data: data[:60] + bytes([data[60] ^ 8]) + data[61:]},
    ),
    "a bomb": ("limit-exceeded", None, {"zip": with_entry("bomb", bytes(9_000_000))}),
    "a bomb that lies about its size": (
        "bad-input",
        None,
        {"zip": lambda files: patched({**files, "AA": bytes(9_000_000)}, 24, b"\1\0\0\0")},
    ),
    "something behind the end of the zip": ("bad-input", None, {"data": lambda data: data + b"x"}),
    "a directory of a thousand entries": (
        "limit-exceeded",
        None,
        {"files": lambda files: {**files, **{f"{n:0900}": b"" for n in range(100)}}},
    ),
    "entries that share bytes": ("bad-input", None, {"zip": overlapping}),
    "an entry that climbs out": ("bad-input", None, {"zip": with_entry("../../evil")}),
    "an absolute entry": ("bad-input", None, {"zip": with_entry("/etc/passwd")}),
    "an entry with backslashes": ("bad-input", None, {"zip": with_entry("..\\evil")}),
    "an entry on a drive": ("bad-input", None, {"zip": with_entry("C:evil")}),
    "an entry that is a device": ("bad-input", None, {"zip": with_entry("aux.txt")}),
    "an entry with a NUL": ("bad-input", None, {"zip": with_entry("evil\0.json")}),
    "a link": (
        "bad-input",
        None,
        {"zip": with_entry("link", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16)},
    ),
    "an encrypted entry": (
        "bad-input",
        None,
        {"zip": lambda files: patched(files, 8, b"\x01\x00")},
    ),
    "an unusual compression": ("bad-input", None, {"zip": lambda files: patched(files, 10, BZIP2)}),
    "a name that differs in case only": (
        "bad-input",
        None,
        {"files": adding("Bundle.prov.json", b"{}")},
    ),
    "too many files": (
        "limit-exceeded",
        None,
        {"files": lambda files: {**files, **{f"f{n}": b"" for n in range(40)}}},
    ),
    "more bytes than the partner may send": (
        "limit-exceeded",
        None,
        {"before": adding("pad.txt", bytes(1_500_000))},
    ),
    # signature
    "no envelope": ("bad-signature", None, {"files": without(ENVELOPE)}),
    "no signature": ("bad-signature", None, {"envelope": envelope_of(signatures=[])}),
    "an envelope that is none": ("bad-input", None, {"envelope": lambda data: b"[]"}),
    "a key that nobody pinned": ("bad-signature", None, {"key": NOBODY}),
    "a pinned key by its hint only": (
        "bad-signature",
        None,
        {"key": NOBODY, "envelope": envelope_of(signatures=_only_a_hint)},
    ),
    "the key of another partner": ("bad-signature", None, {"key": C}),
    "our own key": ("bad-signature", None, {"key": A}),
    "another payload": ("bad-signature", None, {"envelope": envelope_of(payload=_other_payload)}),
    "another type of payload": ("bad-signature", None, {"payload_type": "application/json"}),
    "a statement that is not canonical": ("bad-input", None, {"payload": lambda d: d + b"\n"}),
    "a statement without an expiry": (
        "bad-input",
        None,
        {"payload": lambda d: dropping(d, "expires")},
    ),
    "a file name that climbs out, signed": (
        "bad-input",
        None,
        {"statement": {"files": {"../x": "ab" * 32}}},
    ),
    # whom it is for, when, and after what
    "for somebody else": ("wrong-audience", None, {"statement": {"audience": "c"}}),
    "for nobody in particular": ("wrong-audience", None, {"statement": {"audience": "A"}}),
    "in the name of another log": ("bad-signature", None, {"statement": {"origin": C.name}}),
    "expired": ("expired", None, {"statement": {"expires": NOW}}),
    "of tomorrow": (
        "not-yet-valid",
        None,
        {"statement": {"created": NOW + timedelta(days=1)}},
    ),
    "the first number again": (
        "wrong-sequence",
        None,
        {"statement": {"sequence": 1, "previous": None}},
    ),
    "a gap": ("wrong-sequence", None, {"statement": {"sequence": 3}}),
    "after another package than the one taken": (
        "wrong-sequence",
        None,
        {"statement": {"previous": "12" * 32}},
    ),
    # what was signed for
    "another document than the one signed": (
        "digest-mismatch",
        None,
        {"files": adding(BUNDLE, b'{"entity": {}}')},
    ),
    "a file that nobody signed": ("digest-mismatch", None, {"files": adding("more.txt", b"x")}),
    "a signed file that is not there": ("digest-mismatch", None, {"files": without(BUNDLE)}),
    "no document": ("digest-mismatch", None, {"before": without(BUNDLE)}),
    "no proof": ("digest-mismatch", None, {"before": without(PROOF)}),
    # the log
    "a log with another past": ("forked-log", None, {"leaves": FORKED}),
    "a log that shrank": ("forked-log", None, {"leaves": BEFORE[:2]}),
    "no proof of growth": ("forked-log", None, {"before": without(GROWTH)}),
    "the proof of another entry": ("digest-mismatch", None, {"index": 0}),
    "the entry of an export to another partner": (
        "digest-mismatch",
        None,
        {"entry": {"source": "export:c"}},
    ),
    "the entry of another actor": ("digest-mismatch", None, {"entry": {"actor": "ana"}}),
    "the entry of another document": ("digest-mismatch", None, {"note": {"bundle": "00" * 32}}),
    "the entry of another number": ("digest-mismatch", None, {"note": {"sequence": 1}}),
    "the entry of another policy": ("digest-mismatch", None, {"note": {"policy": "00" * 32}}),
    "an entry that is none": ("bad-input", None, {"preimage": b"no entry"}),
    "a checkpoint of another log": ("forked-log", None, {"log": C.name}),
    "a checkpoint that nobody pinned signed": ("bad-signature", None, {"log_key": NOBODY}),
    # the document
    "a document cut short": ("input-truncated", b'{"entity": {"b:x": ', {}),
    "a key twice": ("bad-input", b'{"entity": {}, "entity": {}}', {}),
    "a document nested deep": ("limit-exceeded", DEEP, {}),
    "prov: bound anew": ("bad-input", document(prefix={"prov": "https://a.example/"}), {}),
    "more records than the partner may send": (
        "limit-exceeded",
        document(entity={f"b:e{n}": {} for n in range(200)}),
        {},
    ),
    "an entity that is an activity": (
        "rejected",
        document(entity={"b:x": {}}, activity={"b:x": {}}),
        {},
    ),
    "something derived from itself": (
        "rejected",
        ITSELF,
        {},
    ),
    "something that is more special than itself": (
        "rejected",
        relation("specializationOf", "specificEntity", "b:x", "generalEntity", "b:x"),
        {},
    ),
    "our model made an activity": (
        "rejected",
        relation("wasGeneratedBy", "entity", "b:x", "activity", "a:model"),
        {},
    ),
    "our model made an agent": (
        "rejected",
        relation("wasAttributedTo", "entity", "b:x", "agent", "a:model"),
        {},
    ),
    "our model made the activity of a derivation": (
        "rejected",
        document(
            wasDerivedFrom={
                "_:d": {
                    "prov:generatedEntity": "b:x",
                    "prov:usedEntity": "b:y",
                    "prov:activity": "a:model",
                }
            }
        ),
        {},
    ),
    "our run made an entity": (
        "rejected",
        relation("used", "activity", "b:run", "entity", "a:run"),
        {},
    ),
    "another kind than here": ("rejected", document(activity={"b:known": {}}), {}),
    "another kind than it said before": ("rejected", document(activity={"b:data": {}}), {}),
    # namespaces
    "a description of ours": ("bad-namespace", entity("a:model", **{"prov:label": "evil"}), {}),
    "a description of ours that is not there": ("bad-namespace", entity("a:new"), {}),
    "more about ours than we said": (
        "bad-namespace",
        entity("a:model", **{"prov:label": "the model", "lineage:license": "MIT"}),
        {},
    ),
    "a description under a pseudonym": (
        "bad-namespace",
        lambda issued: document(entity={issued("data"): {"prov:label": "evil"}}),
        {},
    ),
    "a pseudonym that we never gave": (
        "bad-namespace",
        lambda issued: relation(
            "used", "activity", "b:run", "entity", issued("data")[:-6] + "aaaaaa"
        ),
        {},
    ),
    "our node depends on theirs": (
        "bad-namespace",
        relation("wasDerivedFrom", "generatedEntity", "a:model", "usedEntity", "b:data"),
        {},
    ),
    "our pseudonym depends on theirs": (
        "bad-namespace",
        lambda issued: relation(
            "wasDerivedFrom", "generatedEntity", issued("data"), "usedEntity", "b:data"
        ),
        {},
    ),
    "our run used theirs": (
        "bad-namespace",
        relation("used", "activity", "a:run", "entity", "b:data"),
        {},
    ),
    "ours revoked": (
        "bad-namespace",
        relation("wasInvalidatedBy", "entity", "a:model", "activity", "b:revocation"),
        {},
    ),
    "ours revoked under a pseudonym": (
        "bad-namespace",
        lambda issued: relation(
            "wasInvalidatedBy", "entity", issued("data"), "activity", "b:revocation"
        ),
        {},
    ),
    "theirs is the same as ours": (
        "bad-namespace",
        relation("alternateOf", "alternate1", "b:model", "alternate2", "a:model"),
        {},
    ),
    "theirs is the same as ours by digest": (
        "bad-namespace",
        relation(
            "alternateOf",
            "alternate1",
            "b:model",
            "alternate2",
            "a:model",
            **{"lineage:method": "digest"},
        ),
        {},
    ),
    "ours is the same as theirs": (
        "bad-namespace",
        relation("alternateOf", "alternate1", "a:model", "alternate2", "b:model"),
        {},
    ),
    "ours is a member of ours, they say": (
        "bad-namespace",
        relation("hadMember", "collection", "a:model", "entity", "a:data"),
        {},
    ),
    "a relation of our name": (
        "bad-namespace",
        relation("used", "activity", "b:run", "entity", "b:data", ident="a:use"),
        {},
    ),
    "a bundle of our name": (
        "bad-namespace",
        document(bundle={"a:bundle": {"entity": {"b:x": {}}}}),
        {},
    ),
    # names with a second spelling
    "a look-alike of our host": (
        "bad-namespace",
        entity(f"https://{CYRILLIC_A}.example/model"),
        {},
    ),
    "a look-alike in a path": ("bad-namespace", entity(f"https://b.example/d{CYRILLIC_A}ta"), {}),
    "an invisible letter": ("bad-namespace", entity(f"https://a.example/mo{INVISIBLE}del"), {}),
    "a letter in two code points": ("bad-namespace", entity(f"https://b.example/{TWO_POINTS}"), {}),
    "a path that climbs": ("bad-namespace", entity("https://b.example/../a/model"), {}),
    "a path that climbs, escaped": ("bad-namespace", entity("https://b.example/%2E%2E/x"), {}),
    "an escaped letter": ("bad-namespace", entity("https://a.example/%6Dodel"), {}),
    "an escape in lower case": ("bad-namespace", entity("https://b.example/%c3%a9"), {}),
    "half an escape": ("bad-namespace", entity("https://b.example/100%"), {}),
    "a host in upper case": ("bad-namespace", entity("https://A.example/model"), {}),
    "a host with a dot behind": ("bad-namespace", entity("https://a.example./model"), {}),
    "a scheme in upper case": ("bad-namespace", entity("HTTPS://a.example/model"), {}),
    "our host as a user": ("bad-namespace", entity("https://a.example@b.example/model"), {}),
    "a URN in upper case": ("bad-namespace", entity("urn:LINEAGE:dataset:a-lab/data"), {}),
}
