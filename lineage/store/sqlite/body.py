# SPDX-License-Identifier: Apache-2.0
"""Bodies of entries as the file keeps them: compressed (RFC 1950), which halves a store. Digests are of
the text.
"""

from __future__ import annotations

import zlib

#: The fastest level: the higher ones take longer than the disk that they spare.
_LEVEL = 1
#: Bytes of a text: what SQLite can hold of one. A damaged or hostile file may claim any.
_LONGEST = 1_000_000_000


def compressed(text: bytes) -> bytes:
    """Compress a body."""
    return zlib.compress(text, _LEVEL)


def expanded(kept: object) -> bytes:
    """Read a body back; of what no body was compressed to, a text that no digest is of."""
    if not isinstance(kept, bytes):
        return b"\0"
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(kept, _LONGEST)
    except zlib.error:
        return b"\0"
    return text if stream.eof and not stream.unused_data else b"\0"
