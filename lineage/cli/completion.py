# SPDX-License-Identifier: Apache-2.0
"""lineage completion: the completion script of a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from lineage.cli import terminal


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def COMMAND(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Example:
      lineage completion bash >> ~/.bashrc
    """
    from lineage.cli import cli

    completion = get_completion_class(shell)
    if completion is not None:
        script = completion(cli, {}, "lineage", "_LINEAGE_COMPLETE").source()
        terminal.echo(script, several_lines=True)
