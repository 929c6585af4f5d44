# SPDX-License-Identifier: Apache-2.0
"""Merkle trees of RFC 6962 section 2.1: roots, growing logs, proofs of inclusion and of growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

#: The root of a tree without leaves.
EMPTY = sha256(b"").digest()
_SIZE = 32


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf, with a prefix by which no inner node can pass for one."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash an inner node."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Compute the root over leaf hashes.

    Pairing level by level and carrying an odd one up gives RFC 6962's tree: its split at the
    largest power of two is what pairing from the left produces.
    """
    if not leaves:
        return EMPTY
    level = list(leaves)
    while len(level) > 1:
        pairs = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        if len(level) % 2:
            pairs.append(level[-1])
        level = pairs
    return level[0]


@dataclass(frozen=True, slots=True)
class Frontier:
    """A growing log in O(log n) memory: the roots of its complete subtrees, largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> Frontier:
        """The log with one more leaf hash."""
        peaks, carry, size = list(self.peaks), leaf, self.size
        while size & 1:
            carry = node_hash(peaks.pop(), carry)
            size >>= 1
        return Frontier(self.size + 1, (*peaks, carry))

    @property
    def root(self) -> bytes:
        """The root of the log as it stands."""
        if not self.peaks:
            return EMPTY
        value = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            value = node_hash(peak, value)
        return value

    def to_bytes(self) -> bytes:
        """The peaks, one after the other; with the size they are the whole state."""
        return b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Frontier:
        """Back from ``to_bytes``. Raises ``ValueError`` where size and peaks do not fit."""
        peaks = tuple(data[at : at + _SIZE] for at in range(0, len(data), _SIZE))
        if len(data) != _SIZE * size.bit_count():
            raise ValueError(f"a log of {size} leaves has {size.bit_count()} peaks")
        return cls(size, peaks)


def inclusion(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Make the audit path of a leaf: the siblings from its level up to the root."""
    if len(leaves) <= 1:
        return ()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return (*inclusion(left, index), root(right))
    return (*inclusion(right, index - split), root(left))


def verifies(leaf: bytes, index: int, size: int, path: Sequence[bytes], expected: bytes) -> bool:
    """Whether an audit path leads from a leaf hash to a root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    value, at, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            value = node_hash(sibling, value)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and value == expected


def consistency(leaves: Sequence[bytes], first: int) -> tuple[bytes, ...]:
    """Make the proof that the log of all these leaves only appended to that of the ``first`` ones
    (RFC 9162 section 2.1.4.1). Raises ``ValueError`` where ``first`` is no size the log had.
    """
    if not 0 <= first <= len(leaves):
        raise ValueError(f"a log of {len(leaves)} leaves never had {first}")
    return _growth(leaves, first, known=True) if 0 < first < len(leaves) else ()


def _growth(leaves: Sequence[bytes], first: int, *, known: bool) -> tuple[bytes, ...]:
    """``known``: the verifier has the root of exactly these leaves, for it is the older root."""
    if first == len(leaves):
        return () if known else (root(leaves),)
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = leaves[:split], leaves[split:]
    if first <= split:
        return (*_growth(left, first, known=known), root(right))
    return (*_growth(right, first - split, known=False), root(left))


def extends(first: int, second: int, older: bytes, newer: bytes, path: Sequence[bytes]) -> bool:
    """Whether a consistency proof shows that the log with root ``newer`` and ``second`` leaves
    begins with the one with root ``older`` and ``first`` leaves (RFC 9162 section 2.1.4.2).

    Every log extends the empty one; a log extends itself; both need no path.
    """
    if not 0 <= first <= second:
        return False
    if first == 0:
        return not path and older == EMPTY and (second > 0 or newer == EMPTY)
    if first == second:
        return not path and older == newer
    # A complete older tree is itself a node of the newer one: its root opens the path.
    nodes = [older, *path] if first.bit_count() == 1 else list(path)
    if not nodes:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old == older and new == newer
