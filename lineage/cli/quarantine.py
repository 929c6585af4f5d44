# SPDX-License-Identifier: Apache-2.0
"""lineage quarantine: packages of partners that wait for a steward."""

from __future__ import annotations

from typing import Any

import click

from lineage.cli import face

_TRUST = click.option("--trust", metavar="FILE", help="Default: trust.yaml beside the store.")


@click.group("quarantine")
def COMMAND() -> None:
    """Packages of partners that wait for a steward: list, show, accept or reject them.

    \b
    Example:
      lineage quarantine show b-institute/3
    """


@COMMAND.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those decided about.")
@face.as_json
@click.pass_context
def _list(ctx: click.Context, *, everything: bool, as_json: bool) -> None:
    """The packages that wait.

    \b
    Example:
      lineage quarantine list
    """
    from lineage.services.exchange import quarantine

    with face.opened(ctx) as store:
        found = quarantine.listed(store.context)
    shown = [item for item in found if everything or item.state == "waiting"]
    if as_json:
        face.emit({"packages": [item.to_dict() for item in shown]})
        return
    for item in shown:
        by = f"  {item.actor}, {item.recorded}  {item.reason}" if item.actor else ""
        click.echo(f"{item.name:<30} {item.state}{by}")


@COMMAND.command("show")
@click.argument("name", metavar="PACKAGE")
@_TRUST
@face.as_json
@click.pass_context
def _show(ctx: click.Context, name: str, trust: str | None, *, as_json: bool) -> None:
    """What a package would add: how much of what, and every thing in it.

    \b
    Example:
      lineage quarantine show b-institute/3
    """
    from lineage.services.exchange import desk, quarantine

    with face.opened(ctx) as store:
        found = quarantine.show(store.context, name, desk.trust(store.home, trust))
    if as_json:
        face.emit(found.to_dict())
        return
    click.echo(f"{name}: {found.package.state}")
    for part in (found.kinds, found.relations):
        click.echo("  " + (", ".join(f"{n} {what}" for what, n in part.items()) or "nothing new"))
    click.echo(f"  {found.echoes} echoes of ours, claims about {found.claims} things")
    click.echo(f"  {found.joined} of them are bytes that are here too")
    if found.incomplete:
        click.echo("  incomplete: its sender cut paths")
    for finding in found.findings:
        click.echo(f"  {finding.severity}[{finding.code}]: {face.printable(finding.message)}")
    for node in found.batch.nodes:
        click.echo(f"  {node.kind} {face.printable(node.title)}  {node.id}")


@COMMAND.command("accept")
@click.argument("name", metavar="PACKAGE")
@_TRUST
@face.as_json
@click.pass_context
def _accept(ctx: click.Context, name: str, trust: str | None, *, as_json: bool) -> None:
    """Let a package in. It is verified anew; what it says stays what the partner says.

    \b
    Example:
      lineage quarantine accept b-institute/3
    """
    from lineage.cli.import_ import tell
    from lineage.services.exchange import desk, quarantine

    with face.opened(ctx) as store:
        report = quarantine.accept(store.context, name, desk.trust(store.home, trust))
    _tell(report, tell, as_json=as_json)


@COMMAND.command("reject")
@click.argument("name", metavar="PACKAGE")
@click.option("--reason", required=True, help="Why; it is kept.")
@click.pass_context
def _reject(ctx: click.Context, name: str, reason: str) -> None:
    """Turn a package away for good.

    \b
    Example:
      lineage quarantine reject b-institute/3 --reason "not the runs we agreed on"
    """
    from lineage.services.exchange import quarantine

    with face.opened(ctx) as store:
        found = quarantine.reject(store.context, name, reason)
    click.echo(f"{found.name} rejected")


def _tell(report: Any, words: Any, *, as_json: bool) -> None:
    if as_json:
        face.emit(report.to_dict())
    else:
        words(report)
