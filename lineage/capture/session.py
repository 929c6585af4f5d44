# SPDX-License-Identifier: Apache-2.0
"""A run recorded from inside: ``with lineage.run(...) as run``, and the steps in it.

One run is one file, whichever processes are part of it. Who opens a run inside another, in the same process, has a
step of it; in a process that a run has started (``LINEAGE_RUN_FILE``), the run itself, whose end is for the process
that began it to say. After a fork the child goes on as such a process.
"""

from __future__ import annotations

import atexit
import math
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from lineage.access.secret_patterns import scrub, scrub_value
from lineage.capture import observe
from lineage.capture.exiting import LONGEST, NOT_TOLD, Exit, of_error
from lineage.capture.found import Budget, Json
from lineage.capture.inotify import Folders, Seen
from lineage.capture.probes import files, profiles
from lineage.capture.probes.before import Probes
from lineage.capture.ranks import is_last, outcome, shared_run
from lineage.capture.record import Asked, Probe, Record, working_folder
from lineage.capture.variables import is_disabled, step_around

#: Seconds after which what was noted meanwhile is written, at the next note.
_SOON = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is done when a run is over: ``after`` are the probes of then, ``folders`` what was watched meanwhile,
    ``deliver`` hands it on. ``shared`` says that other processes have begun it as well: the last one ends it. The
    files ``aside`` are opened by others, such as a notebook by the server of its kernel. ``leaving`` tells how the
    program ends, where that may end the run.
    """

    deliver: Callable[[Path], None]
    after: Callable[[], Sequence[Probe]] = tuple
    folders: Folders | None = None
    shared: bool = False
    aside: Collection[str] = ()
    leaving: Exit | None = None


class Handle:
    """What a program says of its run. Nothing that it is told is read back, and no call of it raises for what cannot
    be recorded: that is one warning.
    """

    #: The runs and steps that are open in this process, the innermost last.
    open: ClassVar[list[Handle]] = []
    #: The numbers of steps in this process: it may join its run several times.
    _numbers: ClassVar[Iterator[int]] = count(1)
    #: The run that this process has joined.
    joined: ClassVar[str | None] = None

    def __init__(
        self,
        record: Record,
        here: Path,
        *,
        step: str | None = None,
        ending: Ending | None = None,
        joined: bool = False,
    ) -> None:
        self._record, self._here = record, here
        #: What is done when the run is over; nothing, where that is for another process to say.
        self._ending = ending
        self._step, self._owner = step, not joined and (ending is not None or step is not None)
        self._pid = os.getpid()
        self._noted: dict[str, Any] = {}
        self._written = self._began = time.monotonic()
        self._steps = 0
        #: What the environment had of it: nothing, unless it was set for a run that is no more.
        own = record.environ(os.environ)
        self._before = {name: value for name, value in os.environ.items() if name in own}
        self._ended = False
        Handle.open.append(self)

    def disown(self) -> None:
        """Leave its end, and what was noted so far, to the process that this one was forked from."""
        self._owner, self._noted = False, {}

    # --- what it is told ---

    def param(self, name: str, value: Any) -> None:
        """A parameter: a number, a text, a boolean or ``None``; anything else by its ``repr``. Where a name
        is given several values, all of them are kept.
        """
        self.params({name: value})

    def params(self, values: Mapping[str, Any]) -> None:
        """Several parameters."""
        with self._record.telling():
            told = [[str(name), _plain(str(name), value)] for name, value in values.items()]
            self._note("params", told)

    def metric(self, name: str, value: float, step: int | None = None) -> None:
        """A number that the run found; of each name the last one is the run's."""
        with self._record.telling():
            self._note("metrics", {str(name): {"value": _number(value), "step": step}})

    def input(self, path: str | os.PathLike[str], *, role: str | None = None) -> str:
        """A file, folder or address that is read, as it is now; gives it back as text. ``role`` says what it is
        to the run, such as ``train``.
        """
        return self._file("inputs", path, {"role": role} if role else {})

    def output(self, path: str | os.PathLike[str], *, model: str | None = None) -> str:
        """A file or folder that was written, as it is now; gives it back as text. ``model`` is the name of a model
        of which this is a version.
        """
        return self._file("outputs", path, {"model": model} if model else {})

    def model(self, name: str, path: str | os.PathLike[str]) -> str:
        """A model that was written: its name, and its file or folder."""
        return self.output(path, model=name)

    def because(self, text: str) -> None:
        """Why it is done so."""
        with self._record.telling():
            self._note("because", [scrub(str(text))])

    def facts(
        self, what: str, said: Mapping[str, Json], unseen: Mapping[str, str] | None = None
    ) -> None:
        """What a tool knows of what it runs, such as a kernel of its notebook: attributes ``<what>.<name>``, and
        what it could not see, with the reason. They are written at once: what is executed next may kill it.
        """
        with self._record.telling():
            self._note("facts", [{what: {**said}}])
            if unseen:
                self._note("unseen", dict(unseen))
            self._write()

    def pause(self) -> None:
        """Take what is opened in the project from now on for somebody else's: nothing of the run is executed."""
        if self._ending is not None and self._ending.folders is not None:
            with self._record.telling():
                self._ending.folders.pause()

    def resume(self) -> None:
        """Take what is opened in the project from now on for the run's again."""
        if self._ending is not None and self._ending.folders is not None:
            with self._record.telling():
                self._ending.folders.resume()

    def _file(
        self, role: str, path: str | os.PathLike[str], more: Mapping[str, Json] | None = None
    ) -> str:
        text = os.fspath(path)
        if self._record.path is None:
            return text
        with self._record.telling():
            found = files.probe([text], self._here, Budget(60))
            told = [{**file, **(more or {})} for file in found.facts["files"]]  # type: ignore[dict-item,union-attr]
            self._note(role, told)
            if found.unseen:
                self._note("unseen", dict(found.unseen))
        return text

    def _note(self, what: str, said: dict[str, Any] | list[Any]) -> None:
        if isinstance(said, dict):
            self._noted.setdefault(what, {}).update(said)
        else:
            self._noted.setdefault(what, []).extend(said)
        if time.monotonic() - self._written > _SOON:
            self._write()

    def _write(self, *, durable: bool = False) -> None:
        """Add what was noted to the file."""
        self._written = time.monotonic()
        if self._noted:
            noted, self._noted = self._noted, {}
            self._record.note({"step": self._step, "pid": os.getpid(), **noted}, durable=durable)
        folders = None if self._ending is None else self._ending.folders
        # What a forked process takes out of the queue its parent lacks.
        if folders is not None and self._owner and os.getpid() == self._pid:
            with self._record.telling():
                folders.look()

    # --- its end ---

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end(error)

    def end(
        self, error: BaseException | None = None, *, code: int = 0, at: str | None = None
    ) -> None:
        """Say that it is over; ``error`` is what ended it, where something did (``at`` which place, where that is
        not the line of a file), and ``code`` the exit code otherwise. A second time says nothing.
        """
        self._over({"code": code} if error is None else of_error(error, at))

    def end_with_program(self) -> None:
        """Say that it is over as the program is, and how that ended, where it can be told. After ``end`` it says
        nothing.
        """
        if self._ended:
            return
        leaving = None if self._ending is None else self._ending.leaving
        if leaving is None:
            self.end(getattr(sys, "last_value", None))
            return
        with leaving.interrupted_as_before():
            how = leaving.how()
            if how is None:
                self._note("unseen", {"exit code": NOT_TOLD})
            self._over(how or {"code": None})

    def _over(self, how: Mapping[str, Json]) -> None:
        if self._ended:
            return
        self._ended = True
        if self in Handle.open:
            Handle.open.remove(self)
        self._write(durable=self._step is None)
        if not self._owner or os.getpid() != self._pid:
            return
        told = {"step": self._step, "seconds": time.monotonic() - self._began, **how}
        if self._step is not None:
            self._record.end(told, ())
            return
        observe.stop()
        assert self._ending is not None
        if self._ending.leaving is not None:
            self._ending.leaving.stop()
        if self._ending.shared:
            self._record.leave(told)
            events = self._record.events("started", "joined", "left")
            if is_last(events):
                self._finish({**told, **outcome(events)}, self._ending)
        else:
            self._finish(told, self._ending)
        for name in self._record.environ(os.environ):
            os.environ.pop(name, None)
        os.environ.update(self._before)

    def _finish(self, told: Mapping[str, Json], ending: Ending) -> None:
        """Say how the run itself ended, with what was seen of its files, and deliver it."""
        with self._record.telling():
            seen = Seen() if ending.folders is None else ending.folders.stop()
            self._record.note_observed(observe.observed(self._record, seen, ending.aside))
        self._record.end(told, [*ending.after(), profiles.after(self._record)])
        if self._record.path is not None:
            ending.deliver(self._record.path)

    def step(self, name: str | None = None, *, because: str | None = None) -> Handle:
        """A step inside of it, to be used in ``with``: a run of its own behind this one."""
        # Of a step that was launched, several processes may have steps.
        if self._step and self._owner:
            self._steps += 1
            number = f"{self._step}.{self._steps}"
        else:
            number = f"{os.getpid()}-{next(Handle._numbers)}"
        self._record.begin_step(number, self._step, name)
        found = Handle(self._record, self._here, step=number)
        if because is not None:
            found.because(because)
        return found


