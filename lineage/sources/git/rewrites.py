# SPDX-License-Identifier: Apache-2.0
"""Finds a commit again after history was rewritten: amended, rebased, cherry-picked or squashed.

Two truths are kept apart. *Tree*: the bytes that ran are the same. *Change*: the intent survived,
on top of other bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from lineage import ids
from lineage.model.merge import merged
from lineage.model.record import Edge, Node
from lineage.model.value import Value, each

Method = Literal["sha", "map", "backup", "tree", "change-id", "patch-id", "range"]

#: Clocks of two machines that took part in one rewrite differ by less.
_SKEW = timedelta(days=1)
#: A repeated patch with nothing else in common may be a second author's same idea.
_UNSUPPORTED = 0.5
#: Author, date and subject are the same, and a branch and its backup tell which: not what changed.
_BY_BACKUP = 0.9
#: The pull request number that a merge button appends to the subject.
_PULL_REQUEST = re.compile(r"\s*\([#!]\d+\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFacts:
    """What a store knows of a commit that can find it again.

    ``range_patch_ids`` and ``range_bases`` are set on the tip of a branch: its change as a whole,
    and where it left the default branch. ``rewritten_from`` are the commits of which a tool that
    rewrote history wrote down that they became this one; ``rewritten_from_backup`` those in a backup
    of the branch that have this one's author, date and subject.
    """

    sha: str
    tree: str | None = None
    parents: tuple[str, ...] = ()
    subject: str | None = None
    authored: str | None = None
    committed: str | None = None
    change_id: str | None = None
    patch_id: str | None = None
    paths: str | None = None
    range_patch_ids: frozenset[str] = frozenset()
    range_bases: frozenset[str] = frozenset()
    rewritten_from: frozenset[str] = frozenset()
    rewritten_from_backup: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether nothing of a change of its own is known."""
        return len(self.parents) < 2 and self.patch_id is None and self.paths is None


