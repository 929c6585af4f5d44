# SPDX-License-Identifier: Apache-2.0
"""lineage sparql: ask the PROV-O view of the store in SPARQL."""

from __future__ import annotations

import sys
from typing import Any

import click

from lineage.cli import face


@click.command("sparql")
@click.argument("query")
@face.at
@face.as_json
@click.pass_context
def COMMAND(ctx: click.Context, /, query: str, *, at: str | None, as_json: bool) -> None:
    """Ask in SPARQL 1.1 over everything as PROV-O ('-' reads the query from stdin). It only reads:
    no updates, no SERVICE, no FROM. Prefixes prov:, lineage:, xsd:, rdf: and rdfs: are known.

    \b
    Example:
      lineage sparql 'SELECT ?m ?d { ?m prov:wasGeneratedBy ?r . ?r prov:used ?d }'
    """
    with face.opened(ctx) as store:
        found = store.sparql(sys.stdin.read() if query == "-" else query, at=at)
    if as_json:
        face.emit(found.to_dict())
    else:
        _tell(found)


def _tell(found: Any) -> None:
    if found.boolean is not None:
        click.echo("yes" if found.boolean else "no")
    elif found.data is not None:
        click.echo(found.data, nl=False)
    else:
        click.echo("\t".join(f"?{name}" for name in found.variables))
        for row in found.rows:
            click.echo("\t".join(_cell(row.get(name, {})) for name in found.variables))
    if found.cut:
        click.echo(f"cut after {len(found.rows) or 'many'} rows: add LIMIT and OFFSET", err=True)


def _cell(term: dict[str, Any]) -> str:
    """A term on one line of a table: its text, its tabs and line breaks as TSV results have them."""
    text = str(term.get("value", ""))
    for character, escaped in _ESCAPES:
        text = text.replace(character, escaped)
    return f"_:{text}" if term.get("type") == "bnode" else text


_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
