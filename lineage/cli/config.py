# SPDX-License-Identifier: Apache-2.0
"""lineage config: what is configured, and where each value came from."""

from __future__ import annotations

import click

from lineage.cli import common, terminal


@click.command("config")
@common.as_json
@click.pass_context
def COMMAND(ctx: click.Context, *, as_json: bool) -> None:
    """What is configured, and where each value came from: an argument, the environment, the project's
    .lineage/config.toml, or a default. Secrets are not shown.

    \b
    Example:
      lineage config
    """
    from lineage.config import SETTINGS, value

    given = {"store": ctx.obj["store"]}
    found = [value(setting.name, given.get(setting.name)) for setting in SETTINGS]
    if as_json:
        common.emit({"settings": [item.to_dict() for item in found]})
        return
    for item in found:
        shown = item.to_dict()
        terminal.echo(f"{shown['name']:<16} {shown['value'] or '-'}  ({shown['origin']})")
        terminal.echo(
            terminal.style(f"{'':<16} {item.setting.variable}: {item.setting.says}", dim=True)
        )
