# SPDX-License-Identifier: Apache-2.0
"""The exact state of a work tree as one tree of git, and what is missing in it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from lineage.access.secret_patterns import scrub
from lineage.capture.found import Json
from lineage.capture.probes.source.files import (
    Allowance,
    Taken,
    Withheld,
    taken,
)
from lineage.errors import BadInput, InputStalled
from lineage.sources.git.status import HIDDEN, LINK, Changed, Tracked
from lineage.sources.git.working_tree import WorkingTree
from lineage.sources.git_lfs import pointer

#: No more paths than this are listed of a kind; they are counted all the same.
MOST_LISTED = 1_000
_SOME = 1 << 20
#: What git's letters mean.
_HOW = {
    "M": "modified",
    "T": "modified",
    "A": "added",
    "?": "added",
    "D": "deleted",
    "U": "unmerged",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """A repository inside of another one: the commit that stands for its state, ``None`` where it is not known,
    and whether all of it is in there.
    """

    state: str | None
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The work tree as a tree (``None``: there was no time to write it), what differs from HEAD in it, and what
    is left out.
    """

    tree: str | None
    dirty: bool | None
    complete: bool
    changes: tuple[Changed, ...]
    files: Mapping[bytes, Taken | Withheld]
    shows_untracked: bool
    filters: Mapping[bytes, str]

    def facts(self) -> dict[str, Json]:
        """The facts of it, lists cut to ``MOST_LISTED``."""
        withheld = [(p, x) for p, x in sorted(self.files.items()) if isinstance(x, Withheld)]
        return {
            "tree": self.tree,
            "dirty": self.dirty,
            "complete": self.complete,
            "changes": [self._change(x) for x in self.changes[:MOST_LISTED]],
            "changes_total": len(self.changes),
            "withheld": [_withheld(path, x) for path, x in withheld[:MOST_LISTED]],
            "withheld_total": len(withheld),
        }

    def _change(self, change: Changed) -> dict[str, Json]:
        one = self.files.get(change.path)
        facts: dict[str, Json] = {
            "path": shown(change.path),
            "state": stated(change),
            "change": "deleted" if one is None else _how(change),
            "oid": one.oid if isinstance(one, Taken) else None,
        }
        if isinstance(one, Taken) and change.staged not in ".?" and change.in_index != one.oid:
            # What is staged is a third version of the file, beside HEAD's and the one that ran.
            facts["staged_oid"] = change.in_index if change.in_index.strip("0") else None
        if change.path in self.filters:
            facts["filter_not_applied"] = self.filters[change.path]
        return facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What git says of a work tree, and the repositories inside of it."""

    changed: tuple[Changed, ...]
    tracked: Tracked
    inner: Mapping[bytes, Inner]


def state(tree: WorkingTree, seen: Seen, head_tree: str | None, allowance: Allowance) -> State:
    """The state of a work tree; its objects are where ``tree`` writes them, those of files only if that is the
    repository. Raises ``LineageError`` and ``OSError``.
    """
    changed = [x for x in seen.changed if not x.path.endswith(b"/")]
    changed += _hidden(tree, seen.tracked)
    modified = [x.path for x in changed if x.unstaged in "MT"]
    filters = tree.filters(modified) if modified else {}
    changed = list(_filtered(tree, changed, filters, allowance))
    files = taken(tree, changed, allowance)
    # Also what is as the index has it: of a path that is only meant to be added, the index holds no file.
    entries = [_entry(x, files.get(x.path)) for x in changed]
    changed = [x for x in changed if not (x.unstaged == HIDDEN and _is_index(x, files.get(x.path)))]
    entries += [(path, LINK, x.state) for path, x in seen.inner.items() if x.state]
    known = head_tree is not None and not entries and not seen.inner
    oid = head_tree if known else _written(tree, entries, files.values())
    whole = (
        oid is not None and tree.shows_untracked and all(x.complete for x in seen.inner.values())
    )
    return State(
        tree=oid,
        dirty=bool(changed) or (None if oid is None else oid != head_tree),
        complete=whole and not any(isinstance(x, Withheld) for x in files.values()),
        changes=tuple(sorted(changed, key=lambda x: x.path)),
        files=files,
        shows_untracked=tree.shows_untracked,
        filters={path: x for path, x in filters.items() if isinstance(files.get(path), Taken)},
    )


def _written(
    tree: WorkingTree, entries: list[tuple[bytes, str, str]], files: Iterable[Taken | Withheld]
) -> str | None:
    """Write the tree, and in the repository itself the files; ``None`` where there is no time for it."""
    try:
        if tree.writing:
            there = (x for x in files if isinstance(x, Taken))
            tree.write({x.oid: x.data for x in there if x.data is not None})
        return tree.tree(entries)
    except InputStalled:
        return None


def _hidden(tree: WorkingTree, tracked: Tracked) -> list[Changed]:
    """Files that may differ and at which git was told not to look; what it skips need not be there."""
    told = [
        x
        for x in tracked.hidden(sparse=tree.sparse)
        if x.unstaged == HIDDEN or os.path.lexists(tree.at(x.path))
    ]
    same = tree.untouched([x.path for x in told])
    return [replace(x, unstaged=HIDDEN) for x in told if x.path not in same]


def _is_index(change: Changed, one: Taken | Withheld | None) -> bool:
    return isinstance(one, Taken) and (one.mode, one.oid) == (change.mode_in_head, change.in_index)


def _filtered(
    tree: WorkingTree, changed: list[Changed], filters: dict[bytes, str], allowance: Allowance
) -> Iterator[Changed]:
    """Without files that differ from the index only because their filter was not run, and that nobody touched
    since git wrote them, or that are the object their pointer of Git LFS names.
    """
    same = tree.untouched([*filters])
    for change in changed:
        path = change.path
        if path not in filters or not (path in same or _is_pointed_at(tree, change, allowance)):
            yield change
            continue
        del filters[path]
        if change.staged != ".":
            yield replace(change, unstaged=".")


def _is_pointed_at(tree: WorkingTree, change: Changed, allowance: Allowance) -> bool:
    """Whether a file is what its pointer of Git LFS in the index stands for, as far as there is time to read it."""
    try:
        found = pointer(tree.read(change.in_index))
        if found is None or found.size != tree.lstat(change.path).st_size:
            return False
        digest = hashlib.sha256()
        with tree.at(change.path).open("rb") as file:
            while (some := file.read(_SOME)) and not allowance.over:
                digest.update(some)
        return digest.hexdigest() == found.sha256
    except (BadInput, OSError):
        return False


def _entry(change: Changed, one: Taken | Withheld | None) -> tuple[bytes, str, str]:
    return (change.path, one.mode, one.oid) if isinstance(one, Taken) else (change.path, "", "")


def stated(change: Changed) -> str:
    """Where a change is: staged, unstaged, both, untracked, unmerged or hidden."""
    if change.staged == "?":
        return "untracked"
    if "U" in (change.staged + change.unstaged) or change.staged + change.unstaged in {"AA", "DD"}:
        return "unmerged"
    if change.unstaged == HIDDEN:
        return "hidden"
    if change.staged != "." and change.unstaged != ".":
        return "both"
    return "staged" if change.staged != "." else "unstaged"


def _how(change: Changed) -> str:
    """What was done to a file that is there, compared with HEAD."""
    if change.in_head.strip("0"):
        return "modified"
    return _HOW.get(change.staged if change.staged != "." else change.unstaged, "modified")


def _withheld(path: bytes, one: Withheld) -> dict[str, Json]:
    facts: dict[str, Json] = {"path": shown(path), "size": one.size, "reason": one.reason}
    return facts | ({"hmac": one.hmac} if one.hmac else {})


def shown(path: bytes) -> str:
    """A path as it stands in the facts."""
    return scrub(os.fsdecode(path))
