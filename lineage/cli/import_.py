# SPDX-License-Identifier: Apache-2.0
"""lineage import: bring in sources."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from lineage.cli import common, progress, terminal


@click.command("import")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--as", "named", metavar="NAME", help="Read with this importer, whatever it looks like."
)
@click.option(
    "--submodules", is_flag=True, help="Look into repositories inside the repository too."
)
@click.option("--revisions", metavar="RANGE", help="Only these commits (git range syntax).")
@click.option(
    "--for",
    "runs",
    multiple=True,
    metavar="RUN",
    help="A run that used the environment of this lock file; may be repeated.",
)
@common.with_contexts
@click.option("--trust", metavar="FILE", help="For packages; default: trust.yaml beside the store.")
@click.option(
    "--accept-gap", is_flag=True, help="Take a package though some before it are missing."
)
@common.as_json
@click.pass_context
def COMMAND(
    ctx: click.Context,
    /,
    sources: tuple[str, ...],
    trust: str | None,
    *,
    accept_gap: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Bring in repositories, DVC, MLflow, lockfiles and PROV documents; '-' reads a document
    from stdin. Importing again adds what is new and retracts what the source no longer says.

    A package of a partner is verified first, and waits for a steward unless the trust file says
    otherwise (docs/reference/exchange.md).

    \b
    Example:
      lineage import . mlflow.db
      lineage import uv.lock --for run:baseline
      cat provenance.json | lineage import -
      lineage import from-b.zip
    """
    from lineage.services.write.ingest import Report
    from lineage.services.write.join import after_import

    reports: list[Any] = []
    with common.opened(ctx, create=True) as store, common.saying_what_is_in(store):
        for source in sources:
            data = sys.stdin.buffer.read() if source == "-" else None
            package = None if reading["named"] else _package(source, data)
            if package is not None:
                admitted = _admit(store, package, source, trust, accept_gap=accept_gap)
                reports.append(admitted)
                if not as_json:
                    _tell_admitted(admitted)
                continue
            with progress.shown(source) as told:
                done = store.load(source, data=data, progress=told, joined=False, **reading)
            reports += done
            for report in () if as_json else done:
                tell(report)
        changes = [one for one in reports if isinstance(one, Report)]
        with progress.shown("import") as told:
            joined = after_import(store.context, changes, told)
        reports += joined
        for report in () if as_json else joined:
            tell(report)
    if as_json:
        common.emit({"imports": [report.to_dict() for report in reports]})


def _package(source: str, data: bytes | None) -> bytes | None:
    """The bytes of a source that is a partner's package; other sources are not read."""
    from importers.base import Source
    from lineage.services.exchange.package_layout import looks_like
    from lineage.sources.zip_reader import MAGIC

    if data is not None:
        return data if looks_like(data) else None
    if not Path(source).is_file():
        return None
    with Path(source).open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            return None
    data = Source.of(source).read()
    return data if looks_like(data) else None


def _admit(store: Any, data: bytes, where: str, trust: str | None, *, accept_gap: bool) -> Any:
    from lineage.services.exchange import files
    from lineage.services.exchange.admit import admit

    pinned = files.trust(store.home, trust)
    return admit(store.context, data, pinned, accept_gap=accept_gap, where=where)


def _tell_admitted(found: Any) -> None:
    """What became of a package, in a few lines."""
    name = f"{found.partner}/{found.sequence}"
    if found.state == "already":
        terminal.echo(f"package {name}: already here, nothing added")
        return
    if found.report is not None:
        tell(found.report)
    told = f"package {name}: {found.echoes} echoes of ours, claims about {found.claims} things"
    terminal.echo(f"{told}, {found.joined} joined by digest")
    if found.incomplete:
        terminal.echo("  incomplete: its sender cut paths")
    if found.gap:
        terminal.echo("  packages before it are missing, and can no longer be taken")
    if found.state == "quarantined":
        terminal.echo(f"  it waits: lineage quarantine show {name}")


def tell(report: Any) -> None:
    """Print a report in a few lines: what is new, what the source held, and what was not kept."""
    from lineage.services.summary import counted

    seen = ", ".join(f"{what}: {number}" for what, number in report.seen.items())
    if report.importer == "folder":
        for loss in report.losses:
            terminal.echo(f"not read: {loss.what}: {loss.reason}")
        return
    change = f"{counted(report.things, 'new thing')}, {counted(report.added, 'new record')}"
    change += f", {report.unchanged} unchanged"
    if report.retracted:
        change += f", {report.retracted} retracted"
    terminal.echo(f"{report.importer}: {change}" + (f" ({seen})" if seen else ""))
    for loss in report.losses:
        terminal.echo(f"  not kept: {loss.number} {loss.what}: {loss.reason}")
