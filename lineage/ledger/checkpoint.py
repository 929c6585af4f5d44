# SPDX-License-Identifier: Apache-2.0
"""Checkpoints and proofs as C2SP text: the size and root of a log, what is in it, and how it grew."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lineage.errors import BadInput, BadSignature, DigestMismatch, ForkedLog, LimitExceeded
from lineage.ledger import merkle
from lineage.ledger.keys import PublicKey, SigningKey, unbase64

#: A note or proof larger than this is refused (characters).
LARGEST = 1024 * 1024
#: Signatures of one note: the specification asks for at least 16 (witnesses sign too).
MOST_SIGNATURES = 64

_HEAD = "c2sp.org/tlog-proof@v1"
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,17}")
_SIGNATURE = re.compile(r"— (?P<name>[^\s+]+) (?P<data>[A-Za-z0-9+/]+={0,2})")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
_HASH = 32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log at one size: its origin (a name such as ``lab.example/lineage``), size and root."""

    origin: str
    size: int
    root: bytes

    def sign(self, *keys: SigningKey) -> str:
        """The checkpoint as a signed note (C2SP tlog-checkpoint)."""
        return sign_note(f"{self.origin}\n{self.size}\n{_base64(self.root)}\n", *keys)

    @classmethod
    def of(cls, note: str, pinned: Collection[PublicKey], *, origin: str) -> Checkpoint:
        """Read a checkpoint of the log ``origin`` that a pinned key signed; extension lines are
        ignored.

        Raises ``BadSignature``, ``ForkedLog`` for another log's, ``BadInput``, ``LimitExceeded``.
        """
        lines = open_note(note, pinned).split("\n")[:-1]
        if len(lines) < 3 or "" in lines:
            raise _wrong("the note is no checkpoint: it has not three full lines")
        if lines[0] != origin:
            raise ForkedLog(f"the checkpoint is of {lines[0][:80]!r}, not of {origin!r}")
        return cls(lines[0], _number(lines[1], "tree size"), _hash(lines[2]))


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A proof that an entry is in a log, which can be checked without the log (C2SP tlog-proof).

    ``index`` counts from 0; ``path`` leads from the leaf up to the root of ``checkpoint``, which
    is the signed note as it stands; ``extra`` is whatever the reader needs to know the leaf by,
    and is not vouched for by anybody.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = b""

    @classmethod
    def make(
        cls, leaves: Sequence[bytes], index: int, checkpoint: str, *, extra: bytes = b""
    ) -> InclusionProof:
        """Make the proof of one entry out of the leaf hashes of the whole log.

        Raises ``ValueError`` where the log has no such entry.
        """
        if not 0 <= index < len(leaves):
            raise ValueError(f"a log of {len(leaves)} entries has no entry {index}")
        return cls(index, merkle.inclusion(leaves, index), checkpoint, extra)

    def to_text(self) -> str:
        """The proof as the text of a ``.tlog-proof`` file."""
        extra = f"extra {_base64(self.extra)}\n" if self.extra else ""
        return f"{_HEAD}\n{extra}index {self.index}\n{_path(self.path)}\n{self.checkpoint}"

    @classmethod
    def of(cls, text: str) -> InclusionProof:
        """Read a proof out of its text. Raises ``BadInput`` and ``LimitExceeded``."""
        head, checkpoint = _halves(text)
        lines = head.split("\n")
        if lines.pop(0) != _HEAD:
            raise _wrong(f"the proof does not begin with {_HEAD}")
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = _unbase64(lines.pop(0).removeprefix("extra "))
        if not lines or not lines[0].startswith("index "):
            raise _wrong("the proof names no index")
        index = _number(lines.pop(0).removeprefix("index "), "index")
        return cls(index, tuple(map(_hash, lines)), checkpoint, extra)

    def demand(self, leaf: bytes, pinned: Collection[PublicKey], *, origin: str) -> Checkpoint:
        """Check the proof, and return the checkpoint of the log that this entry is in.

        Raises ``DigestMismatch`` where the path leads elsewhere, and as ``Checkpoint.of`` does.
        """
        checkpoint = Checkpoint.of(self.checkpoint, pinned, origin=origin)
        size, root = checkpoint.size, checkpoint.root
        if not merkle.verifies(leaf, self.index, size, self.path, root):
            raise DigestMismatch(f"entry {self.index} is not in the log {origin} of {size} entries")
        return checkpoint


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """A proof that a log only appended since it had ``old`` entries, in the form in which witnesses
    are asked (C2SP tlog-witness): the older size, the hashes, and the newer checkpoint.
    """

    old: int
    path: tuple[bytes, ...]
    checkpoint: str

    @classmethod
    def make(cls, leaves: Sequence[bytes], old: int, checkpoint: str) -> ConsistencyProof:
        """Make the proof out of the leaf hashes of the whole log. Raises ``ValueError``."""
        return cls(old, merkle.consistency(leaves, old), checkpoint)

    def to_text(self) -> str:
        """The proof as text."""
        return f"old {self.old}\n{_path(self.path)}\n{self.checkpoint}"

    @classmethod
    def of(cls, text: str) -> ConsistencyProof:
        """Read a proof out of its text. Raises ``BadInput`` and ``LimitExceeded``."""
        head, checkpoint = _halves(text)
        first, *lines = head.split("\n")
        if not first.startswith("old "):
            raise _wrong("the proof names no older size")
        old = _number(first.removeprefix("old "), "older size")
        return cls(old, tuple(map(_hash, lines)), checkpoint)

    def demand(self, kept: Checkpoint, pinned: Collection[PublicKey]) -> Checkpoint:
        """Check the proof, and return the newer checkpoint where it continues the one that was
        kept.

        Raises ``ForkedLog`` otherwise, and as ``Checkpoint.of`` does.
        """
        new = Checkpoint.of(self.checkpoint, pinned, origin=kept.origin)
        if new.size < kept.size:
            raise ForkedLog(f"the log {new.origin} shrank from {kept.size} to {new.size} entries")
        if self.old != kept.size:
            raise ForkedLog(f"the proof starts at {self.old} entries, and we kept {kept.size}")
        if not merkle.extends(kept.size, new.size, kept.root, new.root, self.path):
            message = f"the log {new.origin} of {new.size} entries is not a continuation of"
            raise ForkedLog(f"{message} the one of {kept.size} that we kept")
        return new


