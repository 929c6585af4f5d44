# SPDX-License-Identifier: Apache-2.0
"""Checks every request before a route sees it: host, origin, token, role, size and time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from lineage.errors import (
    Denied,
    LimitExceeded,
    LineageError,
    MethodNotAllowed,
    RequestTimeout,
    ServerBusy,
    TimedOut,
    Unauthenticated,
)
from lineage.server import problems
from lineage.server.access import (
    Access,
    access_of,
    caller,
    check_host,
    check_origin,
    methods_of,
    resolve,
    secret_of,
)
from lineage.server.rate_limit import RateLimiter
from lineage.server.settings import Settings
from lineage.services.operate.tokens import Keyring

#: What the server as a whole answers (OPTIONS *).
_ANY = ["GET", "HEAD", "OPTIONS", "POST"]


class Guard:
    """Denies by default: only a route that declares its access is reached, and only by callers that
    it allows.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        served: FastAPI,
        keyring: Keyring,
        limiter: RateLimiter,
        settings: Settings,
    ) -> None:
        self._app = app
        self._served = served
        self._keyring = keyring
        self._limiter = limiter
        self._settings = settings
        self._sockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or WebSocket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        if scope["type"] == "http" and scope["method"] == "HEAD":
            # What is below answers as to GET; the server sends nothing of it but the headers.
            scope = {**scope, "method": "GET"}
        try:
            access = self._admit(scope)
            if scope["type"] == "http":
                receive = await self._received(access, scope, receive)
        except LineageError as error:
            await _refuse(error, scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif (other := self._by_other_method(scope)) is not None:
            await other(scope, receive, send)
        else:
            await self._in_time(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._sockets >= self._settings.connections // 2:
            busy = ServerBusy(f"there are {self._sockets:,} WebSockets")
            await _refuse(busy, scope, receive, send)
            return
        self._sockets += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._sockets -= 1

    @property
    def _routes(self) -> Sequence[BaseRoute]:
        return self._served.router.routes

    def _admit(self, scope: Scope) -> Access:
        """Who calls, and whether the route lets them. Raises the error to refuse with."""
        state, headers = scope["state"], Headers(scope=scope)
        route = resolve(self._routes, scope)
        state["route"] = getattr(route, "path", None)
        state["methods"] = getattr(route, "methods", None) or ()
        access = access_of(route)
        if access is not None and access.role is None:
            return access
        check_host(headers, self._settings.hosts)
        check_origin(headers, self._settings.origins)
        if access is not None and access.afterwards and "authorization" not in headers:
            return access
        viewer = caller(self._keyring, secret_of(headers) or "")
        if viewer is None:
            raise Unauthenticated("a valid token is needed")
        state["viewer"] = viewer
        self._limiter.count(viewer.token, viewer.rate)
        if route is None:
            return Access(viewer.role)
        if access is None or access.role is None:
            raise Denied("this route declares nobody who may call it", hint="This is a defect.")
        if viewer.role < access.role:
            message = f"the token is a {viewer.role.name}'s; this needs a {access.role.name}"
            raise Denied(message, hint=f"lineage token add NAME --role {access.role.name}")
        return access

    def _by_other_method(self, scope: Scope) -> Response | None:
        """The answer to a method that the path does not have, or to OPTIONS."""
        if scope["method"] in scope["state"]["methods"]:
            return None
        methods = _ANY if scope["path"] == "*" else methods_of(self._routes, scope)
        allow = {"allow": ", ".join(methods)}
        if not methods:
            return None  # the router says that there is no such path
        if scope["method"] == "OPTIONS":
            return Response(status_code=204, headers=allow)
        message = f"{scope['method'][:20]} is not answered here"
        hint = f"{allow['allow']} are; /openapi.json lists what there is."
        response = problems.problem(MethodNotAllowed(message, hint=hint))
        response.headers.update(allow)
        return response

    async def _received(self, access: Access, scope: Scope, receive: Receive) -> Receive:
        """The whole body, bounded in size and time; the route then reads it from memory."""
        headers = Headers(scope=scope)
        if "content-length" not in headers and "transfer-encoding" not in headers:
            return receive
        limit = self._settings.body if access.body is None else access.body
        declared = headers.get("content-length", "0")
        if not declared.isascii() or not declared.isdigit() or int(declared) > limit:
            raise LimitExceeded(f"the body may have {limit} bytes", hint="Send it in parts.")
        try:
            async with asyncio.timeout(self._settings.client_timeout):
                body = await _read(receive, limit)
        except TimeoutError as error:
            message = f"the body did not arrive within {self._settings.client_timeout:g} seconds"
            raise RequestTimeout(message) from error
        scope["state"]["body"] = (len(body), hashlib.sha256(body).hexdigest()[:16])
        return _replay(body, receive)

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The route, with a bound on when its answer begins and on each part being taken."""
        began = False
        clock, client_timeout = asyncio.get_running_loop().time, self._settings.client_timeout

        async def bounded(message: Message) -> None:
            nonlocal began
            began = True
            deadline.reschedule(clock() + client_timeout)
            await send(message)
            if message.get("more_body", False):
                deadline.reschedule(None)

        try:
            async with asyncio.timeout(self._settings.response_timeout) as deadline:
                await self._app(scope, receive, bounded)
        except TimeoutError:
            if began:
                raise
            seconds = f"{self._settings.response_timeout:g} seconds"
            await _refuse(TimedOut(f"no answer within {seconds}"), scope, receive, send)


async def _read(receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestTimeout("the client went away before its request was whole")
        body += message.get("body", b"")
        if len(body) > limit:
            raise LimitExceeded(f"the body may have {limit} bytes", hint="Send it in parts.")
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


async def _refuse(error: LineageError, scope: Scope, receive: Receive, send: Send) -> None:
    """The problem; what is left of a body is not read, so the connection ends with it."""
    response: Response = problems.problem(error)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
        return
    if isinstance(error, LimitExceeded | RequestTimeout) or "expect" in Headers(scope=scope):
        response.headers["connection"] = "close"
    await response(scope, receive, send)
