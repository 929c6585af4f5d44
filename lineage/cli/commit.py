# SPDX-License-Identifier: Apache-2.0
"""lineage commit: commits found again after their history was rewritten."""

from __future__ import annotations

from typing import Any

import click

from lineage.cli import face

_METHODS = {
    "sha": "still on a branch",
    "tree": "the same files, recommitted",
    "change-id": "the same Change-Id",
    "patch-id": "the same change, rebased or cherry-picked",
    "range": "absorbed by a squash of its branch",
}


@click.group("commit")
def COMMAND() -> None:
    """Find commits again after their history was rewritten."""


@COMMAND.command("resolve")
@click.argument("reference", required=False)
@face.as_json
@click.pass_context
def resolve(ctx: click.Context, reference: str | None, *, as_json: bool) -> None:
    """Where a commit is today; without one, every commit that a run used.

    \b
    Example:
      lineage commit resolve commit:1a2b3c4
    """
    from lineage.services.commits import find_commits

    with face.opened(ctx) as store:
        found = find_commits(store.context, reference)
    if as_json:
        face.emit({"commits": [item.to_dict() for item in found]})
        return
    for item in found:
        _tell(item)
    if not found:
        click.echo("no run in the store used a commit")


def _tell(item: Any) -> None:
    users = f"  used by {', '.join(item.used_by[:3])}" if item.used_by else ""
    click.echo(click.style(item.title, bold=True) + users)
    for match in item.matches:
        kept = "same files" if match.tree else "same change, other files around it"
        click.echo(
            f"  {match.sha[:12]}  {_METHODS[match.method]} ({match.method}, confidence "
            f"{match.confidence:g}; {kept})"
        )
    if not item.matches:
        click.echo("  on no branch, and no commit carries its change")
