# SPDX-License-Identifier: Apache-2.0
"""``lineage.run`` and ``lineage.step``: a run recorded by the program itself."""

from __future__ import annotations

import atexit
import functools
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from lineage import config, ids
from lineage.capture.session import Handle, is_worker
from lineage.capture.variables import run_around

P = ParamSpec("P")
R = TypeVar("R")

#: The file in a spool whose time says when it was asked last what a run is for, and the seconds of a day.
_ASKED, _DAY = ".asked", 86_400
_WHAT_FOR = (
    "nothing says what this run is for: --decision REF names the decision that it follows, --why TEXT says it "
    "('lineage decision new' writes a decision down)"
)


def run(
    name: str | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    why: str | None = None,
    decision: str | None = None,
    inputs: Iterable[str | os.PathLike[str]] = (),
    store: str | os.PathLike[str] | None = None,
    attempt_of: str | None = None,
) -> Handle:
    """Record this program, from here to the end of the ``with`` (or ``end()``, or of the program).

    It is written to the project's ``.lineage/spool`` first, and delivered to the store at the end: ``store``, else
    the project's (``lineage.open``). What cannot be recorded is a warning on stderr; nothing that the program does
    depends on it. Inside a run that is open it is a step of that; in a process that a run started, part of that run; in
    a worker of a pool, and the second time in such a process, a step of it.
    ``attempt_of`` names what this is one of several attempts at, such as a job that is requeued.

    >>> with run("train", params={"lr": 0.1}, why="the numbers of May") as this:  # doctest: +SKIP
    ...     data = read(this.input("data/train.csv"))
    ...     this.metric("auc", 0.91)
    ...     this.model("fraud", "model.bin")
    """
    from lineage.capture.record import Asked
    from lineage.capture.session import begin

    asked = Asked(
        name=name,
        attempt_of=attempt_of,
        why=why,
        decision=decision,
        inputs=[os.fspath(path) for path in inputs],
        params=params,
    )
    return begin(
        asked,
        deliver=delivering(None if store is None else os.fspath(store), warn),
        warn=warn,
    )


def autolog(name: str | None = None) -> Handle:
    """Record this script, from here to its end: the same as ``run()``, as one line at its top. Without a ``name`` it is
    called as the script is. Inside a run, such as one that ``lineage run`` started, it is part of that, and a second
    call gives back the first one's run.

    >>> import lineage  # doctest: +SKIP
    >>> lineage.autolog()  # doctest: +SKIP
    """
    if Handle.open:
        return Handle.open[-1]
    found = run(name or _script())
    # What it says of a run that is another process's is written then.
    atexit.register(found.end_with_program)
    return found


def _script() -> str | None:
    """What the program is called: its file, or the module that was asked for."""
    main = sys.modules.get("__main__")
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    return Path(file).stem if file and Path(file).is_file() else None


def load_ipython_extension(ipython: Any) -> None:
    """Record the session of a kernel, or of IPython, from here on: ``%load_ext lineage``. It is one run, and each cell
    that is executed a step of it. What cannot be recorded is one warning on stderr.
    """
    from lineage.capture.notebook import Notebook

    told: list[str] = []

    def once(text: str) -> None:
        if not told:
            told.append(text)
            warn(text)

    Notebook.start(ipython, deliver=delivering(None, once), warn=once)


def unload_ipython_extension(ipython: Any) -> None:
    """End the record of a session now, and deliver it: ``%unload_ext lineage``."""
    from lineage.capture.notebook import Notebook

    del ipython
    if Notebook.open is not None:
        Notebook.open.end()


def step(
    name: str | None = None, *, because: str | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make each call of a function a step of the run that is open: a run of its own behind that one, with its own
    inputs, outputs, parameters and reason. Outside of a run the function is called as it is.

    >>> @step("clean", because="two hospitals send ages as text")  # doctest: +SKIP
    ... def clean(table): ...
    """

    def made(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            if not Handle.open and is_worker() and run_around() is not None:
                with run(name or function.__qualname__, why=because):
                    return function(*args, **kwargs)
            if not Handle.open:
                return function(*args, **kwargs)
            with Handle.open[-1].step(name or function.__qualname__, because=because):
                return function(*args, **kwargs)

        return called

    return made


def warn(text: str) -> None:
    """Say on stderr what could not be recorded."""
    sys.stderr.write(f"lineage: {text}\n")


def delivering(
    url: str | None,
    warn: Callable[[str], None],
    offer: Callable[[str], None] | None = None,
) -> Callable[[Path], None]:
    """Deliver to a store; where there is none, or it cannot be reached, the run waits in its spool. ``offer`` is told,
    once, of a lesson that may matter to the run; and, once a day, where nobody says what a run is for.
    """
    told: list[str] = []
    offered: list[str] = []

    def deliver(path: Path) -> None:
        try:
            # What is loaded only now may be gone by now: somebody installs another version while a program runs.
            from lineage.app import open as opened
            from lineage.services.write import push

            with closing(opened(url or "", create=False)) as store:
                push.deliver(store.take_run, path)
                if offer is not None and not offered:
                    with suppress(Exception):  # the run is delivered, whatever becomes of this
                        run = ids.captured_run_id(path.name.partition(".")[0])
                        offered.extend((*_lessons(store, run), *_prompt(store, run, path.parent)))
                        for line in offered:
                            offer(line)
        except Exception as error:  # noqa: BLE001 - the program has run, whatever becomes of its record
            if not path.exists():
                return  # another process has delivered it
            if not told:
                warn(f"the run waits in {path.parent} ({error}): 'lineage push' delivers it")
            told.append(str(error))

    return deliver


def _lessons(store: Any, run: str) -> list[str]:
    """The lesson that may matter most to a run, on one line; none where there is none."""
    line = store.lessons(run, first=1).line
    return [] if line is None else [line]


def _prompt(store: Any, run: str, spool: Path) -> list[str]:
    """Ask what a run is for, where decisions are written down and nothing says which of them it follows, nor why it was
    made. Raises ``OSError`` where it cannot be noted that this was asked.
    """
    wanted, asked = config.value("prompt").value, spool / _ASKED
    if wanted not in {"daily", "always"} or (wanted == "daily" and _is_of_today(asked)):
        return []
    found = store.trace(run, via=["wasInfluencedBy"], depth=1)
    said = next(node.attributes for node in found.nodes if node.id == run)
    if found.edges or said.get("decision") or said.get("why"):
        return []
    if not store.decisions(first=1).decisions:
        return []
    asked.touch()
    return [_WHAT_FOR]


def _is_of_today(file: Path) -> bool:
    return file.exists() and time.time() - file.stat().st_mtime < _DAY
