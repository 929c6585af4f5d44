# SPDX-License-Identifier: Apache-2.0
"""What HEAD is: its commit as the git importer would describe it, its branch, and where that began."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from lineage.access.secret_patterns import scrub
from lineage.capture.found import Budget, Found, Json
from lineage.errors import LineageError
from lineage.sources.git import layout
from lineage.sources.git.branches import LONGEST_BRANCH, bases
from lineage.sources.git.diff import Diff, files_of, paths_digest
from lineage.sources.git.objects import CommitObject, Identity
from lineage.sources.git.reader import GitReader, Unreadable

#: As long as the git importer keeps it.
_LONGEST_SUBJECT = 500
#: Larger changes have no patch-id here: the commit is kept, and the git importer has more time.
MOST_FILES = 1_000
_BOUNDARY = 100
_HEADS = "refs/heads/"
#: How branches are called by those who follow a rule that they do not write down.
_CUSTOM = {
    "feature": ("feature/", "feat/", "features/", "feature-"),
    "hotfix": ("hotfix/", "hotfixes/", "hotfix-"),
    "release": ("release/", "releases/", "release-", "rel/"),
}
_Answer = TypeVar("_Answer")


class History:
    """Asks one repository about its HEAD; what it does not get is noted in ``found``."""

    def __init__(self, reader: GitReader, root: Path, found: Found, budget: Budget) -> None:
        self._reader = reader
        self._root = root
        self._found = found
        self._budget = budget
        self.commit: CommitObject | None = None

    def _miss(self, what: str, reason: str) -> None:
        over = self._budget.over
        self._found.miss(f"{what} of {self._root}", "the time was over" if over else reason)

    def _asked(self, what: str, question: Callable[[], _Answer]) -> _Answer | None:
        try:
            return question()
        except (LineageError, OSError) as error:
            self._miss(what, scrub(str(error)))
            return None

    def names(self) -> dict[str, Json]:
        """Commit, branch and tags: what takes as long in every history, and what the state needs."""
        reader = self._reader
        head = self._asked("HEAD", lambda: reader.head)
        default = self._asked("default branch", lambda: reader.default_name)
        facts: dict[str, Json] = {
            "default_branch": scrub(default) if default else None,
            "branch_kind": branch_kind(reader.head_name, default, reader.layout.settings),
            "shallow": _shallow(reader, head),
        }
        if head is None:
            return facts
        tags = self._asked("tags", lambda: [n for n, sha in reader.refs.items() if sha == head])
        facts["tags"] = [
            scrub(n.removeprefix("refs/tags/")) for n in tags or () if n.startswith("refs/tags/")
        ]
        for read in self._asked("commit", lambda: list(reader.commits([head]))) or ():
            if isinstance(read, Unreadable):
                self._miss("commit", read.reason)
            else:
                self.commit = read
        return facts

    def past(self) -> dict[str, Json]:
        """The repository's name, where the branch began, and what finds HEAD again after a rewrite: git walks
        through the past for it, so that it is asked last.
        """
        commit, reader = self.commit, self._reader
        if commit is None:
            return {"namespace": None, "merge_base": None, "ancestors": None, "commit": None}
        namespace = self._asked("root commit", lambda: reader.namespace)
        base, since = self._since(commit.sha)
        return {
            "namespace": namespace,
            "merge_base": base,
            "ancestors": since,
            "commit": self._described(commit),
        }

    def _since(self, head: str) -> tuple[str | None, Json]:
        """Where HEAD left the default branch, and the commits since then, the newest first."""
        reader, default = self._reader, self._reader.default_name
        if default is None:
            self._miss("merge base", "no branch is known to be the one that others are merged into")
            return None, None
        tip = reader.refs[default]
        base = (
            tip if tip == head else self._asked("merge base", lambda: reader.merge_base(tip, head))
        )
        if base is None:
            depth = len(reader.layout.shallow)
            shallow = f"history is shallow: it ends at {depth} commits, nothing is fetched"
            self._miss("merge base", shallow if depth else "none is known of HEAD and " + default)
            return None, None
        since = [] if base == head else reader.beyond(head, base, LONGEST_BRANCH + 1)
        if base != head and not since:
            self._miss("ancestors", "git cannot list them")
            return base, None
        cut = len(since) > LONGEST_BRANCH
        return base, {"commits": [*since[:LONGEST_BRANCH]], "cut": cut}

    def _described(self, commit: CommitObject) -> Json:
        known = {} if commit.is_merge else self._change((commit.sha,), "patch-id", "patch_id")
        if self._reader.default_branch != commit.sha:
            known |= self._branch(commit.sha)
        return {
            "sha": commit.sha,
            "algorithm": self._reader.layout.algorithm,
            "tree": commit.tree,
            "parents": [*commit.parents],
            "message": scrub(commit.subject)[:_LONGEST_SUBJECT],
            "authored": commit.authored,
            "committed": commit.committed,
            **self._people(commit),
            "change_id": commit.change_id,
            **known,
        }

    def _branch(self, tip: str) -> dict[str, Json]:
        """The change of the branch as a whole."""
        what = "patch-id of the branch"
        base, too_long = self._asked(what, lambda: bases(self._reader, [tip])) or ({}, 0)
        if too_long:
            self._miss(what, f"it has over {LONGEST_BRANCH:,} commits")
        if tip not in base:
            return {}
        whole = self._change((tip, base[tip]), what, "range_patch_id")
        patch = whole.get("range_patch_id")
        return {"range_patch_id": patch, "range_base": base[tip]} if patch else {}

    def _people(self, commit: CommitObject) -> dict[str, Json]:
        """Who made it, as the mailmap corrects their names."""
        people = [x for x in (commit.author, commit.committer, *commit.coauthors) if x]
        # Most repositories have none, and to ask git costs two processes.
        has_mailmap = (self._root / ".mailmap").exists() or layout.is_bare(self._root)
        corrected: Mapping[Identity, Identity] = {}
        if has_mailmap:
            corrected = self._asked("mailmap", lambda: self._reader.mailmap(people)) or {}

        def who(identity: Identity | None) -> Json:
            if identity is None:
                return None
            name, email = corrected.get(identity, identity)
            return {"name": name, "email": email}

        return {
            "author": who(commit.author),
            "committer": who(commit.committer),
            "coauthors": [who(x) for x in commit.coauthors],
        }

    def _change(self, diff: Diff, what: str, key: str) -> dict[str, Json]:
        return self._asked(what, lambda: self._compared(diff, what, key)) or {}

    def _compared(self, diff: Diff, what: str, key: str) -> dict[str, Json]:
        """The patch-id of a change, and the digest of the paths that it touched."""
        reader = self._reader
        [(_, changes)] = reader.changes([diff])
        if not changes:
            if changes is None:
                self._miss(what, "git cannot list what was touched")
            return {}
        found: dict[str, Json] = {"paths": paths_digest(changes)}
        if len(changes) > MOST_FILES:
            self._miss(what, f"it touches {len(changes):,} files: the git importer computes it")
        elif reader.layout.partial and reader.missing(files_of(changes)):
            self._miss(what, "the clone is partial, and nothing is fetched")
        elif patch := reader.patch_ids([diff]).get(diff[0]):
            found[key] = patch
        else:
            self._miss(what, "git cannot compare the files")
        return found


def _shallow(reader: GitReader, head: str | None) -> Json:
    boundary = sorted(reader.layout.shallow)
    if not boundary:
        return None
    return {"depth": 1 if head in boundary else None, "boundary": [*boundary[:_BOUNDARY]]}


def branch_kind(
    branch: str | None, default: str | None, settings: Mapping[str, str]
) -> dict[str, Json]:
    """What a branch is for, and by which rule: the repository's own (git-flow's settings) before custom."""
    if branch is None:
        return {"kind": "unknown", "because": "HEAD is detached"}
    name = branch.removeprefix(_HEADS)
    for kind in _CUSTOM:
        prefix = settings.get(f"gitflow.prefix.{kind}")
        if prefix and name.startswith(prefix):
            return {"kind": kind, "because": f"git-flow is set up with the prefix {prefix!r}"}
    if default is not None and name == default.removeprefix(_HEADS).removeprefix(
        "refs/remotes/origin/"
    ):
        said = "origin/HEAD says so" if default.startswith("refs/remotes/") else "it is called so"
        return {"kind": "default", "because": f"others are merged into {name!r}: {said}"}
    for kind, prefixes in _CUSTOM.items():
        if (prefix := next(filter(name.startswith, prefixes), None)) is not None:
            return {"kind": kind, "because": f"its name begins with {prefix!r}"}
    return {"kind": "unknown", "because": "no rule of this repository and no custom says"}
