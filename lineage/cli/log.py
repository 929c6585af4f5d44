# SPDX-License-Identifier: Apache-2.0
"""lineage log: the ledger, newest first."""

from __future__ import annotations

import orjson

from lineage.cli import terminal
from lineage.cli.verb import verb
from lineage.services.read.stats import LogAnswer, LogRequest


@verb("log", LogRequest)
def COMMAND(answer: LogAnswer) -> None:
    """Print one entry a line."""
    for entry in answer.entries:
        change = f"+{entry.added}" + (f" -{entry.retracted}" if entry.retracted else "")
        note = orjson.loads(entry.note or b"{}")
        read = note.get("read")
        where = f"{entry.source} ({read})" if read and read not in entry.source else entry.source
        if act := note.get("act"):
            told = [note.get(word) for word in ("token", "name", "role")]
            where = " ".join([str(act).replace("-", " "), *(str(word) for word in told if word)])
        if reason := note.get("reason"):
            where += f": {reason}"
        if clock := note.get("clock"):
            where += f" (the clock said {clock})"
        terminal.echo(f"{entry.seq:>6}  {entry.recorded}  {change:<12} {entry.actor:<12} {where}")
    if answer.more:
        terminal.echo(f"... {answer.more} earlier entries (--before {answer.more + 1})")
    terminal.echo(f"root {answer.root} over {answer.size} entries")
