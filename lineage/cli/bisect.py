# SPDX-License-Identifier: Apache-2.0
"""lineage bisect: the runs between two results, and what changed at each."""

from __future__ import annotations

from collections.abc import Iterator

from lineage.cli import compare, render, terminal
from lineage.cli.verb import verb
from lineage.services.read.bisect import CHANGED, Bisection, BisectRequest, Step
from lineage.services.summary import counted, readable

#: Differences that are printed of one section of one step; JSON has all.
_SHOWN = 8


@verb("bisect", BisectRequest)
def COMMAND(answer: Bisection) -> None:
    """Print the steps, oldest first, then at which one the metric changed most."""
    terminal.echo(f"{answer.metric} among {answer.among}\n")
    for step in answer.steps:
        terminal.echo(_head(step, largest=step.run == answer.largest))
        for line in _changed(step):
            terminal.echo(f"    {line}")
    held = answer.certificate
    if held.cut is not None:
        terminal.echo(
            f"\ncut by {held.cut.reason}: {counted(held.cut.left or 0, 'run')} before are left out"
        )
    for text in render.gaps(held.gaps):
        render.console().print(text)


def _head(step: Step, *, largest: bool) -> str:
    shown = f"{step.at[:19]}  {step.label}  {readable(step.value)}"
    if step.change is not None:
        shown += compare.change(step.change)
    return shown + ("  <- changed most" if largest else "")


def _changed(step: Step) -> Iterator[str]:
    for name in CHANGED:
        told = list(compare.lines(step.sections.get(name, ())))
        for line in told[:_SHOWN]:
            yield f"{name:>11}  {line}"
        if len(told) > _SHOWN:
            yield f"{name:>11}  ... and {len(told) - _SHOWN} more"
    if step.unknown:
        yield f"{'not known':>11}  {', '.join(step.unknown)}"
