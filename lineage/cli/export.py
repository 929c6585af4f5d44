# SPDX-License-Identifier: Apache-2.0
"""lineage export: what is selected as a document."""

from __future__ import annotations

import sys
from typing import Any

import click

from lineage.cli import face


@click.command("export")
@click.argument("selection", required=False)
@click.option(
    "--format", "format_", metavar="NAME", default="json", help="The format; default json."
)
@click.option(
    "--out", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Where to; default stdout."
)
@face.at
@face.as_json
@click.pass_context
def COMMAND(
    ctx: click.Context,
    /,
    selection: str | None,
    *,
    format_: str,
    out: str | None,
    at: str | None,
    as_json: bool,
) -> None:
    """What is selected as a document: json, jsonld, provn, xml, turtle, trig, nt, nquads, rdfxml,
    rocrate, dot or svg. Without a selection, everything. What the format cannot hold is said.

    \b
    Example:
      lineage export '+model:"fraud@v3"' --format turtle -o fraud.ttl
      lineage export --format nquads > everything.nq
    """
    if as_json and out is None:
        raise click.UsageError("--json tells about the document: name a file for it with --out")
    with face.opened(ctx) as store:
        exported = store.export(selection, format=format_, at=at)
    if out is None:
        sys.stdout.buffer.write(exported.data)
    else:
        face.write(out, exported.data)
    if as_json:
        face.emit(exported.to_dict())
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
