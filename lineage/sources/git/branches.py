# SPDX-License-Identifier: Apache-2.0
"""Finds where branches left the default one, so that a squash of a whole branch is recognised."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lineage.sources.git.reader import GitReader

#: Lines of work longer than this were not squashed into one commit.
LONGEST_BRANCH = 1_000


def bases(repository: GitReader, tips: Collection[str]) -> tuple[dict[str, str], int]:
    """Map each tip outside the default branch to where it left it, and count the tips that are too
    far away.
    """
    outside = repository.unmerged(tips)
    found: dict[str, str] = {}
    too_long = 0
    for tip in sorted(tips):
        if tip not in outside:
            continue
        edge = _edge(tip, outside)
        if edge is None:
            too_long += 1
        elif len(edge) == 1:
            found[tip] = edge.pop()
        elif edge and (base := repository.merge_base(repository.default_branch or "", tip)):
            found[tip] = base
    return found, too_long


def _edge(tip: str, outside: Mapping[str, tuple[str, ...]]) -> set[str] | None:
    """The merged commits that a tip's own ones stand on; ``None`` if it has too many of its own."""
    edge: set[str] = set()
    seen, todo = {tip}, [tip]
    while todo:
        for parent in outside[todo.pop()]:
            if parent not in outside:
                edge.add(parent)
            elif parent not in seen:
                seen.add(parent)
                todo.append(parent)
        if len(seen) > LONGEST_BRANCH:
            return None
    return edge
