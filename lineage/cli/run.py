# SPDX-License-Identifier: Apache-2.0
"""lineage run: run a program and record it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

from lineage.capture.record import working_folder
from lineage.capture.variables import is_disabled
from lineage.cli import terminal
from lineage.errors import NotRecorded, Usage


@click.command(
    "run",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND ARG...")
@click.option("--name", metavar="NAME", help="What to call the run.")
@click.option(
    "--id", "attempt_of", metavar="ID", help="What it is one of several attempts at, such as a job."
)
@click.option("--why", metavar="TEXT", help="Why it is done.")
@click.option("--decision", metavar="REF", help="The decision that it follows.")
@click.option(
    "--in", "inputs", multiple=True, metavar="PATH|URI", help="What it reads; patterns too."
)
@click.option(
    "--out", "outputs", multiple=True, metavar="PATH", help="What it writes; patterns too."
)
@click.option("--param", "params", multiple=True, metavar="KEY=VALUE", help="A parameter of it.")
@click.option("--step", "is_step", is_flag=True, help="A step of the run that it is called in.")
@click.option("--strace", is_flag=True, help="See each file that is opened, by strace; slower.")
@click.option("--strict", is_flag=True, help="Where it cannot be recorded, do not run it.")
@click.pass_context
def COMMAND(
    ctx: click.Context,
    /,
    words: tuple[str, ...],
    params: tuple[str, ...],
    *,
    strace: bool,
    strict: bool,
    **asked: object,
) -> None:
    """Run a program and record it: who, when, the exact source, environment, machine, inputs and outputs.

    The program has the same terminal, descriptors and signals as without, and this command ends with its
    exit code. What cannot be recorded is a warning. The record is written to .lineage/spool first, then
    delivered to the store; 'lineage push' delivers what could not be. LINEAGE_DISABLED=1 runs the program alone.
    A lesson that may matter to it is one line on stderr when it is delivered: after two seconds, else at its end.
    With --step, inside of a run, it is a step of that: a run behind it with inputs and outputs of its own. Where
    no run goes on, it is one.

    \b
    Example:
      lineage run --in data/train.csv --out model.bin -- python train.py --lr 0.1
      lineage run --name baseline --why "the numbers of May" -- make train
      lineage run --step --name clean --in raw.csv --out clean.csv -- ./clean.sh
    """
    if is_disabled():
        _alone(words)
    from lineage.capture.launch import launch
    from lineage.capture.program import end_like
    from lineage.capture.record import Asked
    from lineage.runs import delivering

    if asked["is_step"] and asked["attempt_of"] is not None:
        raise Usage(
            "--id is of runs, and a step is an attempt at nothing: leave one of the two out"
        )
    given = Asked(params=_params(params), **asked)  # type: ignore[arg-type]

    def warn(text: str) -> None:
        if strict:
            raise NotRecorded(text)
        say(text)

    def say(text: str) -> None:
        terminal.echo(f"lineage: {text}", err=True)

    ended = launch(
        words,
        given,
        here=working_folder(),
        environ=os.environ,
        deliver=delivering(ctx.obj["store"], warn, offer=say),
        warn=warn,
        strace=strace,
    )
    with suppress(AttributeError, OSError, ValueError):  # there may be none, or nobody who reads it
        sys.stdout.flush()
    end_like(ended)


def _alone(words: Sequence[str]) -> NoReturn:
    from lineage.capture.launch import code_of
    from lineage.capture.program import alone

    try:
        alone(words)
    except OSError as error:
        terminal.echo(f"lineage: {words[0]}: {error.strerror}", err=True)
        os._exit(code_of(error))


def _params(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise Usage(f"--param {text!r} is no KEY=VALUE")
        found[key] = value
    return found
