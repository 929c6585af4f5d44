# SPDX-License-Identifier: Apache-2.0
"""One reader's session: the commands, programs and queries of a page in one folder, one after the other."""

from __future__ import annotations

import contextlib
import doctest
import io
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path
from unittest import mock

import orjson
import pytest

import lineage
from lineage.cli import main
from tests.graphql_schema.conftest import asked

PROGRAMS = Path(sys.executable).parent
SERVED = "http://127.0.0.1:8000"
#: How what a command prints begins where its exit code is not 0; a page that shows none of them shows
#: a command that succeeds.
FAILURES = ("error[", "tampered", "too new", "not valid")


class Session:
    """A folder, a shell whose folder and exported variables stay, and the names of Python."""

    def __init__(self, folder, home):
        self.folder, self.left = folder, home / "left"
        home.mkdir(parents=True, exist_ok=True)
        apart = ("LINEAGE_", "GIT_", "PYTHON")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(apart)}
        self.environment = kept | {
            "HOME": str(home),
            "PATH": f"{PROGRAMS}:{kept['PATH']}",
            "GIT_CONFIG_NOSYSTEM": "1",
            "COLUMNS": "120",
        }
        self.names = {}
        self.answer = None
        self.server, self.address = None, SERVED

    def close(self):
        """End the server that the page started."""
        if self.server is not None:
            self.server.terminate()
            self.server.communicate(timeout=60)

    def run(self, block):
        """Do what a block says, and compare what it prints with what it shows."""
        if block.title is not None:
            place = self.folder / block.title
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(block.text, "utf-8")
            return
        getattr(self, f"run_{block.language}")(block)

    def run_console(self, block):
        """Commands after ``$``, each with the lines that it prints below it."""
        for command, printed in commands(block.text):
            if command.startswith("lineage serve"):
                self.serve(command, printed, block)
                continue
            run = self.inside if alone(command) else self.shell
            rc, told = run(command.replace(SERVED, self.address))
            told = told.replace(self.address, SERVED)
            if printed:
                assert matches(printed, told), f"{block}: {command}\n{told}"
            if not any(line.startswith(FAILURES) for line in printed):
                assert rc == 0, f"{block}: {command}\n{told}"

    @contextlib.contextmanager
    def here(self):
        """This process as the session has it: folder, environment, warnings as users have them."""
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, self.environment, clear=True),
            warnings.catch_warnings(action="ignore"),
        ):
            yield

    def inside(self, command):
        """Run ``lineage`` in this process: its exit code and what it printed on both streams. Starting
        it anew for each sample would take most of the time of these tests.
        """
        printed = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
        with (
            self.here(),
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
            pytest.raises(SystemExit) as ended,
        ):
            main(shlex.split(command, comments=True)[1:])
        return ended.value.code or 0, printed.buffer.getvalue().decode()

    def shell(self, command):
        """Run a command: its exit code and what it printed on both streams."""
        done = subprocess.run(
            ["bash", "-c", f'{command}\nrc=$?; {{ pwd; env -0; }} > "{self.left}"; exit $rc'],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        folder, _, variables = self.left.read_text("utf-8").partition("\n")
        self.folder = Path(folder)
        pairs = (line.split("=", 1) for line in variables.split("\0") if line)
        self.environment = {k: v for k, v in pairs if k not in {"PWD", "OLDPWD", "SHLVL", "_"}}
        return done.returncode, done.stdout

    def serve(self, command, printed, block):
        """Start the server of the page on a free port, as a second terminal would."""
        self.close()
        self.server = subprocess.Popen(
            [*shlex.split(command), "--port", "0"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        told = "".join(itertools.islice(self.server.stdout, len(printed)))
        self.address = re.search(r"http://127\.0\.0\.1:\d+", told)[0]
        told = told.replace(self.address, SERVED)
        assert matches(printed, told), f"{block}: {command}\n{told}"

    def run_pycon(self, block):
        """What is typed at Python's prompt; names live as long as the session."""
        parsed = doctest.DocTestParser().get_doctest(
            block.text, self.names, str(block), None, block.line
        )
        report = []
        runner = doctest.DocTestRunner(verbose=False)
        with self.here():
            runner.run(parsed, out=report.append, clear_globs=False)
        self.names = parsed.globs
        assert runner.summarize(verbose=False).failed == 0, "".join(report)

    def run_python(self, block):
        """A program."""
        done = subprocess.run(
            [sys.executable, "-c", block.text],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"

    def run_graphql(self, block):
        """A query, asked of the store of the folder."""
        with lineage.open(self.folder / ".lineage" / "store.db") as store:
            told = orjson.loads(asked(store, block.text))
        assert told["errors"] == [], f"{block}\n{told['errors']}"
        self.answer = told["data"]

    def run_json(self, block):
        """The answer to the query before it."""
        assert self.answer is not None, f"{block}: no query stands before it"
        assert self.answer == json.loads(block.text), str(block)
        self.answer = None

    def run_selection(self, block):
        """Selections, one a line, each with what is said of it after some spaces."""
        with lineage.open(self.folder / ".lineage" / "store.db") as store:
            for line in block.text.splitlines():
                query = re.split(r" {3,}", line)[0]
                assert store.ask(query).certificate.complete, f"{block}: {query}"


def alone(command):
    """Whether a command is ``lineage`` with its words, and nothing that needs a shell."""
    bare = re.sub(r"'[^']*'|\"[^\"$`]*\"|#.*", "", command)
    # Those that run a program end as it does, signals and all.
    return (
        command.startswith("lineage ")
        and not command.startswith("lineage run")
        and not re.search(r"[|<>&;$`*]", bare)
    )


def commands(text):
    """The commands of a block, each with the lines printed below it. A command goes on in lines that
    begin with ``>``.
    """
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.startswith("> "):
            command, printed = found.pop()
            assert not printed
            found.append((f"{command}\n{line[2:]}", printed))
        elif line.strip() or (found and found[-1][1]):
            found[-1][1].append(line)
    for _, printed in found:
        while printed and not printed[-1].strip():
            printed.pop()
    return found


def matches(lines, told):
    """Whether what was told is what the page shows: ``…`` stands for anything in a line, and alone for
    lines.
    """
    wanted = []
    for line in lines:
        if line.strip() == "…":
            wanted.append(r"(?:.*\n)*")
        else:
            parts = (re.escape(part) for part in line.rstrip().split("…"))
            wanted.append(".*".join(parts) + r"[ \t]*\n")
    return re.fullmatch("".join(wanted), told.rstrip("\n") + "\n") is not None
