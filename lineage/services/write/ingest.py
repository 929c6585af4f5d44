# SPDX-License-Identifier: Apache-2.0
"""Writes what a source asserts, and retracts what it no longer does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import accumulate, groupby, islice
from typing import Any

import importers
from importers.base import Importer, Options, Source
from importers.lockfile import environment_of_model, records
from importers.tally import Tally
from lineage.errors import Usage
from lineage.ledger.log import Draft
from lineage.model import check, kinds, terms
from lineage.model.record import Batch, Edge, Loss, Node, Record, line
from lineage.model.value import Value
from lineage.progress import Progress, prefixed, silent
from lineage.services.context import Context
from lineage.services.read import imported, known_gaps
from lineage.services.read.resolve import resolve
from lineage.sources.git.repository import place
from lineage.store.base import NOW, Receipt, Write


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


def import_source(
    ctx: Context,
    source: Source,
    *,
    named: str | None = None,
    revisions: str | None = None,
    runs: Sequence[str] = (),
    progress: Progress = silent,
) -> tuple[Report, ...]:
    """Read a source with the importer named, or with those that recognise it. ``runs`` are references
    to runs that used the one environment which it describes.

    Everything is read to its end before the first record is written, and what each importer found is
    written in one transaction, as far as the engine can hold it: readers see all of it or nothing. Raises the errors of importers, of
    references to runs, ``Usage`` where it does not describe one environment, ``Rejected``, and those of
    stores.
    """
    chosen = (importers.named(named),) if named else importers.sniff(source)
    read = []
    for importer in chosen:
        options = Options(
            person_key=ctx.person_key,
            revisions=revisions,
            environment=_environment_of_model,
            progress=prefixed(importer.name, progress),
        )
        read.append((importer, list(importer.read(source, options))))
    for _, batches in read:
        for batch in batches:
            check.demand(batch)
    used = _stated(ctx, runs, [batch for _, batches in read for batch in batches]) if runs else None
    reports = []
    for importer, batches in read:
        tell = prefixed(importer.name, progress)
        reports += _reconcile(ctx, importer, source, _by_source(importer, source, batches), tell)
    if used is not None:
        reports.append(ingest(ctx, used, source=f"stated:{ctx.actor}", importer="api"))
    return tuple(reports)


def _by_source(
    importer: Importer, source: Source, batches: Sequence[Batch]
) -> Mapping[str, Sequence[Batch]]:
    """Batches by the name of what asserts them: what the tool calls its store; else the repository and
    the path in it, which a move or a clone does not change; else the address.
    """
    found: dict[str, list[Batch]] = {}
    own = any(batch.source is None for batch in batches) or not batches
    where = _place(source) if own else ""
    for batch in batches or (Batch(),):
        found.setdefault(f"{importer.name}:{batch.source or where}", []).append(batch)
    return found


def _place(source: Source) -> str:
    if source.data is not None and source.address == "-":
        # A pipe is no place: what came through it another time was something else.
        return f"sha256:{sha256(source.data).hexdigest()}"
    found = None if source.path is None else place(source.path)
    if found is None:
        return source.address
    namespace, inner = found
    return namespace if inner == "." else f"{namespace}/{inner}"


def _environment_of_model(
    files: Mapping[str, bytes],
) -> tuple[str, Sequence[Record]] | None:
    """The environment that files beside a logged model describe, with its records."""
    found = environment_of_model(files, Tally())
    if found is None:
        return None
    return records.environment_id(found), list(records.records(found, (), Tally()))


def _stated(ctx: Context, runs: Sequence[str], batches: Sequence[Batch]) -> Batch:
    """That runs used the environment which a source describes, as somebody says who knows."""
    found = {node.id for batch in batches for node in batch.nodes if node.kind == "Environment"}
    if len(found) != 1:
        raise Usage(
            f"the source describes {len(found)} environments: which one the runs used is not clear",
            hint="Import a lock file of one environment.",
        )
    [environment] = found
    rows = [resolve(ctx, run) for run in runs]
    for row in rows:
        if kinds.family(row.kind) != "Activity":
            raise Usage(f"{row.title} is a {row.kind}, no run", hint="Name runs: run:ab12.")
    stated: dict[str, Value] = {terms.METHOD: terms.STATED, "prov:role": "environment"}
    edges = (
        Edge(relation="used", effect=row.id, cause=environment, attributes=stated) for row in rows
    )
    return Batch(edges=tuple(edges))


def ingest(
    ctx: Context, batches: Iterable[Batch] | Batch, *, source: str = "python", importer: str = "api"
) -> Report:
    """Assert batches as they come, each in a transaction of its own; nothing is retracted."""
    receipts: list[Receipt] = []
    done: list[Batch] = []
    for batch in (batches,) if isinstance(batches, Batch) else batches:
        check.demand(batch)
        known_gaps.note(ctx.store, batch.edges)
        receipts.append(ctx.store.write(_draft(ctx, source, importer, batch), batch))
        done.append(Batch(seen=batch.seen, losses=batch.losses))
    imported.look_again(ctx)
    return _report(source, importer, receipts, done)


def _reconcile(
    ctx: Context,
    importer: Importer,
    source: Source,
    stores: Mapping[str, Sequence[Batch]],
    progress: Progress,
) -> list[Report]:
    """Write what is new, and retract with it what the stores of a source no longer assert, and what was
    read at the place out of a store that is not there any more.
    """
    writes: dict[str, list[Write]] = {}
    for name, batches in stores.items():
        in_part = any(batch.partial for batch in batches)
        gone = [] if in_part else _no_longer(ctx, name, importer, batches)
        writes[name] = _writes(ctx, name, importer.name, batches, gone, source.address)
    left = _left(ctx, importer, source, stores)
    for name in left:
        gone = _no_longer(ctx, name, importer, ())
        writes[name] = _writes(ctx, name, importer.name, (), gone, source.address)
    reports = _written(ctx, importer.name, writes, progress, source.address)
    for name in left:
        imported.forget(ctx, name)
    if source.path is not None:
        for name in stores:
            imported.remember(ctx, name, importer.name, source.path)
    return [report for report in reports if report.source in stores or report.retracted]


def _left(
    ctx: Context, importer: Importer, source: Source, stores: Mapping[str, Sequence[Batch]]
) -> list[str]:
    """What was read at the place of a source, and is not there any more."""
    if any(batch.partial for batches in stores.values() for batch in batches):
        return []
    place = (importer.name, None if source.path is None else str(source.path))
    held = [one for one in imported.every(ctx) if (one.importer, one.path) == place]
    return [one.name for one in held if one.name not in stores]


def write_batches(
    ctx: Context,
    source: str,
    importer: str,
    batches: Sequence[Batch],
    gone: Sequence[Record],
    progress: Progress = silent,
) -> Report:
    """Write what a source asserts and takes back, an entry a batch."""
    writes = {source: _writes(ctx, source, importer, batches, gone)}
    [report] = _written(ctx, importer, writes, progress)
    return report


def _writes(
    ctx: Context,
    source: str,
    importer: str,
    batches: Sequence[Batch],
    gone: Sequence[Record],
    where: str | None = None,
) -> list[Write]:
    """The entries of a source. Each takes back what was said of the things that it speaks of; the last
    one that speaks of any, what was said of all others.
    """
    batches = batches or [Batch()]
    last = max((number for number, batch in enumerate(batches) if len(batch)), default=0)
    speaks = {_subject(record): n for n, batch in enumerate(batches) for record in batch.records}
    leaving: list[list[Record]] = [[] for _ in batches]
    for record in gone:
        leaving[speaks.get(_subject(record), last)].append(record)
    return [
        Write(_draft(ctx, source, importer, batch, where), batch, back)
        for batch, back in zip(batches, leaving, strict=True)
    ]


def _subject(record: Record) -> str:
    return record.id if isinstance(record, Node) else record.effect


def _written(
    ctx: Context,
    importer: str,
    writes: Mapping[str, Sequence[Write]],
    progress: Progress,
    where: str | None = None,
) -> list[Report]:
    """Write the entries of several sources together: a report of each. Where that is more than the
    engine can hold in one transaction, a mark says meanwhile that the import is not finished.
    """
    everything = [write for some in writes.values() for write in some]
    for write in everything:
        known_gaps.note(ctx.store, write.batch.edges)
    sizes = [len(write) for write in everything]
    before, total = [0, *accumulate(sizes)], sum(sizes)
    together = ctx.store.caps.records or total
    groups = [list(some) for _, some in groupby(everything, _numbered(sizes, together))]
    if len(groups) > 1:
        imported.begin(ctx, where or next(iter(writes)))
    receipts: list[Receipt] = []
    for group in groups:
        tell = partial(_told, progress, before[len(receipts) :], total)
        receipts += ctx.store.write_all(group, tell)
    imported.end(ctx, where or next(iter(writes), ""))
    done = iter(receipts)
    return [
        _report(source, importer, list(islice(done, len(some))), [w.batch for w in some])
        for source, some in writes.items()
    ]


def _numbered(sizes: Sequence[int], together: int) -> Callable[[Write], int]:
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


def _no_longer(
    ctx: Context, source: str, importer: Importer, batches: Sequence[Batch]
) -> list[Record]:
    standing = {line(record): record for record in ctx.store.asserted(source, NOW)}
    tied: set[tuple[str, str]] = set()
    for record in _records(batches) if standing else ():
        standing.pop(line(record), None)
        tied.update(_tied(record))
    return [
        record
        for record in standing.values()
        # A tie that is asserted anew by another method is no longer the one it was.
        if not importer.lasting(record) or not tied.isdisjoint(_tied(record))
    ]


def _tied(record: Record) -> tuple[tuple[str, str], ...]:
    """The two things of which a record says that they are the same."""
    if isinstance(record, Edge) and record.relation in terms.SAMENESSES:
        return ((record.effect, record.cause),)
    return ()


def _records(batches: Iterable[Batch]) -> Iterator[Record]:
    for batch in batches:
        yield from batch.records


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
