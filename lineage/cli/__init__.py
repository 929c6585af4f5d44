# SPDX-License-Identifier: Apache-2.0
"""The command: a table of verbs, loaded one at a time so that --help costs next to nothing."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from typing import TextIO

import click

from lineage import descriptors
from lineage.cli import terminal
from lineage.errors import Ambiguous, LineageError, Stopped, Usage
from lineage.version import __version__

#: Verb -> what it answers; each lives in the file of its name.
VERBS: dict[str, str] = {
    "init": "Find what is in this project, import it, and say what it shows.",
    "run": "Run a program and record it: source, environment, inputs, outputs, how it ended.",
    "push": "Deliver the recorded runs that wait in the spool.",
    "reproduce": "What can still be had of a run; lay it out, or run it again and compare.",
    "import": "Bring in sources: repositories, DVC, MLflow, PROV documents, partners' packages.",
    "join": "Join what several tools recorded of one file or one environment.",
    "decision": "Records of decisions: written, checked, reviewed, followed and looked back at.",
    "deploy": "Say that something was deployed somewhere, or that it failed there.",
    "retire": "Say that something deployed was taken out of use.",
    "untie": "Reject a claim that two things belong together.",
    "trace": "What produced this?",
    "impact": "What depends on this?",
    "why": "How are these two connected?",
    "ask": "Select by attributes, walks and sets.",
    "explain": "How a selection is understood and carried out.",
    "compare": "What differs between two runs or model versions?",
    "bisect": "Where did a metric change, and what changed there?",
    "environment": "The environments of a run, compared, and as a file that tools make them from.",
    "show": "One thing in full, and who says so.",
    "find": "Search labels and identifiers.",
    "export": "What is selected as a document, in any format of PROV.",
    "sparql": "Ask the PROV-O view in SPARQL.",
    "validate": "Is a document, or the store, valid PROV?",
    "convert": "A PROV document in another format.",
    "keys": "Keys that sign what leaves for partners.",
    "quarantine": "Packages of partners that wait for a steward.",
    "exchange": "Tie things of two institutions together.",
    "stats": "How much is in the store.",
    "audit": "How well the work is recorded: rules, a score, what to mend.",
    "log": "The ledger, newest first.",
    "verify": "Is everything as it was written?",
    "serve": "Answer over HTTP: GraphQL, OpenLineage, a page to ask from.",
    "token": "Tokens that open the server: add one, list them, revoke one.",
    "copy": "Move a store to another engine, and prove it is the same.",
    "backup": "The whole store in one file, while others use it.",
    "restore": "A store out of a backup.",
    "rebuild": "Draw the graph anew from the ledger.",
    "commit": "Find commits again after their history was rewritten.",
    "hooks": "Let git tell which commits it rewrites.",
    "owner": "Who answers for what; say so, or hand it over.",
    "person": "People of several tools who are one, and what people gave to decisions.",
    "config": "What is configured, and where each value came from.",
    "doctor": "Check this machine and the store.",
    "demo": "Make a small real project and ask it everything.",
    "completion": "Print the completion script of your shell.",
}


#: What a shell gives for a process that signal 13, a broken pipe, ended.
_BROKEN_PIPE = 128 + 13
#: What writing to a full disk or a broken device fails with.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG})


class Verbs(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order of the table."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the file of this name, and return its command."""
        del ctx
        if cmd_name not in VERBS:
            return None
        name = cmd_name + "_" if iskeyword(cmd_name) else cmd_name
        module = import_module(f"lineage.cli.{name}")
        command: click.Command = module.COMMAND
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list out of the table, so that nothing is imported for --help."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest commands where there is no such command."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], VERBS, n=3, cutoff=0.5)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            ctx.fail(f"there is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--store", metavar="URL", help="A file, neo4j://host, or a server: https://host.")
@click.option("--debug", is_flag=True, help="Show where an error came from.")
@click.version_option(__version__, prog_name="lineage")
@click.pass_context
def cli(ctx: click.Context, store: str | None, debug: bool) -> None:
    """What produced this, and what breaks if it goes?

    Without --store: LINEAGE_STORE, else the .lineage/store.db found upwards from here.

    \b
    Example:
      lineage init
      lineage trace model:fraud@v3
    """
    ctx.obj = {"store": store, "debug": debug}
    if not debug:
        _quiet()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and end the process with its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # The signal of a broken pipe stays ignored, as Python has it: it would end a server, or whoever
    # asks one, for what one socket does.
    try:
        code = _run(words)
        sys.stdout.flush()
        _warn(as_json="--json" in words)
    except LineageError as error:
        if "--debug" in words:
            raise
        _say(error, as_json="--json" in words)
        code = error.exit_code
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        code = error.exit_code
        if "--json" in words:
            told = Usage(error.format_message(), hint="lineage --help says what there is.")
            _say(told, as_json=True)
        else:
            error.show()
    except BrokenPipeError:
        code = _unread()
    except OSError as error:
        if "--debug" in words or error.filename is not None or error.errno not in _NO_ROOM:
            raise
        _discard(sys.stdout)
        _say(
            Usage(f"cannot write: {error.strerror}", where="stdout", hint="Make room."),
            as_json=False,
        )
        code = Usage.exit_code
    except (KeyboardInterrupt, click.Abort):
        _say(Stopped("stopped"), as_json="--json" in words)
        code = Stopped.exit_code
    _let_go()
    sys.exit(code if isinstance(code, int) else 0)


