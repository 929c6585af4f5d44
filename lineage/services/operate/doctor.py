# SPDX-License-Identifier: Apache-2.0
"""Checks this machine and a store, with advice."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from typing import Any

from lineage.access.tokens import Role
from lineage.errors import LineageError
from lineage.model.findings import Finding, Severity
from lineage.model.vocabulary import KEPT, Vocabulary, too_new
from lineage.services.context import Context
from lineage.services.request import Request
from lineage.services.summary import counted
from lineage.store.base import NOW, Store
from lineage.store.paging import values_under

#: From this version on SQLite no longer corrupts a database by a WAL reset at a bad moment.
SOUND_SQLITE = (3, 51, 3)


def examine(opened: Callable[[], AbstractContextManager[Any]]) -> list[Finding]:
    """What is found of Python, SQLite, git, the optional parts, and the store that ``opened`` opens:
    a note each where all is well, with a hint where more is possible.
    """
    return [*_machine(), *_store(opened)]


@dataclass(frozen=True, slots=True)
class DoctorRequest(Request[tuple[Finding, ...]], demands=Role.admin, examples=("doctor",)):
    """Whether Python, SQLite, git, the optional parts and the store are as they should be."""

    def answer(self, ctx: Context) -> tuple[Finding, ...]:
        """See ``Request.answer``."""
        return (*_machine(), *_opened(ctx.store))


def _finding(
    code: str, subject: str, message: str, hint: str = "", *, severity: Severity = "note"
) -> Finding:
    return Finding(
        code=code,
        severity=severity,
        subject=subject,
        message=message,
        responsible="operator",
        hint=hint,
    )


def _machine() -> list[Finding]:
    return [_python(), _sqlite(), _git(), _neo4j()]


def _python() -> Finding:
    return _finding("python", "Python", ".".join(map(str, sys.version_info[:3])))


def _sqlite() -> Finding:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= SOUND_SQLITE:
        return _finding("sqlite", "SQLite", version)
    hint = (
        "versions before 3.51.3 can lose a WAL file's reset when several processes checkpoint at "
        "once; 'lineage verify' would tell, a newer Python brings a newer SQLite"
    )
    return _finding("sqlite-old", "SQLite", version, hint, severity="warning")


def _git() -> Finding:
    program = shutil.which("git")
    if program is None:
        hint = "install git to import repositories and DVC history"
        return _finding("git-missing", "git", "not found", hint, severity="warning")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return _finding("git", "git", done.stdout.strip().removeprefix("git version "))


def _neo4j() -> Finding:
    if find_spec("neo4j") is None:
        hint = 'only needed for neo4j:// stores: pip install "lineagedb[neo4j]"'
        return _finding("neo4j-driver-missing", "Neo4j driver", "not installed", hint)
    from importlib.metadata import version

    return _finding("neo4j-driver", "Neo4j driver", version("neo4j"))


def _store(opened: Callable[[], AbstractContextManager[Any]]) -> list[Finding]:
    try:
        with opened() as held:
            return _opened(held.store)
    except LineageError as error:
        return [_finding(error.code, "store", str(error), error.hint, severity="error")]


def _opened(store: Store) -> list[Finding]:
    stats = store.stats(NOW)
    faults = list(islice(store.integrity_faults(), 3))
    unknown = Vocabulary.of_values(dict(values_under(store, KEPT))).unknown
    size = f"{counted(stats.nodes, 'thing')}, {counted(stats.edges, 'link')}"
    told = f"{store.caps.name}, {size}, {stats.entries} entries"
    found = [_finding("store", "store", told)]
    if unknown:
        newer = too_new(unknown)
        found.append(_finding(newer.code, "vocabulary", newer.what, newer.hint, severity="warning"))
    if faults:
        hint = "run 'lineage verify' for the whole list, then 'lineage rebuild'"
        found.append(
            _finding("storage-damaged", "storage", "; ".join(faults), hint, severity="error")
        )
    return found
