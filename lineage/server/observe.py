# SPDX-License-Identifier: Apache-2.0
"""Gives every request an id, a log line, metrics and safe headers, and masks defects."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineage.server import problems, request_id
from lineage.server.log import place
from lineage.server.metrics import Metrics

#: What browsers may do with our answers: nothing that is not ours runs, nobody frames them.
SAFE = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_GIVEN_ID = re.compile(r"[0-9A-Za-z._-]{8,64}")


class ObservabilityMiddleware:
    """The outermost middleware: no defect inside gets past it unmasked."""

    def __init__(self, app: ASGIApp, *, log: Any, metrics: Metrics) -> None:
        self._app = app
        self._log = log
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or WebSocket; lifespan events pass."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0
        ident = _id(scope)

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = ident
                for name, value in SAFE.items():
                    headers.setdefault(name, value)
            await send(message)

        self._metrics.under_way.inc()
        try:
            with request_id.answering(ident):
                await self._answered(scope, receive, noted, lambda: status == 0)
        except TimeoutError:
            self._log.warning("answer not taken", id=ident)
            raise ConnectionAbortedError from None
        finally:
            self._metrics.under_way.dec()
            self._done(scope, ident, status, time.perf_counter() - begun)

    async def _answered(
        self, scope: Scope, receive: Receive, send: Send, unbegun: Callable[[], bool]
    ) -> None:
        """The answer; where nothing of it has begun, a defect is masked by one of ours."""
        try:
            await self._app(scope, receive, send)
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours, whatever it is
            ident = request_id.current()
            self._log.error("defect", id=ident, error=type(error).__name__, at=place(error))
            if unbegun():
                await problems.masked()(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A connection, noted at its end; each operation over it is noted as a request is."""
        begun, code, accepted, operations = time.perf_counter(), 1006, False, 0
        connection = _id(scope)
        state = scope.setdefault("state", {})

        async def heard() -> Message:
            nonlocal code
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code", code)
            return message

        async def noted(message: Message) -> None:
            nonlocal code, accepted
            if message["type"] == "websocket.accept":
                accepted = True
                self._metrics.sockets.inc()
            elif message["type"] == "websocket.close":
                code = message.get("code", code)
            elif message["type"] == "websocket.http.response.start":
                code = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = connection
            await send(message)

        def done(ident: str, status: int, seconds: float) -> None:
            nonlocal operations
            operations += 1
            self._done(scope, ident, status, seconds)

        state["operation_done"] = done
        try:
            with request_id.answering(connection):
                await self._app(scope, heard, noted)
        except Exception as error:  # noqa: BLE001 - a defect of ours, whatever it is
            self._log.error("defect", id=connection, error=type(error).__name__, at=place(error))
            if not accepted:
                await send({"type": "websocket.close", "code": 1011})
        finally:
            if accepted:
                self._metrics.sockets.dec()
            self._log.info(
                "websocket",
                id=connection,
                route=state.get("route") or "(none)",
                code=code,
                s=round(time.perf_counter() - begun, 1),
                operations=operations,
                viewer=_name(state),
            )

    def _done(self, scope: Scope, ident: str, status: int, seconds: float) -> None:
        state = scope.get("state", {})
        method = "WEBSOCKET"
        if scope["type"] == "http":
            method = scope["method"] if scope["method"] in _METHODS else "other"
        route = state.get("route") or "(none)"
        self._metrics.requests.labels(method, route, str(status)).inc()
        if method != "WEBSOCKET":
            # Of its operations some are subscriptions, which take as long as somebody listens.
            self._metrics.seconds.labels(route).observe(seconds)
        size, digest = state.get("body", (0, None))
        more = {"bytes": size, "sha256": digest} if size else {}
        self._log.info(
            "request",
            id=ident,
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            viewer=_name(state),
            **more,
        )


def _name(state: Mapping[str, Any]) -> str | None:
    viewer = state.get("viewer")
    return viewer.name if viewer else None


def _id(scope: Scope) -> str:
    """The id that a proxy gave, where it looks like one; else a new one."""
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _GIVEN_ID.fullmatch(given) else request_id.new()
