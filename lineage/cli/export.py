# SPDX-License-Identifier: Apache-2.0
"""lineage export: what is selected as a document."""

from __future__ import annotations

from typing import Any

import click

from lineage import formats
from lineage.cli import common
from lineage.cli.verb import command_of
from lineage.services.exchange.send import DAYS, MOST_DAYS
from lineage.services.read.export import ExportRequest


@command_of(
    "export",
    ExportRequest,
    more="Without --format, the format is the one that the name of --out says, else json. What the "
    "format cannot hold is said. With --for, a package for a partner: what its policy lets leave, "
    "signed (docs/exchange.md).",
    examples=("""export '+model:"fraud@v3"' --for b-institute --check""",),
    unset=("format",),
)
@click.option(
    "--out", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Where to; default stdout."
)
@click.option("--for", "partner", metavar="PARTNER", help="A signed package for this partner.")
@click.option("--policy", metavar="FILE", help="Default: partners/PARTNER.yaml beside the store.")
@click.option("--key", metavar="NAME", help="The key that signs; default: the only one there is.")
@click.option(
    "--days", type=click.IntRange(1, MOST_DAYS), help=f"How long it may be imported: {DAYS}."
)
@click.option("--rocrate", is_flag=True, help="Put an RO-Crate of it into the package too.")
@click.option("--check", is_flag=True, help="Show all that would leave; write nothing.")
@click.pass_context
def COMMAND(ctx: click.Context, /, selection: str | None, **chosen: Any) -> None:
    """Write the document or package to a file or stdout, and print on stderr what is in it."""
    partner = chosen.pop("partner")
    if partner is not None:
        from lineage.cli import export_package

        export_package.send(ctx, selection, partner, **chosen)
        return
    for name in ("policy", "key", "days", "rocrate", "check"):
        if chosen.pop(name):
            raise click.UsageError(f"--{name} is about packages: name a partner with --for")
    _document(ctx, selection, **chosen)


def _document(
    ctx: click.Context,
    selection: str | None,
    *,
    format: str | None,  # noqa: A002 - the public word
    out: str | None,
    at: str | None,
    as_json: bool,
) -> None:
    if as_json and out is None:
        raise click.UsageError("--json tells about the document: name a file for it with --out")
    if format is None:
        found = formats.for_file(out) if out else None
        format = found.name if found else "json"  # noqa: A001 - the public word
    with common.opened(ctx) as store:
        exported = store.export(selection, format=format, at=at)
    common.write(out, exported.data)
    if as_json:
        common.emit(exported.to_dict())
    else:
        _tell(exported)


def _tell(exported: Any) -> None:
    """What left, on stderr: the document may be on stdout."""
    held = exported.certificate
    told = f"{exported.nodes} nodes, {exported.edges} edges as {exported.format}, as of entry {held.as_of}"
    click.echo(told, err=True)
    for loss in exported.losses:
        click.echo(f"not in it: {loss.number} {loss.what}: {loss.reason}", err=True)
    if exported.canonical is not None:
        click.echo(f"canonical (RDFC-1.0, SHA-256): {exported.canonical}", err=True)
