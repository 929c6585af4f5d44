# SPDX-License-Identifier: Apache-2.0
"""lineage sparql: ask the PROV-O view of the store in SPARQL."""

from __future__ import annotations

import sys
from typing import Any

from lineage.cli import terminal
from lineage.cli.verb import verb
from lineage.services.read.sparql import Solutions, SparqlRequest


def _typed(given: dict[str, Any]) -> None:
    """'-' reads the query from stdin."""
    if given["query"] == "-":
        given["query"] = sys.stdin.read()


@verb("sparql", SparqlRequest, prepare=_typed)
def COMMAND(answer: Solutions) -> None:
    """Print a table, yes or no, or the triples that were constructed."""
    if answer.boolean is not None:
        terminal.echo("yes" if answer.boolean else "no")
    elif answer.data is not None:
        terminal.echo(answer.data, nl=False, several_lines=True)
    else:
        terminal.echo("\t".join(f"?{name}" for name in answer.variables))
        for row in answer.rows:
            terminal.echo("\t".join(_cell(row.get(name, {})) for name in answer.variables))
    if answer.cut:
        terminal.echo(
            f"cut after {len(answer.rows) or 'many'} rows: add LIMIT and OFFSET", err=True
        )


def _cell(term: dict[str, Any]) -> str:
    """A term on one line of a table: its text, its tabs and line breaks as TSV results have them."""
    text = str(term.get("value", ""))
    for character, escaped in _ESCAPES:
        text = text.replace(character, escaped)
    return f"_:{text}" if term.get("type") == "bnode" else text


_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
