# SPDX-License-Identifier: Apache-2.0
"""lineage verify: is everything as it was written."""

from __future__ import annotations

from typing import Any

import click

from lineage.cli import common, terminal
from lineage.cli.findings import echo_hints
from lineage.cli.verb import command_of
from lineage.errors import LineageError
from lineage.services.operate.verify import Verdict, VerifyRequest
from lineage.services.operate.verify_findings import unreadable

#: Exit codes, as documented: 0 intact, 1 tampered, 2 cannot tell.
EXITS = {"intact": 0, "tampered": 1, "too-new": 2, "unknown": 2}
#: What is said of a store that is not intact.
_STATES = {"tampered": "tampered", "too-new": "too new", "unknown": "cannot tell"}


@command_of(
    "verify",
    VerifyRequest,
    more="Exit code 0: intact. 1: something is not as it was written, and what. 2: the store cannot "
    "be opened, or only a newer version can compare it.",
)
@click.pass_context
def COMMAND(ctx: click.Context, /, *, as_json: bool, **given: Any) -> None:
    """Print the state, then what is not as it was written."""
    VerifyRequest(**given)  # what is asked wrongly is no state of the store
    try:
        with common.opened(ctx) as store:
            verdict = store.verify(**given)
    except LineageError as error:
        found = (unreadable(error, "store"),)
        verdict = Verdict(state="unknown", entries=0, root="", findings=found)
    if as_json:
        common.emit(verdict.to_dict())
    else:
        _tell(verdict, noted=given["root"] is not None)
    ctx.exit(EXITS[verdict.state])


def _tell(verdict: Verdict, *, noted: bool) -> None:
    if verdict.state == "intact":
        terminal.echo(f"{terminal.style('intact', fg='green')}: {verdict.entries} entries")
        terminal.echo(f"root {verdict.root}")
        if verdict.since is not None:
            terminal.echo(f"root at entry {verdict.since}: {verdict.since_root}")
            if noted:
                terminal.echo(
                    f"as it was noted: nothing up to entry {verdict.since} has changed since"
                )
        return
    terminal.echo(terminal.style(_STATES[verdict.state], fg="red"))
    for finding in verdict.findings:
        place = f"entry {finding.entry}" if finding.entry else "store"
        terminal.echo(f"  {place}: {finding.subject}: {finding.message}")
    if verdict.more:
        terminal.echo(f"  ... and {verdict.more} more")
    echo_hints(verdict.findings)
