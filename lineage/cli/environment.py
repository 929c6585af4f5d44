# SPDX-License-Identifier: Apache-2.0
"""lineage environment: the environments of a run, and one as a file that a tool makes it from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from lineage.cli import common, terminal
from lineage.cli.verb import command_of, verb
from lineage.services.read.environments import (
    Described,
    Drift,
    EnvironmentRequest,
    Environments,
    ExportEnvironmentRequest,
)

#: Names of one sort that are printed; JSON has all of them.
_NAMES = 20
_SEEN = {True: "was there", False: "declared", None: ""}


@click.group("environment")
def COMMAND() -> None:
    """What a run was carried out with: shown, compared, and written as a file."""


@verb("show", EnvironmentRequest)
def show(found: Environments) -> None:
    """Print each environment, then what differs."""
    for one in found.environments:
        _tell(one)
    labels = {one.id: one.label for one in found.environments}
    for drift in found.drift:
        _tell_drift(drift, labels)


def _tell(one: Described) -> None:
    seen = f"  {_SEEN[one.observed]}" if one.observed is not None else ""
    terminal.echo(terminal.style(one.label, bold=True) + seen)
    terminal.echo(f"  {one.id}")
    shown = [f"{name} {version}" for name, version in one.packages.items()]
    if shown:
        terminal.echo(f"  {_some(shown)}")
    if one.left:
        terminal.echo(f"  in no index: {_some(one.left)}")


def _tell_drift(drift: Drift, labels: dict[str, str]) -> None:
    a, b = labels[drift.a], labels[drift.b]
    if not (drift.only_a or drift.only_b or drift.versions):
        terminal.echo(f"{a} and {b}: the same packages")
        return
    terminal.echo(f"{a} and {b} differ:")
    for whose, names in ((a, drift.only_a), (b, drift.only_b)):
        if names:
            terminal.echo(f"  only in {whose}: {_some(names)}")
    if drift.versions:
        changed = [f"{name} {one} -> {other}" for name, (one, other) in drift.versions.items()]
        terminal.echo(f"  other versions: {_some(changed)}")


def _some(texts: Sequence[str]) -> str:
    more = f", and {len(texts) - _NAMES} more (--json has all)" if len(texts) > _NAMES else ""
    return ", ".join(texts[:_NAMES]) + more


@command_of("export", ExportEnvironmentRequest)
@click.option(
    "--out", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Where to; default stdout."
)
@click.pass_context
def export(ctx: click.Context, /, *, out: str | None, as_json: bool, **given: Any) -> None:
    """Write the file, and print on stderr what is not in it."""
    if as_json and out is None:
        raise click.UsageError("--json tells about the file: name one for it with --out")
    with common.opened(ctx) as store:
        found = store.export_environment(**given)
    common.write(out, [found.text.encode()])
    if as_json:
        common.emit(found.to_dict())
        return
    for one in found.left:
        terminal.echo(f"not in it: {one}", err=True)


COMMAND.add_command(show)
COMMAND.add_command(export)
