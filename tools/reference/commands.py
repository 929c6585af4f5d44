# SPDX-License-Identifier: Apache-2.0
"""docs/reference/commands.md: the help of every command, out of ``lineage.cli``."""

from __future__ import annotations

from collections.abc import Iterator

import click

from lineage.cli import VERBS, cli
from tools.reference.markdown import HEAD, table

#: Columns of the help texts.
_WIDE = 100
_ABOUT = """\
# Commands

What `--help` says, command by command. The options of `lineage` itself stand before the command: `lineage --store FILE trace ...`. With `--json`
a command answers in JSON ([answers.md](answers.md)). Settings are on [their own page](settings.md), errors and exit codes on [theirs](errors.md).
"""


def page() -> str:
    """The page as Markdown."""
    rows = [
        (f"[`lineage {name}`](#{_anchor(('lineage', name))})", says) for name, says in VERBS.items()
    ]
    sections = map(_section, every())
    return "\n".join([HEAD, _ABOUT, table(("command", "what it does"), rows), *sections])


def every() -> Iterator[click.Context]:
    """Every command and subcommand, each behind the one that it belongs to."""
    yield from _below(_context(cli, None, "lineage"))


def words(ctx: click.Context) -> tuple[str, ...]:
    """What is typed to call a command: lineage, token, add."""
    return tuple(ctx.command_path.split())


def link(ctx: click.Context) -> str:
    """A link to the section of a command."""
    return f"[`{ctx.command_path}`](commands.md#{_anchor(words(ctx))})"


def _below(ctx: click.Context) -> Iterator[click.Context]:
    yield ctx
    if isinstance(ctx.command, click.Group):
        for name in ctx.command.list_commands(ctx):
            command = ctx.command.get_command(ctx, name)
            if command is not None:
                yield from _below(_context(command, ctx, name))


def _context(command: click.Command, above: click.Context | None, name: str) -> click.Context:
    return click.Context(
        command,
        parent=above,
        info_name=name,
        terminal_width=_WIDE,
        max_content_width=_WIDE,
        **command.context_settings,
    )


def _anchor(path: tuple[str, ...]) -> str:
    return "-".join(path)


def _section(ctx: click.Context) -> str:
    lines = (line.rstrip() for line in ctx.get_help().splitlines())
    return f"## {ctx.command_path}\n\n```\n" + "\n".join(lines) + "\n```\n"
