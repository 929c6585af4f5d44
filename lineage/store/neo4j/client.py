# SPDX-License-Identifier: Apache-2.0
"""Statements sent to the server of a store: managed transactions, on a driver of our own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import neo4j
from neo4j import exceptions as driver_errors

from lineage.errors import StoreDamaged, StoreUnfinished
from lineage.ledger.merkle import Frontier
from lineage.store.neo4j import connect as connecting
from lineage.store.neo4j.commits import OPEN, Commits
from lineage.store.neo4j.compile import at_one_head
from lineage.store.neo4j.connect import connect, translated
from lineage.store.neo4j.moments import Moments
from lineage.store.neo4j.rows import drawing_of, head_of
from lineage.store.neo4j.seal import Seal
from lineage.store.reference import Clock

T = TypeVar("T")

READ_HEAD = "OPTIONAL MATCH (l:Ledger {one: 1}) RETURN l.size, l.peaks, l.layout, l.schema"
#: Seconds that one transaction may take, whatever the server allows.
PATIENCE = 600.0
#: Seconds until a read is tried again, at first; each time twice as many.
_PAUSE = 0.1


def _is_whole(row: list[Any]) -> bool:
    """Whether a read saw nothing of a commit that was going on, or is of a graph that is being drawn anew."""
    *_, before, after, begun, _, peaks = row
    if drawing_of(begun) or drawing_of(peaks):
        return True
    return begun == peaks and before == after and not str(before).startswith(OPEN)


class Client:
    """The driver of one database; ``where`` is its address without credentials."""

    def __init__(self, url: str, *, user: str, password: str, secret: str = "") -> None:
        driver, silence, database, where = connect(url, user, password)
        self.driver: neo4j.Driver = driver
        self._silence = silence
        self.database: str = database
        self.where: str = where
        self.moments: Moments = Moments(self.head)
        self._commits = Commits(self.session)
        self.seal: Seal = Seal((secret, password), where)

    def session(self) -> neo4j.Session:
        """A session of our own, for statements that no transaction may hold."""
        return self.driver.session(database=self.database, default_access_mode="WRITE")

    @contextmanager
    def watched(self) -> Iterator[Callable[[], bool]]:
        """The driver's errors as ours, and the end of a call to which the server is silent; what it gives
        says whether that came.
        """
        with translated(self.where), self._silence.watched(self.where) as was_ended:
            yield was_ended

    def bare(self, text: str, seconds: float | None = None, /, **parameters: Any) -> list[Any]:
        """The one row of a read, within so many seconds.

        It goes out as a transaction that commits itself: one message to the server and back, where one that
        the driver manages takes two. A read may be tried again, and is for as long as the driver would.
        """
        query = neo4j.Query(text, timeout=PATIENCE if seconds is None else max(seconds, 0.001))
        end, pause = None, _PAUSE
        with self.watched():
            while True:
                try:
                    return self._values(query, parameters)
                except (driver_errors.DriverError, driver_errors.Neo4jError) as error:
                    passing = error.is_retryable() or isinstance(
                        error, driver_errors.IncompleteCommit
                    )
                    end = time.monotonic() + connecting.RETRY if end is None else end
                    if not passing or time.monotonic() + pause > end:
                        raise
                time.sleep(pause)
                pause *= 2

    def _values(self, query: neo4j.Query, parameters: dict[str, Any]) -> list[Any]:
        with self.driver.session(database=self.database, default_access_mode="READ") as session:
            return session.run(query, parameters).single(strict=True).values()

    def _whole(self, text: str, seconds: float | None, parameters: dict[str, Any]) -> list[Any]:
        """What a read finds while nobody commits, and the head that it saw before and after."""
        clock = Clock(seconds)
        with self.watched():
            row = self._commits.whole(lambda: self.bare(text, clock.left, **parameters), _is_whole)
        *columns, _, _, begun, size, peaks = row
        return [*columns, begun, size, peaks]

    def one(self, text: str, seconds: float | None = None, /, **parameters: Any) -> list[Any]:
        """The columns of a read that looks at the head (``cypher.at_one_head``), of a graph that is whole."""
        *columns, begun, size, peaks = self._whole(text, seconds, parameters)
        self.demand_drawn(begun)
        self.demand_drawn(peaks)
        self.moments.saw(begun, size, peaks)
        return columns

    def demand_drawn(self, text: Any) -> None:
        """Refuse to go on where the text of the head says that the graph is being drawn anew.

        Raises ``StoreUnfinished``.
        """
        if drawing_of(text):
            raise StoreUnfinished(
                "the graph is being drawn anew from the ledger, and is not whole yet",
                where=self.where,
                hint="Wait for 'lineage rebuild' to end; where none runs any more, run it again.",
            )

    def list(self, text: str, /, **parameters: Any) -> list[Any]:
        """The list ``found`` of a read that asks nothing of the graph."""
        found, begun, size, peaks = self._whole(at_one_head(text, "found"), None, parameters)
        self.moments.saw(begun, size, peaks)
        return list(found)

    def write(
        self,
        work: Callable[[neo4j.ManagedTransaction], T],
        *,
        patience: float = PATIENCE,
        changes: Callable[[T], bool] = lambda _: False,
    ) -> T:
        """Run work that may be tried again: it is a no-op where it was done before. It may take as many
        seconds as there is patience. ``changes`` tells from its outcome whether there is anything that readers
        may not see half of: while the graph is drawn anew nobody reads it.

        A connection lost while committing leaves the outcome open; trying once more finds out.
        """

        def announced(tx: neo4j.ManagedTransaction) -> T:
            outcome = work(tx)
            if changes(outcome):
                begin()
            return outcome

        managed = neo4j.unit_of_work(timeout=patience)(announced)
        with (
            self.watched() as was_ended,
            self._commits.announcing() as begin,
            self.session() as session,
        ):
            try:
                return session.execute_write(managed)
            except driver_errors.IncompleteCommit:
                if was_ended():
                    raise
                return session.execute_write(managed)

    def head(self) -> Frontier:
        """The log as the database says it stands."""
        for pause in (0.01, 0.1):
            size, peaks, *_ = self.bare(READ_HEAD)
            self.demand_drawn(peaks)
            # Somebody may write between the reading of the two: then they soon agree again.
            with suppress(StoreDamaged):
                return Frontier() if size is None else self.frontier(size, peaks)
            time.sleep(pause)
        return self.frontier(*self.bare(READ_HEAD)[:2])

    def frontier(self, size: Any, peaks: Any) -> Frontier:
        """The log out of the properties of its head. Raises ``StoreDamaged``."""
        try:
            return head_of(size, peaks)
        except (TypeError, ValueError, AttributeError) as error:
            raise StoreDamaged(
                f"the ledger's head is damaged: {error}", where=self.where
            ) from error

    def close(self) -> None:
        """Close the driver; calling twice is harmless."""
        self.driver.close()
