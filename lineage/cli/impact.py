# SPDX-License-Identifier: Apache-2.0
"""lineage impact: what depends on this."""

from __future__ import annotations

from typing import Any

import click

from lineage.cli import face, trace


@click.command("impact")
@click.argument("reference")
@face.walking
@click.pass_context
def COMMAND(ctx: click.Context, /, reference: str, **options: Any) -> None:
    """What depends on this: everything downstream, copies of the bytes included.

    \b
    Example:
      lineage impact dataset:data/train.csv
      lineage impact sha256:9f86d081884c7d65
    """
    trace.walk(ctx, "effects", reference, **options)
