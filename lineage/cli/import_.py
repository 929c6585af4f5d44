# SPDX-License-Identifier: Apache-2.0
"""lineage import: bring in sources."""

from __future__ import annotations

import sys
from typing import Any

import click

from lineage.cli import face


@click.command("import")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--as", "named", metavar="NAME", help="Read with this importer, whatever it looks like."
)
@click.option("--revisions", metavar="RANGE", help="Only these commits (git range syntax).")
@face.as_json
@click.pass_context
def COMMAND(
    ctx: click.Context,
    sources: tuple[str, ...],
    named: str | None,
    revisions: str | None,
    *,
    as_json: bool,
) -> None:
    """Bring in repositories, DVC, MLflow, lockfiles and PROV documents; '-' reads a document
    from stdin. Importing again adds what is new and retracts what the source no longer says.

    \b
    Example:
      lineage import . mlflow.db
      cat provenance.json | lineage import -
    """
    reports = []
    with face.opened(ctx, create=True) as store:
        for source in sources:
            data = sys.stdin.buffer.read() if source == "-" else None
            with face.progress(source) as told:
                done = store.load(
                    source, named=named, revisions=revisions, data=data, progress=told
                )
            reports += done
            for report in () if as_json else done:
                tell(report)
    if as_json:
        face.emit({"imports": [report.to_dict() for report in reports]})


def tell(report: Any) -> None:
    """A report in a few lines: what came, what the source held, what of it did not come."""
    seen = ", ".join(f"{number} {what}" for what, number in report.seen.items())
    change = f"{report.added} new, {report.unchanged} unchanged"
    if report.retracted:
        change += f", {report.retracted} retracted"
    click.echo(f"{report.importer}: {change}" + (f" ({seen})" if seen else ""))
    for loss in report.losses:
        click.echo(f"  not kept: {loss.number} {loss.what}: {loss.reason}")
