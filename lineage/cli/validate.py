# SPDX-License-Identifier: Apache-2.0
"""lineage validate: is a document, or a store, valid PROV."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from lineage.cli import common, terminal
from lineage.cli.findings import echo_findings
from lineage.cli.verb import command_of
from lineage.formats.prov_jsonld.contexts import inlined
from lineage.services.read import validate
from lineage.services.read.validate import ValidateRequest

_SQLITE = b"SQLite format 3\x00"


@command_of(
    "validate",
    ValidateRequest,
    more="A document ('-' reads stdin) is checked too, and needs no store. Each finding names the "
    "constraint and what shows it. Exit code 0: valid. 4: findings with errors.",
)
@click.argument("source", required=False, metavar="[FILE|STORE]")
@click.option(
    "--as", "named", metavar="NAME", help="Read with this format, whatever it looks like."
)
@common.with_contexts
@click.pass_context
def COMMAND(
    ctx: click.Context,
    source: str | None,
    named: str | None,
    contexts: dict[str, bytes],
    shapes: tuple[str, ...],
    selection: str | None,
    *,
    as_json: bool,
) -> None:
    """Print whether it is valid, then the findings."""
    if source is not None and not _is_store(source):
        if selection is not None:
            raise click.UsageError("--select is about stores, and this is a document")
        data = sys.stdin.buffer.read() if source == "-" else common.read(source)
        data = inlined(data, contexts, where=source)
        found = validate.document(data, format=named, where=source, shapes=shapes)
    else:
        if contexts:
            raise click.UsageError("--context is about documents, and this is a store")
        if named is not None:
            raise click.UsageError("--as is about documents, and this is a store")
        if source is not None:
            ctx.obj["store"] = source
        with common.opened(ctx) as store:
            found = store.validate(selection, shapes=shapes)
    if as_json:
        common.emit(found.to_dict())
    else:
        _tell(found)
    ctx.exit(0 if found.valid else 4)


def _is_store(source: str) -> bool:
    if "://" in source:
        return True
    path = Path(source)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _tell(found: Any) -> None:
    word = (
        terminal.style("valid", fg="green")
        if found.valid
        else terminal.style("not valid", fg="red")
    )
    terminal.echo(f"{word}: {found.records} records, {found.total} findings")
    echo_findings(found.findings)
    if found.total > len(found.findings):
        terminal.echo(f"  ... and {found.total - len(found.findings)} more")
