# SPDX-License-Identifier: Apache-2.0
"""Compares commits: the paths they touched and the patch-ids of their changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from lineage import ids
from lineage.errors import BadInput
from lineage.sources.git.plumbing import Plumbing, Stream, resuming

#: A commit, or a commit and another one to compare it with instead of its parents.
Diff: TypeAlias = tuple[str] | tuple[str, str]

#: More paths than this are not listed, neither of a commit's change nor of its files.
MOST_PATHS = 1_000_000

_LINK = "160000"
#: A list of commits at one of which git fails is read again in so many pieces.
_PIECES = 32
_COMPARE = ("diff-tree", "--stdin", "--root", "-r", "--no-renames", "--no-color")
_PATCH = (
    *_COMPARE,
    *("-p", "-U0", "--full-index", "--no-ext-diff", "--no-textconv", "--submodule=short"),
    *("--diff-algorithm=myers", "--indent-heuristic", "--src-prefix=a/", "--dst-prefix=b/"),
)
#: Before this version ``git patch-id`` gave every change of one binary file the same number.
PATCH_IDS_SINCE = (2, 39)


class Change(NamedTuple):
    """A path that a commit touched: the object there after (``None``: removed), and before.

    ``before`` has one entry per parent compared with, ``None`` where the parent had nothing.
    """

    path: str
    after: str | None
    before: tuple[str | None, ...]
    submodule: bool


def changes(
    git: Plumbing, diffs: Sequence[Diff], patterns: Sequence[str]
) -> Iterator[tuple[str, tuple[Change, ...] | None]]:
    """Find what each commit touched of the files with these names, in order; ``None`` where git
    fails.
    """
    specs = [f":(glob)**/{pattern}" for pattern in patterns]
    command = (*_COMPARE, "-c", "--raw", "-z", "--no-abbrev", "--always", "--", *specs)

    def compared(todo: Sequence[Diff]) -> Iterator[tuple[str, tuple[Change, ...] | None]]:
        with git.stream(command, lines=map(" ".join, todo)) as stream:
            yield from _raw(stream)

    return resuming(diffs, compared, lambda diff: (diff[0], None))


def patch_ids(git: Plumbing, diffs: Sequence[Diff]) -> dict[str, str]:
    """Map each commit to its stable patch-id without context lines."""
    if not diffs:
        return {}
    lines = map(" ".join, diffs)
    try:
        with git.stream(_PATCH, ("patch-id", "--stable"), lines=lines) as stream:
            return {x[1]: x[0] for x in (line.decode().split(" ") for line in stream.lines())}
    except BadInput:
        # The commit where git stopped has a patch-id over half of its change: none is taken.
        step = max(1, len(diffs) // _PIECES)
        pieces = (diffs[at : at + step] for at in range(0, len(diffs), step))
        return dict(
            item for piece in pieces if len(diffs) > 1 for item in patch_ids(git, piece).items()
        )


def _raw(stream: Stream) -> Iterator[tuple[str, tuple[Change, ...] | None]]:
    """The output of ``diff-tree --raw -c -z``: a commit, then what it touched."""
    sha: str | None = None
    changes: list[Change] = []
    while (token := stream.until(b"\0")) is not None:
        if not token.startswith(b":"):
            if sha is not None:
                yield sha, tuple(changes) if len(changes) < MOST_PATHS else None
            sha, changes = token.decode().split(" ")[0], []
            continue
        path = stream.until(b"\0")
        if path is not None and len(changes) < MOST_PATHS:
            changes.append(_change(token, path))
    if sha is not None:
        yield sha, tuple(changes) if len(changes) < MOST_PATHS else None


def _change(token: bytes, path: bytes) -> Change:
    words = token.decode().split(" ")
    parents = words[0].count(":")
    oids = [None if not oid.strip("0") else oid for oid in words[parents + 1 : 2 * parents + 2]]
    return Change(
        path=path_text(path),
        after=oids[-1],
        before=tuple(oids[:-1]),
        submodule=_LINK in (x.lstrip(":") for x in words[: parents + 1]),
    )


def path_text(raw: bytes) -> str:
    """Write a path as text; bytes that are not UTF-8 are escaped, so that it can be stored."""
    return raw.decode("utf-8", "backslashreplace")


def paths_digest(changes: Iterable[Change]) -> str:
    """What tells the sets of touched paths of two commits apart."""
    paths = sorted(change.path for change in changes)
    return ids.sha256("\0".join(paths).encode())[:32]


def files_of(changes: Iterable[Change]) -> set[str]:
    """The objects that are compared for these changes, before and after."""
    return {
        oid
        for change in changes
        if not change.submodule
        for oid in (change.after, *change.before)
        if oid
    }
