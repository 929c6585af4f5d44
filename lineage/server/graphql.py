# SPDX-License-Identifier: Apache-2.0
"""GraphQL over HTTP (the specification of 2025) and over graphql-transport-ws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from graphql_schema import Session, make
from graphql_schema.operation import HINT
from lineage.errors import (
    BadQuery,
    LimitExceeded,
    LineageError,
    MethodNotAllowed,
    PersistedQueryNotSupported,
    Unauthenticated,
    UnknownFormat,
)
from lineage.server import problems, request_id
from lineage.server.runtime import Runtime
from lineage.server.sockets import Authenticate, Sockets, session

#: Bytes of a request body, at most.
BODY = 1024 * 1024
_PLAIN, _GRAPHQL = "application/json", "application/graphql-response+json"
_READS = frozenset({OperationType.QUERY})
_ALL = frozenset({OperationType.QUERY, OperationType.MUTATION})


@dataclass(frozen=True, slots=True)
class _Request:
    """What a request asks, by any method."""

    query: str
    name: str | None
    variables: dict[str, Any] | None


def router(
    runtime: Runtime,
    *,
    authenticate: Authenticate | None = None,
    origins: Sequence[str] = (),
    page: Callable[[Request], Response] | None = None,
) -> APIRouter:
    """Make the routes of /graphql: POST, GET for queries, and WebSocket.

    The caller is ``request.state.viewer``, set by a middleware; a WebSocket may instead bring a
    token in ``connection_init``. ``authenticate`` says whose a token is, then and while the
    WebSocket is open. ``origins`` are the other
    origins whose pages may open a WebSocket. ``page`` is shown to a browser that asks nothing.
    """
    routes = APIRouter()
    sockets = Sockets(runtime, authenticate, origins)

    @routes.post("/graphql", include_in_schema=False)
    async def post(request: Request) -> Response:
        return await _answer(runtime, request)

    @routes.get("/graphql", include_in_schema=False)
    async def get(request: Request) -> Response:
        wanted = request.headers.get("accept", "")
        if page is not None and "query" not in request.query_params and "text/html" in wanted:
            return page(request)
        return await _answer(runtime, request)

    @routes.websocket("/graphql")
    async def socket(websocket: WebSocket) -> None:
        await sockets.run(websocket)

    return routes


async def _answer(runtime: Runtime, request: Request) -> Response:
    media = _GRAPHQL if _prefers_graphql(request.headers.get("accept", "")) else _PLAIN
    try:
        viewer = getattr(request.state, "viewer", None)
        if viewer is None:
            raise Unauthenticated("nobody says who is calling")
        runtime.rate_limiter.admit(viewer.name)
        asked = await _asked(request)
        return await _run(session(runtime, viewer), asked, request.method, media)
    except LineageError as error:
        return _problem(error, media)


async def _run(caller: Session, asked: _Request, method: str, media: str) -> Response:
    try:
        result = await make().execute(
            asked.query,
            variable_values=asked.variables,
            operation_name=asked.name,
            context_value=caller,
            allowed_operation_types=_READS if method == "GET" else _ALL,
        )
    except InvalidOperationTypeError as error:
        word = error.operation_type.value
        if method == "GET":
            raise MethodNotAllowed(f"a {word} is not answered to a GET") from error
        raise BadQuery(
            f"a {word} is not answered to a {method}", hint=MethodNotAllowed.hint
        ) from error
    except CannotGetOperationTypeError as error:
        raise BadQuery(
            f"the query has no operation {asked.name!r}"
            if asked.name
            else "the query has no operation, or several and no operationName",
            hint=HINT,
        ) from error
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = request_id.tagged([error.formatted for error in result.errors])
    if result.extensions:
        body["extensions"] = result.extensions
    refused = result.data is None and bool(result.errors)
    if refused:
        del body["data"]
    return _response(body, 400 if refused and media == _GRAPHQL else 200, media)


def _response(body: Mapping[str, Any], status: int, media: str) -> Response:
    headers = {"content-type": f"{media}; charset=utf-8", "vary": "Accept"}
    return Response(orjson.dumps(body), status, headers)


def _problem(error: LineageError, media: str) -> Response:
    shown = error.to_caller()
    persisted = isinstance(error, PersistedQueryNotSupported)
    if persisted:
        shown["code"] = error.code.upper().replace("-", "_")
    errors = [{"message": shown.pop("message"), "extensions": shown}]
    body = {"errors": request_id.tagged(errors)}
    # Apollo's server says this with 200, as whoever asks expects it; the newer media type has no 200
    # without data.
    status = 200 if persisted and media == _PLAIN else error.status
    response = _response(body, status, media)
    if isinstance(error, MethodNotAllowed):
        response.headers["allow"] = "GET, HEAD, OPTIONS, POST"
    problems.announce(error, response)
    return response


def _prefers_graphql(accept: str) -> bool:
    """Whether the newer media type is wanted: where both are, the one named first or rated higher."""
    rated: dict[str, float] = {}
    for part in accept.lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            rated.setdefault(media, float(weight))
        except ValueError:
            rated.setdefault(media, 0)
    ours = rated.get(_GRAPHQL, 0)
    if ours <= 0:
        return False
    plain = rated.get(_PLAIN, 0)
    return ours > plain or (
        ours == plain and list(rated).index(_GRAPHQL) < list(rated).index(_PLAIN)
    )


async def _asked(request: Request) -> _Request:
    if request.method == "GET":
        fields: dict[str, Any] = dict(request.query_params)
        for word in ("variables", "extensions"):
            if word in fields:
                fields[word] = _json(fields[word].encode(), f"the parameter {word}")
    else:
        fields = _object(request, await _body(request))
    query: Any = fields.get("query")
    name: Any = fields.get("operationName")
    extensions = fields.get("extensions")
    if query in (None, "") and isinstance(extensions, dict) and extensions.get("persistedQuery"):
        raise PersistedQueryNotSupported("PersistedQueryNotSupported")
    if not isinstance(query, str) or not query.strip():
        raise BadQuery("there is no query, or it is no text", hint='Send {"query": "{ ... }"}.')
    if name is not None and not isinstance(name, str):
        raise BadQuery("operationName is no text", hint=HINT)
    for word in ("variables", "extensions"):
        if fields.get(word) is not None and not isinstance(fields[word], dict):
            raise BadQuery(f"{word} is no object", hint=HINT)
    return _Request(query, name or None, fields.get("variables"))


async def _body(request: Request) -> bytes:
    """The body, read no further than it may be long."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > BODY:
        raise _too_large()
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


def _too_large() -> LimitExceeded:
    return LimitExceeded(
        f"the body is over the limit of {BODY:,} bytes",
        hint="Import large documents with 'lineage import'.",
    )


def _object(request: Request, body: bytes) -> dict[str, Any]:
    media, _, rest = request.headers.get("content-type", "").lower().partition(";")
    if media.strip() != _PLAIN or ("charset=" in rest and "utf-8" not in rest):
        raise UnknownFormat(
            f"a body of type {media.strip() or 'none'!r} is not read here",
            hint="Send application/json in UTF-8.",
        )
    value = _json(body, "the body")
    if isinstance(value, list):
        raise BadQuery("batches are not answered", hint="Send one operation a request.")
    if not isinstance(value, dict):
        raise BadQuery("the body is no object", hint='Send {"query": "{ ... }"}.')
    return value


def _json(data: bytes, what: str) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadQuery(f"{what} is no JSON", hint="Send one JSON object in UTF-8.") from error
