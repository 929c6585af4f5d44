# SPDX-License-Identifier: Apache-2.0
"""lineage reproduce: do a run again."""

from __future__ import annotations

from typing import Any

import click

from lineage.cli import common, terminal
from lineage.cli.verb import command_of
from lineage.services.operate.reproduce import ReproduceRequest, Reproduction
from lineage.services.operate.rerun import Compared, Rerun
from lineage.services.summary import counted

#: Lines of one sort that are printed; JSON has all of them.
_LINES = 50
_MARKS = {
    "there": ("there", "green"),
    "equal": ("equal", "green"),
    "missing": ("missing", "red"),
    "unknown": ("unknown", "yellow"),
    "differs": ("differs", "yellow"),
}


@command_of(
    "reproduce",
    ReproduceRequest,
    more="Exit code 0: all of it can be had; with --run: all outputs and metrics are equal. 4: something is missing, "
    "differs, or cannot be told. 1: it cannot be laid out or run here, with the reason.",
)
@click.option(
    "--check", is_flag=True, help="Only say what can be had, which is what happens without options."
)
@click.pass_context
def COMMAND(ctx: click.Context, /, *, check: bool, as_json: bool, **given: Any) -> None:
    """Print each part with where it can be had from, then what came of running it."""
    if check and (given["into"] is not None or given["run"]):
        raise click.UsageError(
            "--check writes nothing and runs nothing: leave --into and --run out"
        )
    with common.opened(ctx) as store:
        found = store.reproduce(**given)
    if as_json:
        common.emit(found.to_dict())
    else:
        _tell(found)
    ctx.exit(0 if found.done else 4)


def _tell(found: Reproduction) -> None:
    shown = sorted(found.parts, key=lambda part: part.state not in ("missing", "unknown"))
    shown = [part for part in found.parts if part in shown[:_LINES]]
    for part in shown:
        where = f"  from {part.where}" if part.where else ""
        terminal.echo(f"{_mark(part.state)}  {part.part}: {part.what}{where}")
        if part.note:
            terminal.echo(f"         {part.note}")
    if len(found.parts) > len(shown):
        terminal.echo(f"         and {len(found.parts) - len(shown)} more (--json has all)")
    for note in found.notes:
        terminal.echo(f"   note  {note}")
    if found.folder is not None:
        terminal.echo(f"laid out in {found.folder}")
    if found.again is not None:
        _tell_again(found.again)


def _tell_again(again: Rerun) -> None:
    how = f"killed by signal {again.signal}" if again.signal else f"exit code {again.code}"
    terminal.echo(f"run again: {how}" + (f", recorded as {again.run}" if again.run else ""))
    if again.ended.verdict == "differs":
        terminal.echo(f"{_mark(again.ended.verdict)}  {again.ended.what}{_values(again.ended)}")
    for name, compared in (("output", again.outputs), ("metric", again.metrics)):
        for one in compared[:_LINES]:
            terminal.echo(f"{_mark(one.verdict)}  {name} {one.what}{_values(one)}")
        if len(compared) > _LINES:
            more = counted(len(compared) - _LINES, name)
            terminal.echo(f"         and {more} more (--json has all)")
    if again.verdict == "unknown":
        terminal.echo("what it wrote cannot be compared: nothing is recorded of the first run's")


def _mark(state: str) -> str:
    word, colour = _MARKS[state]
    return terminal.style(f"{word:>7}", fg=colour)


def _values(one: Compared) -> str:
    return "" if one.a is None and one.b is None else f": {one.a} -> {one.b}"