def sign_note(text: str, *keys: SigningKey) -> str:
    """Sign a text with the keys (C2SP signed-note). It must end with a newline."""
    lines = [f"— {key.name} {_base64(key.public.id + key.sign(text.encode()))}\n" for key in keys]
    return f"{text}\n{''.join(lines)}"


def open_note(note: str, pinned: Collection[PublicKey]) -> str:
    """Return the text of a note that at least one pinned key signed; unknown keys are ignored.

    Raises ``BadSignature``, also where one of two known signatures is wrong; ``BadInput`` for what
    is no note; ``LimitExceeded``.
    """
    if len(note) > LARGEST:
        raise LimitExceeded(f"the note has {len(note)} characters, more than {LARGEST}")
    body, blank, tail = note.rpartition("\n\n")
    if not blank or not tail.endswith("\n") or _CONTROL.search(note):
        raise _wrong("this is no signed note: text, an empty line, signatures")
    lines = tail[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise LimitExceeded(f"{len(lines)} signatures, more than {MOST_SIGNATURES}")
    text, known, good = f"{body}\n", {(key.name, key.id): key for key in pinned}, 0
    for line in lines:
        found = _SIGNATURE.fullmatch(line)
        if found is None:
            raise _wrong("a signature line is not '— NAME BASE64'")
        data = _unbase64(found["data"])
        key = known.get((found["name"], data[:4]))
        if key is None:
            continue
        if not key.verifies(data[4:], text.encode()):
            raise BadSignature(f"the signature of {key.hint} is not over this text")
        good += 1
    if not good:
        raise BadSignature(f"none of the {len(pinned)} pinned keys signed the note")
    return text


def _halves(text: str) -> tuple[str, str]:
    if len(text) > LARGEST:
        raise LimitExceeded(f"the proof has {len(text)} characters, more than {LARGEST}")
    head, blank, checkpoint = text.partition("\n\n")
    if not blank:
        raise _wrong("the proof ends before its checkpoint")
    return head, checkpoint


def _path(path: Sequence[bytes]) -> str:
    return "".join(f"{_base64(item)}\n" for item in path)


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _unbase64(text: str) -> bytes:
    try:
        return unbase64(text)
    except ValueError as error:
        raise _wrong(f"{text[:80]!r} is not base64: {error}") from error


def _hash(text: str) -> bytes:
    data = _unbase64(text)
    if len(data) != _HASH:
        raise _wrong(f"{text[:80]!r} is not a hash of {_HASH} bytes")
    return data


def _number(text: str, what: str) -> int:
    if not _DECIMAL.fullmatch(text):
        raise _wrong(f"the {what} {text[:80]!r} is not a decimal number")
    return int(text)


def _wrong(message: str) -> BadInput:
    hint = "Fetch the package again; the forms are those of c2sp.org."
    return BadInput(message, hint=hint)
