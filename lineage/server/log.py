# SPDX-License-Identifier: Apache-2.0
"""Logs one JSON line a request on stderr: what was asked and how it went, never a value or a query."""

from __future__ import annotations

import logging
import select
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict

from lineage.server import request_id

#: Characters of a library's message that are logged: a line has to fit into what a pipe that says it
#: takes something is sure to take (``select.PIPE_BUF``, 4,096 bytes on Linux).
_MESSAGE = 500


class LineLimiter:
    """Limits the lines a second: a flood of requests must not become a flood of log lines. A line that
    would have to wait, because nobody reads what the stream holds, is dropped: requests never wait for
    who reads the log.
    """

    def __init__(
        self, lines: int, stream: TextIO, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._lines = float(lines)
        self._left = float(lines)
        self._monotonic = monotonic
        self._last = monotonic()
        self._dropped = 0

    def __call__(self, logger: Any, method: str, event: EventDict) -> EventDict:
        """Drop the line, or let it pass with the number of lines that were dropped (a structlog
        processor).
        """
        del logger, method
        now = self._monotonic()
        self._left = min(self._lines, self._left + (now - self._last) * self._lines)
        self._last = now
        if self._left < 1 or not takes_a_line(self._stream):
            self._dropped += 1
            raise structlog.DropEvent
        self._left -= 1
        if self._dropped:
            event["dropped"], self._dropped = self._dropped, 0
        return event


def takes_a_line(stream: TextIO) -> bool:
    """Whether a line can be written to a stream without waiting: there is room in the pipe, terminal or
    socket behind it, and somebody who may read it. What has none behind it takes every line.
    """
    try:
        number = stream.fileno()
    except OSError:
        return True
    poll = select.poll()
    poll.register(number, select.POLLOUT)
    return poll.poll(0) == [(number, select.POLLOUT)]


def logger(lines: int, stream: TextIO | None = None) -> Any:
    """Make a logger of JSON lines, at most ``lines`` a second."""
    # Python has no stderr where its descriptor was closed before the start.
    stream = stream or sys.stderr or sys.stdout
    return structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[
            LineLimiter(lines, stream),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        cache_logger_on_first_use=True,
    )


def _dumps(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=repr).decode()


def place(error: BaseException) -> str:
    """Say where an error came from, as file and line: its message may hold values, this does not."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    last = frames[-1]
    return f"{last.filename.rsplit('/', 1)[-1]}:{last.lineno} {last.name}"


class StructlogHandler(logging.Handler):
    """Writes the standard library's records (uvicorn's, above all) as lines of ours: the template
    of the message without what was put into it.
    """

    def __init__(self, log: Any) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        more = (
            {"error": record.exc_info[0].__name__} if record.exc_info and record.exc_info[0] else {}
        )
        if record.exc_info and record.exc_info[1]:
            more["at"] = place(record.exc_info[1])
        if (ident := request_id.current()) is not None:
            more["id"] = ident
        message = str(record.msg).split("\n", 1)[0][:_MESSAGE]
        self._log.warning(message, logger=record.name, **more)


def bridge(log: Any) -> None:
    """Send what libraries log to our log, and nowhere else."""
    root = logging.getLogger()
    root.handlers[:] = [StructlogHandler(log)]
    root.setLevel(logging.WARNING)
