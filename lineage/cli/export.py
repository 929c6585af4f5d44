# SPDX-License-Identifier: Apache-2.0
"""lineage export: what is selected as a document."""

from __future__ import annotations

from typing import Any

import click

from lineage.cli import common


@click.command("export")
@click.argument("selection", required=False)
@click.option(
    "--format",
    "format_",
    metavar="NAME",
    help="The format; default: by the name of --out, or json.",
)
@click.option(
    "--out", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Where to; default stdout."
)
@click.option("--for", "partner", metavar="PARTNER", help="A signed package for this partner.")
@click.option("--policy", metavar="FILE", help="Default: partners/PARTNER.yaml beside the store.")
@click.option("--key", metavar="NAME", help="The key that signs; default: the only one there is.")
@click.option("--days", type=click.IntRange(1, 3_650), help="How long it may be imported: 90.")
@click.option("--rocrate", is_flag=True, help="Put an RO-Crate of it into the package too.")
@click.option("--check", is_flag=True, help="Show all that would leave; write nothing.")
@common.at
@common.as_json
@click.pass_context
def COMMAND(ctx: click.Context, /, selection: str | None, **chosen: Any) -> None:
    """What is selected as a document: json, jsonld, provn, xml, turtle, trig, nt, nquads, rdfxml,
    rocrate, dot or svg. Without a selection, everything. What the format cannot hold is said.

    With --for, a package for a partner: what its policy lets leave, signed (docs/reference/exchange.md).

    \b
    Example:
      lineage export '+model:"fraud@v3"' --format turtle -o fraud.ttl
      lineage export --format nquads > everything.nq
      lineage export '+model:"fraud@v3"' --for b-institute --check
    """
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
    format_: str,
    out: str | None,
    at: str | None,
    as_json: bool,
) -> None:
    from lineage import formats

    if as_json and out is None:
        raise click.UsageError("--json tells about the document: name a file for it with --out")
    if format_ is None:
        found = formats.for_file(out) if out else None
        format_ = found.name if found else "json"
    with common.opened(ctx) as store:
        exported = store.export(selection, format=format_, at=at)
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
