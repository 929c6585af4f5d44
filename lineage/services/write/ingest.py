# SPDX-License-Identifier: Apache-2.0
"""Writes entries: batches as they come, or all that a source asserts and takes back together."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, groupby, islice
from typing import Any

from lineage.access.mask import masked
from lineage.gc_pause import gc_disabled
from lineage.ledger.log import Draft
from lineage.model import check
from lineage.model.record import Batch, Loss, Node, Record
from lineage.progress import Progress, silent
from lineage.services.context import Context
from lineage.services.read import imported, known_gaps
from lineage.services.write.spooled_batches import SpooledBatches
from lineage.spool import MadeSequence
from lineage.store.writes import Receipt, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an import did: the things that are new here, counts of records, the entries it made, what
    the source held and lost. A record is what one source says of one thing, or of one link.
    """

    source: str
    importer: str
    things: int = 0
    added: int
    unchanged: int
    retracted: int
    entries: tuple[int, ...]
    seen: dict[str, int]
    losses: tuple[Loss, ...]

    @property
    def told(self) -> bool:
        """Whether there is anything to tell: something changed, or was lost."""
        return bool(self.added or self.retracted or self.losses)

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage import``."""
        return {
            "source": self.source,
            "importer": self.importer,
            "things": self.things,
            "added": self.added,
            "unchanged": self.unchanged,
            "retracted": self.retracted,
            "entries": list(self.entries),
            "seen": self.seen,
            "losses": [
                {"what": loss.what, "count": loss.number, "reason": loss.reason}
                for loss in self.losses
            ],
        }


def ingest(
    ctx: Context, batches: Iterable[Batch] | Batch, *, source: str = "python", importer: str = "api"
) -> Report:
    """Assert batches as they come, each in a transaction of its own; nothing is retracted."""
    receipts: list[Receipt] = []
    done: list[Batch] = []
    for batch in (batches,) if isinstance(batches, Batch) else batches:
        # What importers read is without secrets already.
        kept = masked(batch) if importer == "api" else batch
        check.demand(kept)
        known_gaps.note(ctx.store, kept.edges)
        receipts.append(ctx.store.write(_draft(ctx, source, importer, kept), kept))
        done.append(Batch(seen=kept.seen, losses=kept.losses))
    imported.look_again(ctx)
    return _report(source, importer, receipts, done)


def write_batches(
    ctx: Context,
    source: str,
    importer: str,
    batches: Sequence[Batch],
    gone: Sequence[Record],
    progress: Progress = silent,
) -> Report:
    """Write what a source asserts and takes back, an entry a batch."""
    writes = {source: entries_of(ctx, source, importer, batches, gone)}
    [report] = write_together(ctx, importer, writes, progress)
    return report


class Entries(MadeSequence[Write]):
    """The entries of a source, made when somebody looks at one: of batches that are in a file, one is in
    memory.
    """

    def __init__(
        self, drafts: Sequence[Draft], batches: Sequence[Batch], leaving: Sequence[Sequence[Record]]
    ) -> None:
        self._drafts = drafts
        self._leaving = leaving
        self.batches: Sequence[Batch] = batches
        told: Sequence[Batch]
        if isinstance(batches, SpooledBatches):
            told, sizes, weak = batches.told, batches.sizes, batches.weak
        else:
            told, sizes = batches, [len(batch) for batch in batches]
            weak = any(known_gaps.any_weak(batch.edges) for batch in batches)
        #: What the batches say beside their records, and whether walks do not follow all of these.
        self.told: Sequence[Batch] = told
        self.weak: bool = weak
        self.sizes: list[int] = [
            size + len(gone) for size, gone in zip(sizes, leaving, strict=True)
        ]

    def __len__(self) -> int:
        return len(self._drafts)

    def item(self, number: int) -> Write:
        """See ``MadeSequence``."""
        return Write(self._drafts[number], self.batches[number], self._leaving[number])


def entries_of(
    ctx: Context,
    source: str,
    importer: str,
    batches: Sequence[Batch],
    gone: Sequence[Record],
    where: str | None = None,
) -> Entries:
    """The entries of a source. Each takes back what was said of the things that it speaks of; the last
    one that speaks of any, what was said of all others.
    """
    batches = batches or [Batch()]
    leaving: list[list[Record]] = [[] for _ in range(len(batches))]
    if gone:
        last = 0
        speaks: dict[str, int] = {}
        left = {_subject(record) for record in gone}
        for number, batch in enumerate(batches):
            last = number if len(batch) else last
            speaks.update((s, number) for said in batch.records if (s := _subject(said)) in left)
        for record in gone:
            leaving[speaks.get(_subject(record), last)].append(record)
    told = batches.told if isinstance(batches, SpooledBatches) else batches
    drafts = [_draft(ctx, source, importer, batch, where) for batch in told]
    return Entries(drafts, batches, leaving)


def _subject(record: Record) -> str:
    return record.id if isinstance(record, Node) else record.effect


def write_together(
    ctx: Context,
    importer: str,
    writes: Mapping[str, Entries],
    progress: Progress,
    where: str | None = None,
) -> list[Report]:
    """Write the entries of several sources together: a report of each. Where that is more than the
    engine can hold in one transaction, a mark says meanwhile that the import, or the join where
    ``where`` names no source, is not finished.
    """
    everything = [(some, number) for some in writes.values() for number in range(len(some))]
    known_gaps.note_if(ctx.store, any(some.weak for some in writes.values()))
    sizes = [size for some in writes.values() for size in some.sizes]
    before, total = [0, *accumulate(sizes)], sum(sizes)
    together = ctx.store.caps.records or total
    what = where or next(iter(writes), "")
    groups = [_Group([*some]) for _, some in groupby(everything, _numbered(sizes, together))]
    if len(groups) > 1:
        again = "lineage join" if where is None else f"lineage import {shlex.quote(where)}"
        imported.begin(ctx, what, again)
    receipts: list[Receipt] = []
    for group in groups:
        tell = partial(_told, progress, before[len(receipts) :], total)
        with gc_disabled():
            receipts += ctx.store.write_all(group, tell)
    imported.end(ctx, what)
    done = iter(receipts)
    return [
        _report(source, importer, list(islice(done, len(some))), some.told)
        for source, some in writes.items()
    ]


class _Group(MadeSequence[Write]):
    """The entries of one transaction."""

    def __init__(self, members: Sequence[tuple[Entries, int]]) -> None:
        self._members = members

    def __len__(self) -> int:
        return len(self._members)

    def item(self, number: int) -> Write:
        """See ``MadeSequence``."""
        entries, place = self._members[number]
        return entries[place]


def _numbered(sizes: Sequence[int], together: int) -> Callable[[object], int]:
    """The number of the transaction that each entry belongs to, in order."""
    numbers, number, held = [], 0, 0
    for size in sizes:
        if held and held + size > together:
            number, held = number + 1, 0
        held += size
        numbers.append(number)
    following = iter(numbers)
    return lambda _: next(following)


def _told(progress: Progress, before: Sequence[int], total: int, number: int) -> None:
    progress("writing records", before[number], total)


def _draft(
    ctx: Context, source: str, importer: str, batch: Batch, where: str | None = None
) -> Draft:
    note: dict[str, Any] = {} if where is None else {"read": where}
    if batch.seen:
        note["seen"] = dict(batch.seen)
    if batch.losses:
        note["losses"] = [list(loss) for loss in batch.losses]
    return Draft(
        source=source, importer=importer, actor=ctx.actor, recorded=ctx.recorded(), note=note
    )


def _report(
    source: str, importer: str, receipts: Iterable[Receipt], batches: Iterable[Batch]
) -> Report:
    done = list(receipts)
    seen: Counter[str] = Counter()
    losses: dict[tuple[str, str], int] = {}
    for batch in batches:
        seen.update(batch.seen)
        for loss in batch.losses:
            key = (loss.what, loss.reason)
            losses[key] = losses.get(key, 0) + loss.number
    return Report(
        source=source,
        importer=importer,
        things=sum(receipt.things for receipt in done),
        added=sum(receipt.added for receipt in done),
        unchanged=sum(receipt.unchanged for receipt in done),
        retracted=sum(receipt.retracted for receipt in done),
        entries=tuple(receipt.seq for receipt in done if receipt.seq is not None),
        seen=dict(seen),
        losses=tuple(Loss(what, number, why) for (what, why), number in losses.items()),
    )
