# SPDX-License-Identifier: Apache-2.0
"""lineage keys: the keys that sign what leaves for partners."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lineage.cli import common, terminal
from lineage.cli.verb import command_of
from lineage.services.exchange import files, keyring
from lineage.services.exchange.files import KeysRequest, NewKeyRequest


@click.group("keys")
def COMMAND() -> None:
    """Keys that sign what leaves for partners. They lie under .lineage/keys, or in LINEAGE_KEYS.

    \b
    Example:
      lineage keys new lab.example/lineage
    """


@command_of("new", NewKeyRequest)
@click.pass_context
def _new(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """Print the public line."""
    _tell(keyring.new(_folder(ctx), name), as_json=as_json)


@command_of("list", KeysRequest)
@click.pass_context
def _list(ctx: click.Context, *, as_json: bool) -> None:
    """Print one name a line."""
    names = keyring.listed(_folder(ctx))
    if as_json:
        common.emit({"keys": list(names)})
        return
    for name in names:
        terminal.echo(name)


@click.command("show")
@click.argument("name", required=False)
@common.as_json
@click.pass_context
def _show(ctx: click.Context, name: str | None, *, as_json: bool) -> None:
    """The line of a key for the trust files of partners; the private key is never shown.

    \b
    Example:
      lineage keys show lab.example/lineage
    """
    _tell(keyring.named(_folder(ctx), name).public, as_json=as_json)


def _tell(key: Any, *, as_json: bool) -> None:
    if as_json:
        common.emit({"name": key.name, "id": key.id.hex(), "key": key.to_text()})
        return
    terminal.echo(key.to_text())


def _folder(ctx: click.Context) -> Path:
    """Where the keys are; no store need be opened for it."""
    from lineage.app import find_store, home

    if folder := files.named_keys():
        return folder
    return files.keys(home(ctx.obj["store"] or find_store()))


for _command in (_new, _list, _show):
    COMMAND.add_command(_command)
