# SPDX-License-Identifier: Apache-2.0
"""Reads a git repository for importers: commits, what they touched, files at a commit, patch-ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from lineage.errors import BadInput, BadReference
from lineage.sources.git import diff, layout, objects
from lineage.sources.git.diff import Change, Diff
from lineage.sources.git.objects import CommitObject, Identity
from lineage.sources.git.plumbing import Plumbing, resuming

#: References that are no history of the project: notes and stashes, and git's own bookkeeping.
_ASIDE = ("refs/notes/", "refs/stash", "refs/replace/", "refs/bisect/", "refs/rewritten/")
_PUBLIC = ("refs/heads/", "refs/remotes/", "refs/tags/")
_DEFAULTS = ("main", "master", "trunk", "develop")

_LARGEST_COMMIT = 1 << 20
_LARGEST_BLOB = 1 << 26
_AT_ONCE = 1_000


class Entry(NamedTuple):
    """A file at a commit."""

    path: str
    oid: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A commit that is named but cannot be read, and why."""

    sha: str
    reason: str


class GitReader:
    """One repository, open for reading. Use in a ``with``: it holds a folder of its own.

    >>> with GitReader.open(path) as repo:  # doctest: +SKIP
    ...     for sha, changes in repo.history("dvc.lock", "*.dvc"):
    ...         blobs = repo.blobs(change.after for change in changes if change.after)
    """

    def __init__(self, where: layout.Layout) -> None:
        self.layout = where
        self._git = Plumbing(
            where.objects, algorithm=where.algorithm, where=where.where, shallow=where.shallow
        )
        self._named = layout.references(where)

    @classmethod
    def open(cls, path: Path | str) -> GitReader:
        """The repository at a path. Raises ``InputMissing``, ``BadInput``, ``InputTooNew``."""
        return cls(layout.locate(Path(path).expanduser().resolve()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        self._git.close()

    # --- names ------------------------------------------------------------------------------------

    @cached_property
    def _peeled(self) -> Mapping[str, tuple[str | None, bool]]:
        """Object a reference names -> the commit it comes down to, and whether it was a tag."""
        oids = sorted({*self._named.names.values(), *filter(None, (self._named.head,))})
        asked = [x for oid in oids for x in (oid, f"{oid}^{{commit}}")]
        said = list(self._check(asked))
        return {
            oid: (commit[0] if commit[1] == "commit" else None, kind[1] == "tag")
            for oid, kind, commit in zip(oids, said[::2], said[1::2], strict=True)
        }

    @cached_property
    def refs(self) -> Mapping[str, str]:
        """Every branch, tag or other name of history -> its commit."""
        return {
            name: commit
            for name, oid in self._named.names.items()
            if not name.startswith(_ASIDE) and (commit := self._peeled[oid][0])
        }

    @cached_property
    def head(self) -> str | None:
        """The commit that HEAD names, on a branch or detached; ``None`` before the first one."""
        return self._peeled[self._named.head][0] if self._named.head else None

    @property
    def broken_refs(self) -> tuple[str, ...]:
        """Names that lead to no commit."""
        lost = (
            name
            for name, oid in self._named.names.items()
            if not name.startswith(_ASIDE) and self._peeled[oid][0] is None
        )
        return tuple(sorted({*self._named.broken, *lost}))

    @property
    def refs_aside(self) -> tuple[str, ...]:
        """Names that exist but are no history of the project, such as stashes and notes."""
        return tuple(name for name in self._named.names if name.startswith(_ASIDE))

    @property
    def annotated_tags(self) -> int:
        """How many tags have a message of their own."""
        names = self._named.names.items()
        return sum(self._peeled[oid][1] for name, oid in names if name.startswith("refs/tags/"))

    @cached_property
    def tips(self) -> tuple[str, ...]:
        """The commits that names point at, HEAD included."""
        return tuple(sorted({*self.refs.values(), *filter(None, (self.head,))}))

    @cached_property
    def default_branch(self) -> str | None:
        """The tip of the branch that others are merged into, as far as the repository says."""
        names = [self._named.default_name or ""]
        names += [f"refs/{x}/{y}" for y in _DEFAULTS for x in ("heads", "remotes/origin")]
        return next((self.refs[x] for x in names if x in self.refs), self.head)

    @cached_property
    def namespace(self) -> str:
        """What the repository is called everywhere: its root commit, the least if several.

        A shallow clone does not know it and is called by its origin's normalised URL.
        """
        if self.layout.shallow:
            return self.origin or min(self.layout.shallow)
        public = {sha for name, sha in self.refs.items() if name.startswith(_PUBLIC)}
        starts = sorted(public.union(filter(None, (self.head,)))) or self.tips
        if not starts:
            raise BadInput(
                f"{self.layout.where} has no commits, so nothing names it yet",
                where=self.layout.where,
                hint="Make a first commit.",
            )
        roots = self._git.output("rev-list", "--max-parents=0", "--stdin", lines=starts)
        return min(root.decode() for root in roots)

    @property
    def origin(self) -> str | None:
        """Where it was cloned from, normalised and without credentials."""
        url = self.layout.settings.get("remote.origin.url")
        return layout.normalised(url) if url else None

    # --- commits ----------------------------------------------------------------------------------

    def revisions(self, spec: str | None = None) -> list[str]:
        """The commits of a range in git's syntax, or all there are, newest first.

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
        return ((n, oid) for n, oid in self._named.names.items() if n not in self.broken_refs)

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
        """These commits, in order; one that is missing, false or damaged comes as ``Unreadable``."""
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
        """Files by object name, in order; ``None`` for one that is missing or over 64 MiB."""
        for oid, kind, data in self._batch(oids, _LARGEST_BLOB):
            yield oid, data if kind == "blob" else None

    def cat(self, oid: str) -> bytes:
        """One file. Raises ``BadInput`` when it is not in this copy."""
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
        """Which of these objects a partial clone left out."""
        names = sorted(set(oids))
        said = self._check(names)
        return frozenset(x for x, found in zip(names, said, strict=True) if found[1] == "missing")

    def _check(self, names: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Name and type of each object asked for, in order."""
        return resuming(names, self._types, lambda name: (name, "missing"))

    def _types(self, names: Sequence[str]) -> Iterator[tuple[str, str]]:
        command = ("cat-file", "--batch-check=%(objectname) %(objecttype)")
        with self._git.stream(command, lines=names) as stream:
            for line in stream.lines():
                oid, _, kind = line.decode("utf-8", "replace").rpartition(" ")
                yield oid, kind

    def tree(self, commit: str, *paths: str) -> Iterator[Entry]:
        """The files at a commit, all of them or those under the paths named."""
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

    def history(
        self, *patterns: str, revisions: str | None = None
    ) -> Iterator[tuple[str, tuple[Change, ...]]]:
        """What every commit changed of the files with these names (globs), newest first.

        A merge counts with what it has like none of its parents. Commits without such a change
        are left out, and so are those that cannot be compared.
        """
        shas = iter(self.revisions(revisions))
        while chunk := list(islice(shas, _AT_ONCE)):
            for sha, changes in self.changes([(sha,) for sha in chunk], patterns):
                if changes:
                    yield sha, changes

    def changes(
        self, diffs: Sequence[Diff], patterns: Sequence[str] = ()
    ) -> Iterator[tuple[str, tuple[Change, ...] | None]]:
        """What each commit touched; ``None`` where git cannot compare it (they may come first).

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

    def unmerged(self) -> Mapping[str, tuple[str, ...]]:
        """Commits that are not in the default branch, each with its parents."""
        if self.default_branch is None:
            return {}
        command = ("rev-list", "--parents", "--stdin")
        try:
            said = self._git.output(*command, lines=[*self.tips, f"^{self.default_branch}"])
        except BadInput:
            return {}
        return {words[0]: tuple(words[1:]) for words in (line.decode().split(" ") for line in said)}

    def merge_base(self, one: str, other: str) -> str | None:
        """The newest commit that two have in common."""
        try:
            said = self._git.output("merge-base", one, other)
        except BadInput:
            return None
        return said[0].decode() if said else None


def _words(lines: Iterable[bytes]) -> list[str]:
    return [line.decode() for line in lines]


def _identity(line: bytes) -> Identity:
    name, _, email = line.decode("utf-8", "replace").rpartition("<")
    return Identity(objects.visible(name), objects.visible(email.removesuffix(">")))


def namespace(path: str | Path) -> str:
    """What the repository at a path is called everywhere (DESIGN section 2): its root commit."""
    with GitReader.open(path) as repository:
        return repository.namespace
