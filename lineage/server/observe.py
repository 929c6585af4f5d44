# SPDX-License-Identifier: Apache-2.0
"""Gives every request an id, a log line, metrics and safe headers, and masks defects."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineage.server import problems
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
        """Handle one request; WebSockets and lifespan events pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0
        request_id = _id(scope)

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in SAFE.items():
                    headers.setdefault(name, value)
            await send(message)

        self._metrics.under_way.inc()
        try:
            await self._app(scope, receive, noted)
        except TimeoutError:
            self._log.warning("answer not taken", id=request_id)
            raise ConnectionAbortedError from None
        except Exception as error:  # noqa: BLE001 - a defect of ours, whatever it is
            self._log.error("defect", id=request_id, error=type(error).__name__, at=place(error))
            if status == 0:
                await problems.masked(request_id)(scope, receive, noted)
        finally:
            self._metrics.under_way.dec()
            self._done(scope, request_id, status, time.perf_counter() - begun)

    def _done(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        state = scope.get("state", {})
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = state.get("route") or "(none)"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        viewer = state.get("viewer")
        size, digest = state.get("body", (0, None))
        more = {"bytes": size, "sha256": digest} if size else {}
        self._log.info(
            "request",
            id=request_id,
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            viewer=viewer.name if viewer else None,
            **more,
        )


def _id(scope: Scope) -> str:
    """The id that a proxy gave, where it looks like one; else a new one."""
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
