# SPDX-License-Identifier: Apache-2.0
"""Finds the gaps of an answer: what is recorded that it could not use, and what is not recorded that a
reader would take for granted. Most are seen in the rows that were read for the answer.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Sequence

from lineage import ids
from lineage.model import kinds, terms
from lineage.model.gaps import Gap
from lineage.model.identity import STRONG
from lineage.model.value import each
from lineage.query.plan import Toward
from lineage.services.context import Context
from lineage.services.read import imported, known_gaps
from lineage.services.read.within import within
from lineage.services.summary import counted
from lineage.store.base import NOW, Filter, Hop, Page, Subgraph, View
from lineage.store.rows import EdgeRow, NodeRow

#: Kinds of which runs read, and of which claims are looked for.
_DATA = frozenset({"Dataset", "DatasetVersion"})
_CLAIMED = frozenset({*_DATA, "Artifact", "Model", "ModelVersion"})
_DIGEST = re.compile(rf'"digest":\[?"({"|".join(STRONG)}):')
_USED = Hop(relations=frozenset({"used"}))
_INVALIDATED = Hop(relations=frozenset({"wasInvalidatedBy"}))
#: What holds packages, and on which conditions it says that it does.
_HOLDING = Hop(toward="effects", relations=frozenset({"hadMember"}))
_CONDITIONS = ("marker", "group", "extra")
#: What identifiers of ours begin with: they say of what kind they are.
_OURS = ("urn:lineage:", "swh:1:")
_BY_DIGEST = f'"{terms.METHOD}":"{terms.BY_DIGEST}"'
#: The run that copied connects a copy with what it was made from.
_BY_COPY = f'"{terms.METHOD}":"{terms.BY_COPY}"'


def of_walk(
    ctx: Context,
    found: Subgraph,
    start: Sequence[NodeRow],
    toward: Toward,
    view: View,
    *,
    everything: bool,
) -> Iterator[Gap]:
    """The gaps of a walk. ``everything`` says that it followed what default walks follow and was not
    cut, so that the edges of each run are in it.
    """
    weak, invalidated = known_gaps.may_hold(ctx.store)
    by_kind: dict[str, list[NodeRow]] = {}
    for row in found.node_rows:
        by_kind.setdefault(row.kind, []).append(row)
    claimed = [row for kind in sorted(_CLAIMED) for row in by_kind.get(kind, ())]
    if toward == "causes":
        runs = by_kind.get("Run", [])
        used = found.edge_rows if everything else ctx.store.edges(_ids(runs), _USED, view)
        yield from of_runs(ctx, runs, used, view, found.node_rows)
        yield from _digests(claimed, found.edge_rows)
        yield from _unjoined_of(runs)
    else:
        if any(row.kind in {"Package", "Environment"} for row in start):
            yield from environments_unknown(ctx, view)
            within = {row.id for row in by_kind.get("Environment", ())}
            yield from conditional(ctx, [r.id for r in start if r.kind == "Package"], within, view)
        yield from _unjoined_names(ctx, start, found, view)
    if weak:
        yield from _claims(ctx, claimed, toward, view)
    if invalidated:
        yield from _invalidated(ctx, claimed, found, toward, view)
    yield from sources(ctx, view)


def needs_things(ctx: Context, start: Sequence[NodeRow], view: View) -> bool:
    """Whether the gaps of a walk to effects depend on what it reaches, not only on where it begins."""
    names = {name for row in start if (name := _file_name(row)) is not None}
    return (
        any(known_gaps.may_hold(ctx.store))
        or any(row.kind == "Package" for row in start)
        or bool(names and view == NOW and known_gaps.unjoined(ctx, names)[0])
    )


# --- runs -----------------------------------------------------------------------------------------


def of_runs(
    ctx: Context,
    runs: Sequence[NodeRow],
    used: Iterable[EdgeRow],
    view: View,
    known: Iterable[NodeRow] = (),
) -> Iterator[Gap]:
    """Runs of which no environment or no commit is recorded; ``used`` are their edges, and the nodes that
    they lead to are looked for among those ``known``.
    """
    if not runs:
        return
    rows = {ident: kind for ident, kind, _, _ in known}
    coded, equipped, unsure = set(), set(), dict[str, list[str]]()
    for relation, effect, cause, _, _, _ in used:
        if relation != "used":
            continue
        if cause.startswith(_OURS):
            if cause.startswith(ids.REVISION):
                coded.add(effect)
            elif cause.startswith(ids.ENVIRONMENT):
                equipped.add(effect)
        elif (kind := rows.get(cause)) == "Environment":
            equipped.add(effect)
        elif kind is None:
            unsure.setdefault(cause, []).append(effect)
    if unsure:
        beyond = ctx.store.get(unsure, view)
        equipped.update(
            run
            for ident, row in beyond.items()
            if row.kind == "Environment"
            for run in unsure[ident]
        )
    lacking = [row.id for row in runs if row.id not in equipped or row.id not in coded]
    equipped_there, coded_there = _of_captured(ctx, lacking, view)
    equipped, coded = equipped | equipped_there, coded | coded_there
    if bare := [row for row in runs if row.id not in equipped]:
        run = shlex.quote(_reference(ctx, bare[0], view))
        yield Gap(
            code="environment-unknown",
            count=len(bare),
            message=f"the environment of {counted(len(bare), 'run')} is not recorded",
            example=bare[0].title,
            command=f"lineage import LOCKFILE --for {run}",
        )
    if bare := [row for row in runs if row.id not in coded]:
        yield Gap(
            code="commit-unknown",
            count=len(bare),
            message=f"the commit of {counted(len(bare), 'run')} is not recorded",
            example=bare[0].title,
            command=f"lineage show {shlex.quote(bare[0].id)}",
        )


def _of_captured(ctx: Context, runs: Sequence[str], view: View) -> tuple[set[str], set[str]]:
    """Of some runs those whose environment, and those whose commit, the captured runs used that they are part of."""
    around = within(ctx, runs, view)
    if not around:
        return set(), set()
    used = ctx.store.edges(sorted(set[str]().union(*around.values())), _USED, view)
    equipped = {row.effect for row in used if row.cause.startswith(ids.ENVIRONMENT)}
    coded = {row.effect for row in used if row.cause.startswith(ids.REVISION)}
    return (
        {run for run, captured in around.items() if not captured.isdisjoint(equipped)},
        {run for run, captured in around.items() if not captured.isdisjoint(coded)},
    )


def environments_unknown(ctx: Context, view: View) -> Iterator[Gap]:
    """Runs of the store of which no environment is known: each may have had any package."""
    held = known_gaps.read(ctx) if view == NOW else None
    if held is not None and (count := held.counts.get("environment", 0)):
        yield Gap(
            code="environment-unknown",
            count=count,
            message=f"of {counted(count, 'run')} of {held.runs:,} no environment was known as of entry "
            f"{held.entry}, so that it cannot be told whether they belong here",
            example=held.examples.get("environment"),
            command="lineage import LOCKFILE --for RUN",
        )


def conditional(
    ctx: Context, packages: Collection[str], within: Collection[str], view: View
) -> Iterator[Gap]:
    """Packages that some environments hold on a condition: which one was met is not recorded."""
    if not packages or not within:
        return
    found: list[tuple[str, str]] = []
    for row in ctx.store.edges(sorted(packages), _HOLDING, view):
        if row.effect in within:
            said = row.edge().attributes
            named = next((name for name in _CONDITIONS if name in said), None)
            if named is not None:
                found.append((row.cause, f"{named} {each(said[named])[0]}"))
    if found:
        ident, condition = min(found)
        title = next(iter(ctx.store.get([ident], view).values())).title
        count = len({package for package, _ in found})
        yield Gap(
            code="package-conditional",
            count=count,
            message=f"{counted(count, 'package')} {_verb(count, 'is', 'are')} in an environment on a "
            "condition, so that it may not have been installed",
            example=f"{title}: {condition}",
            command=f"lineage show {shlex.quote(ident)}",
        )


# --- data -----------------------------------------------------------------------------------------


def _digests(claimed: Iterable[NodeRow], edges: Iterable[EdgeRow]) -> Iterator[Gap]:
    """Data that runs used of which the bytes are not known."""
    open_ = {
        row.id: row for row in claimed if row.kind in _DATA and not _DIGEST.search(row.attributes)
    }
    if not open_:
        return
    used = {row.cause for row in edges if row.relation == "used" and row.cause in open_}
    tied = {row.effect for row in edges if row.relation in terms.SAMENESSES}
    if bare := sorted(used - tied):
        row = open_[bare[0]]
        yield Gap(
            code="digest-unknown",
            count=len(bare),
            message=f"the bytes of {counted(len(bare), 'data set')} are not known: no digest is "
            "recorded, or only a short one",
            example=row.title,
            command=f"lineage show {shlex.quote(row.id)}",
        )


def _unjoined_of(runs: Iterable[NodeRow]) -> Iterator[Gap]:
    """Runs of the answer that read something which is joined with no file."""
    found = [row for row in runs if '"unjoined":' in row.attributes]
    if found:
        named = found[0].node().attributes["unjoined"]
        address = named[0] if isinstance(named, tuple) else named
        yield Gap(
            code="data-unjoined",
            count=len(found),
            message=f"{counted(len(found), 'run')} read data by an address that is joined with no file",
            example=f"{address} of {found[0].title}",
            command="lineage join FOLDER",
        )


def _unjoined_names(
    ctx: Context, start: Sequence[NodeRow], found: Subgraph, view: View
) -> Iterator[Gap]:
    """Runs beyond the answer that name a file as what was asked about is called."""
    names = {name for row in start if (name := _file_name(row)) is not None}
    if not names or view != NOW:
        return
    inside = {row.id for row in found.node_rows if row.kind == "Run"}
    told, more = known_gaps.unjoined(ctx, names)
    beyond = [one for one in told if one.run not in inside]
    if beyond:
        first, count = beyond[0], len(beyond) + more
        yield Gap(
            code="data-unjoined",
            count=count,
            message=f"{counted(count, 'run')} {_verb(count, 'names', 'name')} a file called so, and "
            f"{_verb(count, 'is', 'are')} not joined with it: {first.reason}",
            example=f"{first.address} of {first.title}",
            command=f"lineage show {shlex.quote(first.run)}",
        )


def _file_name(row: NodeRow) -> str | None:
    if row.kind not in {*_DATA, "Artifact"}:
        return None
    name = row.node().attributes.get("name")
    return name if isinstance(name, str) and name else None


def _claims(ctx: Context, claimed: Sequence[NodeRow], toward: Toward, view: View) -> Iterator[Gap]:
    """Claims about things of the answer that the walk did not follow."""
    hop = Hop(toward=toward, relations=frozenset({terms.SAMENESS}))
    rows = ctx.store.edges(_ids(claimed), hop, view) if claimed else ()
    weak = [
        row
        for row in rows
        # Most ties are by digest: they need no decoding.
        if _BY_DIGEST not in row.attributes
        and _BY_COPY not in row.attributes
        and not terms.follows(row.relation, row.edge().attributes)
    ]
    pairs = {frozenset((row.effect, row.cause)) for row in weak}
    if pairs:
        row = weak[0]
        yield Gap(
            code="claim-not-followed",
            count=len(pairs),
            message=f"{counted(len(pairs), 'claim')} that two things are the same "
            f"{_verb(len(pairs), 'was', 'were')} not followed",
            example=f"{ids.short(row.effect)} and {ids.short(row.cause)}",
            command=f"lineage show {shlex.quote(row.effect)}",
        )


def _invalidated(
    ctx: Context, claimed: Sequence[NodeRow], found: Subgraph, toward: Toward, view: View
) -> Iterator[Gap]:
    """Things of the answer that were invalidated."""
    rows: Iterable[EdgeRow] = found.edge_rows
    if toward == "effects":
        rows = ctx.store.edges(_ids(claimed), _INVALIDATED, view) if claimed else ()
    gone = {row.effect for row in rows if row.relation == "wasInvalidatedBy"}
    if gone:
        first = min(gone)
        title = next((row.title for row in ctx.store.get([first], view).values()), ids.short(first))
        yield Gap(
            code="invalidated",
            count=len(gone),
            message=f"{counted(len(gone), 'thing')} in this answer {_verb(len(gone), 'was', 'were')} "
            "retracted or revoked",
            example=title,
            command=f"lineage show {shlex.quote(first)}",
        )


# --- the store ------------------------------------------------------------------------------------


def sources(ctx: Context, view: View) -> Iterator[Gap]:
    """Sources on this machine that are not as they were when they were imported, and what came since
    without an import.
    """
    if view != NOW:
        return
    looked = imported.looked(ctx)
    changed = looked.changed
    if changed:
        yield Gap(
            code="source-changed",
            count=len(changed),
            message=f"{counted(len(changed), 'source')} changed since "
            f"{_verb(len(changed), 'it was', 'they were')} imported",
            example=changed[0],
            command=f"lineage import {shlex.quote(changed[0])}",
        )

    if looked.unfinished:
        count, (first, again) = len(looked.unfinished), looked.unfinished[0]
        yield Gap(
            code="import-unfinished",
            count=count,
            message=f"{counted(count, 'import')} {_verb(count, 'is', 'are')} not finished, so that a part "
            "of what was read is not in yet",
            example=first,
            command=again,
        )
    if looked.pending or looked.more:
        least = "at least " if looked.more else ""  # those behind were not looked through
        yield Gap(
            code="join-pending",
            count=looked.pending,
            message=f"{least}{looked.pending:,} {_verb(looked.pending, 'entry', 'entries')} came in since runs "
            "were last joined with the files, data and environments of their commits",
            example=looked.first,
            command="lineage join",
        )


def _verb(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def _ids(rows: Iterable[NodeRow]) -> list[str]:
    return [row.id for row in rows]


def _reference(ctx: Context, row: NodeRow, view: View) -> str:
    """What a person may type for a thing: its name, where nothing else of its kind is called so."""
    word = next((word for word, names in kinds.WORDS.items() if names[0] == row.kind), None)
    if not word or not row.label:
        return row.id
    same = Filter(kinds=frozenset({row.kind}), label=row.label)
    alone = len(ctx.store.find(same, Page(limit=2), view).rows) == 1
    return f"{word}:{row.label}" if alone else row.id
