# SPDX-License-Identifier: Apache-2.0
"""Packages made as partner b would, by hand and without our exporter.

``forge`` makes one, with something odd in it or not. The victim knows b's first package (``FIRST``),
so that the hostile ones are number 2.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from lineage import ids
from lineage.formats import zip_writer
from lineage.ledger import merkle, seal
from lineage.ledger.checkpoint import Checkpoint, ConsistencyProof, InclusionProof
from lineage.ledger.keys import SigningKey
from lineage.ledger.statement import Statement

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
A = SigningKey.of_seed("a.example/lineage", bytes([1]) * 32)
B = SigningKey.of_seed("b.example/lineage", bytes([2]) * 32)
C = SigningKey.of_seed("c.example/lineage", bytes([3]) * 32)
NOBODY = SigningKey.of_seed("b.example/lineage", bytes([9]) * 32)

BUNDLE, ENVELOPE, PROOF = "bundle.prov.json", "envelope.dsse.json", "proof.tlog-proof"
GROWTH = "growth.tlog-consistency"
#: The other entries of b's log, before its first export and between the two.
BEFORE = [merkle.leaf_hash(bytes([n])) for n in range(3)]
BETWEEN = [merkle.leaf_hash(bytes([n])) for n in range(10, 15)]


def document(**words):
    """A PROV-JSON document; ``a``, ``b`` and ``c`` are the three institutions' namespaces."""
    prefix = {name: f"https://{name}.example/" for name in "abc"}
    return {"prefix": {**prefix, "lineage": "urn:lineage:term:", "i": "urn:"}, **words}


def entity(name, **attributes):
    return document(entity={name: attributes})


def relation(word, effect_key, effect, cause_key, cause, ident="_:r", **attributes):
    ends = {f"prov:{effect_key}": effect, f"prov:{cause_key}": cause}
    return document(**{word: {ident: {**ends, **attributes}}})


#: Derived from itself, and generated: before itself (PROV-CONSTRAINTS 42).
ITSELF = document(
    wasDerivedFrom={"_:d": {"prov:generatedEntity": "b:x", "prov:usedEntity": "b:x"}},
    wasGeneratedBy={"_:g": {"prov:entity": "b:x", "prov:activity": "b:run"}},
)

HONEST = document(
    entity={"b:data": {"prov:label": "their data"}, "b:model": {"prov:label": "their model"}},
    activity={"b:run": {}},
    used={"_:u": {"prov:activity": "b:run", "prov:entity": "b:data"}},
    wasGeneratedBy={"_:g": {"prov:entity": "b:model", "prov:activity": "b:run"}},
)


@dataclass(frozen=True)
class Forged:
    """A package, and what the next one of the same log builds on."""

    data: bytes
    statement: Statement
    leaves: tuple[bytes, ...]


def forge(bundle=HONEST, *, after=None, key=B, leaves=None, **odd):
    """A package of b for a; ``after`` is the one before it. What is ``odd``: changes of the
    statement, the note or the entry (mappings), and of files, envelope or zip (functions).
    """
    data = bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode()
    number = 1 if after is None else after.statement.sequence + 1
    number = odd.get("statement", {}).get("sequence", number)
    older = list(leaves) if leaves is not None else _older(after)
    note = {"sequence": number, "bundle": ids.sha256(data), "policy": "ab" * 32, "nodes": 2}
    entry = {
        "actor": B.name,
        "added": 1,
        "importer": "export",
        "note": ids.canonical({**note, **odd.get("note", {})}).decode(),
        "recorded": "2026-01-02T03:04:05.000Z",
        "records": "cd" * 32,
        "retracted": 0,
        "seq": len(older) + 1,
        "source": "export:a",
        **odd.get("entry", {}),
    }
    preimage = odd.get("preimage", ids.canonical(entry))
    grown = [*older, merkle.leaf_hash(preimage)]
    log = Checkpoint(odd.get("log", B.name), len(grown), merkle.root(grown))
    signed = log.sign(odd.get("log_key", B))
    files = {
        BUNDLE: data,
        PROOF: InclusionProof.make(grown, odd.get("index", len(older)), signed, extra=preimage)
        .to_text()
        .encode(),
    }
    if after is not None and len(after.leaves) <= len(grown):
        files[GROWTH] = ConsistencyProof.make(grown, len(after.leaves), signed).to_text().encode()
    files = odd.get("before", lambda found: found)(files)
    statement = Statement(
        origin=B.name,
        audience="a",
        sequence=number,
        previous=None if after is None else after.statement.digest,
        created=NOW,
        expires=NOW + timedelta(days=90),
        policy="ab" * 32,
        checkpoint=signed,
        files={name: ids.sha256(content) for name, content in files.items()},
    )
    statement = replace(statement, **odd.get("statement", {}))
    payload = odd.get("payload", lambda found: found)(statement.to_bytes())
    envelope = seal.sign(payload, odd.get("payload_type", seal.IN_TOTO), key)
    files[ENVELOPE] = odd.get("envelope", lambda found: found)(envelope)
    files = odd.get("files", lambda found: found)(files)
    packed = odd.get("zip", zip_writer.write)(files)
    return Forged(odd.get("data", lambda found: found)(packed), statement, tuple(grown))


def _older(after):
    return BEFORE if after is None else [*after.leaves, *BETWEEN]


FIRST = forge()

# --- zips that no library writes by itself ---------------------------------------------------------


def with_entry(name, content=b"x", **fields):
    """A zip with one more entry, of which some fields are odd."""

    def pack(files):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
            for each, data in files.items():
                out.writestr(each, data)
            member = zipfile.ZipInfo("x" * len(name))
            for field, value in fields.items():
                setattr(member, field, value)
            out.writestr(member, content)
        return target.getvalue().replace(b"x" * len(name), name.encode())

    return pack


def patched(files, offset, value):
    """A zip in whose directory some bytes of the first entry are others."""
    data = bytearray(zip_writer.write(files))
    at = data.index(b"PK\x01\x02") + offset
    data[at : at + len(value)] = value
    return bytes(data)


def overlapping(files):
    """A zip in which one entry lies within the bytes of another, so that both are sound."""
    inner, target = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as within:
        within.writestr("inner", b"x" * 100)
    (member,) = within.infolist()
    record = inner.getvalue()[: within.start_dir]
    with zipfile.ZipFile(target, "w") as out:
        for name, data in {**files, "outer": record}.items():
            out.writestr(name, data)
        member.header_offset = out.getinfo("outer").header_offset + 30 + len("outer")
        out.filelist.append(member)
    return target.getvalue()


def envelope_of(**changes):
    """An envelope of which some members are others."""

    def change(data):
        value = json.loads(data)
        for name, member in changes.items():
            value[name] = member(value) if callable(member) else member
        return json.dumps(value).encode()

    return change


def _other_payload(value):
    text = base64.b64decode(value["payload"]).replace(b'"sequence":2', b'"sequence":3')
    return base64.b64encode(text).decode()


def _only_a_hint(value):
    return [{**value["signatures"][0], "keyid": B.public.hint}]


def without(name):
    return lambda files: {each: data for each, data in files.items() if each != name}


def adding(name, data):
    return lambda files: {**files, name: data}


def dropping(data, name):
    value = json.loads(data)
    value["predicate"].pop(name)
    return ids.canonical(value)
