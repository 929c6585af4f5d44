# SPDX-License-Identifier: Apache-2.0
"""An open git repository and its names: references, HEAD, namespace, origin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

from lineage.closeable import Closeable
from lineage.errors import BadInput, LineageError
from lineage.paths import as_text, expanded
from lineage.sources.git import layout
from lineage.sources.git.plumbing import Plumbing, resuming

#: Where capture keeps what runs had: their records tell of it.
CAPTURED = "refs/lineage/"
#: References that are no history of the project: notes and stashes, git's own bookkeeping, what capture
#: keeps, and what DVC keeps for its queue and its experiments that are running (dvc/repo/experiments/refs.py).
_ASIDE = (
    CAPTURED,
    *("refs/notes/", "refs/stash", "refs/replace/", "refs/bisect/", "refs/rewritten/"),
    *("refs/exps/stash", "refs/exps/apply/", "refs/exps/celery/", "refs/exps/exec/"),
    "refs/exps/temp/",
)
#: Where filter-branch keeps what branches were before: commits of the project that no branch has.
BACKUPS = "refs/original/"
_EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}(?:[0-9a-f]{24})?/(.+)")
_PUBLIC = ("refs/heads/", "refs/remotes/", "refs/tags/")
_DEFAULTS = ("main", "master", "trunk", "develop")


class Repository(Closeable):
    """One repository with its names. Use in a ``with``: it holds a folder of its own.

    ``deadline`` is a moment of the monotonic clock: what takes longer raises ``InputStalled``. ``named`` are its
    references, where they were read before.
    """

    def __init__(
        self,
        where: layout.Layout,
        *,
        deadline: float = float("inf"),
        named: layout.References | None = None,
    ) -> None:
        self.layout = where
        self._git = Plumbing(
            where.objects,
            algorithm=where.algorithm,
            where=where.where,
            shallow=where.shallow,
            deadline=deadline,
        )
        self._named = layout.references(where) if named is None else named

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open the repository at a path. Raises ``InputMissing``, ``BadInput``, ``InputTooNew``."""
        return cls(layout.locate(expanded(path).resolve()))

    def close(self) -> None:
        """Remove the folder."""
        self._git.close()

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

    @property
    def experiments(self) -> Mapping[str, tuple[str, ...]]:
        """Commit -> the names of the experiments of DVC that it is the result of."""
        found: dict[str, list[str]] = {}
        for name, commit in self.refs.items():
            if experiment := _EXPERIMENT.fullmatch(name):
                found.setdefault(commit, []).append(experiment[1])
        return {commit: tuple(sorted(names)) for commit, names in found.items()}

    @cached_property
    def default_name(self) -> str | None:
        """The branch that others are merged into, as far as the repository says."""
        names = [self._named.default_name or ""]
        names += [f"refs/{x}/{y}" for y in _DEFAULTS for x in ("heads", "remotes/origin")]
        return next((x for x in names if x in self.refs), None)

    @property
    def default_branch(self) -> str | None:
        """The tip of that branch; HEAD where the repository does not say."""
        return self.refs[self.default_name] if self.default_name else self.head

    @property
    def head_name(self) -> str | None:
        """The branch that is checked out, one without a commit too; ``None`` when HEAD is detached."""
        return self._named.head_name

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

    def _check(self, names: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Name and type of each object asked for, in order."""
        return resuming(names, self._types, lambda name: (name, "missing"))

    def _types(self, names: Sequence[str]) -> Iterator[tuple[str, str]]:
        command = ("cat-file", "--batch-check=%(objectname) %(objecttype)")
        with self._git.stream(command, lines=names) as stream:
            for line in stream.lines():
                oid, _, kind = line.decode("utf-8", "replace").rpartition(" ")
                yield oid, kind


def place(path: Path) -> tuple[str, str] | None:
    """What the repository around a path is called everywhere (DESIGN section 2), its root commit, and the
    path from its root on; ``None`` where there is no repository that can be read, or no commit yet.
    """
    root = layout.around(path)
    if root is None:
        return None
    try:
        with Repository.open(root) as repository:
            return repository.namespace, as_text(path.relative_to(root))
    except LineageError:
        return None
