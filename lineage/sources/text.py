# SPDX-License-Identifier: Apache-2.0
"""Decodes text, and refuses merges that git left to be resolved."""

from __future__ import annotations

import re

from lineage.errors import BadInput

_CONFLICT = re.compile(r"^(?:<{7}|>{7})(?: .*)?$", re.MULTILINE)


def decode(data: bytes, *, where: str, encoding: str = "utf-8-sig") -> str:
    """Decode the text in some bytes. Raises ``BadInput`` naming the first byte that is none."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        message = f"not UTF-8 (byte 0x{data[error.start]:02x} at offset {error.start})"
        raise BadInput(message, where=where, hint="Save it as UTF-8.") from error


def demand_merged(text: str, *, where: str, hint: str) -> None:
    """Refuse text in which git left a merge to be resolved. Raises ``BadInput`` with the line."""
    if found := _CONFLICT.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise BadInput(f"git conflict markers at line {line}", where=f"{where}:{line}", hint=hint)
