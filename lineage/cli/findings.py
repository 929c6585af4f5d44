# SPDX-License-Identifier: Apache-2.0
"""Prints findings for people, in the same way for every command."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

import click

from lineage.cli import terminal
from lineage.model.findings import Finding

F = TypeVar("F", bound=Callable[..., Any])

#: Severities for which a command fails.
_FAILS = {
    "error": frozenset({"error"}),
    "warning": frozenset({"error", "warning"}),
    "never": frozenset[str](),
}
_COLOURS = {"error": "red", "warning": "yellow", "note": "green"}


def echo_findings(findings: Collection[Finding]) -> None:
    """Print findings, one a line, each with what shows it below, then what to do about them."""
    for finding in findings:
        code = terminal.style(finding.code, fg=_COLOURS[finding.severity])
        place = "" if finding.subject in finding.message else f" ({finding.subject})"
        terminal.echo(f"  {finding.severity} {code}: {finding.message}{place}")
        for step in finding.path:
            terminal.echo(f"      {step}")
    echo_hints(findings)


def echo_hints(findings: Collection[Finding]) -> None:
    """Print what to do about findings, each advice once."""
    for hint in dict.fromkeys(finding.hint for finding in findings if finding.hint):
        terminal.echo(f"  {terminal.style('next', fg='cyan')}: {hint}")


def fail_on(default: str) -> Callable[[F], F]:
    """The option ``--fail-on``; the command is told, as ``fails``, the severities for which it ends with 4."""

    def severities(ctx: click.Context, param: click.Parameter, value: str) -> frozenset[str]:
        del ctx, param
        return _FAILS[value]

    return click.option(
        "--fail-on",
        "fails",
        type=click.Choice([*_FAILS]),
        default=default,
        show_default=True,
        callback=severities,
        help="The least finding for exit code 4.",
    )
