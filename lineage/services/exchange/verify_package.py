# SPDX-License-Identifier: Apache-2.0
"""Verifies a package of lineage without lineagedb: this one file, Python 3.11 and ``cryptography``.

    python verify_package.py PACKAGE.zip --key KEY --audience NAME [--log FILE]

KEY is the sender's public key, the line that ``lineage keys new`` printed; NAME is who the package is
for. With ``--log FILE`` the checkpoint of the sender's log is kept in FILE, and the next package has to
show that the log only grew since (RFC 6962). It says what it found, one line each; exit code 0: all of
it holds. 1: something does not. 2: it could not be looked at.

What is checked: the zip is plain and bounded; a DSSE envelope (v1.0.2) with an in-toto statement, signed
by the key; the audience and the time; the digest of every file, and no other file; that the export is an
entry in the sender's log, under a checkpoint that the key signed (C2SP tlog-checkpoint and tlog-proof).
Nothing is said about whether the statements are true, or valid PROV: ``lineage import`` looks at that.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

MOST_BYTES, MOST_FILES, SKEW = 256 * 1024 * 1024, 16, timedelta(minutes=5)
ENVELOPE, BUNDLE = "envelope.dsse.json", "bundle.prov.json"
PROOF, GROWTH = "proof.tlog-proof", "growth.tlog-consistency"
STATEMENT, PREDICATE = "https://in-toto.io/Statement/v1", "urn:lineage:exchange:v1"
IN_TOTO = "application/vnd.in-toto+json"
SIGNATURE = re.compile(r"\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


class Wrong(Exception):
    """Something does not hold."""


class Key:
    """An Ed25519 public key by the line of a C2SP signed note: NAME+ID+BASE64."""

    def __init__(self, line: str) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        parts = line.strip().rsplit("+", 2) if line.count("+") >= 2 else []
        # The base64 of a key may hold a plus itself.
        found = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", line.strip())
        if not parts or found is None:
            raise SystemExit("verify_package: the key is no line NAME+ID+BASE64")
        raw = unbase64(found[3])
        self.name: str = found[1]
        if raw[:1] != b"\x01" or len(raw) != 33:
            raise SystemExit("verify_package: the key is no Ed25519 key")
        self.id: bytes = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        if self.id.hex() != found[2]:
            raise SystemExit("verify_package: the key is not the one that its line names")
        self._key = Ed25519PublicKey.from_public_bytes(raw[1:])

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key signed the message."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def wrong(what: str) -> NoReturn:
    """Raise ``Wrong``."""
    raise Wrong(what)


def say(line: str, stream: Any = None) -> None:
    """Print a line, of which others wrote a part."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    (stream or sys.stdout).write(f"{shown}\n")


