# SPDX-License-Identifier: Apache-2.0
"""Which source runs: repository, commit, branch, and the exact bytes of the work tree, kept for good.

The facts of ``probe``, as JSON (texts hold bytes that are no UTF-8 as surrogate escapes)::

    {"repositories": [{               the first is that of the first place; those inside of others come last
       "roles": ["script", ...],      of the places in it; or "submodule", "nested" (untracked in another one)
       "root": "/home/ana/project",
       "owner": null,                 user number, where another user owns it: then nothing is written to it
       "origin": "host/lab/project",  normalised, without credentials
       "namespace": "<sha>",          as the git importer names the repository
       "bare": false,                 true: it has no work tree
       "shallow": null,               {"depth": 1 or null, "boundary": ["<sha>", ...]} in a shallow clone
       "head": "<sha>",               null before the first commit
       "branch": "refs/heads/x",      null: HEAD is detached
       "branch_kind": {"kind": "default | feature | hotfix | release | unknown", "because": "..."},
       "default_branch": "refs/remotes/origin/main",
       "tags": ["v1"],                of HEAD
       "merge_base": "<sha>",         of HEAD and the default branch
       "ancestors": {"commits": ["<sha>", ...], "cut": false},  from HEAD back to the merge base, without it
       "commit": {                    HEAD, as the git importer describes it
          "sha", "algorithm", "tree", "parents", "message", "authored", "committed", "change_id",
          "author": {"name", "email"}, "committer": {...}, "coauthors": [{...}],
          "patch_id", "paths", "range_patch_id", "range_base"},   each only where there is one
       "head_log": 1234,              bytes of HEAD's log, for the end of the run
       "tree": "<oid>",               the exact work tree: staged, changed and new files, none that git ignores
       "dirty": true,                 whether it differs from HEAD
       "state": "<sha>",              the commit that stands for that tree: HEAD, or one of ours on top of HEAD
       "kept": "<sha>",               the same, where it is in the repository under a reference of its own
       "kept_ref": "refs/lineage/keep/<sha>",
       "complete": true,              whether all that is not ignored is in the tree
       "changes": [{"path", "oid",    no more than 1,000; "oid" is null where the file is gone or withheld
          "state": "staged | unstaged | both | untracked | unmerged | hidden",
          "change": "added | modified | deleted",
          "staged_oid",               only where the index holds a third version; null for none
          "filter_not_applied"}],     only for files that git would have filtered: the name of the filter
       "changes_total": 5,
       "withheld": [{"path", "size", "reason", "hmac"}],  "hmac" (SHA-256) only for secrets, and with a key
       "withheld_total": 0,
       "submodules": [{"path", "pinned", "root", "head", "dirty", "state"}],   "root" is null and "reason"
       "nested": [{"path", "root", "head", "dirty", "state"}]}],               says why, where it is not taken
     "places": [{"role", "path", "repository", "inside", "sha256",
       "state": "clean | ignored | ..."}]}       a state of ``changes``; null for folders

A submodule is in ``tree`` as its own ``state``. "hidden" are edits of files at which git was told not to look
(assume-unchanged, skip-worktree). The facts of ``after`` are of the same repositories, at the end of a run::

    {"repositories": [{"root", "head", "branch", "tree", "state", "dirty", "complete", "withheld",
       "moved": true,                 HEAD is another commit
       "commit": {...},               the new one
       "commits": [{"sha", "by": "commit (amend)"}],      made meanwhile, in their order
       "changed": [{"path", "change": "added | modified | deleted"}]}]}      null: not known
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from lineage.capture.found import Budget, Found, Json
from lineage.capture.probes.source.capturing import Captured, Capturing
from lineage.capture.probes.source.ending import ended
from lineage.capture.probes.source.files import LARGEST_FILE, Allowance
from lineage.capture.probes.source.places import Place, located, spots
from lineage.capture.probes.source.state import shown, stated

__all__ = ["LARGEST", "after", "probe"]

#: Bytes of all files together that are taken into trees, where the caller says nothing else.
LARGEST = 64 << 20


def probe(
    places: Sequence[tuple[Path, str]],
    *,
    budget: Budget,
    keep: bool = True,
    largest: int = LARGEST,
    key: bytes | None = None,
) -> Found:
    """Find the repositories around places (path and role: ``script``, ``module``, ``working-directory``), the most
    telling place first, and take down the state of each. With ``keep`` it is written into the repository, under a
    reference of ours. Files of more than ``largest`` bytes together are withheld; of files with secrets the digest
    under ``key`` is taken down, where there is one. Raises nothing.
    """
    found = Found()
    placed = located(places, found)
    capturing = Capturing(found, budget, Allowance(largest, budget, key), keep=keep)
    for spot in spots(placed):
        capturing.take(spot)
    found.facts["repositories"] = [one.facts for one in capturing.done.values()]
    standing = {spot.root: _standing(capturing.done[spot.root], placed) for spot in spots(placed)}
    found.facts["places"] = [_place(place, standing, found) for place in placed]
    return found


def after(before: Found, *, budget: Budget, largest: int = LARGEST) -> Found:
    """Look at the repositories of a former ``probe`` again, at the end of a run: where HEAD is now, the commits that
    were made meanwhile, and the files that are not what they were. Nothing is written. Raises nothing.
    """
    found = Found()
    ended(before, found, budget=budget, largest=largest)
    return found


def _standing(one: Captured, placed: Sequence[Place]) -> dict[bytes, str]:
    """How the places in one repository stand to it: as ``changes`` says, else clean or ignored."""
    if one.state is None or one.tracked is None:
        return {}
    root = one.spot.root
    inside = {_inside(place) for place in placed if place.spot and place.spot.root == root}
    stands = {x.path: stated(x) for x in one.state.changes if x.path in inside}
    rest = inside - stands.keys()
    tracked = one.tracked.has(rest)
    stands |= dict.fromkeys(tracked, "clean")
    if one.state.shows_untracked:
        stands |= dict.fromkeys(rest - tracked, "ignored")
    return stands


def _inside(place: Place) -> bytes:
    return os.fsencode(place.path.relative_to(place.spot.root)) if place.spot else b""


def _place(place: Place, standing: Mapping[Path, Mapping[bytes, str]], found: Found) -> Json:
    """A place: what of the repository it is, and the digest of a file."""
    spot, inside = place.spot, _inside(place)
    sha256 = _digest(place.path, found)
    stands = standing[spot.root].get(inside) if spot and sha256 else None
    if spot and sha256 and stands in {"ignored", None}:
        reason = "git ignores it, or was not asked about it: it is in no kept tree"
        found.miss(f"source of {place.path}", reason)
    return {
        "role": place.role,
        "path": str(place.path),
        "repository": str(spot.root) if spot else None,
        "inside": shown(inside) if spot else None,
        "state": stands,
        "sha256": sha256,
    }


def _digest(path: Path, found: Found) -> str | None:
    """The digest of a file, ``None`` for a folder."""
    try:
        if not path.is_file():
            return None
        if path.stat().st_size > LARGEST_FILE:
            found.miss(f"digest of {path}", f"it is larger than {LARGEST_FILE:,} bytes")
            return None
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        found.miss(f"digest of {path}", f"it cannot be read: {error.strerror or error}")
        return None
