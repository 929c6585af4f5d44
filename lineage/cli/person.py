# SPDX-License-Identifier: Apache-2.0
"""lineage person: people of several tools who are one."""

from __future__ import annotations

import shlex

import click

from lineage.cli import terminal
from lineage.cli.verb import verb
from lineage.services.write.ingest import Report
from lineage.services.write.person import (
    SamePerson,
    SuggestPeopleRequest,
    TiePersonRequest,
    UntiePersonRequest,
)


@click.group("person")
def COMMAND() -> None:
    """Make people of several tools one person to every question."""


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


COMMAND.add_command(tie)
COMMAND.add_command(untie)
COMMAND.add_command(suggest)
