# SPDX-License-Identifier: Apache-2.0
"""lineage verify: is everything as it was written."""

from __future__ import annotations

import click

from lineage.cli import common
from lineage.errors import LineageError

#: Exit codes, as documented: 0 intact, 1 tampered, 2 cannot tell.
EXITS = {"intact": 0, "tampered": 1, "too-new": 2, "unknown": 2}
#: What is said of a store that is not intact.
_STATES = {"tampered": "tampered", "too-new": "too new", "unknown": "cannot tell"}


@click.command("verify")
@common.as_json
@click.pass_context
def COMMAND(ctx: click.Context, *, as_json: bool) -> None:
    """Recompute the ledger's digests and compare the graph with one drawn anew from it.

    Exit code 0: intact. 1: something was changed, and what. 2: the store cannot be read, or only by
    a newer version.

    \b
    Example:
      lineage verify
    """
    try:
        with common.opened(ctx) as store:
            verdict = store.verify().to_dict()
    except LineageError as error:
        what = [{"entry": None, "subject": "store", "what": str(error)}]
        verdict = {"state": "unknown", "entries": 0, "root": "", "changes": what, "more": 0}
    if as_json:
        common.emit(verdict)
    else:
        _tell(verdict)
    ctx.exit(EXITS[verdict["state"]])


def _tell(verdict: dict[str, object]) -> None:
    state = str(verdict["state"])
    if state == "intact":
        click.echo(f"{click.style('intact', fg='green')}: {verdict['entries']} entries")
        click.echo(f"root {verdict['root']}")
        return
    click.echo(click.style(_STATES[state], fg="red"))
    changes = verdict["changes"]
    for change in changes if isinstance(changes, list) else []:
        place = f"entry {change['entry']}" if change["entry"] else "store"
        click.echo(f"  {place}: {change['subject']}: {change['what']}")
    if verdict["more"]:
        click.echo(f"  ... and {verdict['more']} more")
