# SPDX-License-Identifier: Apache-2.0
"""Finds which commits of a history were others before it was rewritten, where that is kept beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from importers.tally import Tally
from lineage.sources.git.maps import maps
from lineage.sources.git.objects import CommitObject
from lineage.sources.git.reader import GitReader
from lineage.sources.git.repository import BACKUPS

#: New commit -> attribute of its record -> the old ones.
Rewritten = Mapping[str, Mapping[str, list[str]]]


def rewritten(repo: GitReader, shas: Collection[str], tally: Tally) -> Rewritten:
    """What the maps of rewriting tools say of these commits, and the backups of filter-branch."""
    here = frozenset(shas)
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for old, new in _mapped(repo, here, tally):
        found[new]["rewritten_from"].add(old)
    for old, new in _backed_up(repo, here):
        found[new]["rewritten_from_backup"].add(old)
    return {
        new: {name: sorted(olds) for name, olds in sorted(said.items())}
        for new, said in found.items()
    }


def _mapped(repo: GitReader, here: frozenset[str], tally: Tally) -> Iterator[tuple[str, str]]:
    """Pairs of the maps, through several rewrites to the commit that is here."""
    became: dict[str, set[str]] = defaultdict(set)
    for found in maps(repo.layout):
        tally.lose("lines of maps of commits", "are no pair", count=found.odd, first=found.where)
        for old, new in found.pairs:
            became[old].add(new)
    for old in became:
        seen, todo = {old}, [old]
        while todo:
            for new in became.get(todo.pop(), ()):
                if new in here:
                    yield old, new
                elif new not in seen:
                    seen.add(new)
                    todo.append(new)


def _backed_up(repo: GitReader, here: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Pairs of a branch and its backup: filter-branch keeps author, date and message of a commit.
    What these do not tell apart is left out.
    """
    for name, old in repo.refs.items():
        new = repo.refs.get(name.removeprefix(BACKUPS)) if name.startswith(BACKUPS) else None
        if new is None or new == old:
            continue
        before = _named(repo, repo.beyond(old, new))
        after = _named(repo, here.intersection(repo.beyond(new, old)))
        for said, found in before.items():
            if len(found) == len(after.get(said, ())) == 1:
                yield found[0], after[said][0]


def _named(repo: GitReader, shas: Iterable[str]) -> dict[tuple[object, ...], list[str]]:
    found: dict[tuple[object, ...], list[str]] = {}
    for commit in repo.commits(sorted(shas)):
        if isinstance(commit, CommitObject):
            said = (commit.author, commit.authored, commit.subject)
            found.setdefault(said, []).append(commit.sha)
    return found
