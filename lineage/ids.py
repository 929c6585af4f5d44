# SPDX-License-Identifier: Apache-2.0
"""Names for things: canonical bytes, digests, IRIs made from what a thing is, short references."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Collection, Mapping
from typing import Any, NewType
from urllib.parse import quote, unquote

import orjson

Id = NewType("Id", str)
Digest = NewType("Digest", bytes)

#: What the identifiers of commits, of bytes and of environments begin with.
REVISION, CONTENT, ENVIRONMENT = "swh:1:rev:", "urn:lineage:content:", "urn:lineage:environment:"
#: What the identifiers of MLflow's runs begin with, and those of captured runs and their steps.
MLFLOW_RUN, CAPTURED = "urn:lineage:run:mlflow:", "urn:lineage:run:lineage:captured/"
_DATASET, _VERSION = "urn:lineage:dataset:", "urn:lineage:version:"
#: Begins the identifiers of projects.
PROJECT = "urn:lineage:project:"

#: Bytes that say nothing get no content node, else every empty file would join every lineage.
SMALLEST_CONTENT = 64

#: Digests of the empty file and of DVC's empty directory, known without their size.
EMPTY_DIGESTS = frozenset(
    {
        "d41d8cd98f00b204e9800998ecf8427e",
        "d751713988987e9331980363e24189ce.dir",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }
)

_SORTED = orjson.OPT_SORT_KEYS
#: What no IRI may hold (RFC 3987 section 2.2), and characters that nobody can see in an identifier.
_NOT_IRI = re.compile(
    r"[\x00-\x20<>\"{}|\\^`\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
#: Namespaces of which the end is known: those of a host, and of a repository by its root commit.
_PLACE = re.compile(r"(file://[^/]*|[0-9a-f]{40}|[0-9a-f]{64})/(.+)", re.DOTALL)
_SAFE = "!$&'()*+,;=:@/-._~"


def canonical(value: Any) -> bytes:
    """Same value, same bytes, on every machine (RFC 8785), so that a digest names a thing.

    Floats, integers beyond 2**53 and lone surrogates have no canonical form here: records carry
    them as typed literals (see ``lineage.model.record``). Raises ``ValueError`` for them.

    >>> canonical({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    try:
        text = orjson.dumps(value, option=_SORTED)
    except TypeError as error:
        raise ValueError(str(error)) from error
    # RFC 8785 sorts keys by UTF-16 unit, orjson by code point: they agree where keys hold no
    # character beyond the basic plane. Those need four bytes in UTF-8 (0xF0 and up).
    if text.isascii() or not any(byte >= 0xF0 for byte in text):
        return text
    import rfc8785

    return rfc8785.dumps(value)


def sha256(data: bytes) -> str:
    """The SHA-256 of some bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def iri_fault(text: str) -> str | None:
    """Why a text cannot be an identifier, in words; ``None`` when it can.

    >>> iri_fault("a b")
    'has no scheme such as urn: or https:'
    >>> iri_fault("urn:a b")
    "holds ' ' at position 5"
    """
    if not _SCHEME.match(text):
        return "has no scheme such as urn: or https:"
    bad = _NOT_IRI.search(text)
    if bad:
        return f"holds {bad.group()!r} at position {bad.start()}"
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        return "is not in Unicode normal form C"
    return None


def are_plain(texts: Collection[str]) -> bool:
    """Whether all of some texts are identifiers in ASCII, by fewer looks than ``iri_fault`` at each.

    >>> are_plain({"urn:a", "https://lab.example/b"}), are_plain({"urn:a", "b"})
    (True, False)
    """
    together = "!".join(texts)
    return together.isascii() and not _NOT_IRI.search(together) and all(map(_SCHEME.match, texts))


def segment(text: str) -> str:
    """A name or path made safe for the inside of an IRI: NFC, reserved characters in percent form.

    >>> segment("data/my file.csv")
    'data/my%20file.csv'
    """
    text = unicodedata.normalize("NFC", text)
    if text.isascii():
        return quote(text, safe=_SAFE)
    return "".join(
        char if not char.isascii() and not _NOT_IRI.match(char) else quote(char, safe=_SAFE)
        for char in text
    )


def commit_id(sha: str) -> Id:
    """A commit by its full hash (SWHID, ISO/IEC 18670)."""
    return Id(f"{REVISION}{sha.lower()}")


def dataset_id(namespace: str, name: str) -> Id:
    """A dataset by namespace and name."""
    return Id(f"{_DATASET}{segment(namespace)}/{segment(name)}")


def model_id(namespace: str, name: str) -> Id:
    """A model by namespace and name."""
    return Id(f"urn:lineage:model:{segment(namespace)}/{segment(name)}")


def model_version_id(registry: str, name: str, version: str) -> Id:
    """A model version by registry instance, model name and version."""
    return Id(f"urn:lineage:model-version:{segment(registry)}/{segment(name)}@{segment(version)}")


def dataset_version_id(namespace: str, path: str, algorithm: str, digest: str) -> Id:
    """A file or directory under one name, at the digest by which its source knows it."""
    return Id(f"{_VERSION}{segment(namespace)}/{segment(path)}@{algorithm}:{digest}")


def is_version(ident: str) -> bool:
    """Whether an identifier is that of a version of a path."""
    return ident.startswith(_VERSION)


def versions_of(ident: str) -> str | None:
    """What the identifiers of all versions of one path begin with: that of a dataset, or of one of
    them. ``None`` for what is neither.

    >>> versions_of("urn:lineage:version:lab/a.csv@md5:0f"), versions_of("urn:lineage:dataset:lab/a.csv")
    ('urn:lineage:version:lab/a.csv@', 'urn:lineage:version:lab/a.csv@')
    """
    if ident.startswith(_VERSION):
        return ident.rpartition("@")[0] + "@"
    if ident.startswith(_DATASET):
        return f"{_VERSION}{ident.removeprefix(_DATASET)}@"
    return None


def place_of(ident: str, name: str | None = None) -> tuple[str, str] | None:
    """The namespace and the path in the identifier of a version of a path, or of a dataset; ``name`` is what the
    path is said to be. ``None`` for what is neither, and where it cannot be told where the namespace ends.

    >>> place_of("urn:lineage:version:file://host//data/my%20a.csv@md5:0f")
    ('file://host', '/data/my a.csv')
    """
    stem = versions_of(ident)
    if stem is None:
        return None
    text = unquote(stem.removeprefix(_VERSION).removesuffix("@"))
    if name and text.endswith(f"/{name}"):
        return text[: -len(name) - 1], name
    found = _PLACE.fullmatch(text)
    return (found[1], found[2]) if found else None


def content_id(algorithm: str, digest: str, size: int | None = None) -> Id | None:
    """The bytes themselves, whatever they are called; ``None`` for bytes that say nothing.

    >>> content("md5", "d41d8cd98f00b204e9800998ecf8427e") is None
    True
    """
    if digest in EMPTY_DIGESTS or (size is not None and size < SMALLEST_CONTENT):
        return None
    return Id(f"{CONTENT}{algorithm}:{digest}")


def run_id(system: str, instance: str, key: str) -> Id:
    """A run by tracker, the tracker's instance and the run's id there."""
    return Id(f"urn:lineage:run:{segment(system)}:{segment(instance)}/{segment(key)}")


def captured_run_id(key: str) -> Id:
    """A captured run by the identifier that capture gave it; a step of one by ``<run>/<step>``."""
    return Id(f"{CAPTURED}{segment(key)}")


def captured_run_of(ident: str) -> Id | None:
    """The captured run that an identifier is of, or of a step in; ``None`` for anything else.

    >>> captured_run_of("urn:lineage:run:lineage:captured/01/7-1"), captured_run_of("urn:lineage:run:x:y/01")
    ('urn:lineage:run:lineage:captured/01', None)
    """
    if not ident.startswith(CAPTURED):
        return None
    return Id(CAPTURED + ident.removeprefix(CAPTURED).partition("/")[0])


def thing_id(noun: str, namespace: str, name: str) -> Id:
    """Any other noun of ours by namespace and name, such as a deliberation or an organization."""
    return Id(f"urn:lineage:{noun}:{segment(namespace)}/{segment(name)}")


def decision_id(namespace: str, key: str) -> Id:
    """A decision by the identifier that its record gives itself, else by the path of its first file."""
    return thing_id("decision", namespace, key)


def decision_version_id(namespace: str, key: str, digest: str) -> Id:
    """A decision as a file said it; ``digest`` is the SHA-256 of its bytes, in hex."""
    return Id(f"urn:lineage:decision-version:{segment(namespace)}/{segment(key)}@sha256:{digest}")


def lesson_id(subject: str, text: str) -> Id:
    """What was learnt from a decision or a run: told twice, by a command and in a record, it is one."""
    return Id(f"urn:lineage:lesson:sha256:{sha256(canonical({'of': subject, 'text': text}))}")


def project_id(namespace: str) -> Id:
    """A project: what has its names in a namespace."""
    return Id(f"{PROJECT}{segment(namespace)}")


def environment_id(description: Mapping[str, Any]) -> Id:
    """An environment by what it holds: equal environments are one node, whoever found them."""
    return Id(f"{ENVIRONMENT}sha256:{sha256(canonical(description))}")


def person_id(email: str, key: bytes) -> Id:
    """A person by the keyed hash of an e-mail, so that the identifier gives away nobody.

    ``key`` is 32 bytes out of the store's settings; another store names the same person otherwise.
    """
    address = unicodedata.normalize("NFC", email.strip()).lower()
    mark = hmac.new(key, address.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    return Id(f"urn:lineage:person:{mark[:40]}")


def orcid_id(text: str) -> Id:
    """A person by ORCID, in any of its written forms."""
    return Id("https://orcid.org/" + text.rstrip("/").rsplit("/", 1)[-1].removeprefix("orcid:"))


#: What a partner says of a thing that is not theirs: the partner, and the thing's own identifier.
CLAIM = "urn:lineage:claim:"

#: A blank node of a document: the document's digest, and the node in it.
BLANK = "urn:lineage:blank:"
#: Stands where PROV lets a relation leave an argument out: something unnamed that must exist.
UNKNOWN = "urn:lineage:unknown:"


def unknown_id(description: Any) -> Id:
    """The unnamed thing that a relation with a missing argument speaks of (PROV-DM section 5)."""
    return Id(UNKNOWN + sha256(canonical(description))[:32])


def is_unknown(ident: str) -> bool:
    """Whether an identifier stands for an argument that was left out."""
    return ident.startswith(UNKNOWN)


def uuid7(
    now: Callable[[], float] = time.time, random: Callable[[int], bytes] = secrets.token_bytes
) -> str:
    """A new identifier that sorts by the time it was made (RFC 9562 section 5.7)."""
    stamp = int(now() * 1000).to_bytes(6, "big")
    tail = bytearray(random(10))
    tail[0] = 0x70 | tail[0] & 0x0F
    tail[2] = 0x80 | tail[2] & 0x3F
    text = (stamp + bytes(tail)).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def title(ident: str, label: str | None) -> str:
    """What people are shown for a thing: its label, or what is readable of its identifier; of a
    partner's claim, whose word it is.

    >>> title("urn:lineage:claim:lab:urn%3Ax", "our model")
    'our model (lab says)'
    """
    if not label:
        return short(ident)
    return label + _claimed(ident)


def untitled(ident: str, shown: str) -> str | None:
    """The label again out of a title, if there was one."""
    if shown == short(ident):
        return None
    return shown.removesuffix(_claimed(ident))


def _claimed(ident: str) -> str:
    if not ident.startswith(CLAIM):
        return ""
    return f" ({ident.removeprefix(CLAIM).partition(':')[0]} says)"


def short(ident: str) -> str:
    """What people call an identifier when nobody gave it a label.

    >>> short("urn:lineage:run:mlflow:lab/0f3a")
    '0f3a'
    >>> short("swh:1:rev:0123456789abcdef0123456789abcdef01234567")
    '0123456789ab'
    >>> short("urn:lineage:claim:lab:urn%3Alineage%3Amodel%3Ax%2Ffraud")
    'fraud (lab says)'
    """
    if ident.startswith("swh:1:"):
        return ident.rsplit(":", 1)[1][:12]
    if is_unknown(ident):
        return "(not named)"
    if ident.startswith(CLAIM):
        claimed = ident.removeprefix(CLAIM).partition(":")[2]
        return short(unquote(claimed)) + _claimed(ident)
    if ident.startswith(CONTENT):
        algorithm, _, digest = ident.removeprefix(CONTENT).partition(":")
        return f"{algorithm}:{digest[:12]}"
    if ident.startswith(("urn:lineage:version:", "urn:lineage:model-version:")):
        return ident.split("/", 1)[-1]
    tail = re.split(r"[/#]", ident.rstrip("/#"))[-1]
    return tail.rsplit(":", 1)[-1] if tail.startswith("urn:") else tail
