# SPDX-License-Identifier: Apache-2.0
"""The driver of a store: credentials, time-outs, and the driver's errors in our words."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from urllib.parse import unquote, urlsplit, urlunsplit

import neo4j
from neo4j import exceptions as driver_errors

from lineage.errors import (
    Denied,
    LineageError,
    StoreBusy,
    StoreDamaged,
    StoreFull,
    StoreUnreachable,
    TimedOut,
    Usage,
)
from lineage.store.neo4j.silence import WORKING, Silence

#: Seconds to wait for a connection, and in all for a transaction that may be tried again.
CONNECT, RETRY = 5.0, 15.0


def connect(url: str, user: str, password: str) -> tuple[neo4j.Driver, Silence, str, str]:
    """A driver of our own, with what ends its calls where the server is silent; the database named in the
    address, else the home database of the account; and the address without credentials.

    A user in the address works, with a warning: addresses end up in logs. Raises ``Usage`` for an
    address that names no server, or the server's own database.
    """
    parts = urlsplit(url)
    if parts.username is not None:
        warnings.warn(
            "credentials in a store's address end up in logs; use LINEAGE_NEO4J_USER and "
            "LINEAGE_NEO4J_PASSWORD",
            stacklevel=4,
        )
        user, password = unquote(parts.username), unquote(parts.password or password)
    host = parts.netloc.rsplit("@", 1)[-1]
    if not host:
        raise Usage(f"{parts.scheme}:// names no server", hint="Write neo4j://host:7687.")
    clean = urlunsplit((parts.scheme, host, "", "", ""))
    database = parts.path.strip("/")
    if database.lower() == "system":
        raise Usage(
            "the database 'system' is the server's own",
            where=f"{clean}/{database}",
            hint="Name another database, or none: the account's home database is meant then.",
        )
    driver = _driver(clean, user, password, RETRY)
    scheme = parts.scheme.replace("neo4j", "bolt")
    silence = Silence(driver, partial(_works_for, scheme, user, password))
    try:
        name = database or _home(driver, silence, clean)
    except BaseException:
        driver.close()
        raise
    return driver, silence, name, f"{clean}/{name}"


def _driver(url: str, user: str, password: str, seconds: float) -> neo4j.Driver:
    return neo4j.GraphDatabase.driver(
        url,
        auth=(user, password),
        connection_timeout=min(CONNECT, seconds),
        connection_acquisition_timeout=seconds,
        max_transaction_retry_time=RETRY,
        notifications_min_severity="OFF",
        telemetry_disabled=True,
        user_agent="lineagedb",
    )


def _works_for(
    scheme: str, user: str, password: str, at: tuple[str, int], seconds: float
) -> Collection[str]:
    """The connections that one server works for, none where it does not say in so many seconds."""
    host, port = at
    host = f"[{host}]" if ":" in host else host
    with (
        suppress(driver_errors.Neo4jError, driver_errors.DriverError, OSError, ValueError),
        _driver(f"{scheme}://{host}:{port}", user, password, seconds) as driver,
        driver.session() as session,
    ):
        query = neo4j.Query(WORKING, timeout=seconds)
        return frozenset(map(str, session.run(query).single(strict=True)[0]))
    return frozenset()


def _home(driver: neo4j.Driver, silence: Silence, where: str) -> str:
    """The database that the server means where none is named; not every server calls it neo4j."""
    with translated(where), silence.watched(where):
        found = driver.execute_query(
            neo4j.Query("CALL db.info() YIELD name RETURN name", timeout=RETRY),
            routing_="r",
            result_transformer_=neo4j.Result.single,
        )
    return str(found[0]) if found else "neo4j"


_FULL = ("Neo.TransientError.General.OutOfMemoryError", "Neo.TransientError.General.DiskFull")
#: Of who waits for longer than it may: whatever it is, and where that is the lock of another.
WAITED = (
    "Neo.ClientError.Transaction.TransactionTimedOut",
    "Neo.ClientError.Transaction.LockClientStopped",
    "Neo.TransientError.Transaction.LockClientStopped",
)
_MEMORY = "Neo.TransientError.General.MemoryPoolOutOfMemoryError"


@contextmanager
def translated(where: str) -> Iterator[None]:
    """The driver's errors as ours."""
    try:
        yield
    except driver_errors.AuthError as error:
        raise _denied("the server refuses the credentials", where) from error
    except (driver_errors.ServiceUnavailable, driver_errors.SessionExpired) as error:
        raise StoreUnreachable(
            f"no answer from the server: {_first(error)}", where=where
        ) from error
    except driver_errors.Neo4jError as error:
        raise _server(error, where) from error
    except driver_errors.DriverError as error:
        raise StoreUnreachable(_first(error), where=where) from error
    except (OSError, ValueError) as error:
        raise StoreUnreachable(f"no connection: {_first(error)}", where=where) from error


def _server(error: driver_errors.Neo4jError, where: str) -> LineageError:
    code, text = error.code or "", _first(error)
    if code in _FULL or "No space left" in text:
        return StoreFull(f"the server cannot write: {text}", where=where)
    if code == _MEMORY:
        hint = "Raise the server's heap, or ask for less (--depth, --limit)."
        return StoreFull(f"the server is out of memory: {text}", where=where, hint=hint)
    if code in WAITED[1:]:
        return StoreBusy("somebody else has been writing for too long to wait for", where=where)
    # The server adds whose limit it was.
    if code.startswith(WAITED[0]):
        return TimedOut("the question takes longer than it may", where=where)
    if code.startswith("Neo.ClientError.Security"):
        return _denied(f"the server refuses: {text}", where)
    if code.startswith("Neo.TransientError"):
        return StoreBusy(f"the server is busy: {text}", where=where)
    if code.startswith("Neo.ClientError.Database"):
        return StoreUnreachable(f"no such database: {text}", where=where)
    return StoreDamaged(f"the server refuses: {text}", where=where)


def _denied(what: str, where: str) -> Denied:
    hint = "Set LINEAGE_NEO4J_USER and LINEAGE_NEO4J_PASSWORD to an account that may."
    return Denied(what, where=where, hint=hint)


def _first(error: BaseException) -> str:
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0][:300]
