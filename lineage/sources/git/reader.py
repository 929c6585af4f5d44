# SPDX-License-Identifier: Apache-2.0
"""Reads a git repository for importers: commits, what they touched, files at a commit, patch-ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from lineage.errors import BadInput, BadReference
from lineage.sources.git import diff, objects
from lineage.sources.git.diff import Change, Diff
from lineage.sources.git.objects import CommitObject, Identity
from lineage.sources.git.plumbing import resuming
from lineage.sources.git.repository import Repository
from lineage.sources.git.snapshots import Entry, Snapshots

_LARGEST_COMMIT = 1 << 20
_LARGEST_BLOB = 1 << 26
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A commit that is named but cannot be read, and why."""

    sha: str
    reason: str


class GitReader(Repository):
    """One repository, open for reading. Use in a ``with``: it holds a folder of its own.

    >>> with GitReader.open(path) as repo:  # doctest: +SKIP
    ...     for sha, changes in repo.history("dvc.lock", "*.dvc"):
    ...         blobs = repo.blobs(change.after for change in changes if change.after)
    """

    # --- commits ----------------------------------------------------------------------------------

    def revisions(self, spec: str | None = None) -> list[str]:
        """Read the commits of a range in git's syntax, or all there are, newest first.

        Raises ``BadReference`` for a range that names nothing here.
        """
        if spec is None:
            if not self.tips:
                return []
            try:
                return _words(self._git.output("rev-list", "--stdin", lines=self.tips))
            except BadInput:
                return self._survivors()
        words = spec.split()
        self._git.teach(self._all_names(), self.head)
        hint = "Ranges look like v1.0..v1.2, main, or HEAD~10..HEAD."
        if not words or any(word.startswith("-") for word in words):
            raise BadReference(f"{spec!r} is not a range of commits", hint=hint)
        try:
            return _words(self._git.output("rev-list", "--end-of-options", *words, "--"))
        except (BadInput, ValueError) as error:
            message = f"{spec!r} names no commits of this repository"
            raise BadReference(message, where=self.layout.where, hint=hint) from error

    def _all_names(self) -> Iterator[tuple[str, str]]:
        names = self._named.names.items()
        return ((n, x) for n, x in names if n.startswith("refs/") and n not in self.broken_refs)

    def _survivors(self) -> list[str]:
        """What can still be reached where commits are missing and git gives up."""
        command = ("cat-file", "--batch-all-objects", "--unordered", "--batch-check")
        kinds = (line.decode().split(" ") for line in self._git.output(*command))
        everything = sorted(said[0] for said in kinds if said[1] == "commit")
        parents = {
            commit.sha: commit.parents
            for commit in self.commits(everything)
            if isinstance(commit, CommitObject)
        }
        reached: dict[str, None] = {}
        todo = list(reversed(self.tips))
        while todo:
            sha = todo.pop()
            if sha not in reached:
                reached[sha] = None
                todo += () if sha in self.layout.shallow else parents.get(sha, ())
        return list(reached)

    def commits(self, shas: Iterable[str]) -> Iterator[CommitObject | Unreadable]:
        """Read these commits, in order; one that is missing, false or damaged comes as
        ``Unreadable``.
        """
        for sha, kind, data in self._batch(shas, _LARGEST_COMMIT):
            if data is None or kind != "commit":
                reason = "is not in this copy" if kind == "missing" else "is too large or no commit"
                yield Unreadable(sha=sha, reason=reason)
            elif not objects.is_genuine(sha, "commit", data):
                yield Unreadable(sha=sha, reason="does not have the content its name promises")
            else:
                try:
                    yield objects.parse(sha, data)
                except ValueError as error:
                    yield Unreadable(sha=sha, reason=f"cannot be read: {error}")

    def mailmap(self, people: Sequence[Identity]) -> dict[Identity, Identity]:
        """People as the ``.mailmap`` of HEAD corrects their names and addresses."""
        if not people or self._mailmap is None:
            return {}
        setting = f"mailmap.blob={self._mailmap}"
        asked = [f"{x.name} <{x.email}>".strip() for x in people]
        said = self._git.output("-c", setting, "check-mailmap", "--stdin", lines=asked)
        if len(said) != len(people):
            return {}
        return dict(zip(people, map(_identity, said), strict=True))

    @cached_property
    def _mailmap(self) -> str | None:
        if self.head is None:
            return None
        [(oid, kind)] = self._check([f"{self.head}:.mailmap"])
        return oid if kind == "blob" else None

    # --- files ------------------------------------------------------------------------------------

    def blobs(self, oids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Read files by object name, in order; ``None`` for one that is missing or over 64 MiB."""
        for oid, kind, data in self._batch(oids, _LARGEST_BLOB):
            yield oid, data if kind == "blob" else None

    def trees(self, names: Iterable[str]) -> Iterator[tuple[str, list[Entry] | None]]:
        """Read folders by names such as ``<commit>:<path>``: what lies directly in each, the paths
        being names; ``None`` for what is no folder here.
        """
        for name, kind, data in self._batch(names, _LARGEST_BLOB):
            is_tree = kind == "tree" and data is not None
            yield name, list(_entries(data or b"", self.layout.algorithm)) if is_tree else None

    def oids(self, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        """Find the objects that names such as ``<commit>:<path>`` lead to, in order."""
        asked = list(names)
        for name, (oid, kind) in zip(asked, self._check(asked), strict=True):
            yield name, None if kind == "missing" else oid

    def cat(self, oid: str) -> bytes:
        """Read one file. Raises ``BadInput`` when it is not in this copy."""
        [(_, data)] = self.blobs([oid])
        if data is None:
            raise BadInput(f"the file {oid} is not in this copy", where=self.layout.where)
        return data

    def _batch(self, oids: Iterable[str], limit: int) -> Iterator[tuple[str, str, bytes | None]]:
        """Objects as (name, type, content); too large ones without content."""
        return resuming(
            list(oids),
            lambda names: self._contents(names, limit),
            lambda name: (name, "missing", None),
        )

    def _contents(
        self, names: Sequence[str], limit: int
    ) -> Iterator[tuple[str, str, bytes | None]]:
        with self._git.stream(("cat-file", "--batch", "--buffer"), lines=names) as stream:
            for name in names:
                if (head := stream.until(b"\n")) is None:
                    break
                words = head.decode("utf-8", "replace").rsplit(" ", 2)
                if len(words) != 3 or not words[2].isdecimal():
                    yield name, "missing", None
                    continue
                size = int(words[2])
                if size > limit:
                    stream.skip(size)
                    data = None
                elif (data := stream.exactly(size)) is None:
                    break
                stream.skip(1)
                yield name, words[1], data
            stream.until(b"\n")

    def missing(self, oids: Iterable[str]) -> frozenset[str]:
        """Find which of these objects a partial clone left out."""
        names = sorted(set(oids))
        said = self._check(names)
        return frozenset(x for x, found in zip(names, said, strict=True) if found[1] == "missing")

    def tree(self, commit: str, *paths: str) -> Iterator[Entry]:
        """List the files at a commit, all of them or those under the paths named."""
        command = ("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
        with self._git.stream(command) as stream:
            for _ in range(diff.MOST_PATHS):
                if (entry := stream.until(b"\0")) is None:
                    return
                about, _, path = entry.partition(b"\t")
                mode, _, oid = about.decode().split(" ")
                yield Entry(diff.path_text(path), oid, mode)
            message = f"commit {commit} lists more than {diff.MOST_PATHS:,} files"
            raise BadInput(message, where=self.layout.where)

    def snapshots(self, commits: Collection[str]) -> Snapshots:
        """Read all the folders of these commits. Raises ``LimitExceeded`` for too many."""
        return Snapshots(self.trees, commits)

    def history(
        self, *patterns: str, revisions: str | None = None
    ) -> Iterator[tuple[str, tuple[Change, ...]]]:
        """Find what every commit changed of the files with these names (globs), newest first.

        A merge counts with what it has like none of its parents. Commits without such a change
        are left out, and so are those that cannot be compared.
        """
        shas = iter(self.revisions(revisions))
        while chunk := list(islice(shas, _AT_ONCE)):
            for sha, changes in self.changes([(sha,) for sha in chunk], patterns):
                if changes:
                    yield sha, changes

    def touched(self, *patterns: str) -> bool:
        """Whether history touched files with these names (globs): quick, so that lines of work of
        which a merge took nothing are not looked at.
        """
        specs = [f":(glob)**/{pattern}" for pattern in patterns]
        command = ("rev-list", "-1", "--stdin", "--", *specs)
        try:
            return bool(self.tips and self._git.output(*command, lines=self.tips))
        except BadInput:
            return False

    def changes(
        self, diffs: Sequence[Diff], patterns: Sequence[str] = ()
    ) -> Iterator[tuple[str, tuple[Change, ...] | None]]:
        """Find what each commit touched; ``None`` where git cannot compare it (they may come
        first).

        That is: a parent is beyond a shallow boundary, an object is missing, or it is too large.
        """
        inside = [x for x in diffs if not self._is_boundary(x)]
        yield from ((x[0], None) for x in diffs if self._is_boundary(x))
        yield from diff.changes(self._git, inside, patterns)

    def patch_ids(self, diffs: Sequence[Diff]) -> dict[str, str]:
        """Commit -> the stable patch-id of its change without context lines.

        Empty changes, merges and what cannot be compared have none.
        """
        if not self.has_patch_ids:
            return {}
        return diff.patch_ids(self._git, [x for x in diffs if not self._is_boundary(x)])

    def _is_boundary(self, diff: Diff) -> bool:
        """Whether git would take a commit for a root, and its change for the whole tree."""
        return len(diff) == 1 and diff[0] in self.layout.shallow

    @property
    def has_patch_ids(self) -> bool:
        """Whether this git computes patch-ids that tell changes of binary files apart."""
        return self._git.version >= diff.PATCH_IDS_SINCE

    # --- branches ---------------------------------------------------------------------------------

    def unmerged(self, tips: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Commits that lead to these tips and not to the default branch, each with its parents."""
        if self.default_branch is None:
            return {}
        command = ("rev-list", "--parents", "--stdin")
        try:
            said = self._git.output(*command, lines=[*tips, f"^{self.default_branch}"])
        except BadInput:
            return {}
        return {words[0]: tuple(words[1:]) for words in (line.decode().split(" ") for line in said)}

    def beyond(self, tip: str, other: str, most: int = diff.MOST_PATHS) -> list[str]:
        """The commits that lead to one tip and not to another, the newest and no more than ``most``."""
        command = ("rev-list", f"--max-count={most}", "--stdin")
        try:
            return _words(self._git.output(*command, lines=[tip, f"^{other}"]))
        except BadInput:
            return []

    def merge_base(self, one: str, other: str) -> str | None:
        """Find the newest commit that two have in common."""
        try:
            said = self._git.output("merge-base", one, other)
        except BadInput:
            return None
        return said[0].decode() if said else None


def _entries(tree: bytes, algorithm: str) -> Iterator[Entry]:
    """The entries of a tree object: mode, name and object of each."""
    at, size = 0, 20 if algorithm == "sha1" else 32
    while (end := tree.find(b"\0", at)) > 0:
        mode, _, name = tree[at:end].partition(b" ")
        at = end + 1 + size
        yield Entry(diff.path_text(name), tree[end + 1 : at].hex(), mode.decode())


def _words(lines: Iterable[bytes]) -> list[str]:
    return [line.decode() for line in lines]


def _identity(line: bytes) -> Identity:
    name, _, email = line.decode("utf-8", "replace").rpartition("<")
    return Identity(objects.visible(name), objects.visible(email.removesuffix(">")))
