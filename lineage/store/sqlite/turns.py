# SPDX-License-Identifier: Apache-2.0
"""Turns among those who write to one file: who has waited longest tries most often.

SQLite's own waiting does the opposite: it sleeps longer and longer, so that one who came late goes first
and one who waits may wait for seconds. Locks that are given out in order need a file of their own, and on
network file systems they are not given out in order.
"""

from __future__ import annotations

import sqlite3
import time

from lineage.store.sqlite.connect import is_busy

#: Seconds between the first two tries, the least between any, and what each is of the one before. Each try takes
#: time from whoever writes: with a quarter of these, eight writers together commit a fifth less.
_FIRST, _LEAST, _SHARE = 0.016, 0.002, 0.8


def begin(connection: sqlite3.Connection, patience: int) -> None:
    """Begin to write, waiting for others (milliseconds). Raises ``sqlite3.OperationalError`` where that is not
    enough.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        end, pause = time.monotonic() + patience / 1000, _FIRST
        while not _began(connection, last=time.monotonic() >= end):
            time.sleep(pause)
            pause = max(_LEAST, pause * _SHARE)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience:d}")


def _began(connection: sqlite3.Connection, *, last: bool) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if last or not is_busy(error):
            raise
        return False
    return True
