# SPDX-License-Identifier: Apache-2.0
"""Writes down one run as it happens, in its run file; what goes wrong with that is told, and stops nothing."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineage.access.secret_patterns import scrub, scrub_value
from lineage.capture import spool
from lineage.capture.found import Budget, Found, Json
from lineage.capture.process import boot, born
from lineage.capture.variables import FILE, RUN, step_around
from lineage.capture.words import secrets_of, without_secrets
from lineage.paths import settle
from lineage.sources import captured_runs, run_file
from lineage.version import __version__

#: Told what could not be recorded, in words.
Warn = Callable[[str], None]
#: The event that is all of a record of commits that git rewrote.
REWRITTEN = "rewritten"
#: The events after which a run, or a step of it, is over; what git rewrote is over when it is told.
_OVER = frozenset({"ended", "lost", REWRITTEN})
#: Run files that are looked at for runs that go on, the youngest ones.
_LOOKED_AT = 250
#: What launchers of several processes number them by (torchrun, and others after it).
_RANKS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
#: By which producers of OpenLineage know the run that they are part of: ``namespace/job/run``.
_PARENT = "OPENLINEAGE_PARENT_ID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody who starts a run says of it: what it is called, why it is done, the decision that it follows,
    what it reads and writes (paths, patterns, addresses), and parameters; ``attempt_of`` names what it is one of
    several attempts at. ``is_tool`` says that the command is that of a tool, such as a kernel or pytest: it is no
    source of the run, and has no parameters of it; ``is_repeatable`` that to call it again does the same again.
    ``is_step`` asks that it be a step of the run around, where there is one. ``notebook`` is the one whose cells are executed.
    """

    name: str | None = None
    attempt_of: str | None = None
    why: str | None = None
    decision: str | None = None
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    params: Mapping[str, Any] | None = None
    is_tool: bool = False
    is_repeatable: bool = True
    is_step: bool = False
    notebook: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A probe, how it is called in the record, and how many seconds it may take."""

    name: str
    look: Callable[[Budget], Found]
    seconds: float = 5.0


class Record:
    """The record of one run. ``run`` is its identifier, and ``path`` its file, both ``None`` where nothing could
    be written.
    """

    def __init__(self, warn: Warn, run: str | None = None, path: Path | None = None) -> None:
        self._warn = warn
        self.run, self.path = run, path
        #: Whether several processes begin and end it.
        self._together = False

    @classmethod
    def new(cls, here: Path, warn: Warn, run: str | None = None) -> Record:
        """The record of a new run, in the spool that is meant in a folder; of the one with the identifier ``run``,
        where several processes begin one together.
        """
        found = cls(warn)
        found._together = run is not None
        with found.telling():
            found.run, found.path = spool.new(spool.folder(here), run)
        return found

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell what goes wrong inside, and let nothing out: the run goes on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no fault of the program
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            self._warn(f"not recorded: {scrub(reason)}")

    @classmethod
    def around(cls, warn: Warn) -> Record | None:
        """The record of the run that this process is part of; ``None`` where it is part of none."""
        run, file = os.environ.get("LINEAGE_RUN"), os.environ.get("LINEAGE_RUN_FILE")
        if not run or not file or not Path(file).is_file():
            return None
        return cls(warn, run, Path(file))

    def environ(self, around: Mapping[str, str]) -> dict[str, str]:
        """What the environment of the program has besides what is ``around``. Where somebody else already said
        there what the parent of its OpenLineage runs is, that stays.
        """
        if self.run is None:
            return {}
        said, ours = {RUN: self.run, FILE: str(self.path)}, captured_runs.parent("")
        if around.get(_PARENT, ours).startswith(ours):
            said[_PARENT] = captured_runs.parent(self.run)
        return said

    @property
    def is_begun(self) -> bool:
        """Whether the run was begun already, by this process or by another one."""
        return self.path is not None and self.path.exists()

    def begin(
        self, asked: Asked, words: Sequence[str], here: Path, probes: Sequence[Probe]
    ) -> None:
        """Write what is known before the program starts."""
        with self.telling():
            facts, unseen = looked(probes)
            attempt = asked.attempt_of or os.environ.get("LINEAGE_RUN_ID") or None
            decision = asked.decision or os.environ.get("LINEAGE_DECISION") or None
            said: dict[str, Json] = {
                **_asked(asked, words, here),
                "attempt_of": None if attempt is None else scrub(attempt),
                "decision": None if decision is None else scrub(decision),
                "parent": os.environ.get("LINEAGE_RUN"),
            }
            told = {**said, "facts": facts, "unseen": unseen, **_process()}
            self._add("started", told, new=True)

    def end(self, said: Mapping[str, Json], probes: Sequence[Probe]) -> None:
        """Write how the program, or a step of it, ended."""
        facts, unseen = looked(probes)
        told = {**said, "facts": facts, "unseen": unseen}
        self._add("ended", told, durable=said.get("step") is None)

    def join(self, environ: Mapping[str, str]) -> None:
        """Write that this process is part of the run: its number, its parent's, and its rank where it has one."""
        ranks = {name.lower(): value for name, value in environ.items() if name in _RANKS}
        said: dict[str, Json] = {"host": socket.gethostname(), "ranks": dict(ranks)}
        own, parent = os.getpid(), os.getppid()
        said |= {"pid": own, "born": born(own), "parent": parent, "parent_born": born(parent)}
        self._add("joined", said)

    def leave(self, said: Mapping[str, Json]) -> None:
        """Write how this process, one of several that have the run in common, has ended."""
        self._add("left", {"pid": os.getpid(), **said})

    def begin_step(self, step: str, inside: str | None, name: str | None) -> None:
        """Write that a step begins, inside another one or the run itself."""
        self._begin_step(step, inside, {"name": None if name is None else scrub(name)})

    def launch_step(
        self, step: str, asked: Asked, words: Sequence[str], here: Path, probes: Sequence[Probe]
    ) -> None:
        """Write what is known before a program starts that is a step."""
        with self.telling():
            facts, unseen = looked(probes)
            said = {**_asked(asked, words, here), "facts": facts, "unseen": unseen}
            self._begin_step(step, step_around(self.run), said)

    def _begin_step(self, step: str, inside: str | None, said: Mapping[str, Json]) -> None:
        told = {"step": step, "inside": inside, **said, "pid": os.getpid()}
        self._add("step", told, durable=False)

    def note(self, said: Mapping[str, Json], *, durable: bool) -> None:
        """Write what the program says of its run; ``durable`` waits for the disk."""
        self._add("noted", said, durable=durable)

    def note_observed(self, found: Found, step: str | None = None) -> None:
        """Write what was seen of the files of the run, or of a step of it: also that there were none."""
        unseen: dict[str, Json] = {**found.unseen}
        self._add("noted", {"step": step, **found.facts, "unseen": unseen}, durable=False)

    def rewritten(self, command: str, pairs: Sequence[tuple[str, str]]) -> None:
        """Write which commits became which by a command of git: all that such a record has."""
        said: dict[str, Json] = {"command": command, "pairs": [[*pair] for pair in pairs]}
        self._add(REWRITTEN, said, new=True)

    def see(self, said: Mapping[str, Json]) -> None:
        """Write an event that was seen in this process, such as a file that is opened for the first time. It says
        nothing where that fails: this is called in the middle of what the program does.
        """
        if self.path is not None:
            step = os.environ.get("LINEAGE_STEP")
            with suppress(OSError):
                marked = said if step is None else {**said, "step": step}
                run_file.append(self.path, marked, durable=False)

    def events(self, *names: str) -> list[dict[str, Any]]:
        """The events of some names so far, of all processes."""
        if self.path is None:
            return []
        try:
            held = run_file.parse(self.path.read_bytes()).events
        except OSError:
            return []
        return [event for event in held if event["event"] in names]

    def others(self) -> list[str]:
        """The names of the files of other runs in the same spool that go on. Those that this run is part of are
        none: what it does they do.
        """
        if self.path is None:
            return []
        begun = {path: _begun(path) for path in spool.waiting(self.path.parent)[-_LOOKED_AT:]}
        around = {self.run}
        for path in sorted(begun, reverse=True):  # the youngest first: parents are older
            if begun[path].get("run") in around:
                around.add(begun[path].get("parent"))
        return [
            path.name
            for path, said in begun.items()
            if path != self.path and said.get("run") not in around and _goes_on(path, said)
        ]

    def live(self) -> None:
        """Give a sign of life: the file's time says when there was one last."""
        if self.path is not None:
            with suppress(OSError):
                os.utime(self.path)

    def _add(
        self, event: str, said: Mapping[str, Json], *, new: bool = False, durable: bool = True
    ) -> None:
        if self.path is None:
            return
        with self.telling():
            head = {
                "event": event,
                "format": run_file.FORMAT,
                "version": __version__,
                "run": self.run,
            }
            try:
                run_file.append(self.path, {**head, **_now(), **said}, durable=durable, new=new)
            except FileExistsError:
                return  # another process that begins the same run was the first
            except FileNotFoundError:
                if not self._together:
                    raise
                return  # another process that ends the same run was the last, and has seen all of it
            if new:
                with suppress(OSError):  # the file is there; not every file system takes this
                    settle(self.path.parent)
            return
        if new:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
            self.run = self.path = None


