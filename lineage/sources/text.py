# SPDX-License-Identifier: Apache-2.0
"""Decodes text, and refuses merges that git left to be resolved."""

from __future__ import annotations

import codecs
import re

from lineage.errors import BadInput

#: The longer mark first: that of UTF-32 begins as that of UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONFLICT = re.compile(r"^(?:<{7}|>{7})(?: .*)?$", re.MULTILINE)


def decode(data: bytes, *, where: str, encoding: str = "utf-8-sig") -> str:
    """Decode the text in some bytes. Raises ``BadInput`` naming the first byte that is none."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise undecoded(error, 0, where=where) from error


def undecoded(error: UnicodeDecodeError, before: int, *, where: str) -> BadInput:
    """Say which byte is no UTF-8, of bytes that so many others stand before."""
    byte = error.object[error.start]
    message = f"not UTF-8 (byte 0x{byte:02x} at offset {before + error.start})"
    return BadInput(message, where=where, hint="Save it as UTF-8.")


def demand_merged(text: str, *, where: str, hint: str) -> None:
    """Refuse text in which git left a merge to be resolved. Raises ``BadInput`` with the line."""
    if found := _CONFLICT.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise BadInput(f"git conflict markers at line {line}", where=f"{where}:{line}", hint=hint)


def as_utf8(data: bytes) -> bytes:
    """Text in UTF-8 without a byte order mark, out of UTF-8, UTF-16 or UTF-32, as the mark or the
    zeros of ASCII characters tell. What is not text of these stays as it is.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if encoding is None and len(data) > 1 and data[:2].count(0) == 1:
        encoding = "utf-16-be" if data[0] == 0 else "utf-16-le"
    if encoding is None:
        return data
    if encoding == "utf-8-sig":
        return data[3:]
    return data.decode(encoding, "replace").lstrip("\ufeff").encode("utf-8", "replace")
