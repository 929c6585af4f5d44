# SPDX-License-Identifier: Apache-2.0
"""Writes new decision records, with what a project and its store know of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from getpass import getuser
from pathlib import Path
from typing import Any

from lineage.errors import (
    LineageError,
    Usage,
)
from lineage.query import condition as c
from lineage.services.context import Context
from lineage.services.read.decisions.rows import utc
from lineage.sources.decision_records import template
from lineage.sources.decision_records.fields import KINDS, ROLES
from lineage.sources.decision_records.record import number_of
from lineage.sources.decision_records.template import New
from lineage.sources.git import layout
from lineage.sources.git.identity import identity
from lineage.store.base import NOW, Filter, Hop
from lineage.store.paging import find_all
from lineage.store.rows import NodeRow

#: Where records are looked for in a project, the first that is there; the first is made where none is.
FOLDERS = (
    "decisions",
    "docs/decisions",
    "docs/adr",
    "doc/adr",
    "adr",
    "docs/architecture/decisions",
)
_USES = Hop(relations=frozenset({"used"}))
_DIGITS, _MOST_INPUTS = 4, 20


def folder_of(project: Path) -> Path:
    """The folder of a project in which its records lie, or will."""
    return next((project / x for x in FOLDERS if (project / x).is_dir()), project / FOLDERS[0])


def new_record(  # noqa: PLR0913 - what is known of a record, an option each
    folder: Path,
    title: str,
    *,
    author: str,
    day: date,
    kind: str | None = None,
    role: str | None = None,
    plan: Mapping[str, Any] | None = None,
    baseline: str | None = None,
    links: Mapping[str, Any] | None = None,
    lessons: Sequence[str] = (),
) -> Path:
    """Write a new record into a folder, with the number after the largest one there. Raises ``Usage`` for a kind or
    role that there is not and for a file that is there already, ``OSError``.
    """
    if not title.strip():
        raise Usage("a decision needs a title", hint="Say in a few words what is decided.")
    for value, words, what in ((kind, KINDS, "kind"), (role, ROLES, "role")):
        if value is not None and value not in words:
            raise Usage(f"{value!r} is no {what}", hint=f"There are: {', '.join(words)}.")
    folder.mkdir(parents=True, exist_ok=True)
    numbers = [found for path in folder.iterdir() if (found := number_of(path.name))]
    width = max([_DIGITS, *map(len, numbers)])
    number = max(map(int, numbers), default=0) + 1
    path = folder / f"{number:0{width}}-{template.slug(title)}.md"
    new = New(
        title=title.strip(),
        ident=template.new_id(),
        date=day.isoformat(),
        author=author,
        kind=kind,
        role=role,
        plan=plan or {},
        baseline=baseline,
        links=links or {},
        lessons=lessons,
    )
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template.written(new))
    except FileExistsError as error:
        raise Usage(
            f"{path} is there already",
            where=str(path),
            hint="Run it again: it takes the next number.",
        ) from error
    return path


def known(ctx: Context | None, here: Path) -> dict[str, Any]:
    """What is known of a record that somebody is about to write in a folder: who they are, the newest run that went
    well in the store, to be its baseline, and that run's data and parameters, to be its plan.
    """
    found: dict[str, Any] = {"author": _author(here) or (ctx.actor if ctx else getuser())}
    run = None if ctx is None else _newest_run(ctx)
    if ctx is None or run is None:
        return found
    held = run.node().attributes
    config = {k.removeprefix("param."): v for k, v in held.items() if k.startswith("param.")}
    edges = ctx.store.edges([run.id], _USES, NOW)
    inputs = ctx.store.get({edge.cause for edge in edges}, NOW).values()
    data = sorted(row.id for row in inputs if row.kind in {"DatasetVersion", "Artifact"})
    commits = sorted(row.id.rpartition(":")[2] for row in inputs if row.kind == "Commit")
    plan = {
        "inputs": data[:_MOST_INPUTS],
        "config": {k: v for k, v in sorted(config.items()) if isinstance(v, str | int | float)},
        **({"commit": commits[0]} if len(commits) == 1 else {}),
    }
    name = run.id.rpartition("/")[2]
    baseline = f"run:{name}"
    return {
        **found,
        "baseline": baseline,
        "plan": {key: value for key, value in plan.items() if value},
        "links": {"runs": [baseline]},
    }


def _author(here: Path) -> str | None:
    """The name and address under which who writes here commits."""
    root = layout.around(here)
    try:
        gitdir, common = (None, None) if root is None else layout.folders(root)
    except LineageError:
        gitdir = common = None
    said = identity(gitdir, common, os.environ)
    name, email = (None if part is None else part[0] for part in (said.name, said.email))
    return f"{name} <{email}>" if name and email else name or email


def _newest_run(ctx: Context) -> NodeRow | None:
    where = Filter(kinds=frozenset({"Run"}), also=c.Compares("status", "=", "finished"))
    newest: tuple[str, NodeRow] | None = None
    for row in find_all(ctx.store, where):
        started = str(row.node().attributes.get("started") or "")
        if newest is None or (utc(started), row.id) > (newest[0], newest[1].id):
            newest = utc(started), row
    return None if newest is None else newest[1]
