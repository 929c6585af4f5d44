# SPDX-License-Identifier: Apache-2.0
"""Takes a step in the life of a decision, and writes the new status into the file of its record too.

Whatever can be wrong with the file is found before the step is recorded, and the new text lies beside it by then: what
is left is to give it the name of the file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage import ids
from lineage.errors import BadInput, InputMissing, LineageError, Usage
from lineage.paths import put_in_place
from lineage.services.context import Context
from lineage.services.read.decisions.state import STATUS_BY_ACT, Decisions, DecisionState
from lineage.services.write.deliberate import (
    Deliberated,
    DeliberateRequest,
    SupersedeRequest,
    decision,
)
from lineage.sources.decision_records import record
from lineage.sources.decision_records.record import DecisionRecord
from lineage.sources.decision_records.status_edit import StatusEdit, with_status
from lineage.sources.git import layout, repository
from lineage.sources.small_files import small_file

_IMPORT = "'lineage import' takes it in as it is now; then run the same command again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """The change of a status in a file: where, from the working folder on, and its words before and after."""

    file: str
    line: int
    old: str
    new: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def edited(
    ctx: Context, request: DeliberateRequest | SupersedeRequest, here: Path
) -> tuple[Deliberated, Edited]:
    """Take a step, and write what the decision is then into its file, which lies in the repository or folder around
    ``here``. Raises the errors of the request, and ``Usage``, ``InputMissing`` and ``BadInput`` where the file cannot
    be edited: nothing is done then. Raises ``LineageError`` where the step was recorded and the file then could not be
    written.
    """
    state = request.demanded(ctx)
    root, file = _root(state, here), state.text("file") or ""
    shown = _shown(root, file, here)
    data = _text_of(state, root, here)
    try:
        made = _made(ctx, request, state, data, root, here)
    except LineageError as error:
        error.where = (error.where or "").replace(file, shown, 1) or shown
        raise
    if made.data == data:
        raise Usage(
            f"the file says {made.old!r} already: there is nothing to edit",
            where=f"{shown}:{made.line}",
            hint="Leave out --edit: the step alone is recorded then.",
        )
    with _written_beside(root / file, made.data, shown) as put:
        done = request.answer(ctx)
        why = "it was changed meanwhile" if _bytes(root, file) != data else put()
    if why is not None and _bytes(root, file) != made.data:
        raise LineageError(
            f"the step is recorded, and the file is not changed: {why}",
            where=f"{shown}:{made.line}",
            hint=f"Write {made.new!r} there in an editor: the command is not needed again.",
        )
    return done, Edited(file=shown, line=made.line, old=made.old, new=made.new)


def _made(
    ctx: Context,
    request: DeliberateRequest | SupersedeRequest,
    state: DecisionState,
    data: bytes,
    root: Path,
    here: Path,
) -> StatusEdit:
    file = state.text("file") or ""
    if isinstance(request, DeliberateRequest):
        return with_status(data, file, STATUS_BY_ACT[request.step])
    by = decision(ctx, request.by)
    if not by.takes_places:
        raise Usage(
            f"{by.row.title} is {by.said}: it takes no place yet",
            hint="Accept it first, or leave out --edit.",
        )
    made = with_status(data, file, "superseded", _successor(by, root, here))
    _demand_link(ctx, state, by, made, file)
    return made


# --- where the file is ----------------------------------------------------------------------------


def _root(state: DecisionState, here: Path) -> Path:
    """The folder from which the file of a decision is named: that of the repository around here, else the folder that
    was imported.
    """
    title, file = state.row.title, state.text("file")
    if file is None:
        raise Usage(
            f"{title} has no file", hint="Leave out --edit: the step alone is recorded then."
        )
    if (commit := state.text("removed")) is not None:
        raise Usage(
            f"the file of {title} was removed in commit {commit}",
            where=file,
            hint="Leave out --edit: the step alone is recorded then.",
        )
    here = here.resolve()
    place, top = repository.place(here), layout.around(here)
    if place is not None and top is not None:
        found = top if place[0] == state.namespace else None
    else:
        folders = [x for x in (here, *here.parents, here / state.namespace) if _is_named(x, state)]
        found = next((x for x in folders if os.path.lexists(x / file)), next(iter(folders), None))
    if found is None:
        raise InputMissing(
            f"the file of {title} is not in the repository or folder that you are in",
            where=file,
            hint="Run the command in the repository, or the folder, that was imported.",
        )
    return found


def _is_named(folder: Path, state: DecisionState) -> bool:
    return folder.name == state.namespace and folder.is_dir()


def _shown(root: Path, file: str, here: Path) -> str:
    return os.path.relpath(root / file, here.resolve())


def _bytes(root: Path, file: str) -> bytes | None:
    return small_file(root, file, record.LARGEST)


def _read(root: Path, file: str, here: Path) -> bytes:
    """The bytes of a record. Raises ``InputMissing``, ``BadInput``."""
    shown = _shown(root, file, here)
    data = _bytes(root, file)
    if data is None and not os.path.lexists(root / file):
        raise InputMissing("there is no such file", where=shown, hint=_IMPORT)
    if data is None:
        raise BadInput(
            "it is a link, or lies behind one, or is no file that can be read",
            where=shown,
            hint="--edit changes files of the repository itself: leave it out, and edit what the link leads to.",
        )
    return data


def _text_of(state: DecisionState, root: Path, here: Path) -> bytes:
    """The bytes of the file, which the store knows."""
    file = state.text("file") or ""
    data = _read(root, file, here)
    version = ids.decision_version_id(state.namespace, state.key, ids.sha256(data))
    if state.current is None or state.current.row.id != version:
        raise Usage(
            "the file is not the text that the store knows",
            where=_shown(root, file, here),
            hint=_IMPORT,
        )
    return data


# --- what takes its place -------------------------------------------------------------------------


def _successor(by: DecisionState, root: Path, here: Path) -> DecisionRecord:
    """The record that takes the place, as its file says it."""
    if _root(by, here) != root:
        raise Usage(
            f"{by.row.title} is in another folder: no link leads there",
            hint="Leave out --edit: the step alone is recorded then.",
        )
    file = by.text("file") or ""
    return record.read(_read(root, file, here), file)


def _demand_link(
    ctx: Context, state: DecisionState, by: DecisionState, made: StatusEdit, file: str
) -> None:
    """Raise ``Usage`` where a reader would not find from the new text what took the place."""
    decisions = Decisions(ctx)
    links = record.read(made.data, file).links
    names = [one.from_root(file) for one in links if one.link == "superseded-by"]
    if by.id not in {decisions.meant(name, state).one for name in names}:
        raise Usage(
            f"{made.new!r} would not lead to {by.row.title}",
            where=file,
            hint="Leave out --edit, and write by hand what took its place.",
        )


# --- writing --------------------------------------------------------------------------------------


@contextmanager
def _written_beside(target: Path, data: bytes, shown: str) -> Iterator[Callable[[], str | None]]:
    """Write a file beside another one; what is handed out gives it the name of that, and says why where it could not.
    Raises ``Usage`` where it cannot be written.
    """
    part: Path | None = None
    try:
        try:
            if not os.access(target, os.W_OK):
                raise PermissionError(13, "it may not be written to")
            handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
            part = Path(name)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            part.chmod(target.stat().st_mode & 0o7777)
        except OSError as error:
            raise Usage(
                f"the file cannot be written: {error.strerror}",
                where=shown,
                hint="Make it and its folder writable, or leave out --edit.",
            ) from error
        yield lambda: _put(part, target)
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _put(part: Path, target: Path) -> str | None:
    try:
        put_in_place(part, target)
    except OSError as error:
        return error.strerror or type(error).__name__
    return None
