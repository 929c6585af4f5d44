# SPDX-License-Identifier: Apache-2.0
"""Takes down repositories one after the other, and those inside of them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lineage.access.secret_patterns import scrub
from lineage.capture.found import Budget, Found, Json
from lineage.capture.probes.source.files import Allowance
from lineage.capture.probes.source.history import History
from lineage.capture.probes.source.places import Spot, opened
from lineage.capture.probes.source.state import Inner, Seen, State, shown, state
from lineage.errors import LineageError, MissingExtra
from lineage.sources.git import layout
from lineage.sources.git.keeping import keep, owner_of
from lineage.sources.git.objects import CommitObject
from lineage.sources.git.reader import GitReader
from lineage.sources.git.status import Changed, Tracked, changed
from lineage.sources.git.working_tree import WorkingTree

#: Repositories of one probe, those inside of others included, and how deep they lie in each other.
_MOST, _DEEPEST = 50, 5
#: How git's letters for the difference of two trees read.
_HOW = {"A": "added", "D": "deleted", "M": "modified", "T": "modified"}


@dataclass(slots=True, kw_only=True)
class Captured:
    """One repository that was taken down: its facts, and what else is asked about it."""

    spot: Spot
    roles: list[Json]
    facts: dict[str, Json]
    state: State | None = None
    tracked: Tracked | None = None

    def as_inner(self, *, keep: bool) -> Inner:
        """What the repository around it needs to know."""
        commit, complete = self.facts.get("state"), self.facts.get("complete") is True
        lost = keep and self.facts["kept"] is None
        return Inner(
            state=commit if isinstance(commit, str) else None, complete=complete and not lost
        )


class Capturing:
    """Takes down repositories; ``done`` has them by their root, in the order in which they were asked for.

    ``since`` are the trees of a former look by their roots: what differs from them is a fact, ``changed``.
    """

    def __init__(
        self,
        found: Found,
        budget: Budget,
        allowance: Allowance,
        *,
        keep: bool,
        since: Mapping[str, str] | None = None,
    ) -> None:
        self.done: dict[Path, Captured] = {}
        self._found = found
        self._budget = budget
        self._deadline = time.monotonic() + budget.left
        self._allowance = allowance
        self._keep = keep
        self._since = since or {}

    def take(self, spot: Spot, depth: int = 0) -> Captured:
        """Take down one repository, and those inside of it; one that is done is not taken twice."""
        if (known := self.done.get(spot.root)) is not None:
            known.roles += [role for role in spot.roles if role not in known.roles]
            return known
        roles: list[Json] = [*spot.roles]
        facts = {"roles": roles, **_known(spot)}
        one = self.done[spot.root] = Captured(spot=spot, roles=roles, facts=facts)
        try:
            if (owner := spot.root.stat().st_uid) != os.geteuid():
                one.facts["owner"] = owner
            with GitReader(spot.layout, deadline=self._deadline, named=spot.names) as reader:
                self._with_git(one, reader, depth)
        except MissingExtra as error:
            self._miss(spot, "commit and work tree", str(error))
        except (LineageError, OSError, ValueError) as error:
            self._miss(spot, "work tree", scrub(str(error)))
        return one

    def _miss(self, spot: Spot, what: str, reason: str) -> None:
        reason = "the time was over" if self._budget.over else reason
        self._found.miss(f"{what} of {spot.root}", reason)

    def _with_git(self, one: Captured, reader: GitReader, depth: int) -> None:
        history = History(reader, one.spot.root, self._found, self._budget)
        if one.spot.bare:
            one.facts |= history.names()
            self._miss(one.spot, "work tree", "the repository has none (bare)")
        else:
            self._work_tree(one, history, depth, writing=self._may_write(one.spot))
            if "default_branch" not in one.facts:
                one.facts |= history.names()
        one.facts |= history.past()

    def _work_tree(self, one: Captured, history: History, depth: int, *, writing: bool) -> None:
        """Compare the files with HEAD, and take down what they are."""
        spot, before = one.spot, (self._allowance.bytes, self._allowance.files)
        if self._budget.over:
            # Git may be faster than who ends it: then something would be claimed all the same.
            self._miss(spot, "work tree", "the time was over")
            return
        try:
            with WorkingTree(
                spot.layout,
                spot.root,
                head=spot.names.head,
                deadline=self._deadline,
                writing=writing,
            ) as tree:
                # Git compares the files while the rest is read.
                with tree.comparing() as stream:
                    one.facts |= history.names()
                    one.tracked = tree.tracked()
                    found = changed(stream.rest())
                self._state(one, tree, history.commit, found, depth)
        except (LineageError, OSError, ValueError) as error:
            if writing and not self._budget.over:
                # A full disk, say: what the state is can be said all the same.
                self._miss(spot, "kept state", scrub(str(error)))
                self._allowance.bytes, self._allowance.files = before
                self._work_tree(one, history, depth, writing=False)
            else:
                what = "work tree" if one.state is None else "kept state"
                self._miss(spot, what, scrub(str(error)))

    def _may_write(self, spot: Spot) -> bool:
        if not self._keep:
            return False
        if owner_of(spot.layout) and os.geteuid() != 0:
            # Folders that another user makes among the objects would stop the owner's own git.
            reason = "another user owns the repository: nothing is written to it"
        elif not os.access(spot.layout.objects, os.W_OK):
            reason = "its objects cannot be written"
        else:
            return True
        self._miss(spot, "kept state", reason)
        return False

    def _state(
        self,
        one: Captured,
        tree: WorkingTree,
        commit: CommitObject | None,
        found: Sequence[Changed],
        depth: int,
    ) -> None:
        """The work tree as one commit, HEAD where nothing differs from it."""
        assert one.tracked is not None
        inner = self._inner(one, tree, found, depth)
        seen = Seen(changed=tuple(found), tracked=one.tracked, inner=inner)
        one.state = state(tree, seen, commit.tree if commit else None, self._allowance)
        one.facts |= one.state.facts()
        if not tree.shows_untracked:
            reason = "status.showUntrackedFiles says that they are not looked for"
            self._miss(one.spot, "untracked files", reason)
        if one.state.tree is None:
            self._miss(one.spot, "tree", "git could not write it in the time there was")
            return
        if commit and not one.state.dirty:
            sha = commit.sha
        else:
            head, moment = (commit.sha, commit.committed) if commit else (None, None)
            sha = tree.commit(one.state.tree, head, _seconds(moment))
        one.facts["state"] = sha
        if tree.writing:
            one.facts |= {"kept_ref": keep(one.spot.layout, sha), "kept": sha}
        if (before := self._since.get(str(one.spot.root))) is not None:
            one.facts["changed"] = [
                {"path": shown(path), "change": _HOW.get(how, "modified")}
                for how, path in tree.differing(before, one.state.tree)
            ]

    def _inner(
        self, one: Captured, tree: WorkingTree, found: Sequence[Changed], depth: int
    ) -> dict[bytes, Inner]:
        """Submodules, and repositories that lie untracked in this one: each with a state of its own."""
        assert one.tracked is not None
        pinned = dict(one.tracked.links())
        nested = [x.path.rstrip(b"/") for x in found if x.path.endswith(b"/")]
        inner: dict[bytes, Inner] = {}
        lists: dict[str, list[Json]] = {"submodules": [], "nested": []}
        for path in (*pinned, *nested):
            facts: dict[str, Json] = {"path": shown(path), "root": None}
            if path in pinned:
                facts |= {"pinned": pinned[path], "head": None}
            lists["submodules" if path in pinned else "nested"].append(facts)
            at = tree.at(path)
            if path in pinned and not layout.looks(at):
                facts["reason"] = "it is not checked out"
                continue
            role = "submodule" if path in pinned else "nested"
            captured, reason = self._inside(at, role, depth + 1)
            if captured is None:
                facts["reason"] = reason
                self._found.miss(f"{role} repository {at}", f"it is not captured: {reason}")
                inner[path] = Inner(state=None, complete=False)
                continue
            inner[path] = captured.as_inner(keep=self._keep)
            facts |= {k: captured.facts.get(k) for k in ("root", "head", "dirty", "state")}
        one.facts |= lists
        return inner

    def _inside(self, at: Path, role: str, depth: int) -> tuple[Captured | None, str]:
        """An inner repository; ``None`` and the reason where it is not taken down."""
        if depth > _DEEPEST or len(self.done) >= _MOST:
            return None, "there are too many repositories inside of each other"
        try:
            spot = opened(at)
        except (LineageError, OSError) as error:
            return None, scrub(str(error))
        spot.roles.append(role)
        return self.take(spot, depth), ""


def _known(spot: Spot) -> dict[str, Json]:
    """What the repository's own files say, without git."""
    origin = spot.layout.settings.get("remote.origin.url")
    return {
        "root": str(spot.root),
        "owner": None,
        "origin": layout.normalised(origin) if origin else None,
        "head": spot.names.head,
        "branch": scrub(spot.names.head_name) if spot.names.head_name else None,
        "head_log": _size(spot.layout.gitdir / "logs" / "HEAD"),
        "bare": spot.bare,
        "kept": None,
        "kept_ref": None,
    }


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _seconds(moment: str | None) -> int:
    """A commit's date as Unix seconds; 0 where there is none."""
    try:
        return max(0, int(datetime.fromisoformat(moment or "").timestamp()))
    except (ValueError, OverflowError):
        return 0
