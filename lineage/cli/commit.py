# SPDX-License-Identifier: Apache-2.0
"""lineage commit: commits found again after their history was rewritten."""

from __future__ import annotations

import click

from lineage.cli import terminal
from lineage.cli.verb import verb
from lineage.services.write.commits import CommitsRequest, ResolvedCommit

_METHODS = {
    "sha": "still on a branch",
    "map": "as the tool that rewrote history wrote down",
    "backup": "author, date and subject of the one in the backup of its branch",
    "tree": "the same files, recommitted",
    "change-id": "the same Change-Id",
    "patch-id": "the same change, rebased or cherry-picked",
    "range": "absorbed by a squash of its branch",
}


@click.group("commit")
def COMMAND() -> None:
    """Find commits again after their history was rewritten."""


@verb("resolve", CommitsRequest, listed="commits")
def resolve(found: tuple[ResolvedCommit, ...]) -> None:
    """Print each commit, with where its change is today."""
    for item in found:
        _tell(item)
    if not found:
        terminal.echo("no run in the store used a commit")


def _tell(item: ResolvedCommit) -> None:
    users = f"  used by {', '.join(item.used_by[:3])}" if item.used_by else ""
    terminal.echo(terminal.style(item.title, bold=True) + users)
    for match in item.matches:
        kept = "same files" if match.tree else "same change, other files around it"
        terminal.echo(
            f"  {match.sha[:12]}  {_METHODS[match.method]} ({match.method}, confidence "
            f"{match.confidence:g}; {kept})"
        )
    if not item.matches:
        terminal.echo("  on no branch, and no commit carries its change")


COMMAND.add_command(resolve)