def working_folder() -> Path:
    """The folder that this process is in; the name that it had where somebody has removed it."""
    try:
        return Path.cwd()
    except OSError:
        return Path(os.environ.get("PWD") or "/proc/self/cwd (deleted)")


def looked(probes: Sequence[Probe]) -> tuple[dict[str, Json], dict[str, Json]]:
    """The facts of probes by their names, and what each of them could not see."""
    facts: dict[str, Json] = {}
    unseen: dict[str, Json] = {}
    for probe in probes:
        try:
            found = probe.look(Budget(probe.seconds))
        except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on, and it is said
            found = Found(
                unseen={probe.name: scrub(f"the probe failed: {type(error).__name__}: {error}")}
            )
        facts[probe.name] = found.facts
        if found.unseen:
            unseen[probe.name] = dict(found.unseen)
    return facts, unseen


def _asked(asked: Asked, words: Sequence[str], here: Path) -> dict[str, Json]:
    """What somebody says of what is started, and by which words and where it is, without secrets."""
    texts = {"name": asked.name, "why": asked.why, "decision": asked.decision}
    params = {name: scrub_value(name, str(v)) for name, v in (asked.params or {}).items()}
    return {
        **{name: None if text is None else scrub(text) for name, text in texts.items()},
        "params": {**params},
        "words": [*without_secrets(words, [*secrets_of(os.environ)]).words],
        "here": str(here),
    }


