# SPDX-License-Identifier: Apache-2.0
"""Runs the command of a run again in its workspace, as a captured run, and compares what comes of it."""

from __future__ import annotations

import math
import os
import re
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from lineage import ids
from lineage.access.secret_patterns import SCRUBBED
from lineage.capture.launch import launch
from lineage.capture.probes import config
from lineage.capture.record import Asked
from lineage.errors import LineageError, NotReproducible
from lineage.model.record import Batch, Edge
from lineage.model.value import clean
from lineage.services.context import Context
from lineage.services.operate.project import Project, is_same
from lineage.services.operate.workspace import Workspace
from lineage.services.read.recipe import File, Recipe, recipe
from lineage.services.summary import listed
from lineage.services.write import authority, push
from lineage.services.write.ingest import ingest

Verdict: TypeAlias = Literal["equal", "differs", "missing", "unknown"]
#: How a run that reproduces another is informed by it.
ROLE = "reproduction-of"
#: Names that a message has.
_NAMED = 5
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*t?")
#: Variables that say where things are, or which run of a tracker this is: they stay as they are here. So do those
#: whose value is a path or an address.
_STAYS = re.compile(r"PATH|CI|VIRTUAL_ENV|(?:CONDA|PYENV|UV|MLFLOW|WANDB|DVC|HYDRA|LD|DYLD|R)_.*")
_PLACES = re.compile(r"(?:^|[:=,\s])[/~]|://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """An output or a metric of the first run, and what it is in the second."""

    what: str
    verdict: Verdict
    a: Any = None
    b: Any = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """The second run: its identifier, how it ended, and how that, its outputs and its metrics compare with the first."""

    run: str | None
    code: int | None
    signal: int | None
    ended: Compared
    outputs: tuple[Compared, ...]
    metrics: tuple[Compared, ...]

    @property
    def verdict(self) -> Verdict:
        """Whether everything that can be compared is equal; ``unknown`` where nothing can."""
        found = [one.verdict for one in (*self.outputs, *self.metrics)]
        if self.ended.verdict == "differs":
            found.append("differs")
        if not found:
            return "unknown"
        worst: tuple[Verdict, ...] = ("missing", "differs", "unknown")
        return next((one for one in worst if one in found), "equal")

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"verdict": self.verdict}


def rerun(
    ctx: Context,
    first: Recipe,
    project: Project,
    made: Workspace,
    *,
    programs: Path | None,
    own: Path | None,
    tolerance: float,
) -> Rerun:
    """Run the command, with the programs of a folder first (``None``: those that are here, ``own`` for a Python), and
    compare. The working folder and the environment of this process are those of the command meanwhile; what the
    program prints goes to stderr. Raises ``NotReproducible`` where the program cannot be found, or has changed what
    the first run wrote.
    """
    before = _marks(first, project)
    delivered: list[Path] = []
    deliver = _delivering(ctx, delivered)
    asked = Asked(
        name=f"{first.run.title} again",
        why=f"to reproduce {first.run.id}",
        inputs=[str(made.project / x) for f in first.inputs if (x := project.inside(f))],
        outputs=[str(made.project / x) for f in first.outputs if (x := project.inside(f))],
    )
    with chdir(made.start), _environment(first, programs), _printing_to_stderr(), _signals():
        words = _words(made, programs, own)
        ended = launch(
            words, asked, here=made.start, environ=os.environ, deliver=deliver, warn=_warn
        )
    changed = [name for name, mark in _marks(first, project).items() if mark != before[name]]
    if changed:
        raise NotReproducible(
            f"what the first run wrote has changed meanwhile: {listed(changed, _NAMED)}",
            where=str(made.folder),
        )
    second = ids.captured_run_id(delivered[-1].name.partition(".")[0]) if delivered else None
    found = Rerun(
        run=second,
        code=ended.code,
        signal=ended.signal,
        ended=_ended(first, ended.code),
        outputs=tuple(_outputs(first, project, made)),
        metrics=tuple(
            _metrics(first, {} if second is None else recipe(ctx, second).metrics, tolerance)
        ),
    )
    if second is not None:
        _tie(ctx, first, found)
    return found


def _delivering(ctx: Context, delivered: list[Path]) -> Callable[[Path], None]:
    """Deliver a run to this store, and note its file; where that fails it waits in its spool, which is said."""
    thread = threading.get_ident()

    def deliver(path: Path) -> None:
        if threading.get_ident() != thread:
            return  # what is known of a long run while it goes on: the store is ours alone
        try:
            push.deliver(partial(push.taken, ctx), path)
        except (LineageError, OSError) as error:
            _warn(
                f"the run waits in {path.parent} ({error}): 'lineage push {path.parent}' delivers it"
            )
        else:
            delivered.append(path)

    return deliver


def _words(made: Workspace, programs: Path | None, own: Path | None) -> tuple[str, ...]:
    """The words as they are run: a program that lies in the environment is taken from there, and where none was made a
    Python is the one that was compared with the recorded one.
    """
    assert made.argv is not None
    program, *rest = made.argv
    name = Path(program).name
    is_python = _PYTHON.fullmatch(name) is not None
    if programs is not None and is_python:
        return (str(programs / "python"), *rest)
    if programs is not None and "/" in program and (programs / name).is_file():
        return (str(programs / name), *rest)
    if is_python and own is not None:
        return (str(own), *rest)
    path = shutil.which(program)
    if path is None:
        raise NotReproducible(
            f"there is no program {program} here", hint="Install it, then try again."
        )
    return (path if "/" not in program else program, *rest)


def variables(first: Recipe) -> dict[str, str | None]:
    """The variables that change what a program computes and are others here than they were: as they were, ``None``
    where there was none. Those that say where things are stay as they are here.
    """
    said = {name: str(value) for name, value in first.variables.items()}
    now: Mapping[str, str] = os.environ
    names = {*said, *filter(config.is_shown, now)} if said else set()
    return {
        name: said.get(name)
        for name in sorted(names)
        if not _STAYS.fullmatch(name)
        and said.get(name) != now.get(name)
        and not _PLACES.search(said.get(name) or now.get(name, ""))
        and SCRUBBED not in (said.get(name) or "")
    }


@contextmanager
def _environment(first: Recipe, programs: Path | None) -> Iterator[None]:
    """Set the variables of this process, and set them back: what is started looks for programs by them."""
    held = dict(os.environ)
    told = {**held, **variables(first)}
    if programs is not None:
        told["PATH"] = f"{programs}{os.pathsep}{held.get('PATH', os.defpath)}"
        told["VIRTUAL_ENV"] = str(programs.parent)
    _set({name: value for name, value in told.items() if value is not None})
    try:
        yield
    finally:
        _set(held)


def _set(variables: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)


@contextmanager
def _signals() -> Iterator[None]:
    """Launching blocks the signals that it hands on, for a process that ends with its program: this one goes on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _printing_to_stderr() -> Iterator[None]:
    """What is started meanwhile prints to stderr: on stdout there is our report alone."""
    sys.stdout.flush()
    held = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(held, 1)
        os.close(held)


def _warn(text: str) -> None:
    sys.stderr.write(f"lineage: {text}\n")


def _marks(first: Recipe, project: Project) -> Mapping[str, tuple[int, ...] | None]:
    """By what it is seen whether somebody writes to the outputs of the first run, where they lie."""
    found: dict[str, tuple[int, ...] | None] = {}
    for file in (one for output in first.outputs for one in output.leaves):
        path = project.path_of(file)
        try:
            about = None if path is None else path.stat()
        except OSError:
            about = None
        found[file.path] = about and (
            about.st_ino,
            about.st_size,
            about.st_mtime_ns,
            about.st_ctime_ns,
        )
    return found


# --- comparing ------------------------------------------------------------------------------------


def _ended(first: Recipe, code: int | None) -> Compared:
    was = first.run.attributes.get("exit_code")
    verdict: Verdict = "unknown" if was is None else "equal" if was == code else "differs"
    return Compared(what="exit code", verdict=verdict, a=was, b=code)


def _outputs(first: Recipe, project: Project, made: Workspace) -> Iterator[Compared]:
    for file in (one for output in first.outputs for one in output.leaves):
        inner = project.inside(file)
        path = made.project / (inner or file.path)
        yield Compared(what=inner or file.path, verdict=_verdict(path, file))


def _verdict(path: Path, file: File) -> Verdict:
    if not os.path.lexists(path):
        return "missing"
    if not file.digests:
        return "unknown"
    return "equal" if is_same(path, file) else "differs"


def _metrics(first: Recipe, second: Mapping[str, Any], tolerance: float) -> Iterator[Compared]:
    for name, a in sorted(first.metrics.items()):
        b = second.get(name)
        yield Compared(what=name, verdict=_near(a, b, tolerance), a=a, b=b)


def _near(a: Any, b: Any, tolerance: float) -> Verdict:
    if b is None:
        return "missing"
    if isinstance(a, int | float) and isinstance(b, int | float):
        return "equal" if math.isclose(a, b, rel_tol=tolerance, abs_tol=0.0) else "differs"
    return "equal" if a == b else "differs"


def _tie(ctx: Context, first: Recipe, found: Rerun) -> None:
    """Record that the second run reproduces the first, and how it came out."""
    of = {
        verdict: [one.what for one in found.outputs if one.verdict == verdict]
        for verdict in ("equal", "differs", "missing")
    }
    assert found.run is not None
    edge = Edge(
        relation="wasInformedBy",
        effect=found.run,
        cause=first.run.id,
        attributes=clean({"prov:role": ROLE, "verdict": found.verdict, **of}),
    )
    source = authority.source(ctx, "reproduce", found.run.rpartition("/")[2])
    ingest(ctx, Batch(edges=(edge,)), source=source, importer="reproduce")
