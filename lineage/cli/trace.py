# SPDX-License-Identifier: Apache-2.0
"""lineage trace: what produced this."""

from __future__ import annotations

from typing import Any

import click

from lineage.cli import face
from lineage.query.plan import Toward


@click.command("trace")
@click.argument("reference")
@face.walking
@click.pass_context
def COMMAND(ctx: click.Context, /, reference: str, **options: Any) -> None:
    """What produced this: everything upstream.

    \b
    Example:
      lineage trace model:fraud@v3
      lineage trace data/train.csv --depth 3 --at 2026-05-01
    """
    walk(ctx, "causes", reference, **options)


def walk(
    ctx: click.Context, toward: Toward, reference: str, *, full: bool, as_json: bool, **options: Any
) -> None:
    """Answer with a tree and its groups, or with JSON; ``trace`` and ``impact`` differ in the way."""
    options["via"] = face.split(options["via"])
    with face.opened(ctx) as store:
        verb = store.trace if toward == "causes" else store.impact
        answer = verb(reference, **options)
    if as_json:
        face.emit(answer.to_dict())
        return
    from lineage.cli import render

    console = render.console()
    console.print(render.Picture(answer, toward=toward, full=full).tree(answer.start[0]))
    console.print()
    for text in render.groups(answer, full=full):
        console.print(text)
    console.print(render.certificate(answer))
