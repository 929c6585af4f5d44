# SPDX-License-Identifier: Apache-2.0
"""Findings as people read them, whichever command tells of them."""

from __future__ import annotations

from collections.abc import Iterable

import click

from lineage.cli.common import printable
from lineage.model.findings import Finding

_COLOURS = {"error": "red", "warning": "yellow"}


def echo_findings(findings: Iterable[Finding]) -> None:
    """Print findings, a line each, and under it what shows it."""
    for finding in findings:
        code = click.style(finding.code, fg=_COLOURS[finding.severity])
        place = "" if finding.where in finding.message else f" ({printable(finding.where)})"
        click.echo(f"  {finding.severity} {code}: {printable(finding.message)}{place}")
        for step in finding.path:
            click.echo(f"      {printable(step)}")
