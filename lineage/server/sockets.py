# SPDX-License-Identifier: Apache-2.0
"""Serves operations over graphql-transport-ws, and over nothing older, while the token holds."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast

import orjson
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    Message,
    SubscribeMessage,
)
from strawberry.types.unset import UNSET, UnsetType

from graphql_schema import Session, make
from lineage.errors import LimitExceeded, LineageError, StoreUnreachable, Unauthenticated
from lineage.server import request_id
from lineage.server.access import secret_of
from lineage.server.runtime import Runtime, Viewer
from lineage.services.context import Context

T = TypeVar("T")
_log = logging.getLogger("lineage.graphql")
#: Operations at once on one connection; how long it may take to say who it is.
OPERATIONS, INITIALISED = 20, timedelta(seconds=5)
#: Seconds between two looks at whether the token of an open connection still holds.
RECHECK = 0.5
#: Seconds that a client may take to take a message.
TAKEN = 10.0
#: Characters of one message.
MESSAGE = 1024 * 1024
#: Says whose a token is now (``None``: nobody's).
Authenticate = Callable[[str], Viewer | None]
#: Is told the id of an operation, the HTTP status that it would have had, and the seconds it took.
Done = Callable[[str, int, float], None]


@dataclass(frozen=True, slots=True)
class _Served:
    """The runtime, for one viewer."""

    runtime: Runtime
    viewer: Viewer

    async def read(self, work: Callable[[Context], T]) -> T:
        """See ``Server.read``."""
        return await self.runtime.read(self.viewer, work)

    async def write(self, work: Callable[[Context], T]) -> T:
        """See ``Server.write``."""
        return await self.runtime.write(self.viewer, work)

    async def prepare(self, work: Callable[[], T]) -> T:
        """See ``Server.prepare``."""
        return await self.runtime.prepare(self.viewer, work)

    def ledger_changed(self) -> AbstractAsyncContextManager[asyncio.Event]:
        """See ``Server.ledger_changed``."""
        return self.runtime.ledger_changed()

    def admit(self) -> None:
        """See ``Server.admit``."""
        self.runtime.rate_limiter.admit(self.viewer.name)

    def spend(self, points: int) -> None:
        """See ``Server.spend``."""
        self.runtime.rate_limiter.spend(self.viewer.name, points)


def session(runtime: Runtime, viewer: Viewer) -> Session:
    """Make the session in which resolvers act for a viewer."""
    return Session(server=_Served(runtime, viewer), role=viewer.role)


@dataclass(slots=True)
class Caller:
    """The caller who opened a connection. ``who`` says who that is now (``None``: nobody any
    more); there is none before the caller is known. ``state`` is what the connection is noted by.
    """

    runtime: Runtime
    state: State
    who: Callable[[], Viewer | None] | None = None
    viewer: Viewer | None = None
    connection_params: dict[str, Any] | None = None

    def fresh(self) -> Session:
        """Make the context of one operation. Raises ``Unauthenticated``."""
        if self.viewer is None:
            raise Unauthenticated("nobody says who is calling")
        return session(self.runtime, self.viewer)

    def known(self, viewer: Viewer, who: Callable[[], Viewer | None]) -> None:
        """Keep who is calling."""
        self.viewer, self.who = viewer, who
        self.state.viewer = viewer

    def done(self, status: int, seconds: float) -> None:
        """Note an operation, with the HTTP status that it would have had."""
        note: Done | None = getattr(self.state, "operation_done", None)
        if note is not None:
            note(request_id.current() or "", status, seconds)


class _Handler(BaseGraphQLTransportWSHandler[Any, None]):
    """The protocol, with messages of another form refused as it says, and each operation
    authorised, limited and noted as a request is.
    """

    _ended = False
    _stalled = False
    _serving: asyncio.Task[Any] | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._caller: Caller = self.context
        self._failed: set[str] = set()
        self._begun = 0

    async def handle(self) -> None:
        """Serve the connection to its end, and see while it is open whether its token holds."""
        self._serving = asyncio.current_task()
        watch = asyncio.create_task(self._watch())
        try:
            await super().handle()
        except asyncio.CancelledError:
            if not self._stalled:
                raise
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(RECHECK)
            if self.connection_acknowledged and not await self._allowed():
                return

    async def _allowed(self) -> bool:
        """Whether the token still opens what it did; where not, the connection ends."""
        try:
            viewer = self._caller.who() if self._caller.who else None
        except StoreUnreachable:
            await self._end(1013, "the store does not answer")
            return False
        if viewer is None:
            await self._end(4401, "the token was revoked or has expired")
        elif viewer != self._caller.viewer:
            await self._end(4403, "the token has another role or name now")
        return not self._ended

    async def _end(self, code: int, reason: str) -> None:
        """Stop the operations, then say why: nothing is sent behind that."""
        if self._ended:
            return
        self._ended = True
        for ident in list(self.operations):
            await self.cleanup_operation(ident)
        # Raised where the client, or the protocol, has closed the connection at the same time.
        with suppress(RuntimeError, WebSocketDisconnect):
            await self.websocket.close(code, reason)

    async def handle_message(self, message: Message) -> None:
        """One message of a client."""
        if self._ended:
            return
        if not _well_formed(message):
            await self.handle_invalid_message("Failed to parse message")
            return
        await super().handle_message(message)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Begin an operation, where the caller may have one more."""
        if self.connection_acknowledged:
            if not await self._allowed():
                return
            try:
                self._admit()
            except LineageError as error:
                await self._refuse(message["id"], error)
                return
        await super().handle_subscribe(message)

    def _admit(self) -> None:
        assert self._caller.viewer is not None
        limiter, viewer = self._caller.runtime.rate_limiter, self._caller.viewer
        limiter.count(viewer.token, viewer.rate)
        limiter.admit(viewer.name)
        if len(self.operations) >= OPERATIONS:
            hint = "Complete one first, or open another connection."
            raise LimitExceeded(f"a connection has {OPERATIONS} operations at once", hint=hint)

    async def _refuse(self, ident: str, error: LineageError) -> None:
        with request_id.answering(self._next_id()):
            if ident not in self.operations:
                told = [_formatted(error)]
                await self.send_message({"type": "error", "id": ident, "payload": told})
            self._caller.done(error.status, 0.0)

    def _next_id(self) -> str:
        """The id of one more operation: that of the connection, and its number."""
        self._begun += 1
        return f"{request_id.current() or request_id.new()}.{self._begun}"

    async def run_operation(self, operation: Operation[Any, None]) -> None:
        """One operation, from its text to its last result; it is noted when it is over."""
        begun = time.perf_counter()
        with request_id.answering(self._next_id()):
            try:
                await super().run_operation(operation)
            finally:
                status = 400 if operation.id in self._failed else 200
                self._failed.discard(operation.id)
                self._caller.done(status, time.perf_counter() - begun)

    async def send_message(self, message: Message) -> None:
        """Send a message, unless the connection has ended."""
        if self._ended:
            return
        if message["type"] == "error":
            self._failed.add(message["id"])
            message["payload"] = cast("Any", request_id.tagged(cast("Any", message["payload"])))
        elif message["type"] == "next" and "errors" in message["payload"]:
            told = request_id.tagged(cast("Any", message["payload"]["errors"]))
            message["payload"]["errors"] = cast("Any", told)
        try:
            async with asyncio.timeout(TAKEN):
                await super().send_message(message)
        except TimeoutError:
            # It takes no word of farewell either: whoever serves it is told to let go.
            self._ended = self._stalled = True
            if self._serving is not None:
                self._serving.cancel()

    async def handle_task_exception(self, error: Exception) -> None:
        """Say what sort of thing went wrong: its message may hold values."""
        _log.error("an operation of a connection failed: %s", type(error).__name__)


