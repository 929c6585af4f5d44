# SPDX-License-Identifier: Apache-2.0
"""lineage copy: move a store to another engine, and prove it is the same."""

from __future__ import annotations

import shlex

import click

from lineage.cli import common, progress, terminal


@click.command("copy")
@click.argument("source")
@click.argument("target")
@common.as_json
def COMMAND(source: str, target: str, *, as_json: bool) -> None:
    """Replay the ledger of one store into another, new one; both have the same root afterwards.

    Interrupted, it goes on where it stopped.

    \b
    Example:
      lineage copy .lineage/store.db neo4j://localhost:7687
    """
    from lineage.app import open_store
    from lineage.services.operate.replicate import copy

    first = open_store(source, create=False)
    try:
        second = open_store(target, finishing="copy")
        try:
            with progress.shown("copy") as told:
                moved = copy(first, second, told, arguments=shlex.join([source, target]))
        finally:
            second.close()
    finally:
        first.close()
    if as_json:
        common.emit(moved.to_dict())
        return
    terminal.echo(f"{moved.entries} entries copied, {moved.total} in both")
    terminal.echo(f"same root {moved.root}")
