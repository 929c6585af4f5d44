# SPDX-License-Identifier: Apache-2.0
"""Turns what git told of commits that it rewrote into what the git importer says of them by maps of other tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lineage import ids
from lineage.model.record import Node
from lineage.model.value import clean
from lineage.sources.git.layout import is_oid


def records(events: Sequence[Mapping[str, Any]]) -> tuple[Node, ...]:
    """The new commits, each with those that it was before. Raises ``ValueError`` for what is no pair."""
    before: dict[str, dict[str, None]] = {}
    for event in events:
        for old, new in event["pairs"]:
            if not (is_oid(old) and is_oid(new)):
                raise ValueError("a pair is not of commits")
            before.setdefault(new, {})[old] = None
    return tuple(
        Node(
            id=ids.commit_id(new), kind="Commit", attributes=clean({"rewritten_from": sorted(olds)})
        )
        for new, olds in before.items()
    )
