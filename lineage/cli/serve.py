# SPDX-License-Identifier: Apache-2.0
"""lineage serve: answer over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lineage.cli import terminal

if TYPE_CHECKING:
    from lineage.services.context import Context

_LOOPBACK = ("localhost", "::1")


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0: a free one."
)
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME", help="A name it answers to.")
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="A site whose pages may call.",
)
@click.pass_context
def COMMAND(
    ctx: click.Context, host: str, port: int, hosts: tuple[str, ...], origins: tuple[str, ...]
) -> None:
    """Answer over HTTP: GraphQL, OpenLineage, PROV documents, a page to ask from.

    Every route but /healthz and /readyz needs a token ('lineage token add'). Programs send it as
    'Authorization: Bearer TOKEN'; a browser asks for a password: the token, with any user name.
    On this machine alone, a store without tokens gets a first one, which is printed once.

    \b
    Example:
      lineage serve --port 0
    """
    from lineage import app
    from lineage.errors import MissingExtra

    try:
        from lineage.server import serve
        from lineage.server.app import create_app
        from lineage.server.settings import LOOPBACK, Settings
    except ImportError as error:
        hint = 'pip install "lineagedb[server]"'
        raise MissingExtra(f"the {error.name} package is not installed", hint=hint) from error

    names = LOOPBACK | {host} | set(hosts)
    settings = serve.within_descriptors(
        Settings(hosts=frozenset(names), origins=frozenset(origins))
    )
    with (
        app.served(ctx.obj["store"] or "", budget=settings.response_timeout) as runtime,
        serve.bind(host, port) as bound,
    ):
        _demand_tokens(runtime.writing, host)
        address = serve.address_of(bound)
        application = create_app(runtime, settings)
        said = f"lineage is listening on {address}"
        serve.run(application, bound, settings, lambda: terminal.echo(said))


def _demand_tokens(ctx: Context, host: str) -> None:
    """Nobody serves a network without tokens; on this machine alone, the first one is made."""
    from lineage.access.tokens import Role
    from lineage.errors import Usage
    from lineage.services.operate import tokens

    if tokens.listed(ctx):
        return
    if host not in _LOOPBACK and not host.startswith("127."):
        message = f"the store has no tokens, so it is not served on {host}"
        raise Usage(message, hint="lineage token add NAME --role viewer")
    _, secret = tokens.add(ctx, "first", Role.admin)
    terminal.echo(f"the first token (admin), shown this once: {secret}")
