# SPDX-License-Identifier: Apache-2.0
"""lineage log: the ledger, newest first."""

from __future__ import annotations

import click

from lineage.cli import face


@click.command("log")
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=20, help="How many entries.")
@click.option("--before", type=click.IntRange(1), help="Only entries before this one.")
@face.as_json
@click.pass_context
def COMMAND(ctx: click.Context, count: int, before: int | None, *, as_json: bool) -> None:
    """The ledger, newest first: who asserted how much, from where, when.

    \b
    Example:
      lineage log -n 5
    """
    from lineage.store.base import NOW

    with face.opened(ctx) as opened:
        head = opened.store.head()
        last = min(head.size, before - 1) if before else head.size
        first = max(0, last - count)
        entries = opened.store.headers(first, last - first, NOW) if last > first else []
    if as_json:
        shown = [entry.to_dict() for entry in reversed(entries)]
        face.emit({"entries": shown, "size": head.size, "root": head.root.hex(), "more": first})
        return
    for entry in reversed(entries):
        change = f"+{entry.added}" + (f" -{entry.retracted}" if entry.retracted else "")
        click.echo(
            f"{entry.seq:>6}  {entry.recorded}  {change:<12} {entry.actor:<12} {entry.source}"
        )
    if first:
        click.echo(f"... {first} earlier entries (--before {first + 1})")
    click.echo(f"root {head.root.hex()} over {head.size} entries")
