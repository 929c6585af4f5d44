# SPDX-License-Identifier: Apache-2.0
"""What is right and wrong with this machine and a store, with advice."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from itertools import islice
from typing import Any, Literal

from lineage.access.tokens import Role
from lineage.errors import LineageError
from lineage.model.vocabulary import KEPT, Vocabulary, too_new
from lineage.services.context import Context
from lineage.services.request import Request
from lineage.store.base import NOW, Store, values_under

#: From this version on SQLite no longer corrupts a database by a WAL reset at a bad moment.
SOUND_SQLITE = (3, 51, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "warning", "problem"]
    found: str
    advice: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage doctor``."""
        return asdict(self)


def examine(opened: Callable[[], AbstractContextManager[Any]]) -> list[Check]:
    """Python, SQLite, git, the optional parts, then the store."""
    return [_python(), _sqlite(), _git(), _neo4j(), *_store(opened)]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check(what="Python", state="ok", found=version)


def _sqlite() -> Check:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= SOUND_SQLITE:
        return Check(what="SQLite", state="ok", found=version)
    advice = (
        "versions before 3.51.3 can lose a WAL file's reset when several processes checkpoint at "
        "once; 'lineage verify' would tell, a newer Python brings a newer SQLite"
    )
    return Check(what="SQLite", state="warning", found=version, advice=advice)


def _git() -> Check:
    program = shutil.which("git")
    if program is None:
        advice = "install git to import repositories and DVC history"
        return Check(what="git", state="warning", found="not found", advice=advice)
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return Check(what="git", state="ok", found=done.stdout.strip().removeprefix("git version "))


def _neo4j() -> Check:
    if find_spec("neo4j") is None:
        advice = 'only needed for neo4j:// stores: pip install "lineagedb[neo4j]"'
        return Check(what="Neo4j driver", state="ok", found="not installed", advice=advice)
    from importlib.metadata import version

    return Check(what="Neo4j driver", state="ok", found=version("neo4j"))


@dataclass(frozen=True, slots=True)
class DoctorRequest(Request[tuple[Check, ...]], demands=Role.admin, examples=("doctor",)):
    """Whether Python, SQLite, git, the optional parts and the store are as they should be."""

    def answer(self, ctx: Context) -> tuple[Check, ...]:
        """See ``Request.answer``."""
        return (_python(), _sqlite(), _git(), _neo4j(), *_checks(ctx.store))


def _store(opened: Callable[[], AbstractContextManager[Any]]) -> list[Check]:
    try:
        with opened() as held:
            return _checks(held.store)
    except LineageError as error:
        found = f"{error} [{error.code}]"
        return [Check(what="store", state="problem", found=found, advice=error.hint)]


def _checks(store: Store) -> list[Check]:
    stats = store.stats(NOW)
    faults = list(islice(store.integrity_faults(), 3))
    unknown = Vocabulary.of_values(dict(values_under(store, KEPT))).unknown
    found = f"{store.caps.name}, {stats.nodes} nodes, {stats.edges} edges, {stats.entries} entries"
    checks = [Check(what="store", state="ok", found=found)]
    if unknown:
        newer = too_new(unknown)
        checks.append(
            Check(what="vocabulary", state="warning", found=newer.what, advice=newer.hint)
        )
    if faults:
        advice = "run 'lineage verify' for the whole list, then 'lineage rebuild'"
        checks.append(
            Check(what="storage", state="problem", found="; ".join(faults), advice=advice)
        )
    return checks