def unbase64(text: str) -> bytes:
    """Decode base64 that has one spelling only."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        wrong("there is no base64 where it should be")
    return data if base64.b64encode(data).decode() == text else wrong("base64 with stray bits")


def one_object(data: bytes, what: str) -> dict[str, Any]:
    """Read a JSON object in which no member stands twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return dict(pairs) if len(dict(pairs)) == len(pairs) else wrong(f"{what}: a member twice")

    try:
        value = json.loads(data.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        wrong(f"{what} is no JSON")
    return value if isinstance(value, dict) else wrong(f"{what} is no JSON object")


def files_of(data: bytes) -> dict[str, bytes]:
    """The files of the zip; refuses what is not plain, or larger than it says."""
    if not data.startswith(b"PK\x03\x04") or len(data) > MOST_BYTES:
        wrong("this is no zip file, or a very large one")
    if data[-22:-18] != b"PK\x05\x06":
        wrong("something stands behind the end of the zip file")
    files: dict[str, bytes] = {}
    left = MOST_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MOST_FILES:
                wrong(f"the package has more than {MOST_FILES} files")
            for member in members:
                name = member.orig_filename
                if not NAME.fullmatch(name) or name in files or member.flag_bits & 1:
                    wrong(f"the entry {name[:80]!r} is no plain file, or is there twice")
                with archive.open(member) as file:
                    files[name] = file.read(left + 1)
                left -= len(files[name])
                if left < 0:
                    wrong("the package unpacks to too much")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        wrong(f"the zip file is damaged: {error}")
    return files


def statement_of(envelope: bytes, key: Key) -> dict[str, Any]:
    """The in-toto statement of a DSSE envelope that the key signed."""
    said = one_object(envelope, ENVELOPE)
    kind, payload, signatures = (said.get(n) for n in ("payloadType", "payload", "signatures"))
    if kind != IN_TOTO or not isinstance(payload, str) or not isinstance(signatures, list):
        wrong("this is no envelope with an in-toto statement")
    body = unbase64(payload.translate(str.maketrans("-_", "+/")))
    message = b"DSSEv1 %d %b %d %b" % (len(IN_TOTO), IN_TOTO.encode(), len(body), body)
    for item in signatures[:16]:
        text = item.get("sig") if isinstance(item, dict) else None
        if not isinstance(text, str):
            continue
        if key.verifies(unbase64(text.translate(str.maketrans("-_", "+/"))), message):
            return canonical(body)
    wrong("the key did not sign this")


def canonical(body: bytes) -> dict[str, Any]:
    """A statement in canonical JSON (RFC 8785): nothing that two readers read differently."""
    said = one_object(body, "the statement")
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return (
        said if text.encode("utf-8", "replace") == body else wrong("the statement is not canonical")
    )


def moment(text: Any) -> datetime:
    """A time of the statement, in UTC."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        wrong(f"{str(text)[:40]!r} is no time of a statement")


def demand_statement(
    said: dict[str, Any], key: Key, audience: str, now: datetime
) -> dict[str, Any]:
    """What the statement says of itself, where it is for us, of the key's log, and in its time."""
    about = said.get("predicate")
    if said.get("_type") != STATEMENT or said.get("predicateType") != PREDICATE:
        wrong("the statement is of another sort")
    if not isinstance(about, dict) or about.get("audience") != audience:
        wrong(f"the package is for somebody else than {audience!r}")
    if about.get("origin") != key.name:
        wrong(f"the package is of the log {str(about.get('origin'))[:80]!r}, not {key.name!r}")
    if moment(about.get("created")) > now + SKEW or moment(about.get("expires")) <= now:
        wrong("the package may not be used now: it is not valid yet, or no more")
    if type(about.get("sequence")) is not int or about["sequence"] < 1:
        wrong("the package has no number")
    return about


def demand_files(said: dict[str, Any], files: dict[str, bytes]) -> dict[str, str]:
    """The digests that were signed, where each file has its own and there is no other."""
    signed: dict[str, str] = {}
    subject = said.get("subject")
    for item in subject if isinstance(subject, list) else []:
        name = item.get("name") if isinstance(item, dict) else None
        digest = item.get("digest") if isinstance(item, dict) else None
        if not isinstance(name, str) or not isinstance(digest, dict) or name in signed:
            wrong("the statement names a file that is none, or one twice")
        signed[name] = str(digest.get("sha256"))
    found = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    if found != signed or BUNDLE not in signed:
        odd = sorted(name for name in {*found, *signed} if found.get(name) != signed.get(name))
        wrong(f"not the files that were signed for: {', '.join(odd)[:200] or BUNDLE}")
    return signed


def checkpoint_of(note: str, key: Key) -> tuple[int, bytes]:
    """Size and root of a signed checkpoint of the key's log."""
    text, blank, tail = note.rpartition("\n\n")
    lines = text.split("\n")
    if not blank or len(lines) < 3 or lines[0] != key.name or not lines[1].isdigit():
        wrong("the checkpoint is none, or of another log")
    for line in tail.split("\n"):
        found = SIGNATURE.fullmatch(line)
        if found and found[1] == key.name:
            data = unbase64(found[2])
            if data[:4] == key.id and key.verifies(data[4:], f"{text}\n".encode()):
                return int(lines[1]), unbase64(lines[2])
    wrong("the key did not sign the checkpoint of the log")


def inner(left: bytes, right: bytes) -> bytes:
    """The hash of two nodes (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def leads(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether an audit path leads from a leaf to a root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    value, at, last = leaf, index, size - 1
    for other in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            value = inner(other, value)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            value = inner(value, other)
        at, last = at >> 1, last >> 1
    return last == 0 and value == root


def grew(first: int, second: int, older: bytes, newer: bytes, path: list[bytes]) -> bool:
    """Whether a log of ``second`` entries begins with one of ``first`` (RFC 9162 section 2.1.4.2)."""
    if first == second:
        return not path and older == newer
    if not 0 < first < second:
        return False
    nodes = [older, *path] if first & (first - 1) == 0 else list(path)
    if not nodes:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = inner(node, old), inner(node, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = inner(new, node)
        at, last = at >> 1, last >> 1
    return last == 0 and old == older and new == newer


def proof_of(data: bytes, head: str) -> tuple[list[str], str]:
    """The lines of a proof, and the checkpoint below them."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        wrong("a proof is no text")
    lines, blank, note = text.partition("\n\n")
    if not blank or not lines.startswith(head):
        wrong(f"a proof does not begin with {head!r}")
    return lines.split("\n"), note


def demand_entry(
    files: dict[str, bytes], about: dict[str, Any], signed: dict[str, str], key: Key
) -> tuple[int, bytes]:
    """The checkpoint of the log that this export is an entry of."""
    lines, note = proof_of(files.get(PROOF, b""), "c2sp.org/tlog-proof@v1")
    if note != about.get("checkpoint"):
        wrong("the proof is of another checkpoint than the statement")
    size, root = checkpoint_of(note, key)
    if len(lines) < 3 or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        wrong("the proof names no entry")
    entry, index = unbase64(lines[1][6:]), lines[2][6:]
    if not index.isdigit() or len(index) > 18:
        wrong("the proof names no index")
    leaf = hashlib.sha256(b"\x00" + entry).digest()
    if not leads(leaf, int(index), size, list(map(unbase64, lines[3:])), root):
        wrong("the export is not in the sender's log")
    said = one_object(entry, "the entry")
    told = one_object(str(said.get("note")).encode(), "the note of the entry")
    found = [said.get(n) for n in ("source", "actor", "seq")]
    found += [told.get(n) for n in ("sequence", "bundle", "policy")]
    expected = [f"export:{about['audience']}", key.name, int(index) + 1]
    expected += [about["sequence"], signed[BUNDLE], about.get("policy")]
    if found != expected or type(found[2]) is not int or type(found[3]) is not int:
        wrong("the entry in the log is of another export")
    return size, root


def demand_growth(files: dict[str, bytes], kept: str, now: tuple[int, bytes], key: Key) -> None:
    """That the log only grew since a checkpoint that was kept."""
    old_size, old_root = checkpoint_of(kept, key)
    if (old_size, old_root) == now:
        return
    lines, note = proof_of(files.get(GROWTH, b""), "old ")
    if checkpoint_of(note, key) != now or lines[0] != f"old {old_size}":
        wrong("the package does not show how the log grew since the checkpoint that was kept")
    if not grew(old_size, now[0], old_root, now[1], list(map(unbase64, lines[1:]))):
        wrong("the log is no continuation of the one that was kept: its history was changed")


def verify(
    data: bytes, key: Key, audience: str, kept: str | None, now: datetime | None = None
) -> dict[str, Any]:
    """Verify a package, and return what it says of itself. Raises ``Wrong``."""
    files = files_of(data)
    envelope = files.pop(ENVELOPE, None)
    if envelope is None:
        wrong(f"the package is not signed: it has no {ENVELOPE}")
    said = statement_of(envelope, key)
    about = demand_statement(said, key, audience, now or datetime.now(UTC))
    signed = demand_files(said, files)
    head = demand_entry(files, about, signed, key)
    if kept is not None:
        demand_growth(files, kept, head, key)
    return {**about, "entries": head[0], "files": signed}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="verify_package", description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path)
    parser.add_argument("--key", required=True, help="the sender's public key: NAME+ID+BASE64")
    parser.add_argument("--audience", required=True, help="who the package is for")
    parser.add_argument("--log", type=Path, help="where the checkpoint of the log is kept")
    given = parser.parse_args(arguments)
    try:
        data = given.package.read_bytes()
        kept = given.log.read_text("utf-8") if given.log and given.log.exists() else None
    except OSError as error:
        say(f"cannot be read: {error}", sys.stderr)
        return 2
    try:
        about = verify(data, Key(given.key), given.audience, kept)
    except ImportError:
        say("this needs the package 'cryptography'", sys.stderr)
        return 2
    except Wrong as error:
        say(f"NOT VERIFIED: {error}")
        return 1
    say(f"verified: package {about['sequence']} of {about['origin']} for {about['audience']}")
    say(f"made {about['created']}, may be used until {about['expires']}")
    for name, digest in sorted(about["files"].items()):
        say(f"  sha256 {digest}  {name}")
    say(f"an entry of the sender's log of {about['entries']} entries")
    if given.log:
        given.log.write_text(about["checkpoint"], "utf-8")
        say(
            "the log only grew since the checkpoint kept"
            if kept
            else f"checkpoint kept in {given.log}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
