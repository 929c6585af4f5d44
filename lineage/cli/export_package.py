# SPDX-License-Identifier: Apache-2.0
"""lineage export --for: a package for a partner, or what would be in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from lineage.cli import common, terminal
from lineage.services.summary import counted


def send(
    ctx: click.Context, selection: str | None, partner: str, *, check: bool, **chosen: Any
) -> None:
    """Make the package, or with ``check`` show what would leave."""
    (_check if check else _package)(ctx, selection, partner, **chosen)


def _package(
    ctx: click.Context, selection: str | None, partner: str, *, as_json: bool, **chosen: Any
) -> None:
    from lineage.services.exchange import files, keyring
    from lineage.services.exchange import send as service

    out = chosen["out"]
    if out is None and (as_json or sys.stdout.isatty()):
        raise click.UsageError("name a file for the package with --out")
    if out is not None:
        _demand_place(out)
    with common.opened(ctx) as store:
        found = files.policy(store.home, partner, chosen["policy"])
        signing = keyring.named(files.keys(store.home), chosen["key"])
        made = service.package(
            store.context,
            selection,
            found,
            signing,
            days=chosen["days"],
            rocrate=chosen["rocrate"],
            at=chosen["at"],
        )
    said = made.statement
    lost = f"Package {said.sequence} is in the ledger and lost: {partner} takes the next one"
    common.write(out, (made.data,), hint=f"{lost} with lineage import --accept-gap.")
    if as_json:
        common.emit(made.to_dict())
        return
    size = f"{counted(made.nodes, 'thing')}, {counted(made.edges, 'link')}"
    terminal.echo(f"package {said.sequence} for {partner}: {size}", err=True)
    _tell_counts(made.counts, incomplete=made.incomplete, err=True)
    terminal.echo(f"entry {made.entry} of the ledger; good until {said.expires:%Y-%m-%d}", err=True)
    terminal.echo(f"names that only {partner} is given begin with {made.pseudonyms}", err=True)


def _demand_place(out: str) -> None:
    """A package that cannot be written has its number all the same: look before it is made."""
    from lineage.errors import Usage

    folder = Path(out).absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise Usage("cannot write a file there", where=out, hint="Name another place.")


def _check(
    ctx: click.Context, selection: str | None, partner: str, *, as_json: bool, **chosen: Any
) -> None:
    from lineage.services.exchange import files, keyring
    from lineage.services.exchange import send as service

    with common.opened(ctx) as store:
        found = files.policy(store.home, partner, chosen["policy"])
        origin = keyring.named(files.keys(store.home), chosen["key"]).name
        shown = service.check(store.context, selection, found, origin=origin, at=chosen["at"])
    if as_json:
        common.emit(shown.to_dict())
        return
    terminal.echo(f"would leave for {partner} as package {shown.sequence}; nothing was written")
    _tell_counts(shown.counts, incomplete=shown.incomplete)
    report = shown.check
    for text in shown.around:
        terminal.echo(f"  {text}  (around the document)")
    for text, times, where in report.strings:
        terminal.echo(f"  {text}  ({times} times: {', '.join(where)})")
    terminal.echo(f"  and {report.pseudonyms} pseudonyms")
    for rule in shown.unused_rules:
        terminal.echo(
            terminal.style(f"this rule of the policy decides nothing here: {rule}", fg="yellow")
        )
    for secret in report.secrets:
        terminal.echo(
            terminal.style(f"looks like a secret: {secret.form}, {secret.where}", fg="red")
        )
    for small in report.small:
        shape = f"{small.kind} {small.month or 'without a time'}, {small.effects} effects"
        terminal.echo(
            f"stands out: {small.members} {shape}, {small.causes} causes (k is {report.k})"
        )


def _tell_counts(counts: Any, *, incomplete: bool, err: bool = False) -> None:
    for part, verbs in counts.items():
        told = ", ".join(f"{number} {verb}" for verb, number in verbs.items() if number)
        terminal.echo(f"{part}: {told or 'none'}", err=err)
    if incomplete:
        terminal.echo("incomplete: paths are cut, and the package says so", err=err)
