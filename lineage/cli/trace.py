# SPDX-License-Identifier: Apache-2.0
"""lineage trace: what produced this."""

from __future__ import annotations

import click

from lineage.cli.common import Option
from lineage.cli.verb import verb
from lineage.query.plan import Toward
from lineage.services.read.trace import TraceRequest, WalkAnswer

full: Option = click.option("--full", is_flag=True, help="Fold nothing.")


@verb("trace", TraceRequest)
@full
def COMMAND(answer: WalkAnswer, *, full: bool) -> None:
    """Print a tree and the groups of what is upstream."""
    tell(answer, "causes", full=full)


def tell(answer: WalkAnswer, toward: Toward, *, full: bool) -> None:
    """Print a tree and its groups; ``trace`` and ``impact`` call it with different directions."""
    from lineage.cli import render

    console = render.console()
    console.print(render.Picture(answer, toward=toward, full=full).tree(answer.start[0]))
    console.print()
    for text in render.groups(answer, full=full):
        console.print(text)
    for text in render.certificate(answer):
        console.print(text)
