# SPDX-License-Identifier: Apache-2.0
"""lineage person: people of several tools who are one."""

from __future__ import annotations

import shlex

import click

from lineage.cli import terminal
from lineage.cli.verb import verb
from lineage.services.read.decisions.contributions import Contributions, ContributionsRequest
from lineage.services.write.ingest import Report
from lineage.services.write.person import (
    ObjectRequest,
    SamePerson,
    SuggestPeopleRequest,
    TiePersonRequest,
    UntiePersonRequest,
)

#: What is counted, and the line of somebody.
_FIGURES = ("decisions", "reviews", "lessons", "gaps closed")
_LINE = "{:<28} {:>9} {:>9} {:>9} {:>12}"


@click.group("person")
def COMMAND() -> None:
    """People of several tools who are one, and what people gave to decisions."""


@verb("tie", TiePersonRequest)
def tie(answer: Report) -> None:
    """Print whether it was new."""
    terminal.echo("one person now" if answer.added else "one person already")


@verb("untie", UntiePersonRequest)
def untie(answer: Report) -> None:
    """Print in which entry it was taken back."""
    terminal.echo(f"two people again, as of entry {', '.join(str(e) for e in answer.entries)}")


@verb("suggest", SuggestPeopleRequest, listed="people")
def suggest(found: tuple[SamePerson, ...]) -> None:
    """Print who may be one, each with the command that says so."""
    for one in found:
        terminal.echo(f"{one.titles[0]} and {one.titles[1]}: {one.reason}")
        words = shlex.join(["lineage", "person", "tie", one.a, one.b, "--because", one.reason])
        terminal.echo(f"  {terminal.style(words, fg='cyan')}")
    if not found:
        terminal.echo("nobody here looks like somebody else")


@verb("contributions", ContributionsRequest)
def contributions(found: Contributions) -> None:
    """Print a line for each person, in the order of names, and how many are left out."""
    if found.people:
        terminal.echo(terminal.style(_LINE.format("", *_FIGURES), bold=True))
    for one in found.people:
        figures = (one.decisions, one.reviews, one.lessons, one.gaps_closed)
        terminal.echo(_LINE.format(one.name, *figures))
    if found.left:
        terminal.echo(f"... and {found.left:,} more: --first lists more of them")
    if not found.people:
        terminal.echo("nobody who is counted gave anything to a decision here")
    if found.left_out:
        alone = found.left_out == 1
        said = "person objects and is" if alone else "people object and are"
        terminal.echo(f"{found.left_out:,} {said} left out")


@verb("object", ObjectRequest)
def object_(answer: Report) -> None:
    """Print what holds now."""
    said = (
        "counted again" if answer.retracted else "left out of the figures" if answer.added else ""
    )
    terminal.echo(said or "nothing changed")


for _command in (tie, untie, suggest, contributions, object_):
    COMMAND.add_command(_command)