#: Old commit -> those that it became.
_After: TypeAlias = Mapping[str, Sequence[CommitFacts]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A commit that carries the one looked for: how it was found, and which truth holds.

    ``confidence`` is below one only where several commits, or chance, could explain it.
    """

    sha: str
    method: Method
    confidence: float
    tree: bool
    change: bool = True


def facts(nodes: Iterable[Node], parent_edges: Iterable[Edge]) -> list[CommitFacts]:
    """Read the facts in records, as the git importer writes them and a store gives them back."""
    parents: dict[str, dict[str, None]] = {}
    for edge in parent_edges:
        if edge.relation == "parent":
            parents.setdefault(edge.effect, {})[edge.cause.removeprefix(ids.REVISION)] = None
    said: dict[str, list[Node]] = {}
    for node in nodes:
        if node.kind == "Commit":
            said.setdefault(node.id, []).append(node)
    return [_fact(merged(i, same), tuple(parents.get(i, ()))) for i, same in said.items()]


def _fact(node: Node, parents: tuple[str, ...]) -> CommitFacts:
    said = node.attributes
    return CommitFacts(
        sha=node.id.removeprefix(ids.REVISION),
        parents=parents,
        tree=_one(said.get("tree")),
        subject=_one(said.get("message")),
        authored=_one(said.get("authored")),
        committed=_one(said.get("committed")),
        change_id=_one(said.get("change_id")),
        patch_id=_one(said.get("patch_id")),
        paths=_one(said.get("paths")),
        range_patch_ids=frozenset(_all(said.get("range_patch_id"))),
        range_bases=frozenset(_all(said.get("range_base"))),
        rewritten_from=frozenset(_all(said.get("rewritten_from"))),
        rewritten_from_backup=frozenset(_all(said.get("rewritten_from_backup"))),
    )


def _all(value: Value | None) -> tuple[str, ...]:
    values = () if value is None else each(value)
    return tuple(x for x in values if isinstance(x, str))


def _one(value: Value | None) -> str | None:
    return next(iter(_all(value)), None)


def resolve(
    target: CommitFacts, candidates: Sequence[CommitFacts], known: Sequence[CommitFacts] = ()
) -> list[Match]:
    """Find where a commit is today, among candidates; nothing where it is gone, never a guess.

    ``known`` are commits that were recorded once: the deleted branch that a squash absorbed.
    For many targets build one ``Rewrites`` and ask it.
    """
    return Rewrites(candidates, (*known, target)).resolve(target)


class Rewrites:
    """Indexes candidates by everything that survives a rewrite."""

    def __init__(
        self, candidates: Sequence[CommitFacts], known: Sequence[CommitFacts] = ()
    ) -> None:
        self._known = {fact.sha: fact for fact in (*known, *candidates)}
        self._by_sha = {fact.sha: fact for fact in candidates}
        self._by_tree = _index(candidates, lambda fact: fact.tree)
        self._by_change = _index(candidates, lambda fact: fact.change_id)
        self._by_patch = _index(candidates, lambda fact: fact.patch_id)
        self._became = self._after(lambda fact: fact.rewritten_from)
        self._restored = self._after(lambda fact: fact.rewritten_from_backup)
        self._tips = self._absorbed_by()

    def resolve(self, target: CommitFacts) -> list[Match]:
        """Find the commit itself, else what the first method finds that finds anything."""
        if target.sha in self._by_sha:
            return [Match(sha=target.sha, method="sha", confidence=1.0, tree=True)]
        methods: tuple[tuple[Method, Callable[[CommitFacts], list[CommitFacts]]], ...] = (
            ("map", lambda fact: self._today(fact, self._became)),
            ("backup", lambda fact: self._today(fact, self._became, self._restored)),
            ("tree", self._same_tree),
            ("change-id", self._same_change_id),
            ("patch-id", self._same_patch),
            ("range", self._same_range),
        )
        for method, look in methods:
            if found := self._later(target, look(target)):
                return _matches(target, method, found)
        return []

    def _later(self, target: CommitFacts, found: list[CommitFacts]) -> list[CommitFacts]:
        """Without those in the target's own past: no commit is a rewrite of its descendant."""
        past = self._past([target.sha]) if found else frozenset()
        return [fact for fact in found if fact.sha not in past]

    def _after(self, before: Callable[[CommitFacts], frozenset[str]]) -> _After:
        after: dict[str, list[CommitFacts]] = {}
        for fact in self._known.values():
            for old in before(fact):
                after.setdefault(old, []).append(fact)
        return after

    def _today(self, target: CommitFacts, *after: _After) -> list[CommitFacts]:
        """What rewrites made of a commit, one after the other, as far as it is here today."""
        found: dict[str, CommitFacts] = {}
        seen, todo = {target.sha}, [target.sha]
        while todo:
            old = todo.pop()
            for fact in (fact for known in after for fact in known.get(old, ())):
                if fact.sha in self._by_sha:
                    found[fact.sha] = fact
                elif fact.sha not in seen:
                    seen.add(fact.sha)
                    todo.append(fact.sha)
        return list(found.values())

    def _same_tree(self, target: CommitFacts) -> list[CommitFacts]:
        found = []
        for fact in self._by_tree.get(target.tree or "", ()):
            subject, date = fact.subject == target.subject, _same(fact.authored, target.authored)
            # An empty commit has its parent's tree, so that alone says little of it.
            weak = fact.is_empty or target.is_empty
            if (subject and date) if weak else (subject or date):
                found.append(fact)
        return found

    def _same_change_id(self, target: CommitFacts) -> list[CommitFacts]:
        return list(self._by_change.get(target.change_id or "", ()))

    def _same_patch(self, target: CommitFacts) -> list[CommitFacts]:
        found = self._by_patch.get(target.patch_id or "", ())
        return [x for x in found if x.paths == target.paths and _credible(target, x)]

    def _same_range(self, target: CommitFacts) -> list[CommitFacts]:
        found: dict[str, CommitFacts] = {}
        for tip in self._tips.get(target.sha, ()):
            for patch in sorted(tip.range_patch_ids):
                for fact in self._by_patch.get(patch, ()):
                    if _not_before(tip, fact) and fact.sha not in self._past([tip.sha]):
                        found[fact.sha] = fact
        return list(found.values())

    def _absorbed_by(self) -> Mapping[str, list[CommitFacts]]:
        """Commit of a branch -> the tips under which a squash may have absorbed it."""
        tips: dict[str, list[CommitFacts]] = {}
        for tip in self._known.values():
            # Branches that nobody squashed need no list of their commits.
            if any(patch in self._by_patch for patch in tip.range_patch_ids):
                for sha in self._branch(tip):
                    tips.setdefault(sha, []).append(tip)
        return tips

    def _branch(self, tip: CommitFacts) -> Iterator[str]:
        """A tip and its ancestors, down to where it left the default branch."""
        before: frozenset[str] | None = None
        seen, todo = set(tip.range_bases), [tip.sha]
        while todo:
            sha = todo.pop()
            if sha in seen or (before is not None and sha in before):
                continue
            seen.add(sha)
            yield sha
            parents = self._parents(sha)
            # A merge leads beside the base into the past of the default branch.
            if len(parents) > 1 and before is None:
                before = self._past(tip.range_bases)
            todo += parents

    def _past(self, shas: Iterable[str]) -> frozenset[str]:
        """These commits and all their ancestors."""
        seen: set[str] = set()
        todo = list(shas)
        while todo:
            sha = todo.pop()
            if sha not in seen:
                seen.add(sha)
                todo += self._parents(sha)
        return frozenset(seen)

    def _parents(self, sha: str) -> tuple[str, ...]:
        fact = self._known.get(sha)
        return fact.parents if fact else ()


def _matches(target: CommitFacts, method: Method, found: list[CommitFacts]) -> list[Match]:
    """The candidates that fit best; several that fit alike are all listed, none is chosen."""
    best = _narrowed(target, found)
    confidence = 1.0 / len(best)
    if method == "patch-id" and not any(_supported(target, fact) for fact in best):
        confidence = min(confidence, _UNSUPPORTED)
    elif method == "backup":
        confidence = min(confidence, _BY_BACKUP)
    return [
        Match(
            sha=fact.sha,
            method=method,
            confidence=confidence,
            tree=fact.tree is not None and fact.tree == target.tree,
        )
        for fact in sorted(best, key=lambda fact: fact.sha)
    ]


def _narrowed(target: CommitFacts, found: list[CommitFacts]) -> list[CommitFacts]:
    tests: tuple[Callable[[CommitFacts], bool], ...] = (
        lambda x: _subject(x) == _subject(target) and _same(x.authored, target.authored),
        lambda x: _supported(target, x),
        lambda x: _same(x.patch_id, target.patch_id),
    )
    for test in tests:
        if len(found) > 1:
            found = [fact for fact in found if test(fact)] or found
    return found


def _credible(target: CommitFacts, fact: CommitFacts) -> bool:
    return _supported(target, fact) or _not_before(target, fact)


def _supported(target: CommitFacts, fact: CommitFacts) -> bool:
    """Whether more than the patch is common to both: subject, author date or the bytes."""
    return (
        _same(_subject(fact), _subject(target))
        or _same(fact.authored, target.authored)
        or _same(fact.tree, target.tree)
    )


def _not_before(target: CommitFacts, fact: CommitFacts) -> bool:
    """Whether a commit could have been made out of another one, going by the clocks."""
    made, origin = _moment(fact.committed), _moment(target.committed)
    return made is None or origin is None or made >= origin - _SKEW


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _subject(fact: CommitFacts) -> str | None:
    return _PULL_REQUEST.sub("", fact.subject) if fact.subject else None


def _same(one: str | None, other: str | None) -> bool:
    return one is not None and one == other


def _index(
    items: Iterable[CommitFacts], key: Callable[[CommitFacts], str | None]
) -> dict[str, list[CommitFacts]]:
    index: dict[str, list[CommitFacts]] = {}
    for fact in items:
        if value := key(fact):
            index.setdefault(value, []).append(fact)
    return index