def begin(
    asked: Asked,
    *,
    deliver: Callable[[Path], None],
    warn: Callable[[str], None],
    apart: bool = False,
    observing: bool = True,
) -> Handle:
    """Open a run, a step of the one that is open, or the one that started this process. ``apart`` opens a step
    of the latter instead, and so does a worker of a pool for each of its tasks, and whoever has joined it before. Without ``observing`` nobody looks which files are opened.
    """
    here = working_folder()
    if Handle.open:
        found = Handle.open[-1].step(asked.name)
    elif joined := Record.around(warn):
        apart |= is_worker() or Handle.joined == joined.run
        Handle.joined = joined.run
        found = Handle(joined, here, step=step_around(joined.run), joined=True)
        with joined.telling():
            joined.join(os.environ)
            if observing:
                observe.start(joined)
        if apart:
            found = found.step(asked.name)
    elif is_disabled():
        found = Handle(Record(warn), here)
    else:
        found = _opened(asked, here, deliver, warn, observing=observing)
    if asked.params:
        found.params(asked.params)
    if asked.why is not None:
        found.because(asked.why)
    for path in asked.inputs:
        found.input(path)
    if asked.notebook is not None:
        found.input(asked.notebook, role="notebook")
    return found


def is_worker() -> bool:
    """Whether this process carries out tasks of another one's, as ``multiprocessing`` and joblib start them; not while
    it is prepared for that, when the lines of the program itself are executed again.
    """
    module = sys.modules.get("multiprocessing.process")
    return module is not None and module.parent_process() is not None


