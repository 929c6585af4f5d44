# SPDX-License-Identifier: Apache-2.0
"""The session of a kernel as a run, and the cells that it executes as steps of it, in whatever order.

A notebook is what somebody has saved; a session is what was executed. So the source of each cell is kept as the
kernel was given it, and compared with the file at the end. Between two cells nothing of the run happens: whoever
opens a file of the project then, such as the server that saves the notebook, is somebody else.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from lineage.capture.found import Json
from lineage.capture.probes import notebook as probe
from lineage.capture.record import Asked, Record, Warn
from lineage.capture.session import Handle, begin
from lineage.capture.variables import is_disabled
from lineage.capture.words import code_without_secrets, secrets_of

#: Cells that are steps of their own, characters of a source that are kept, and numbers of cells in a list.
MOST_CELLS, LONGEST, _LISTED = 5_000, 20_000, 100


@dataclass(frozen=True, slots=True)
class _Executed:
    """A cell that was executed: its number, which cell it is where that was said, the source, and whether it
    is one that papermill put in.
    """

    number: int | None
    cell: str | None
    source: str
    is_injected: bool


class Notebook:
    """What is executed in one kernel, from ``start`` to ``end``, the end of the kernel, or ``%unload_ext``."""

    #: The one of this process.
    open: ClassVar[Notebook | None] = None

    @classmethod
    def start(cls, shell: Any, *, deliver: Callable[[Path], None], warn: Warn) -> None:
        """Record what a shell of IPython executes. Raises nothing: what goes wrong is told."""
        if cls.open is None and not is_disabled():
            with Record(warn).telling():
                cls.open = cls(shell, deliver, warn)

    def __init__(self, shell: Any, deliver: Callable[[Path], None], warn: Warn) -> None:
        self._shell, self._telling, self._pid = shell, Record(warn).telling, os.getpid()
        self._parent = probe.Parent.of_this_process()
        self._path, how = probe.locate(shell.user_ns, os.environ, self._parent)
        #: Those that are being executed: several, where the kernel has subshells.
        self._cells: dict[int, tuple[Any, _Executed, Handle | None]] = {}
        self._executed: list[_Executed] = []
        self._params: dict[str, Any] = {}
        self._failed = 0
        #: What the last cell failed with, and where.
        self._last: tuple[BaseException | None, str | None] = None, None
        self._unseen: dict[str, str] = {}
        if self._path is None:
            self._unseen["path of the notebook"] = how
        self._before = self._saved()
        before = self._history()[1:]
        name = "IPython session" if self._path is None else self._path.name
        asked = Asked(name=name, is_tool=True, is_repeatable=False, notebook=self._path)
        self._run = begin(asked, deliver=deliver, warn=warn, apart=True)
        self._run.facts("notebook", self._started(how))
        # The cell that loads the extension is the last of them, and goes on.
        for one in before:
            self._take_parameters(one)
        if before[:-1]:
            missed = f"{len(before) - 1:,} {'cell' if len(before) == 2 else 'cells'}"
            self._unseen[missed] = "executed before the extension was loaded"
        shell.events.register("pre_run_cell", self._begin_cell)
        shell.events.register("post_run_cell", self._end_cell)
        # Behind that of the run itself, so that it is called first.
        atexit.register(self.end)

    def _started(self, how: str) -> dict[str, Json]:
        app = getattr(getattr(self._shell, "kernel", None), "parent", None)
        file = getattr(app, "abs_connection_file", None)
        return {
            "path": None if self._path is None else str(self._path),
            "found_by": None if self._path is None else how,
            "kernel": probe.kernel(Path(file)) if file else None,
            "sha256": None if self._before is None else self._before.sha256,
        }

    def _saved(self) -> probe.Saved | None:
        """What is in the file now; ``None`` where that cannot be told, which is said."""
        if self._path is None:
            return None
        try:
            return probe.saved(self._path)
        except Exception as error:  # noqa: BLE001 - anybody wrote it
            self._unseen[f"what is in {self._path.name}"] = (
                getattr(error, "strerror", None) or str(error) or type(error).__name__
            )
            return None

    # --- cells ---

    def _history(self) -> Sequence[str]:
        """The sources of cells by their numbers, behind an empty one."""
        return getattr(self._shell.history_manager, "input_hist_raw", ("",))

    def _begin_cell(self, info: Any) -> None:
        with self._telling():
            self._run.resume()
            # Which number comes next: versions of IPython count on before this, or behind it.
            self._open(info, len(self._history()) if info.store_history else None)

    def _open(self, info: Any, number: int | None) -> None:
        name = "cell" if number is None else f"cell {number}"
        source = info.raw_cell
        cell = _Executed(number, info.cell_id, source, self._is_injected(source))
        step = self._run.step(name) if len(self._executed) < MOST_CELLS else None
        if step is not None:
            step.facts("cell", _told(cell))
        self._cells[id(info)] = info, cell, step

    def _end_cell(self, result: Any) -> None:
        with self._telling():
            info = result.info
            if id(info) not in self._cells:
                if not info.raw_cell.strip():
                    return  # IPython executes nothing
                # It has loaded the extension.
                self._open(info, result.execution_count if info.store_history else None)
            self._close(id(info), result.error_before_exec or result.error_in_exec)
            if not self._cells:
                self._run.pause()

    def _close(self, key: int, error: BaseException | None) -> None:
        _, cell, step = self._cells.pop(key)
        self._last = error, self._place(error)
        self._failed += error is not None
        self._take_parameters(cell.source)
        self._executed.append(cell)
        if step is not None:
            step.end(error, at=self._last[1])

    def _place(self, error: BaseException | None) -> str | None:
        """Where an error was raised, if that was in a cell: the file that stands for it is none that there is."""
        named = getattr(self._shell.compile, "format_code_name", lambda _: None)
        for frame in traceback.extract_tb(error.__traceback__)[-1:] if error else ():
            if found := named(frame.filename):
                return f"{' '.join(found)}, line {frame.lineno}"
        return None

    def _is_injected(self, source: str) -> bool:
        """Whether a cell was put in by whoever started this execution: where that is papermill, it says so."""
        return probe.injected(source) is not None and (
            self._parent.executor != "papermill" or self._parent.gives_parameters()
        )

    def _take_parameters(self, source: str) -> None:
        if self._is_injected(source):
            given = probe.injected(source) or {}
            self._params |= given
            self._run.params(given)

    # --- the end ---

    def end(self) -> None:
        """End the run as its last cell ended. A second time says nothing."""
        if Notebook.open is not self or os.getpid() != self._pid:
            return
        Notebook.open = None
        with self._telling():
            self._shell.events.unregister("pre_run_cell", self._begin_cell)
            self._shell.events.unregister("post_run_cell", self._end_cell)
        atexit.unregister(self.end)
        with self._telling():
            for key in [*self._cells]:
                self._close(key, None)  # such as the one that unloads the extension
            self._run.facts("notebook", self._ended(), self._unseen)
        self._run.end(self._last[0], at=self._last[1])

    def _ended(self) -> dict[str, Json]:
        executed = hashlib.sha256("\0".join(one.source for one in self._executed).encode())
        said: dict[str, Json] = {
            "cells_executed": len(self._executed),
            "cells_failed": self._failed,
            "executed_sha256": executed.hexdigest(),
        }
        if len(self._executed) > MOST_CELLS:
            self._unseen["later cells"] = (
                f"only the first {MOST_CELLS:,} that were executed are steps"
            )
        now = self._saved()
        if self._before is not None:
            said["stale_metadata"] = [*self._stale(self._before)]
        if now is None:
            return said
        held = _places(now.cells)
        # One that papermill puts in need not be there.
        unsaved = [
            one for one in self._executed if not one.is_injected and one.source.strip() not in held
        ]
        above = _upwards(self._executed, now.cells)
        return {
            **said,
            "sha256_at_end": now.sha256,
            "differs_from_what_ran": bool(unsaved),
            "cells_not_saved": _numbers(unsaved),
            "out_of_order": bool(above),
            "cells_out_of_order": _numbers(above),
        }

    def _stale(self, before: probe.Saved) -> Iterator[str]:
        """What stood in the metadata of the file when this execution began, and is not of this one."""
        if before.parameters and before.parameters != self._params:
            names = ", ".join(sorted(map(str, before.parameters))[:_LISTED])
            yield f"parameters of another execution: {names}"
        if before.failed:
            yield "another execution failed"


def _told(done: _Executed) -> dict[str, Json]:
    """A cell as its step tells it: its source without secrets, as far as it is kept, and the digest of all of it."""
    source = code_without_secrets(done.source, [*secrets_of(os.environ)])
    return {
        "number": done.number,
        "id": done.cell,
        "source": source[:LONGEST],
        "characters": len(source),
        "is_cut": True if len(source) > LONGEST else None,
        "sha256": hashlib.sha256(source.encode(errors="replace")).hexdigest(),
    }


def _places(cells: Sequence[tuple[str | None, str]]) -> Mapping[str, Sequence[int]]:
    """Where a notebook has a source, by the source."""
    found: dict[str, list[int]] = {}
    for place, (_, source) in enumerate(cells):
        found.setdefault(source.strip(), []).append(place)
    return found


def _upwards(
    executed: Sequence[_Executed], cells: Sequence[tuple[str | None, str]]
) -> list[_Executed]:
    """The cells that stand above one that was executed before them. Where several have the same source, it is the
    next one; one that is executed again at once is in order, and one that is not in the file is in none.
    """
    sources, named = _places(cells), {ident: [n] for n, (ident, _) in enumerate(cells) if ident}
    found, at = [], 0
    for done in executed:
        places = named.get(done.cell or "") or sources.get(done.source.strip())
        if not places:
            continue
        behind = [place for place in places if place >= at]
        if not behind:
            found.append(done)
        at = min(behind or places)
    return found


def _numbers(cells: Sequence[_Executed]) -> list[Json]:
    """The numbers of cells, and how many more there are."""
    told: list[Json] = [f"cell {one.number}" for one in cells[:_LISTED]]
    more = len(cells) - _LISTED
    return [*told, f"and {more:,} more"] if more > 0 else told
