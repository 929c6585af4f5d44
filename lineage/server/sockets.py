# SPDX-License-Identifier: Apache-2.0
"""Serves subscriptions over graphql-transport-ws, and over nothing older."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message
from strawberry.types.unset import UNSET, UnsetType

from graphql_schema import Session, make
from lineage.server.runtime import Runtime, Viewer
from lineage.services.context import Context

T = TypeVar("T")
_log = logging.getLogger("lineage.graphql")
#: Operations at once on one connection; how long it may take to say who it is.
OPERATIONS, INITIALISED = 20, timedelta(seconds=5)
#: Characters of one message.
MESSAGE = 1024 * 1024


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
    """The caller who opened a connection; there is a session once the caller is known."""

    session: Session | None
    connection_params: dict[str, Any] | None = None

    def fresh(self) -> Session:
        """Make the context of one operation."""
        if self.session is None:
            raise ConnectionRejectionError
        return self.session.fresh()


class _Handler(BaseGraphQLTransportWSHandler[Any, None]):
    """The protocol, with messages of another form refused as it says."""

    async def handle_message(self, message: Message) -> None:
        """One message of a client."""
        if not _well_formed(message):
            await self.handle_invalid_message("Failed to parse message")
            return
        await super().handle_message(message)

    async def handle_task_exception(self, error: Exception) -> None:
        """Say what sort of thing went wrong: its message may hold values."""
        _log.error("an operation of a connection failed: %s", type(error).__name__)


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


class Sockets(GraphQL[Any, None]):
    """Strawberry's handler of WebSockets, with our limits and our callers."""

    graphql_transport_ws_handler_class: type[_Handler] = _Handler

    def __init__(
        self,
        runtime: Runtime,
        authenticate: Callable[[str], Viewer | None] | None,
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
        """Find out who is calling, where a middleware knows."""
        del response
        return Caller(self._session(getattr(request.state, "viewer", None)))

    async def on_ws_connect(self, context: Any) -> UnsetType | dict[str, object] | None:
        """Accept a caller who is known, or who brings a token."""
        caller = cast("Caller", context)
        if caller.session is None:
            caller.session = self._session(self._by_token(caller.connection_params or {}))
        if caller.session is None:
            raise ConnectionRejectionError
        acknowledged: UnsetType = UNSET
        return acknowledged

    def _by_token(self, given: Mapping[str, Any]) -> Viewer | None:
        token = given.get("authorization") or given.get("Authorization") or given.get("token")
        if self._authenticate is None or not isinstance(token, str):
            return None
        return self._authenticate(token.removeprefix("Bearer "))

    def _session(self, viewer: Viewer | None) -> Session | None:
        return None if viewer is None else session(self._runtime, viewer)

    def decode_json(self, data: str | bytes) -> object:
        """Read a message, unless it is too long."""
        if len(data) > MESSAGE:
            raise json.JSONDecodeError("the message is too long", "", 0)
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        """Write a message as text, attributes as engines keep them."""
        return orjson.dumps(data).decode()