def _opened(
    asked: Asked,
    here: Path,
    deliver: Callable[[Path], None],
    warn: Callable[[str], None],
    *,
    observing: bool,
) -> Handle:
    """A run that this process begins, or one of several that begin it together."""
    together = shared_run(os.environ)
    record = Record.new(here, warn, together)
    probes = Probes.of_this_process(is_tool=asked.is_tool, notebook=asked.notebook)
    folders = None
    after: Callable[[], Sequence[Probe]] = tuple
    if not (together and record.is_begun):
        words = sys.orig_argv if asked.is_repeatable else ()
        record.begin(replace(asked, params=None), words, here, probes.before())
        after = probes.after
    if together:
        record.join(os.environ)
    with record.telling():
        folders = observe.folders(record, [probes.project()]) if observing else None
    ending = Ending(
        deliver=deliver,
        after=after,
        folders=folders,
        shared=together is not None,
        aside=() if asked.notebook is None else {str(asked.notebook)},
        leaving=None if asked.is_tool else Exit(),
    )
    found = Handle(record, here, ending=ending)
    os.environ.update(record.environ(os.environ))
    with record.telling():
        if record.path is not None and observing:
            observe.start(record)
    atexit.register(found.end_with_program)
    return found


def _after_fork() -> None:
    """In a child: what is open here is the parent's to end, and what the parent noted is its own."""
    for handle in Handle.open:
        handle.disown()


os.register_at_fork(after_in_child=_after_fork)


def _plain(name: str, value: Any) -> Json:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _number(value)
    return scrub_value(name, str(value) if isinstance(value, str) else repr(value))[:LONGEST]


def _number(value: float) -> Json:
    """A number as JSON has it; those that it has not by their names."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return str(value)[:LONGEST]
    if not math.isfinite(found):
        return str(found)
    return int(found) if found.is_integer() and isinstance(value, int) else found
