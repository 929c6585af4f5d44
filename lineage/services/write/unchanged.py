# SPDX-License-Identifier: Apache-2.0
"""Knows a file that was imported before and is the same, bit by bit, so that it need not be read again."""

from __future__ import annotations

import hashlib

import orjson

from importers.base import Importer, Options, Source
from lineage.model.record import Loss
from lineage.services.context import Context
from lineage.services.write.ingest import Report
from lineage.store.base import NOW
from lineage.version import __version__

#: Names of the values kept of files begin so.
PREFIX = "unchanged/"
_PIECE = 1 << 20
#: Entries that are looked through for one of the same source.
_MOST, _PAGE = 100_000, 1_000


def digest(importer: Importer, source: Source, options: Options) -> str | None:
    """A digest of all that the records of a source depend on, where that is the bytes of one file and how
    it is read; ``None`` where it may be more.
    """
    if source.path is None or options.revisions or not importer.reads_one_file(source):
        return None
    found = hashlib.sha256()
    contexts = sorted((name, hashlib.sha256(c).hexdigest()) for name, c in options.contexts.items())
    key = hashlib.sha256(options.person_key).hexdigest()
    found.update(orjson.dumps([__version__, importer.name, str(source.path), key, contexts]))
    try:
        with source.path.open("rb") as file:
            while piece := file.read(_PIECE):
                found.update(piece)
    except OSError:
        return None
    return found.hexdigest()


def report_of(ctx: Context, name: str, found: str) -> Report | None:
    """What importing a source again would report, where it is as it was when it was imported last, and
    nobody wrote under its name since.
    """
    value = ctx.store.values([_key(name)]).get(_key(name))
    held = None if value is None else orjson.loads(value)
    if held is None or held["digest"] != found or _spoken_of(ctx, name, held["entry"]):
        return None
    return Report(
        source=name,
        importer=held["importer"],
        added=0,
        unchanged=held["records"],
        retracted=0,
        entries=(),
        seen=held["seen"],
        losses=tuple(Loss(*loss) for loss in held["losses"]),
    )


def _spoken_of(ctx: Context, name: str, after: int) -> bool:
    """Whether an entry behind one is of a source; also where there are too many to look."""
    if ctx.store.head().size - after > _MOST:
        return True
    while headers := ctx.store.headers(after, _PAGE, NOW):
        if any(header.source == name for header in headers):
            return True
        after = headers[-1].seq
    return False


def remember(ctx: Context, report: Report, found: str) -> None:
    """Remember what a source looks like that was just imported, and what of it was reported."""
    held = {
        "digest": found,
        "importer": report.importer,
        "entry": max(report.entries, default=ctx.store.head().size),
        "records": report.added + report.unchanged,
        "seen": report.seen,
        "losses": [list(loss) for loss in report.losses],
    }
    ctx.store.keep({_key(report.source): orjson.dumps(held)})


def _key(name: str) -> str:
    return PREFIX + hashlib.sha256(name.encode()).hexdigest()[:32]
