# SPDX-License-Identifier: Apache-2.0
"""lineage keys: the keys that sign what leaves for partners."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lineage.cli import common


@click.group("keys")
def COMMAND() -> None:
    """Keys that sign what leaves for partners. They lie under .lineage/keys, or in LINEAGE_KEYS.

    \b
    Example:
      lineage keys new lab.example/lineage
    """


@COMMAND.command("new")
@click.argument("name")
@common.as_json
@click.pass_context
def _new(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """Make an Ed25519 key and print the line to give to partners. NAME is that of your log: a host
    and a path, such as lab.example/lineage. The private key stays in a file that only you may read.

    \b
    Example:
      lineage keys new lab.example/lineage
    """
    from lineage.services.exchange import keyring

    folder = _folder(ctx)
    _tell(keyring.new(folder, name), as_json=as_json)


@COMMAND.command("list")
@common.as_json
@click.pass_context
def _list(ctx: click.Context, *, as_json: bool) -> None:
    """The names of the keys there are.

    \b
    Example:
      lineage keys list
    """
    from lineage.services.exchange import keyring

    names = keyring.listed(_folder(ctx))
    if as_json:
        common.emit({"keys": list(names)})
        return
    for name in names:
        click.echo(name)


@COMMAND.command("show")
@click.argument("name", required=False)
@common.as_json
@click.pass_context
def _show(ctx: click.Context, name: str | None, *, as_json: bool) -> None:
    """The line of a key for the trust files of partners; the private key is never shown.

    \b
    Example:
      lineage keys show lab.example/lineage
    """
    from lineage.services.exchange import keyring

    _tell(keyring.named(_folder(ctx), name).public, as_json=as_json)


def _tell(key: Any, *, as_json: bool) -> None:
    if as_json:
        common.emit({"name": key.name, "id": key.id.hex(), "key": key.to_text()})
        return
    click.echo(key.to_text())


def _folder(ctx: click.Context) -> Path:
    """Where the keys are; no store need be opened for it."""
    from lineage.app import find_store, home
    from lineage.services.exchange import files

    if folder := files.named_keys():
        return folder
    return files.keys(home(ctx.obj["store"] or find_store()))
