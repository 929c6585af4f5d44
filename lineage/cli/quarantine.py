# SPDX-License-Identifier: Apache-2.0
"""lineage quarantine: packages of partners that wait for a steward."""

from __future__ import annotations

import click

from lineage.cli import terminal
from lineage.cli.findings import echo_findings
from lineage.cli.import_ import tell
from lineage.cli.verb import verb
from lineage.services.exchange.quarantine import (
    AcceptRequest,
    Preview,
    PreviewRequest,
    QuarantinedPackage,
    QuarantineRequest,
    RejectRequest,
)
from lineage.services.write.ingest import Report


@click.group("quarantine")
def COMMAND() -> None:
    """Packages of partners that wait for a steward: list, show, accept or reject them.

    \b
    Example:
      lineage quarantine show b-institute/3
    """


@verb("list", QuarantineRequest, listed="packages")
def _list(found: tuple[QuarantinedPackage, ...]) -> None:
    """Print one package a line."""
    for item in found:
        by = f"  {item.actor}, {item.recorded}  {item.reason}" if item.actor else ""
        terminal.echo(f"{item.name:<30} {item.state}{by}")


@verb("show", PreviewRequest)
def _show(found: Preview) -> None:
    """Print how much a package would add, then every thing in it."""
    terminal.echo(f"{found.package.name}: {found.package.state}")
    for part in (found.kinds, found.relations):
        terminal.echo(
            "  " + (", ".join(f"{n} {what}" for what, n in part.items()) or "nothing new")
        )
    terminal.echo(f"  {found.echoes} echoes of ours, claims about {found.claims} things")
    terminal.echo(f"  {found.joined} of them are bytes that are here too")
    if found.incomplete:
        terminal.echo("  incomplete: its sender cut paths")
    echo_findings(found.findings)
    for node in found.batch.nodes:
        terminal.echo(f"  {node.kind} {node.title}  {node.id}")


@verb("accept", AcceptRequest)
def _accept(report: Report) -> None:
    """Print what was written."""
    tell(report)


@verb("reject", RejectRequest)
def _reject(found: QuarantinedPackage) -> None:
    """Print that the package was rejected."""
    terminal.echo(f"{found.name} rejected")


for _command in (_list, _show, _accept, _reject):
    COMMAND.add_command(_command)
