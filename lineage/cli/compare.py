# SPDX-License-Identifier: Apache-2.0
"""lineage compare: what differs between two runs or model versions."""

from __future__ import annotations

from typing import Any

import click

from lineage.cli import face


@click.command("compare")
@click.argument("one")
@click.argument("other")
@face.at
@face.as_json
@click.pass_context
def COMMAND(ctx: click.Context, *, one: str, other: str, at: str | None, as_json: bool) -> None:
    """What differs between two runs or model versions, and whether their metrics compare.

    \b
    Example:
      lineage compare model:fraud@v2 model:fraud@v3
    """
    with face.opened(ctx) as store:
        found = store.compare(one, other, at=at)
    if as_json:
        face.emit(found.to_dict())
        return
    for section, differences in found.sections.items():
        click.echo(f"{section:>12}  {'' if differences else 'equal'}".rstrip())
        for item in differences:
            click.echo(f"{'':>14}{item.what}: {_shown(item.a)} -> {_shown(item.b)}")
    verdict = {True: "yes", False: "no", None: "cannot be told"}[found.fair]
    click.echo(f"\nfair comparison of metrics: {verdict}")
    for reason in found.reasons:
        click.echo(f"  [{reason.code}] {reason.says}")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("label"))
    return "absent" if value is None else str(value)
