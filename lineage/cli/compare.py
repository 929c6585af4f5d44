# SPDX-License-Identifier: Apache-2.0
"""lineage compare: what differs between two runs or model versions."""

from __future__ import annotations

from typing import Any

import click

from lineage.cli.verb import verb
from lineage.services.read.compare import CompareRequest, Comparison


@verb("compare", CompareRequest)
def COMMAND(answer: Comparison) -> None:
    """Print what differs, section by section, then whether the metrics may be compared."""
    for section, differences in answer.sections.items():
        click.echo(f"{section:>12}  {'' if differences else 'equal'}".rstrip())
        for item in differences:
            click.echo(f"{'':>14}{item.what}: {_shown(item.a)} -> {_shown(item.b)}")
    verdict = {True: "yes", False: "no", None: "cannot be told"}[answer.fair]
    click.echo(f"\nfair comparison of metrics: {verdict}")
    for reason in answer.reasons:
        click.echo(f"  [{reason.code}] {reason.message}")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return str(value["$"] if "$" in value else value.get("label"))
    return "absent" if value is None else str(value)
