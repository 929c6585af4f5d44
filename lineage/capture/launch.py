# SPDX-License-Identifier: Apache-2.0
"""Launches any program and records it: what there was before it started, and how it ended.

The program comes first. It starts when the first event is on the disk; it has the descriptors, the terminal and the
signals that it would have without us; and whatever goes wrong here is a warning.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from threading import Timer

from lineage.capture import observe
from lineage.capture.found import Json
from lineage.capture.inotify import Folders, Seen
from lineage.capture.probes import files, profiles
from lineage.capture.probes.before import Probes
from lineage.capture.process import born
from lineage.capture.program import Ended, Program
from lineage.capture.record import Asked, Probe, Record, Warn
from lineage.capture.strace import Strace
from lineage.capture.variables import RUN, STEP
from lineage.capture.words import secrets_of, without_secrets
from lineage.errors import LineageError, NotRecorded

#: What a shell gives for a command that is not there, and for one that cannot be run.
_NOT_THERE, _CANNOT = 127, 126
#: Seconds after which a run is worth telling before it has ended.
_LONG = 2.0

#: Delivers what is in a run file, as far as it can: it tells what it could not.
Deliver = Callable[[Path], None]


def launch(
    words: Sequence[str],
    asked: Asked,
    *,
    here: Path,
    environ: Mapping[str, str],
    deliver: Deliver,
    warn: Warn,
    strace: bool = False,
) -> Ended:
    """Run a program and record it; how it ended. One that cannot be started is recorded as such, and ends as a
    shell would end it. ``strace`` asks that it be run under that.
    """
    around = Record.around(warn) if asked.is_step else None
    record = Record.new(here, warn) if around is None else around
    step = None if around is None else f"{os.getpid()}-1"
    declared = Probe(name="inputs", look=partial(files.probe, asked.inputs, here), seconds=60)
    before = Probe(name="outputs", look=partial(files.probe, asked.outputs, here), seconds=60)
    probes = Probes.of_command(words, here, environ)
    if step is None:
        record.begin(asked, words, here, [*probes.before(), declared, before])
        place = probes.project()
    else:
        record.launch_step(step, asked, words, here, [declared, before])
        place = observe.project(record, here)
    tracer = _traced(record, step) if strace else None
    folders = None if tracer else _watched(record, place, asked, here)
    try:
        running = Program(
            tracer.words(words) if tracer else words,
            {**environ, **record.environ(environ), **_mark(record, step), **probes.watched()},
        )
    except OSError as error:
        warn(f"{words[0]}: {error.strerror}")
        ended = Ended(code=code_of(error))
        record.end({"step": step, "code": ended.code, "failed": error.strerror}, ())
    else:
        with _told_early(record, deliver) if step is None else nullcontext():
            ended = running.wait(record.live)
        with record.telling():
            seen = _seen(folders, tracer, running.pid, here)
            record.note_observed(observe.observed(record, seen, step=step), step)
        with record.telling():
            later = probes.after() if step is None else ()
            tables = profiles.after(record, asked.outputs, here, step)
            record.end(_told(ended, record, step), [declared, before, *later, tables])
    if step is None and record.path is not None:
        deliver(record.path)
    return ended


def _mark(record: Record, step: str | None) -> dict[str, str]:
    """What tells a program, and all that it starts, of which step they are part."""
    return {} if step is None else {STEP: f"{record.run}/{step}"}


def _watched(record: Record, project: Path, asked: Asked, here: Path) -> Folders | None:
    """Watch what is opened in the project, and where declared files lie; ``None`` where nothing is recorded."""
    with record.telling():
        declared = files.folders([*asked.inputs, *asked.outputs], here)
        if (found := observe.folders(record, [project, *declared])) is not None:
            found.follow()
            return found
    return None


def _traced(record: Record, step: str | None) -> Strace | None:
    """``strace``, where it works; why it does not is told."""
    with record.telling():
        if record.path is not None:
            if (reason := Strace.refused()) is None:
                suffix = ".strace" if step is None else f".{step}.strace"
                return Strace(record.path.with_suffix(suffix))
            raise NotRecorded(reason)
    return None


def _seen(folders: Folders | None, tracer: Strace | None, pid: int, here: Path) -> Seen:
    if tracer is not None:
        return tracer.stop(pid, here)
    return Seen() if folders is None else folders.stop()


@contextmanager
def _told_early(record: Record, deliver: Deliver) -> Iterator[None]:
    """Deliver what is known of a run that takes long, while it goes on."""

    def tell() -> None:
        with suppress(LineageError):  # it is tried again at the end, and said then
            if record.path is not None:
                deliver(record.path)

    timer = Timer(_LONG, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def code_of(error: OSError) -> int:
    """What a shell ends with where a command cannot be started."""
    return _NOT_THERE if error.errno == errno.ENOENT else _CANNOT


def _named(number: int) -> str:
    """What a signal is called; those for real time have numbers only."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def _told(ended: Ended, record: Record, step: str | None) -> dict[str, Json]:
    told: dict[str, Json] = {
        "step": step,
        "code": ended.code,
        "signal": None if ended.signal is None else _named(ended.signal),
        "seconds": ended.seconds,
        "cpu": ended.cpu,
        "peak": ended.peak,
        "sent": [{"signal": _named(number), "by": by} for number, by in ended.sent],
    }
    if record.run is not None:
        mark = {RUN: record.run} if step is None else _mark(record, step)
        told["left_running"] = [*left_running(mark)]
    return told


def left_running(marked: Mapping[str, str], proc: Path = Path("/proc")) -> list[Json]:
    """The processes of ours that have the variable of a run, or of a step, in their environment: nobody waits for them."""
    [mark] = (f"{name}={value}".encode() for name, value in marked.items())
    found: list[Json] = []
    for path in proc.glob("[0-9]*"):
        pid = int(path.name)
        if pid == os.getpid():
            continue
        try:
            if path.stat().st_uid != os.getuid() or mark not in (path / "environ").read_bytes():
                continue
            words = (path / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        except OSError:
            continue  # it has ended, or is not ours to look at
        given = [os.fsdecode(word) for word in words]
        shown: list[Json] = [*without_secrets(given, [*secrets_of(os.environ)]).words]
        found.append({"pid": pid, "born": born(pid), "words": shown})
    return found
