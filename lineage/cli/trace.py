# SPDX-License-Identifier: Apache-2.0
"""lineage trace: what produced this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import click

from lineage.cli.verb import verb
from lineage.errors import Usage
from lineage.query.plan import Toward
from lineage.services.read.trace import Reached, ReachRequest, TraceRequest, WalkAnswer, WalkRequest
from lineage.services.request import Request
from lineage.services.summary import counted

F = TypeVar("F", bound=Callable[..., None])


def forms(function: F) -> F:
    """Add the options that say in which form an answer is wanted."""
    for option in (
        click.option("--full", is_flag=True, help="Fold nothing."),
        click.option("--ids", is_flag=True, help="Only identifiers, one a line."),
        click.option("--count", is_flag=True, help="Only how many there are of each kind."),
    ):
        function = option(function)
    return function


def form_of(toward: Toward) -> Callable[[Any, dict[str, Any]], Request[Any]]:
    """Ask by identifiers or numbers alone, where an option says so."""

    def chosen(asked: WalkRequest[Any], options: dict[str, Any]) -> Request[Any]:
        ids, count = options.pop("ids"), options.pop("count")
        if not ids and not count:
            return asked
        if ids and count:
            raise Usage("--ids and --count are two forms of an answer", hint="Ask for one of them.")
        given = {field.name: getattr(asked, field.name) for field in fields(asked)}
        return ReachRequest(**given, toward=toward, counts=count)

    return chosen


@verb("trace", TraceRequest, instead=form_of("causes"))
@forms
def COMMAND(answer: WalkAnswer | Reached, *, full: bool) -> None:
    """Print a tree and the groups of what is upstream."""
    tell(answer, "causes", full=full)


def tell(answer: WalkAnswer | Reached, toward: Toward, *, full: bool) -> None:
    """Print a tree and its groups; ``trace`` and ``impact`` call it with different directions."""
    from lineage.cli import render

    if isinstance(answer, Reached):
        _tell_reach(answer)
        return
    console = render.console()
    for text in render.deployments(answer):
        console.print(text)
    console.print(render.Picture(answer, toward=toward, full=full).tree(answer.start[0]))
    console.print()
    for text in render.groups(answer, full=full):
        console.print(text)
    for text in (*render.owners(answer, full=full), *render.certificate(answer)):
        console.print(text)


def _tell_reach(answer: Reached) -> None:
    from lineage.cli import render, terminal

    said = list(render.certified(answer.certificate, counted(answer.total, "thing")))
    if answer.ids is not None:
        for ident in answer.ids:
            terminal.echo(ident)
        # Identifiers go on to another command; what is said of them is for whoever looks.
        console = terminal.console(err=True)
        for text in said:
            console.print(text)
        return
    width = max(map(len, ("total", *answer.kinds)))
    for kind, number in (*answer.kinds.items(), ("total", answer.total)):
        terminal.echo(f"{kind:{width}}  {number:>9,}")
    for text in said:
        render.console().print(text)
