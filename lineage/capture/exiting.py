# SPDX-License-Identifier: Apache-2.0
"""Sees from inside how a program ends. Python tells handlers of exit which error ended it, but not that ``SystemExit``
did, nor with which code.

So ``sys.exit`` is looked into: the exception that it raises carries a mark, which goes when the exception does. If no
code of Python is being run then, nobody has caught it, and it ends the program. Whether another ``SystemExit`` ended it
is known by where its outermost frame stopped: at its end, or not.
"""

from __future__ import annotations

import functools
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from opcode import opmap
from types import FrameType
from typing import Any

from lineage.access.secret_patterns import scrub
from lineage.capture.found import Json

#: Characters that are kept of a text that a program gives.
LONGEST = 2_000
#: Why it is not told how a program ended.
NOT_TOLD = "SystemExit was raised by other means than sys.exit, or at a prompt"

_RETURNS = frozenset(opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST") if name in opmap)


class _Mark:
    """Goes with the exception that it is put on."""

    def __init__(self, gone: Callable[[bool], None]) -> None:
        self._gone = gone

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return bool, ()  # the exception may be pickled, and is as it would be

    def __del__(self) -> None:
        self._gone(sys._getframe().f_back is None)  # noqa: SLF001 - the only way to ask


class Exit:
    """How this program ends, seen from here on until ``stop``."""

    def __init__(self) -> None:
        self._left: Mapping[str, Json] | None = None
        self._frame: FrameType | None = None
        if threading.current_thread() is threading.main_thread():
            frame: FrameType | None = sys._getframe()  # noqa: SLF001
            while frame is not None:
                self._frame, frame = frame, frame.f_back
        original = self._original = sys.exit

        @functools.wraps(original)
        def exit(*args: Any) -> Any:  # noqa: A001 - it stands in its place
            try:
                original(*args)
            except SystemExit as error:
                self._raised(error, sys._getframe().f_back)  # noqa: SLF001
                raise

        self._ours = sys.exit = exit

    def _raised(self, error: SystemExit, frame: FrameType | None) -> None:
        where = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else None
        how = of_error(error, where)

        def gone(by_itself: bool) -> None:
            if by_itself:
                self._left = how

        error.__dict__[_MARK] = _Mark(gone)

    def how(self) -> Mapping[str, Json] | None:
        """How it ended, where it has ended: ``None`` where that cannot be told."""
        if self._left is not None:
            return self._left
        if hasattr(sys, "ps1"):
            return None  # somebody sits there: errors ended nothing, and what did is not told
        if self._frame is not None and _has_returned(self._frame):
            return {"code": 0}
        # In another thread than the first one it is not known where that has stopped.
        error: BaseException | None = getattr(sys, "last_value", None)
        return None if error is None else of_error(error, None)

    @contextmanager
    def interrupted_as_before(self) -> Iterator[None]:
        """Do something in the end of a program, which ends by the signal then if it was ended by Ctrl-C: Python forgets
        that where any text is executed meanwhile, as dataclasses do when they are made.
        """
        is_over = self._frame is not None and not _has_returned(self._frame)
        was = is_over and type(getattr(sys, "last_value", None)) is KeyboardInterrupt
        try:
            yield
        finally:
            if was:
                with suppress(KeyboardInterrupt):
                    exec("raise KeyboardInterrupt")  # noqa: S102 - this is what it remembers it by

    def stop(self) -> None:
        """Look no more."""
        self._frame = None
        if sys.exit is self._ours:
            sys.exit = self._original


def _has_returned(frame: FrameType) -> bool:
    return frame.f_lasti >= 0 and frame.f_code.co_code[frame.f_lasti] in _RETURNS


def of_error(error: BaseException, at: str | None) -> Mapping[str, Json]:
    """How an error ends what it leaves; ``at`` is the place where it was raised, where its frames do not tell."""
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return {"code": 0}
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    where = at or (f"{frame[0].filename}:{frame[0].lineno}" if frame else None)
    said = scrub(f"{type(error).__name__}: {error}")[:LONGEST]
    code = error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1
    return {"code": code, "failed": said, "at_line": where}


#: Where the mark stands.
_MARK = "_lineage_mark"
