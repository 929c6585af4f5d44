# SPDX-License-Identifier: Apache-2.0
"""Imports a source: what it asserts is written, what it no longer asserts is taken back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b, sha256
from itertools import chain, takewhile
from pathlib import Path

import importers
from importers.base import Importer, Options, Source
from importers.tally import Tally
from lineage.access.mask import loss
from lineage.access.secret_patterns import counting
from lineage.errors import LineageError, Usage
from lineage.model import check, kinds, terms
from lineage.model.record import Batch, Edge, Loss, Record, line
from lineage.model.value import Value
from lineage.progress import Progress, prefixed, silent
from lineage.services.context import Context
from lineage.services.read import imported
from lineage.services.read.imported import Imported
from lineage.services.read.resolve import resolve
from lineage.services.write import unchanged
from lineage.services.write.ingest import Entries, Report, entries_of, ingest, write_together
from lineage.services.write.spooled_batches import SpooledBatches
from lineage.sources.git.repository import place
from lineage.store.base import NOW

#: Stands between the name of a source and the place of a copy of it.
_COPY = "#"


def import_source(  # noqa: PLR0913 - a source and how to read it, an option each
    ctx: Context,
    source: Source,
    *,
    named: str | None = None,
    revisions: str | None = None,
    runs: Sequence[str] = (),
    contexts: Mapping[str, bytes] | None = None,
    naming: Callable[[str, str], str] = "{}:{}".format,
    progress: Progress = silent,
) -> tuple[Report, ...]:
    """Read a source with the importer named, or with those that recognise it. ``runs`` are references
    to runs that used the one environment which it describes, ``contexts`` those of JSON-LD that a
    document names; ``naming`` gives the source that asserts what is read its name, out of the importer's and its own.

    Everything is read to its end before the first record is written, and what each importer found is
    written in one transaction, as far as the engine can hold it: readers see all of it or nothing.
    Raises the errors of importers, of references to runs, ``Usage`` where it does not describe one
    environment, ``Rejected``, and those of stores.
    """
    chosen = (importers.named(named),) if named else importers.sniff(source)
    looked = {}
    described: set[str] = set()
    read = []
    for importer in chosen:
        options = Options(
            person_key=ctx.person_key,
            revisions=revisions,
            contexts=contexts or {},
            environment=environment_of,
            progress=prefixed(importer.name, progress),
        )
        looked[importer.name] = unchanged.digest(importer, source, options)
        if not runs and (known := _unchanged(ctx, importer, source, looked[importer.name])):
            return (known,)
        found = _read(importer, source, options, described if runs else None)
        read.append((importer, {naming(importer.name, n): b for n, b in found.items()}))
    used = _stated(ctx, runs, described) if runs else None
    reports = []
    for importer, batches in read:
        tell = prefixed(importer.name, progress)
        stores, elsewhere = {}, {}
        for name, own in batches.items():
            called, left = _apart(ctx, importer, source, name, own)
            stores[called] = left
            elsewhere[called] = sum(own.sizes) - sum(left.sizes)
        told = [
            replace(report, unchanged=report.unchanged + elsewhere.get(report.source, 0))
            for report in _reconcile(ctx, importer, source, stores, tell)
        ]
        reports += told
        _remember(ctx, importer, source, options, looked[importer.name], told)
    if used is not None:
        reports.append(ingest(ctx, used, source=f"stated:{ctx.actor}", importer="api"))
    return tuple(reports)


def taken_back(
    ctx: Context, importer: Importer, source: Source, progress: Progress = silent
) -> list[Report]:
    """Take back what an importer read at a place where it finds nothing any more."""
    return _reconcile(ctx, importer, source, {}, progress)


def _read(
    importer: Importer, source: Source, options: Options, described: set[str] | None
) -> Mapping[str, SpooledBatches]:
    """Read a source to its end: its batches by what the importer calls that which asserts them, each looked at
    before the next is read. The environments in them are added to those ``described``, where somebody asks. Raises ``Rejected``.
    """
    found: dict[str | None, SpooledBatches] = {}

    def keep(batch: Batch) -> None:
        check.demand(batch)
        if described is not None:
            described.update(node.id for node in batch.nodes if node.kind == "Environment")
        found.setdefault(batch.source, SpooledBatches()).append(batch)

    with counting() as hidden:
        for batch in importer.read(source, options):
            keep(batch)
    if hidden.number:
        keep(Batch(losses=(loss(hidden.number),)))
    if not found:
        keep(Batch())
    return {_place(source) if n is None else n: b for n, b in found.items()}


def _unchanged(
    ctx: Context, importer: Importer, source: Source, found: str | None
) -> Report | None:
    """What importing a file again would report that did not change; ``None`` where it has to be read."""
    report = None
    if found is not None:
        report = unchanged.report_of(ctx, _name(importer, source), found)
    if report is not None and source.path is not None:
        imported.remember(ctx, report.source, importer.name, source.path)
    return report


def _remember(
    ctx: Context,
    importer: Importer,
    source: Source,
    options: Options,
    found: str | None,
    told: Sequence[Report],
) -> None:
    """Remember how a file looked that was imported whole, as one store that is named by its place."""
    if found is None or [report.source for report in told] != [_name(importer, source)]:
        return
    # Of a file that somebody writes to meanwhile it is not known which bytes were read.
    if unchanged.digest(importer, source, options) == found:
        unchanged.remember(ctx, told[0], found)


def _name(importer: Importer, source: Source) -> str:
    return f"{importer.name}:{_place(source)}"


def _place(source: Source) -> str:
    if source.data is not None and source.address == "-":
        # A pipe is no place: what came through it another time was something else.
        return f"sha256:{sha256(source.data).hexdigest()}"
    found = None if source.path is None else place(source.path)
    if found is None:
        return source.address
    namespace, inner = found
    return namespace if inner == "." else f"{namespace}/{inner}"


def environment_of(
    files: Mapping[str, bytes],
) -> tuple[str, Sequence[Record]] | None:
    """The environment that the files beside a model or a run describe, with its records."""
    # It reads many formats, which most sources have nothing of.
    from importers.lockfile import environment_of_model, records

    found = environment_of_model(files, Tally())
    if found is None:
        return None
    return records.environment_id(found), list(records.records(found, (), Tally()))


def _stated(ctx: Context, runs: Sequence[str], found: Collection[str]) -> Batch:
    """That runs used the environment which a source describes, as somebody says who knows."""
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


def _reconcile(
    ctx: Context,
    importer: Importer,
    source: Source,
    stores: Mapping[str, SpooledBatches],
    progress: Progress,
) -> list[Report]:
    """Write what is new, and retract with it what the stores of a source no longer assert, and what was
    read at the place out of a store that is not there any more.
    """
    writes: dict[str, Entries] = {}
    for name, batches in stores.items():
        in_part = any(batch.partial for batch in batches.told)
        gone = [] if in_part else _no_longer(ctx, name, importer, batches)
        writes[name] = entries_of(ctx, name, importer.name, batches, gone, source.address)
    left = _left(ctx, importer, source, stores)
    for name in left:
        gone = _no_longer(ctx, name, importer, ())
        writes[name] = entries_of(ctx, name, importer.name, (), gone, source.address)
    reports = write_together(ctx, importer.name, writes, progress, source.address)
    for name in left:
        imported.forget(ctx, name)
    if source.path is not None:
        for name in stores:
            imported.remember(ctx, name, importer.name, source.path)
    return [report for report in reports if report.source in stores or report.retracted]


def _apart(
    ctx: Context, importer: Importer, source: Source, name: str, batches: SpooledBatches
) -> tuple[str, SpooledBatches]:
    """The name and the batches of a store. Where a copy of it that was read before still lies elsewhere
    the two are apart: each takes back its own, and of this one that remains which the other lacks.
    """
    other = imported.held(ctx, name)
    if other is None or not _is_copy(importer, source, other):
        return name, batches
    standing = {line(record) for record in ctx.store.asserted(name, NOW)}
    own = SpooledBatches(
        replace(
            batch,
            nodes=tuple(node for node in batch.nodes if line(node) not in standing),
            edges=tuple(edge for edge in batch.edges if line(edge) not in standing),
        )
        for batch in batches
    )
    why = f"the same lies at {other.path}: only what that one lacks is added"
    own.append(Batch(losses=(Loss("copies", 1, why),)))
    return f"{name}{_COPY}{source.address}", own


def _is_copy(importer: Importer, source: Source, other: Imported) -> bool:
    """Whether what was read elsewhere is still there, and is not what is read now."""
    there = Source.of(other.path)
    places = set(importer.places(source))
    if not places or not Path(other.path).exists() or not places.isdisjoint(importer.places(there)):
        return False
    called = other.name.partition(":")[2]
    try:
        if not importer.sniffs(there):
            return False
        if _place(there) == called:
            return True
        # What names no source is named by its place, which is another: the rest need not be read.
        named = takewhile(lambda batch: batch.source, importer.read(there, Options()))
        return any(batch.source == called for batch in named)
    except (LineageError, OSError):
        return False


def _left(
    ctx: Context, importer: Importer, source: Source, stores: Mapping[str, SpooledBatches]
) -> list[str]:
    """What was read at the place of a source, and is not there any more. Of what has a copy elsewhere
    nothing is taken back: that copy is the source from now on.
    """
    if any(batch.partial for batches in stores.values() for batch in batches.told):
        return []
    found = []
    everything = list(imported.every(ctx))
    place = (importer.name, None if source.path is None else str(source.path))
    for one in everything:
        if (one.importer, one.path) != place or one.name in stores:
            continue
        copies = [other for other in everything if other.name.startswith(one.name + _COPY)]
        if copies:
            imported.remember(ctx, one.name, importer.name, Path(copies[0].path))
        else:
            found.append(one.name)
    return found


def _no_longer(
    ctx: Context, source: str, importer: Importer, batches: Sequence[Batch]
) -> list[Record]:
    standing = ctx.store.asserted(source, NOW)
    first = next(standing, None)
    if first is None:
        return []
    tied: set[tuple[str, str]] = set()
    said: set[bytes] = set()
    for record in _records(batches):
        said.add(_digest(record))
        tied.update(_tied(record))
    return [
        record
        for record in chain((first,), standing)
        if _digest(record) not in said
        # A tie that is asserted anew by another method is no longer the one it was.
        and (not importer.lasting(record) or not tied.isdisjoint(_tied(record)))
    ]


def _digest(record: Record) -> bytes:
    """What stands for the line of a record, of which there are too many to hold."""
    return blake2b(line(record), digest_size=16).digest()


def _tied(record: Record) -> tuple[tuple[str, str], ...]:
    """The two things of which a record says that they are the same."""
    if isinstance(record, Edge) and record.relation in terms.SAMENESSES:
        return ((record.effect, record.cause),)
    return ()


def _records(batches: Iterable[Batch]) -> Iterator[Record]:
    for batch in batches:
        yield from batch.records
