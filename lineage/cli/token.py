# SPDX-License-Identifier: Apache-2.0
"""lineage token: the tokens with which people and programs call the server."""

from __future__ import annotations

import click

from lineage.cli import terminal
from lineage.cli.verb import verb
from lineage.services.operate.tokens import (
    AddTokenRequest,
    IssuedToken,
    RevokeTokenRequest,
    RotateTokenRequest,
    TokensRequest,
    TokenStatus,
)


@click.group("token")
def COMMAND() -> None:
    """Tokens that open the server: add one, list them, rotate one, revoke one.

    \b
    Example:
      lineage token add airflow --role contributor
    """


@verb("add", AddTokenRequest)
def _add(issued: IssuedToken) -> None:
    """Print the secret on stdout, and whose it is on stderr."""
    _tell(issued)


@verb("rotate", RotateTokenRequest)
def _rotate(issued: IssuedToken) -> None:
    """Print the new secret on stdout, and whose it is on stderr."""
    _tell(issued)


def _tell(issued: IssuedToken) -> None:
    terminal.echo(issued.secret)
    token = issued.token
    until = f"{token.expires:%Y-%m-%d}"
    terminal.echo(f"{token.name} ({token.role.name}, id {token.id}), valid until {until}", err=True)


@verb("list", TokensRequest, listed="tokens")
def _list(found: tuple[TokenStatus, ...]) -> None:
    """Print one token a line."""
    for item in found:
        token = item.token
        until = f"{token.expires:%Y-%m-%d}"
        terminal.echo(f"{token.id}  {item.state:<8} {token.role.name:<12} {until}  {token.name}")


@verb("revoke", RevokeTokenRequest)
def _revoke(item: TokenStatus) -> None:
    """Print that the token was revoked."""
    terminal.echo(f"revoked {item.token.id} ({item.token.name})")


for _command in (_add, _list, _rotate, _revoke):
    COMMAND.add_command(_command)
