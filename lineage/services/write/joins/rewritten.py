# SPDX-License-Identifier: Apache-2.0
"""Joins the commits that runs used with what became of them when history was rewritten."""

from __future__ import annotations

from collections.abc import Iterator

from lineage import ids
from lineage.errors import NotFound
from lineage.model import terms
from lineage.model.record import Edge
from lineage.services.context import Context
from lineage.services.write.commits import CommitsRequest


def rewritten(ctx: Context) -> Iterator[Edge]:
    """That a commit is on no branch any more, and which ones carry its change or its files today. The
    claim leads from the old commit to the new one only: several may have become one, and are not the
    same for that.
    """
    try:
        found = CommitsRequest().answer(ctx)
    except NotFound:
        return
    for commit in found:
        if commit.reachable:
            continue
        for match in commit.matches:
            new = ids.commit_id(match.sha)
            if new != commit.commit:
                yield Edge(
                    relation=terms.SAMENESS,
                    effect=commit.commit,
                    cause=new,
                    attributes={
                        terms.METHOD: terms.BY_REWRITE,
                        terms.EVIDENCE: match.method,
                        terms.CONFIDENCE: match.confidence,
                    },
                )
