# SPDX-License-Identifier: Apache-2.0
"""lineage hooks: git tells which commits it rewrites."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from lineage.cli import common, terminal
from lineage.sources.git import hooks
from lineage.sources.git.hooks import Hook


@click.group("hooks")
def COMMAND() -> None:
    """Let git tell which commits it rewrites, so that runs of commits that were amended or rebased are found again.

    \b
    Example:
      lineage hooks install
    """


@click.command("install")
@common.as_json
def _install(*, as_json: bool) -> None:
    """Install the hook post-rewrite in this repository, where git looks for it (core.hooksPath too). A hook that is
    there already is kept, and runs first. After 'git commit --amend' and 'git rebase' it hands the old and the new
    commits to the store, or to the spool where there is none.

    \b
    Example:
      lineage hooks install
    """
    _tell(hooks.install(Path.cwd()), as_json=as_json)


@click.command("uninstall")
@common.as_json
def _uninstall(*, as_json: bool) -> None:
    """Take the hook away, and put back the one that was there before.

    \b
    Example:
      lineage hooks uninstall
    """
    _tell(hooks.uninstall(Path.cwd()), as_json=as_json)


@click.command("status")
@common.as_json
def _status(*, as_json: bool) -> None:
    """Whether the hook is installed, and git calls it.

    \b
    Example:
      lineage hooks status
    """
    _tell(hooks.look(Path.cwd()), as_json=as_json)


def _tell(hook: Hook, *, as_json: bool) -> None:
    if as_json:
        before = None if hook.before is None else str(hook.before)
        told = {"path": str(hook.path), "installed": hook.installed, "before": before}
        common.emit({**told, "behind": hook.behind})
    elif hook.behind:
        terminal.echo(
            f"behind another hook: {hook.path} runs ours without saying which commits were rewritten; "
            "'lineage hooks install' puts ours in front"
        )
    elif hook.installed:
        after = "" if hook.before is None else f", after {hook.before.name}, which was there"
        terminal.echo(f"installed: {hook.path}{after}")
    else:
        terminal.echo(f"not installed: {hook.path}")


@click.command("rewritten", hidden=True)
@click.argument("command")
def _rewritten(command: str) -> None:
    """What the hook calls: pairs of commits come in by stdin. It never fails.

    \b
    Example:
      echo OLD NEW | lineage hooks rewritten amend
    """
    from lineage.capture import rewrites
    from lineage.capture.variables import is_disabled
    from lineage.runs import warn

    if is_disabled():
        return
    told = sys.stdin.buffer.read(rewrites.LONGEST + 1)
    path = rewrites.record(command, told, Path.cwd(), warn)
    if path is not None:
        # The store may be far away: who amends a commit does not wait for it.
        subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-c",
                "from lineage.cli import main; main()",
                "push",
                path.parent,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


for _command in (_install, _uninstall, _status, _rewritten):
    COMMAND.add_command(_command)
