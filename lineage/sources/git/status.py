# SPDX-License-Identifier: Apache-2.0
"""Parses what git says of a work tree: what its index holds, and what differs from HEAD."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

#: The mode of a submodule.
LINK = "160000"
#: Letters of ours beside git's: a change that git was told not to see, by either of two marks.
HIDDEN, SKIPPED = "h", "s"
#: Where there is no object.
NOTHING = "0" * 40
#: So many paths are looked for one by one.
_FEW = 20
_TRACKED = re.compile(rb"([A-Za-z]) (\d{6}) ([0-9a-f]+) \d\t([^\0]*)\0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A path that is not as HEAD has it. ``staged`` and ``unstaged`` are git's letters (``M``, ``A``, ``D``,
    ``T``, ``U``, ``?``), or ``.``; modes and objects are those of HEAD, the index and, the mode, of the work tree.
    """

    path: bytes
    staged: str
    unstaged: str
    mode_in_head: str = "000000"
    mode: str = "000000"
    in_head: str = NOTHING
    in_index: str = NOTHING


class Tracked:
    """What the index holds."""

    def __init__(self, listed: bytes) -> None:
        self._listed = b"\0" + listed

    def has(self, paths: Collection[bytes]) -> set[bytes]:
        """Those of these paths that are in it."""
        if len(paths) < _FEW:
            return {path for path in paths if b"\t" + path + b"\0" in self._listed}
        return {*re.findall(rb"\t([^\0]*)\0", self._listed)}.intersection(paths)

    def links(self) -> Iterator[tuple[bytes, str]]:
        """Submodules: their paths, and the commits that the index has of them."""
        if b" 160000 " in self._listed:
            for _, mode, oid, path in _TRACKED.findall(self._listed):
                if mode == LINK.encode():
                    yield path, oid.decode()

    def hidden(self, *, sparse: bool) -> Iterator[Changed]:
        """Files at which git was told not to look: by assume-unchanged, and by skip-worktree, which marks all that is
        not checked out where the checkout is ``sparse``.
        """
        if not re.search(rb"\0[a-z] " if sparse else rb"\0[a-zS] ", self._listed):
            return
        for tag, mode, oid, path in _TRACKED.findall(self._listed):
            skipped = tag.upper() == b"S"
            if (tag.islower() or (not sparse and skipped)) and mode != LINK.encode():
                yield Changed(
                    path=path,
                    staged=".",
                    unstaged=SKIPPED if skipped else HIDDEN,
                    mode_in_head=mode.decode(),
                    in_head=oid.decode(),
                    in_index=oid.decode(),
                )


def changed(printed: bytes) -> list[Changed]:
    """Read what ``WorkingTree.comparing`` finds."""
    found: dict[bytes, Changed] = {}
    for line in printed.split(b"\0"):
        if line[:1] in {b"1", b"u", b"?"}:
            one = _changed(line)
            before = found.get(one.path)
            # A file that was taken out of the index, and is still there, comes twice.
            found[one.path] = replace(before, unstaged="?") if before else one
    return [*found.values()]


def _changed(line: bytes) -> Changed:
    if line.startswith(b"?"):
        return Changed(path=line[2:], staged="?", unstaged="?")
    unmerged = line.startswith(b"u")
    words = [os.fsdecode(word) for word in line.split(b" ", 10 if unmerged else 8)]
    # Of a conflict the modes and objects of base, ours and theirs are said; the index has none of its own.
    mode_in_head, mode, in_head, in_index = (
        (words[4], words[6], words[8], NOTHING) if unmerged else (words[3], *words[5:8])
    )
    return Changed(
        path=os.fsencode(words[-1]),
        staged=words[1][0],
        unstaged=words[1][1],
        mode_in_head=mode_in_head,
        mode=mode,
        in_head=in_head,
        in_index=in_index,
    )