def _begun(path: Path) -> Mapping[str, Any]:
    """The event that a run file begins with; nothing, where it is just being written, or is gone."""
    with suppress(OSError), path.open("rb") as file:
        return next(iter(run_file.parse(file.readline()).events), {})
    return {}


def _goes_on(path: Path, begun: Mapping[str, Any]) -> bool:
    """Whether a run may still go on: it has not said that it is over, and its process is not known to be gone."""
    if is_gone(begun):
        return False
    with suppress(OSError):
        return not any(is_over(event) for event in run_file.parse(path.read_bytes()).events)
    return False


def is_over(event: Mapping[str, Any]) -> bool:
    """Whether an event ends a run, not only a step of it."""
    return event["event"] in _OVER and event.get("step") is None


def _now() -> dict[str, Json]:
    """When it is, by both clocks: the one on the wall may be set meanwhile."""
    at = datetime.now(UTC)
    local = at.astimezone().strftime("%z")
    return {"at": at.isoformat(), "offset": local, "monotonic": time.monotonic()}


def _process() -> dict[str, Json]:
    """Who records, and by what it is known later whether it still does."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "born": born(os.getpid()),
        "boot": boot(),
    }


def is_gone(begun: Mapping[str, Any]) -> bool:
    """Whether the process that began a run is no more; no, where that cannot be known, as of another host's."""
    now = boot()
    if begun.get("host") != socket.gethostname() or now is None:
        return False
    return begun.get("boot") != now or born(int(begun["pid"])) != begun.get("born")