def _let_go() -> None:
    """Write out what is left for stdout; where that is refused it was said, and Python is not to try again."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _discard(sys.stdout)


def _run(words: list[str]) -> object:
    """What the command gives back. click's own ``main`` would take a broken pipe for a failure."""
    descriptors.demand(descriptors.NEEDED)
    if "_LINEAGE_COMPLETE" in os.environ:
        return cli.main(args=words, prog_name="lineage", standalone_mode=False)
    with cli.make_context("lineage", words) as ctx:
        return cli.invoke(ctx)


def _unread() -> int:
    """Whoever read our output has seen enough: end as other tools do, without a word, and with the code
    that a shell gives what a broken pipe ended.
    """
    for stream in (sys.stdout, sys.stderr):
        _discard(stream)
    return _BROKEN_PIPE


def _discard(stream: TextIO) -> None:
    """What is left for a stream goes nowhere, so that the end of the process does not fail as well."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


#: What libraries, and we, warned of while the command ran.
_warnings: list[str] = []


def _quiet() -> None:
    """What libraries log stays with them: stderr has our words alone. Warnings are said at the end,
    without the line of code that they come from; --debug shows all of it as it comes.
    """
    import logging
    import warnings

    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())
    _warnings.clear()

    def keep(message: Warning | str, *_: object, **__: object) -> None:
        _warnings.append(str(message))

    warnings.showwarning = keep


def _warn(*, as_json: bool) -> None:
    """Say what was warned of, as one object or a line each."""
    if as_json and _warnings:
        import json

        terminal.echo_json(json.dumps({"warnings": _warnings}, ensure_ascii=False), err=True)
        return
    for text in _warnings:
        terminal.echo(f"{terminal.style('warning', fg='yellow')}: {text}", err=True)


def _say(error: LineageError, *, as_json: bool) -> None:
    if as_json:
        import json

        told: dict[str, object] = {"error": error.to_dict()}
        if _warnings:
            told["warnings"] = _warnings
        terminal.echo_json(json.dumps(told, ensure_ascii=False), err=True)
        return
    _warn(as_json=False)
    listed = isinstance(error, Ambiguous)
    terminal.echo(
        f"{terminal.style('error', fg='red')}[{error.code}]: {error}",
        err=True,
        several_lines=listed,
    )
    terminal.echo(f"  {terminal.style('next', fg='cyan')}: {error.hint}", err=True)
