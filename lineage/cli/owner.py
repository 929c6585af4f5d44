# SPDX-License-Identifier: Apache-2.0
"""lineage owner: who answers for what."""

from __future__ import annotations

from collections.abc import Mapping

import click

from lineage.cli import terminal
from lineage.cli.verb import verb
from lineage.services.read.owner_list import OwnedThing, OwnerList, OwnersRequest
from lineage.services.summary import counted
from lineage.services.write.ownership import (
    OwnerSet,
    OwnerTransfer,
    SetOwnerRequest,
    TransferOwnerRequest,
)

#: Sorts of things in the singular.
_ONE = {
    "datasets": "dataset",
    "models": "model",
    "projects": "project",
    "files": "file",
    "decisions": "decision",
    "reviews": "open review",
}


@click.group("owner")
def COMMAND() -> None:
    """Who answers for datasets, models, projects and decisions."""


@verb("list", OwnersRequest)
def list_(found: OwnerList) -> None:
    """Print a line for each thing, then how many there are."""
    for one in found.things:
        _tell(one)
    if found.left:
        terminal.echo(f"... and {found.left:,} more: --first lists more of them")
    terminal.echo(_numbers(found.counts) or "nothing here has such an owner")


@verb("set", SetOwnerRequest)
def set_(done: OwnerSet) -> None:
    """Print who answers for it now."""
    _tell(done.thing)


@verb("transfer", TransferOwnerRequest)
def transfer(done: OwnerTransfer) -> None:
    """Print what was handed over, or would be."""
    if not done.counts:
        terminal.echo(f"{done.from_} answers for nothing here")
        return
    for one in done.things:
        _tell(one)
    if done.left:
        terminal.echo(f"... and {done.left:,} more")
    would = "would be handed over" if done.dry_run else "handed over"
    terminal.echo(f"{would} from {done.from_} to {done.to}: {_numbers(done.counts)}")


def _tell(one: OwnedThing) -> None:
    owners = ", ".join(one.owners) or terminal.style("nobody", fg="yellow")
    terminal.echo(f"{_ONE[one.sort]:<12} {one.title}  {owners}  ({one.evidence})")


def _numbers(counts: Mapping[str, int]) -> str:
    return ", ".join(counted(number, _ONE[sort]) for sort, number in counts.items())


for _command in (list_, set_, transfer):
    COMMAND.add_command(_command)
