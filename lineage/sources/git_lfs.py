# SPDX-License-Identifier: Apache-2.0
"""Files that Git LFS left as pointers: a clone without it holds them in the place of the objects."""

from __future__ import annotations

import re
from typing import NamedTuple

#: A pointer has fewer bytes (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
LONGEST = 1024
_POINTER = re.compile(
    rb"version https://(?:git-lfs|hawser)\.github\.com/spec/v1\r?\n"
    rb"(?:ext-[0-9]-[^\r\n]*\r?\n)*"
    rb"oid sha256:([0-9a-f]{64})\r?\n"
    rb"size ([0-9]{1,18})(?:\r?\n)?"
)


class Pointer(NamedTuple):
    """The object that a pointer stands for: its sha256 and its size in bytes."""

    sha256: str
    size: int


def pointer(data: bytes) -> Pointer | None:
    """The object that the bytes of a file stand for; ``None`` for a file that is no pointer.

    An object that an extension changed on its way is named by ``oid`` all the same.
    """
    if len(data) >= LONGEST:
        return None
    found = _POINTER.fullmatch(data)
    return Pointer(found[1].decode(), int(found[2])) if found else None
