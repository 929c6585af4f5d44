# SPDX-License-Identifier: Apache-2.0
"""lineage exchange: what a steward says about things of two institutions."""

from __future__ import annotations

import click

from lineage.cli import face


@click.group("exchange")
def COMMAND() -> None:
    """What a steward says about things of two institutions.

    \b
    Example:
      lineage exchange tie dataset:data/train.csv https://b.example/train --reason "same release"
    """


@COMMAND.command("tie")
@click.argument("one")
@click.argument("other")
@click.option("--reason", required=True, help="What shows that they are the same.")
@click.option("--confidence", type=float, default=1.0, help="Above 0, at most 1; default 1.")
@face.as_json
@click.pass_context
def _tie(
    ctx: click.Context, one: str, other: str, *, reason: str, confidence: float, as_json: bool
) -> None:
    """Claim that two things are the same, where no digest says so. Walks show the claim, and follow
    it only where alternateOf is named.

    \b
    Example:
      lineage exchange tie dataset:data/train.csv https://b.example/train --reason "same release"
    """
    from lineage.cli.import_ import tell
    from lineage.services.exchange.tie import tie

    with face.opened(ctx) as store:
        report = tie(store.context, one, other, reason=reason, confidence=confidence)
    if as_json:
        face.emit(report.to_dict())
    else:
        tell(report)
