# SPDX-License-Identifier: Apache-2.0
"""Delivers captured runs from the spool: each exactly once, however often it is tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from importers.base import Source
from lineage import ids
from lineage.capture import ranks, record, spool
from lineage.errors import BadInput
from lineage.services.context import Context
from lineage.services.write import authority
from lineage.services.write.decisions import follow
from lineage.services.write.import_source import import_source
from lineage.services.write.ingest import Report
from lineage.sources import run_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What became of what waited: how many runs are now in the store with their end, how many are not over yet,
    how often git rewrote commits, and the files that could not be delivered, with the reason.
    """

    delivered: int
    running: int
    rewrites: int
    problems: Mapping[str, str]
    reports: tuple[Report, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage push``."""
        told = {name: getattr(self, name) for name in ("delivered", "running", "rewrites")}
        return {**told, "problems": [{"file": f, "reason": r} for f, r in self.problems.items()]}


#: A run that is over, one that goes on, or commits that git rewrote.
Became: TypeAlias = Literal["run", "running", "rewrites"]
#: Takes the bytes of a run file into a store, here or on a server: ``Lineage.take_run``, ``Remote.take_run``.
Take = Callable[[bytes], tuple[Report, ...]]


def push(take: Take, places: Iterable[Path]) -> Pushed:
    """Deliver the runs that wait in some folders, the oldest first. One that cannot be delivered stays, and does
    not keep the others from it. Raises the errors of stores and servers, for what holds for all of them.
    """
    became: Counter[Became] = Counter()
    problems: dict[str, str] = {}
    reports: list[Report] = []
    for path in (file for place in places for file in spool.waiting(place)):
        try:
            what, told = deliver(take, path)
        except FileNotFoundError:
            continue  # somebody else has delivered it meanwhile
        except OSError as error:
            problems[str(path)] = error.strerror or str(error)
            continue
        except BadInput as error:
            problems[str(path)] = str(error)
            continue
        became[what] += 1
        reports += told
    return Pushed(
        delivered=became["run"],
        running=became["running"],
        rewrites=became["rewrites"],
        problems=problems,
        reports=tuple(reports),
    )


def deliver(take: Take, path: Path) -> tuple[Became, tuple[Report, ...]]:
    """Deliver a run, or which commits git rewrote; what it is, and what that changed. The file of what is over goes
    when the store has it. Raises ``OSError``, the errors of importers, stores and servers.
    """
    # One at a time: who has read less must not be the last to say what the run was.
    with run_file.held(path):
        data = path.read_bytes()
        if (lost := _lost(run_file.parse(data).events, path)) is not None:
            run_file.append(path, lost)
            data = path.read_bytes()
        reports = take(data)
        return _settled(path, data), reports


def taken(ctx: Context, data: bytes) -> tuple[Report, ...]:
    """Take the bytes of a run file. Raises the errors of importers and of stores."""
    source = Source(address="the run file", data=data)
    return _following(ctx, data, import_source(ctx, source, named="captured"))


def received(ctx: Context, data: bytes) -> tuple[Report, ...]:
    """Take the bytes of a run file from a caller of the server: under a source of the caller's name, so that nobody
    says anew what somebody else's run was. Raises the errors of importers and of stores.
    """
    source = Source(address="the run file", data=data)
    naming = partial(authority.source, ctx)
    return _following(ctx, data, import_source(ctx, source, named="captured", naming=naming))


def _following(ctx: Context, data: bytes, reports: tuple[Report, ...]) -> tuple[Report, ...]:
    """What was written of a run, after it was tied to the decision that it follows."""
    runs = {str(e["run"]) for e in run_file.parse(data).events if e["event"] == "started"}
    if any(report.added for report in reports):
        for run in runs:
            follow(ctx, ids.captured_run_id(run))
    return reports


def _settled(path: Path, data: bytes) -> Became:
    """What it is whose file had these bytes when it was delivered. Where it is over the file goes, unless more has
    come to it, or other processes are still to say more. Raises ``OSError``.
    """
    events = run_file.parse(data).events
    is_over = any(map(record.is_over, events))
    if is_over and not ranks.goes_on(events) and path.read_bytes() == data:
        path.unlink(missing_ok=True)
    if any(event["event"] == record.REWRITTEN for event in events):
        return "rewrites"
    return "run" if is_over else "running"


def _lost(events: list[dict[str, Any]], path: Path) -> dict[str, Any] | None:
    """The event that nobody records a run any more that has not ended: this host's process is gone. Of another
    host's nothing is known but when there was a sign of life last.
    """
    begun = next((event for event in events if event["event"] == "started"), None)
    if begun is None or any(map(record.is_over, events)) or not record.is_gone(begun):
        return None
    seen = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
    same = ("format", "version", "run")
    return {"event": "lost", **{name: begun.get(name) for name in same}, "last_seen": seen}
