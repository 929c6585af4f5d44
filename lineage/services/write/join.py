# SPDX-License-Identifier: Apache-2.0
"""Joins what several tools recorded: reads the repositories at hand, writes what follows as claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeGuard

from importers.base import Source
from importers.batching import BATCH_RECORDS, batches
from importers.tally import Tally
from lineage import ids
from lineage.access.tokens import Role
from lineage.errors import LineageError
from lineage.gc_pause import gc_disabled
from lineage.model import terms
from lineage.model.record import Batch, Edge, Node, Record, line
from lineage.progress import Progress, prefixed, silent
from lineage.services.context import Context
from lineage.services.read import imported
from lineage.services.request import Request, Says
from lineage.services.write import owners
from lineage.services.write.decisions import settle
from lineage.services.write.import_source import import_source
from lineage.services.write.ingest import Report, write_batches
from lineage.services.write.joins import state
from lineage.services.write.joins.captured import CapturedRuns
from lineage.services.write.joins.commits import CommitFiles
from lineage.services.write.joins.join import Joins
from lineage.services.write.joins.rewritten import rewritten
from lineage.services.write.joins.runs import runs
from lineage.services.write.untie import pair, rejected
from lineage.sources.git.reader import GitReader
from lineage.store.base import NOW

#: The source of all claims that are found by joining.
SOURCE = "join"
#: Commits that one call of git is asked for.
_AT_ONCE = 500
_METHODS = {
    terms.BY_PATH: "data sets found by path",
    terms.BY_LOCKFILE: "environments by lock files that runs read",
    terms.BY_COMMIT_LOCK: "environments by lock files of commits",
    terms.BY_REWRITE: "commits that were rewritten",
    terms.BY_RUN_ID: "runs of MLflow that captured runs continued",
    terms.BY_LOCK_ENTRY: "stages that were locked in captured runs",
}


@dataclass(frozen=True, slots=True)
class JoinRequest(Request[Report], demands=Role.contributor, examples=("join", "join ~/churn")):
    """Join runs with the files, data and environments that other tools recorded of the same commit, and with their decisions.
    Each import does it; this does it again, or for a repository that was not at hand. What is found
    is a claim with its method, evidence and confidence, and walks follow those that are sure.
    """

    folder: Annotated[
        str | None,
        Says(text="A repository to look into, beside those that were imported from this machine."),
    ] = None

    def answer(self, ctx: Context) -> Report:
        """See ``Request.answer``. Raises the errors of repositories for a folder that is named."""
        if self.folder is not None:
            with GitReader.open(self.folder):
                pass
        done = join(ctx, [] if self.folder is None else [Path(self.folder)])
        for settled in (settle(ctx), owners.settle(ctx)):
            done = done if settled is None else _together(done, settled)
        return done


@gc_disabled()
def join(
    ctx: Context,
    folders: Iterable[Path] = (),
    *,
    history: bool = True,
    progress: Progress = silent,
) -> Report:
    """Join all runs of a store with what the repositories hold that were imported from this machine,
    and those in ``folders``. What is no longer found of a run that was looked at is taken back; what
    was found while a repository was at hand that is not now stays. What became of commits when history
    was rewritten is looked for with ``history``, and where a run used one that no branch leads to and
    of which that is not known: it reads all commits.
    """
    tally, begun = Tally(), ctx.store.head().size
    progress = prefixed(SOURCE, progress)
    progress("looking at runs and repositories", 0, None)
    used, captured = set[str](), CapturedRuns()
    for page in runs(ctx):
        used.update(sha for run in page for sha in run.commits)
        captured.note(page)
    off_branches = set(used)
    with ExitStack() as stack:
        held = list(_held(ctx, used, folders, stack, tally, off_branches))
        standing = list(ctx.store.asserted(SOURCE, NOW))
        rewrites = [edge for edge in standing if _is_rewrite(edge)]
        history |= not {ids.commit_id(sha) for sha in off_branches} <= {e.effect for e in rewrites}
        joins = Joins(ctx, held, standing, tally, captured)
        no, before = rejected(ctx), _by_claim(standing)
        commits = list(rewritten(ctx)) if history else []
        records = [
            before.get(_claim(record), record)
            for record in _once((*_claims(ctx, joins, captured, held, progress), *commits))
            if not (isinstance(record, Edge) and pair(record.effect, record.cause) in no)
        ]
        if history:
            joins.looked_at |= {edge.effect for edge in rewrites}
        report = _write(ctx, joins, records, standing, tally, progress)
    # What others wrote meanwhile is joined next time.
    now = ctx.store.head().size
    state.keep(ctx, joins, begun if any(imported.of_runs_since(ctx, begun)) else now)
    return report


def after_import(
    ctx: Context, reports: Sequence[Report], progress: Progress = silent
) -> tuple[Report, ...]:
    """Join what an import changed; no report where it changed nothing, or there is nothing to tell."""
    changed = [report for report in reports if report.added or report.retracted]
    if not changed:
        return ()
    history = any(report.importer == "git" for report in changed)
    done = join(ctx, history=history, progress=progress)
    settled = (settle(ctx), owners.settle(ctx))
    return (
        *((done,) if done.told else ()),
        *(one for one in settled if one is not None and one.losses),
    )


def _together(done: Report, settled: Report) -> Report:
    """One report of a join, and of what follows of decisions or owners."""
    return replace(
        done,
        added=done.added + settled.added,
        unchanged=done.unchanged + settled.unchanged,
        retracted=done.retracted + settled.retracted,
        entries=(*done.entries, *settled.entries),
        losses=(*done.losses, *settled.losses),
    )


def _is_rewrite(record: Record) -> TypeGuard[Edge]:
    return isinstance(record, Edge) and record.attributes.get(terms.METHOD) == terms.BY_REWRITE


def _held(
    ctx: Context,
    used: set[str],
    folders: Iterable[Path],
    stack: ExitStack,
    tally: Tally,
    off_branches: set[str],
) -> Iterator[CommitFiles]:
    """The repositories at hand, each with the commits it has of those that runs used, oldest first,
    and with its newest one. What branches of it lead to is taken out of ``off_branches``.
    """
    left = set(used)
    for place in dict.fromkeys((*folders, *imported.repositories(ctx))):
        try:
            repository = stack.enter_context(GitReader.open(place))
            order = {sha: number for number, sha in enumerate(repository.revisions())}
            commits = sorted(left, key=lambda sha: (-order.get(sha, len(order)), sha))
            if repository.head is not None and repository.head not in left:
                commits.append(repository.head)
            files = CommitFiles(repository, commits, tally)
        except (LineageError, OSError) as error:
            tally.lose("repositories", f"cannot be read: {error}", first=str(place))
            continue
        left -= set(files.commits)
        off_branches -= order.keys()
        _describe(ctx, place, [sha for sha in files.commits if sha not in order])
        yield files
    reason = "no repository at hand has them: their files are not known"
    tally.lose("commits of runs", reason, count=len(left), first=min(left, default=None))


def _describe(ctx: Context, place: Path, commits: Sequence[str]) -> None:
    """Import commits that runs used and that no branch leads to any more, as long as they are there."""
    rows = ctx.store.get([ids.commit_id(sha) for sha in commits], NOW)
    bare = [row.id.rpartition(":")[2] for row in rows.values() if '"tree":' not in row.attributes]
    for start in range(0, len(bare), _AT_ONCE):
        wanted = " ".join(f"{sha}^!" for sha in sorted(bare)[start : start + _AT_ONCE])
        import_source(ctx, Source.of(place), named="git", revisions=wanted)


def _claims(
    ctx: Context,
    joins: Joins,
    captured: CapturedRuns,
    held: Sequence[CommitFiles],
    progress: Progress,
) -> Iterator[Record]:
    done = 0
    for page in runs(ctx):
        progress("joining runs", done, None)
        yield from joins.of_runs(page)
        yield from captured.of_runs(ctx, page)
        done += len(page)
    yield from joins.of_data()
    named = joins.files
    for files in held:
        listed = {file.id: file for file in (*files.listed(), *named.get(files, ()))}
        known = ctx.store.get(listed.keys(), NOW)
        yield from files.files(one for ident, one in listed.items() if ident not in known)


def _by_claim(records: Iterable[Record]) -> Mapping[tuple[Any, ...], Record]:
    """Claims by what they claim: the evidence that was found first stays."""
    return {
        _claim(record): record
        for record in records
        if isinstance(record, Edge) and terms.METHOD in record.attributes
    }


def _claim(record: Record) -> tuple[Any, ...]:
    if not isinstance(record, Edge):
        return (line(record),)
    held = {k: v for k, v in record.attributes.items() if k != terms.EVIDENCE}
    return (record.relation, record.effect, record.cause, *sorted(map(repr, held.items())))


def _once(records: Iterable[Record]) -> Iterator[Record]:
    """Each record once, in order."""
    yield from {line(record): record for record in records}.values()


def _write(
    ctx: Context,
    joins: Joins,
    records: list[Record],
    standing: list[Record],
    tally: Tally,
    progress: Progress,
) -> Report:
    """Write the claims, and take back those of what was looked at that are no longer found."""
    said = {line(record) for record in records}
    gone = [r for r in standing if line(r) not in said and _is_stale(r, joins)]
    for one in joins.unjoined:
        where = f"{one.address} of {one.run.title}: {one.reason}"
        tally.lose("data of runs", "is joined with no file", first=where)
    seen = Counter(
        _METHODS[method]
        for record in records
        if isinstance(record, Edge)
        and (method := str(record.attributes.get(terms.METHOD))) in _METHODS
        and (record.relation != terms.SAMENESS or record.effect in joins.looked_at)
    )
    nodes = [record for record in records if isinstance(record, Node)]
    edges = [record for record in records if isinstance(record, Edge)]
    end = Batch(seen=dict(seen), losses=tally.losses())
    if len(records) <= BATCH_RECORDS:
        done = [Batch(nodes=tuple(nodes), edges=tuple(edges), seen=end.seen, losses=end.losses)]
    else:
        done = [*batches(nodes, edges), end]
    return write_batches(ctx, SOURCE, SOURCE, done, gone, progress)


def _is_stale(record: Record, joins: Joins) -> bool:
    """Whether a claim is about a run or about data that was looked at: files, lock files and
    environments that were once read stay.
    """
    if isinstance(record, Node):
        if "unjoined" in record.attributes:
            return True
        return record.id in joins.looked_at and "modified_files" in record.attributes
    found = record.attributes.get(terms.METHOD) in terms.JOINED
    return found and bool({record.effect, record.cause} & joins.looked_at)
