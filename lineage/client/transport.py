# SPDX-License-Identifier: Apache-2.0
"""Sends one request at a time over one kept connection, with bounds on time and size."""

from __future__ import annotations

import ssl
from email.message import Message
from http.client import HTTPConnection, HTTPException
from threading import Lock
from typing import Any

import orjson

from lineage.client import reading
from lineage.client.address import Address
from lineage.client.reading import Object
from lineage.errors import (
    BadInput,
    Denied,
    LimitExceeded,
    LineageError,
    RateLimited,
    RequestTimeout,
    StoreMissing,
    StoreUnreachable,
    TimedOut,
    Unauthenticated,
)
from lineage.sources.http_body import bounded, read_body

#: Bytes of a question (what servers take), and of an answer.
SENT, RECEIVED = 1024 * 1024, 512 * 1024 * 1024
#: How a connection ends that a server closed while it was idle: said only to the next request.
_CLOSED = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
_JSON = frozenset({"application/json", "application/graphql-response+json"})
#: Characters of a reason that the network gave.
_REASON = 120
_PROBLEM = "application/problem+json"
#: What an answer without a body of ours means.
_STATUS: dict[int, tuple[type[LineageError], str]] = {
    401: (Unauthenticated, Unauthenticated.hint),
    403: (Denied, "Ask an administrator of the server for a token that may."),
    404: (StoreMissing, "Check the address: a lineage server answers at /graphql."),
    408: (RequestTimeout, "Ask again: the network, or a proxy on the way, was too slow."),
    413: (LimitExceeded, LimitExceeded.hint),
    429: (RateLimited, "Ask again later: the server, or a proxy on the way, takes no more now."),
    504: (TimedOut, TimedOut.hint),
}


class Transport:
    """Sends requests to one server over one connection, on which threads take turns: give each
    thread its own.

    ``timeout`` bounds, in seconds, connecting, each silence of the server, and a whole answer.
    """

    def __init__(self, address: Address, timeout: float) -> None:
        self.address = address
        self._timeout = timeout
        self._lock = Lock()
        self._connection: HTTPConnection | None = None
        self._target, self._headers = "", dict[str, str]()

    def query(self, text: str, variables: Object) -> Any:
        """Send an operation that only reads, and return its field ``answer``. It is sent again,
        once, where the server had closed the connection meanwhile. Raises the errors of
        ``lineage.errors``.
        """
        return _answered(*self._post(text, variables, kept=True))

    def mutate(self, text: str, variables: Object) -> Any:
        """Send an operation that writes, once and on a new connection, and return its field
        ``answer``.
        """
        return _answered(*self._post(text, variables, kept=False))

    def close(self) -> None:
        """Close the connection; it is opened again when it is needed."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _post(self, text: str, variables: Object, *, kept: bool) -> tuple[int, Message, bytes]:
        try:
            body = orjson.dumps({"query": text, "variables": variables})
        except TypeError as error:
            raise BadInput("the question holds a value that JSON cannot", hint=_UNICODE) from error
        if len(body) > SENT:
            raise LimitExceeded(
                f"a question of {len(body):,} bytes is over the limit of {SENT:,}",
                hint="Send smaller batches, or run 'lineage import' where the store is.",
            )
        with self._lock:
            if not kept:
                self._drop()
            try:
                return self._attempted(body)
            except (HTTPException, OSError) as error:
                self._drop()
                raise self._failed(error) from error
            except BaseException:
                # Whatever is left of an answer must not begin the next one.
                self._drop()
                raise

    def _attempted(self, body: bytes) -> tuple[int, Message, bytes]:
        if self._connection is not None:
            try:
                return self._exchange(self._connection, body)
            except _CLOSED:
                self._drop()
        made, self._target, self._headers = self.address.connection(self._timeout)
        bounded(made, self._timeout)
        self._connection = made
        return self._exchange(made, body)

    def _exchange(self, connection: HTTPConnection, body: bytes) -> tuple[int, Message, bytes]:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/graphql-response+json, application/json;q=0.9",
            "User-Agent": "lineagedb",
            **self._headers,
        }
        connection.request("POST", self._target, body, headers)
        response = connection.getresponse()
        body = read_body(response, largest=RECEIVED, hint=_LESS)
        return response.status, response.headers, body

    def _failed(self, error: Exception) -> LineageError:
        if isinstance(error, ssl.SSLCertVerificationError):
            return StoreUnreachable(
                f"the certificate of {self.address} is not to be trusted: {error.verify_message}",
                hint="Name the authority that signed it in SSL_CERT_FILE, if you trust it.",
            )
        if isinstance(error, TimeoutError):
            what = f"{self.address} did not answer within {self._timeout:g} s"
            return StoreUnreachable(what, hint="Ask for less, or again when it is less busy.")
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return StoreUnreachable(f"{self.address} cannot be reached: {reason[:_REASON]}")


_LESS = "Ask for less at once: a smaller limit, and the cursor to go on."
_UNICODE = "Text is Unicode, numbers are within 64 bits."


def _answered(status: int, headers: Message, body: bytes) -> Any:
    """What a response says, or its error."""
    media = headers.get_content_type()
    if media not in _JSON and media != _PROBLEM:
        raise _odd(status, headers)
    try:
        said = orjson.loads(body)
        if media == _PROBLEM:
            raise reading.error({**said, "code": said["code"], "message": said["detail"]})
        if failed := said.get("errors"):
            # Servers before this version said the status in HTTP alone.
            known = {"status": status if status >= 400 else None}
            raise reading.error(
                {**known, **failed[0]["extensions"], "message": failed[0]["message"]}
            )
        return said["data"]["answer"]
    except (AttributeError, LookupError, TypeError, ValueError):
        raise _odd(status, headers) from None


def _odd(status: int, headers: Message) -> LineageError:
    if 300 <= status < 400:
        what = f"the server sends its callers elsewhere ({status})"
        hint = "Open that address itself: redirects are not followed, so that no token goes astray."
        return StoreUnreachable(what, hint=hint)
    kind, hint = _STATUS.get(status, (StoreUnreachable, "Is it a lineage server, and well?"))
    after = headers.get("retry-after", "")
    return kind(
        f"the server answered {status}, and not as a lineage server does",
        hint=hint,
        retry_after=int(after) if after.isascii() and after.isdigit() else None,
    )
