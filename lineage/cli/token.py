# SPDX-License-Identifier: Apache-2.0
"""lineage token: the keys by which people and programs get into the server."""

from __future__ import annotations

import click

from lineage.cli import face

ROLES = ("viewer", "contributor", "steward", "admin")


@click.group("token")
def COMMAND() -> None:
    """Tokens that open the server: add one, list them, revoke one.

    \b
    Example:
      lineage token add airflow --role contributor
    """


@COMMAND.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it allows.")
@click.option("--days", type=click.IntRange(1, 3_650), default=90, help="How long it is valid.")
@face.as_json
@click.pass_context
def _add(ctx: click.Context, name: str, role: str, days: int, *, as_json: bool) -> None:
    """Make a token and print its secret, which is shown once and kept nowhere.

    \b
    Example:
      lineage token add airflow --role contributor --days 30
    """
    from lineage.access.tokens import Role
    from lineage.services import tokens

    with face.opened(ctx) as opened:
        token, secret = tokens.add(opened.context, name, Role[role], days)
    if as_json:
        shown = {"id": token.id, "name": token.name, "role": role, "secret": secret}
        face.emit({**shown, "expires": token.expires.isoformat()})
        return
    click.echo(secret)
    until = f"{token.expires:%Y-%m-%d}"
    click.echo(f"{token.name} ({role}, id {token.id}), valid until {until}", err=True)


@COMMAND.command("list")
@face.as_json
@click.pass_context
def _list(ctx: click.Context, *, as_json: bool) -> None:
    """Every token: its id, role, name, and whether it is valid.

    \b
    Example:
      lineage token list
    """
    from lineage.services import tokens

    with face.opened(ctx) as opened:
        found = tokens.listed(opened.context)
    if as_json:
        face.emit({"tokens": [item.to_dict() for item in found]})
        return
    for item in found:
        token = item.token
        until = f"{token.expires:%Y-%m-%d}"
        click.echo(f"{token.id}  {item.state:<8} {token.role.name:<12} {until}  {token.name}")


@COMMAND.command("revoke")
@click.argument("ident", metavar="ID")
@click.pass_context
def _revoke(ctx: click.Context, ident: str) -> None:
    """Take a token back; running servers know within seconds.

    \b
    Example:
      lineage token revoke 3kTMd2x9
    """
    from lineage.services import tokens

    with face.opened(ctx) as opened:
        token = tokens.Keyring().revoke(opened.context, ident)
    click.echo(f"revoked {token.id} ({token.name})")