def _formatted(error: LineageError) -> Any:
    shown = error.to_caller()
    return {"message": shown.pop("message"), "extensions": shown}


def _well_formed(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] in ("subscribe", "complete") and not isinstance(message.get("id"), str):
        return False
    if message["type"] != "subscribe":
        return True
    asked = message.get("payload")
    return (
        isinstance(asked, dict)
        and isinstance(asked.get("query"), str)
        and bool(asked["query"].strip())
        and isinstance(asked.get("variables") or {}, dict)
        and isinstance(asked.get("operationName") or "", str)
    )


def _token(given: Mapping[str, Any]) -> str | None:
    """The token of a first message, by the names that clients give it."""
    token = given.get("authorization") or given.get("Authorization") or given.get("token")
    return token.removeprefix("Bearer ") if isinstance(token, str) else None


class Sockets(GraphQL[Any, None]):
    """Strawberry's handler of WebSockets, with our limits and our callers."""

    graphql_transport_ws_handler_class: type[_Handler] = _Handler

    def __init__(
        self,
        runtime: Runtime,
        authenticate: Authenticate | None,
        origins: Sequence[str],
    ) -> None:
        super().__init__(
            make(),
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=INITIALISED,
            max_subscriptions_per_connection=OPERATIONS,
            allowed_origins=origins,
        )
        self._runtime = runtime
        self._authenticate = authenticate

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Any:
        """Find out who is calling, where the handshake says it."""
        del response
        made = Caller(self._runtime, request.state)
        viewer: Viewer | None = getattr(request.state, "viewer", None)
        if viewer is not None:
            made.known(viewer, self._asked(secret_of(request.headers)) or (lambda: viewer))
        return made

    async def on_ws_connect(self, context: Any) -> UnsetType | dict[str, object] | None:
        """Accept a caller who is known, or who brings a token."""
        caller = cast("Caller", context)
        if caller.viewer is None:
            who = self._asked(_token(caller.connection_params or {}))
            viewer = who() if who else None
            if who and viewer:
                caller.known(viewer, who)
        if caller.viewer is None:
            raise ConnectionRejectionError
        acknowledged: UnsetType = UNSET
        return acknowledged

    def _asked(self, token: str | None) -> Callable[[], Viewer | None] | None:
        """Whose a token is, to be asked again and again."""
        if self._authenticate is None or token is None:
            return None
        return partial(self._authenticate, token)

    def decode_json(self, data: str | bytes) -> object:
        """Read a message, unless it is too long."""
        if len(data) > MESSAGE:
            raise json.JSONDecodeError("the message is too long", "", 0)
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        """Write a message as text, attributes as engines keep them."""
        return orjson.dumps(data).decode()
