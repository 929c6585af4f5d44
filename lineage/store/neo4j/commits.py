# SPDX-License-Identifier: Apache-2.0
"""Keeps readers from what is half committed.

The server applies a commit piece by piece, and reads see the pieces (measured on 5.26 and 2026.09: of commits that
change 300 nodes each, while somebody reads all the time, up to one in three is seen in part). So a writer says
beforehand, in a commit of its own, that one begins, and afterwards that it is over. A read looks before and after:
where both looks find the same, and no commit that has begun, what it read is whole.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import neo4j
from neo4j import exceptions as driver_errors

from lineage.errors import StoreBusy
from lineage.store.neo4j.connect import RETRY, WAITED

T = TypeVar("T")

#: Before the name of a commit that has begun and is not over.
OPEN = "open:"
#: The mark stands on a node of its own: a writer holds the lock of the ledger's while it commits. Of the same
#: label, it is found by the same unique index, and is none of the graph's.
MARKED = "(c:Ledger {one: 2})"
_SAY = f"MERGE {MARKED} SET c.at = $at"
_OVER = f"MATCH {MARKED} WHERE c.at = $open SET c.at = $at"
_HOLD = "MATCH (l:Ledger {one: 1}) SET l.locked = true"

#: Seconds until a read that met a commit is tried again, at first and at most: most commits take a few
#: milliseconds.
_PAUSE, _LONGEST = 0.002, 0.1
#: Seconds for which it is tried so. Whoever reads for longer would meet the next commit.
_PATIENT = 0.25
#: What the server says to who may only read.
_READER = ("Neo.ClientError.Security", "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase")


class Commits:
    """The commits of the writers of one database, said to its readers over sessions of their own."""

    def __init__(self, session: Callable[[], neo4j.Session]) -> None:
        self._session = session

    @contextmanager
    def announcing(self) -> Iterator[Callable[[], None]]:
        """A commit that readers may see half of; what it gives is called when all is ready to be committed.

        Where the writer dies in between, the mark stays until the next commit, or a reader, takes it away.
        """
        begun: list[str] = []

        def begin() -> None:
            begun.append(secrets.token_hex(8))
            self._run(_SAY, at=OPEN + begun[-1])

        try:
            yield begin
        finally:
            if begun:
                with suppress(driver_errors.DriverError, driver_errors.Neo4jError, OSError):
                    self._run(_OVER, open=OPEN + begun[-1], at=begun[-1])

    def _run(self, text: str, **parameters: Any) -> None:
        with self._session() as session:
            session.run(text, parameters).consume()

    def whole(self, read: Callable[[], T], is_whole: Callable[[T], bool]) -> T:
        """What a read finds while nobody commits: it is tried again, and at last writers are held back.

        Raises ``StoreBusy`` where that cannot be, for ``RETRY`` seconds.
        """
        began, pause, may_hold = time.monotonic(), _PAUSE, True
        while not is_whole(found := read()):
            spent = time.monotonic() - began
            if spent > RETRY:
                message = "whenever this is read somebody commits, or has begun to and does not end"
                raise StoreBusy(message, hint="Ask again when there is less to write.")
            if may_hold and spent > _PATIENT:
                try:
                    with self._writers_held_back(RETRY - spent):
                        found = read()
                    if is_whole(found):
                        return found
                except driver_errors.Neo4jError as error:
                    if not (error.code or "").startswith((*_READER, *WAITED)):
                        raise
                    may_hold = error.code in WAITED
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST)
        return found

    @contextmanager
    def _writers_held_back(self, seconds: float) -> Iterator[None]:
        """Nobody commits inside, for so many seconds: every writer takes the lock of the ledger first. A mark
        that still stands is of a writer that is no more.
        """
        with self._session() as session, session.begin_transaction(timeout=seconds) as held:
            held.run(_HOLD).consume()
            self._run(_SAY, at=secrets.token_hex(8))
            yield
            held.rollback()
