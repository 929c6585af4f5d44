# SPDX-License-Identifier: Apache-2.0
"""lineage export: what is selected as a document."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from lineage import formats
from lineage.cli import common, terminal
from lineage.cli.verb import command_of, options_of
from lineage.services.exchange.send import PackageRequest
from lineage.services.read.export import ExportRequest
from lineage.services.summary import counted


@command_of(
    "export",
    ExportRequest,
    more="Without --format, the name of --out says the format. What the format cannot hold is said. "
    f"With --for: {' '.join(str(PackageRequest.__doc__).split())}",
    examples=PackageRequest.examples,
)
@click.option(
    "--out", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Where to; default stdout."
)
@click.option("--for", "partner", metavar="PARTNER", help="A signed package for this partner.")
@click.option("--policy", metavar="FILE", help="Default: partners/PARTNER.yaml beside the store.")
@options_of(PackageRequest, "key", "days", "rocrate")
@click.option("--check", is_flag=True, help="Show all that would leave; write nothing.")
@click.pass_context
def COMMAND(ctx: click.Context, /, selection: str | None, **chosen: Any) -> None:
    """Write the document or package to a file or stdout, and print on stderr what is in it."""
    partner = chosen.pop("partner")
    if partner is not None:
        from lineage.cli import export_package

        if _is_typed(ctx, "format"):
            raise click.UsageError("a package has its own formats: leave --format out")
        del chosen["format"]
        export_package.send(ctx, selection, partner, **chosen)
        return
    for name in ("policy", "key", "days", "rocrate", "check"):
        del chosen[name]
        if _is_typed(ctx, name):
            raise click.UsageError(f"--{name} is about packages: name a partner with --for")
    if chosen["out"] is not None and not _is_typed(ctx, "format"):
        found = formats.for_file(chosen["out"])
        chosen["format"] = found.name if found else chosen["format"]
    _document(ctx, selection, **chosen)


def _is_typed(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _document(
    ctx: click.Context,
    selection: str | None,
    *,
    format: str,  # noqa: A002 - the public word
    out: str | None,
    at: str | None,
    canonical: bool,
    as_json: bool,
) -> None:
    if as_json and out is None:
        raise click.UsageError("--json tells about the document: name a file for it with --out")
    with common.opened(ctx) as store:
        exported = store.export(selection, format=format, at=at, canonical=canonical)
    common.write(out, exported.pieces())
    if as_json:
        common.emit(exported.to_dict())
    else:
        _tell(exported)


def _tell(exported: Any) -> None:
    """What left, on stderr: the document may be on stdout."""
    held = exported.certificate
    size = f"{counted(exported.nodes, 'thing')}, {counted(exported.edges, 'link')}"
    terminal.echo(f"{size} as {exported.format}, as of entry {held.as_of}", err=True)
    for loss in exported.losses:
        terminal.echo(f"not in it: {loss.number} {loss.what}: {loss.reason}", err=True)
    if exported.canonical is not None:
        terminal.echo(f"canonical (RDFC-1.0, SHA-256): {exported.canonical}", err=True)
