# SPDX-License-Identifier: Apache-2.0
"""Keeps what joining did not find, for the answers that it is missing from."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from lineage.services.context import Context
from lineage.services.read import imported, known_gaps
from lineage.services.read.known_gaps import KnownGaps
from lineage.services.write.joins.join import Joins
from lineage.store.paging import values_under


def keep(ctx: Context, joins: Joins, entry: int) -> None:
    """Keep the counts of what is not known as of an entry, and by name the data that is joined with no
    file.
    """
    summary = KnownGaps(
        entry=entry,
        runs=joins.counts["runs"],
        counts={name: joins.counts[name] for name in ("environment", "commit")},
        examples={name: row.title for name, row in joins.examples.items()},
    )
    wanted: dict[str, bytes | None] = {known_gaps.STATE: summary.to_bytes(), **_by_name(joins)}
    before = {known_gaps.STATE: ctx.store.values([known_gaps.STATE]).get(known_gaps.STATE)}
    before |= dict(values_under(ctx.store, known_gaps.UNJOINED))
    changes = {name: None for name in before if name not in wanted} | {
        name: value for name, value in wanted.items() if before.get(name) != value
    }
    if changes:
        ctx.store.keep(changes)
    imported.look_again(ctx)


def _by_name(joins: Joins) -> Mapping[str, bytes]:
    found: dict[str, list[dict[str, str]]] = {}
    for one in joins.unjoined:
        said = {
            "run": one.run.id,
            "title": one.run.title,
            "address": one.address,
            "reason": one.reason,
        }
        found.setdefault(known_gaps.key(one.address), []).append(said)
    return {
        name: orjson.dumps({"count": len(said), "runs": said[: known_gaps.MOST]})
        for name, said in found.items()
    }
