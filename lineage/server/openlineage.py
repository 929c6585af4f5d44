# SPDX-License-Identifier: Apache-2.0
"""Takes OpenLineage events at /api/v1/lineage, where Airflow, Spark and dbt send them to Marquez."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import request_response

from importers.openlineage import batch_of
from lineage.access.tokens import Role
from lineage.errors import BadInput, InputTruncated, LimitExceeded, LineageError, UnknownFormat
from lineage.model.record import Batch, Loss
from lineage.server import problems
from lineage.server.access import needs, viewer_of
from lineage.server.runtime import Runtime, Viewer
from lineage.services.context import Context
from lineage.services.write.group_commit import GroupCommit
from lineage.sources import json_values
from lineage.sources.json_values import Doubtful, conflict
from lineage.sources.text import as_utf8

#: Bytes of one request, before and after decompression.
LARGEST = 8 * 1024 * 1024
#: Events of one request.
MOST = 1_000
_LOSS: dict[str, Any] = {
    "type": "object",
    "description": "Something of an event that is missing or was not kept.",
    "properties": {
        "what": {"type": "string"},
        "count": {"type": "integer"},
        "reason": {"type": "string"},
    },
}
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_FACETS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "object"}}
_NAMED: dict[str, Any] = {
    "type": "object",
    "required": ["namespace", "name"],
    "properties": {"namespace": _TEXT, "name": _TEXT, "facets": _FACETS},
}
_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "A RunEvent, DatasetEvent or JobEvent of OpenLineage 2-0-2.",
    "required": ["eventTime", "producer", "schemaURL"],
    "anyOf": [{"required": ["run", "job"]}, {"required": ["job"]}, {"required": ["dataset"]}],
    "properties": {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "eventTime": {"type": "string", "format": "date-time"},
        "producer": {"type": "string", "format": "uri"},
        "schemaURL": {"type": "string", "format": "uri"},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {"runId": {"type": "string", "format": "uuid"}, "facets": _FACETS},
        },
        "job": _NAMED,
        "dataset": _NAMED,
        "inputs": {"type": "array", "items": _NAMED},
        "outputs": {"type": "array", "items": _NAMED},
    },
}


class _Direct(APIRoute):
    """A route whose function takes the request and gives the response: described as any other, but
    with nothing of FastAPI in between, which would cost as much as the event itself.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.app = request_response(self.endpoint)


class EventQueue:
    """Takes events into the store in groups; the first of a group starts the writing."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._receiver = GroupCommit(_parse, importer="openlineage")
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, viewer: Viewer, events: Sequence[Any]) -> list[asyncio.Future[tuple[Loss, ...]]]:
        """Hand over events; each future is done when its event is committed or refused."""
        heard, call = self._receiver.put(viewer.name, viewer.role, events)
        if call:
            task = asyncio.create_task(self._drain(viewer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return [asyncio.wrap_future(future) for future in heard]

    async def _drain(self, viewer: Viewer) -> None:
        while await self._runtime.write(viewer, self._receiver.drain):
            pass


def _parse(event: Any, ctx: Context) -> Batch:
    return batch_of(event, person_key=ctx.person_key)


def router(runtime: Runtime) -> APIRouter:
    """Make the routes of events."""
    made = APIRouter(tags=["openlineage"], route_class=_Direct)
    intake = EventQueue(runtime)

    @made.post(
        "/api/v1/lineage",
        status_code=201,
        response_class=Response,
        openapi_extra=_body(_EVENT),
        responses={
            201: _answer({"losses": {"type": "array", "items": _LOSS}}),
            **problems.responses(400, 408, 413, 415, 422),
        },
    )
    @needs(Role.contributor, body=LARGEST)
    async def post_event(request: Request) -> Response:
        """Take one event. It is in the store, durably, when the answer comes.

        Events may come in any order, twice, or in parts. What is missing or was not kept is listed.
        """
        event = await _json(request)
        if isinstance(event, Doubtful):
            event = conflict(event.value)
        (done,) = intake.put(viewer_of(request), [event])
        return _said({"losses": _losses(await done)}, 201)

    @made.post(
        "/api/v1/lineage/batch",
        response_class=Response,
        openapi_extra=_body({"type": "array", "items": _EVENT, "maxItems": MOST}),
        responses={
            200: _answer(
                {
                    "taken": {"type": "integer"},
                    "refused": {"type": "array", "items": {"type": "object"}},
                    "losses": {"type": "array", "items": _LOSS},
                }
            ),
            **problems.responses(400, 408, 413, 415, 422),
        },
    )
    @needs(Role.contributor, body=LARGEST)
    async def post_events(request: Request) -> Response:
        """Take a list of events. Those that cannot be taken are listed by their place in it, with
        the reason; they do not keep the others out.
        """
        events = await _json(request)
        if isinstance(events, Doubtful) and isinstance(events.value, list):
            events = [conflict(event) or event for event in events.value]
        if not isinstance(events, list):
            raise BadInput("a batch is a JSON list of events", hint="One event: /api/v1/lineage.")
        if len(events) > MOST:
            raise LimitExceeded(f"{len(events)} events, more than {MOST}", hint="Send fewer.")
        done = await asyncio.gather(*intake.put(viewer_of(request), events), return_exceptions=True)
        return _told(done)

    return made


def _told(done: Sequence[tuple[Loss, ...] | BaseException]) -> Response:
    """What became of each event of a batch. A failure of the store is the whole request's."""
    refused = []
    losses: list[Loss] = []
    for place, one in enumerate(done):
        if not isinstance(one, BaseException):
            losses += one
        elif isinstance(one, LineageError) and one.status < 500:
            refused.append({"index": place, **one.to_dict()})
        else:
            raise one
    shown = {"taken": len(done) - len(refused), "refused": refused, "losses": _losses(losses)}
    return _said(shown, 200)


def _losses(losses: Sequence[Loss]) -> list[dict[str, Any]]:
    return [{"what": loss.what, "count": loss.number, "reason": loss.reason} for loss in losses]


def _said(value: Any, status: int) -> Response:
    return Response(orjson.dumps(value), status_code=status, media_type="application/json")


async def _json(request: Request) -> Any:
    """The JSON of a request. Raises ``BadInput``, ``UnknownFormat``, ``LimitExceeded``."""
    media_type = request.headers.get("content-type", "application/json").partition(";")[0]
    if media_type.strip().lower() != "application/json":
        raise UnknownFormat(f"{media_type[:80]!r} is not taken here", hint="Send application/json.")
    data = await request.body()
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "gzip":
        data = _unpacked(data)
    elif encoding != "identity":
        raise UnknownFormat(f"{encoding[:80]!r} is no encoding known here", hint="Send gzip.")
    try:
        return json_values.value(as_utf8(data))
    except InputTruncated as error:
        raise BadInput(error.what, where=error.where) from None


def _unpacked(data: bytes) -> bytes:
    """What gzip packed, as long as it is no bomb."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(data, LARGEST + 1)
    except zlib.error as error:
        raise BadInput("the body is not gzip", hint="Send it unpacked.") from error
    if len(found) > LARGEST:
        raise LimitExceeded(f"the body unpacks to more than {LARGEST} bytes", hint="Send less.")
    if not unpacker.eof:
        raise BadInput("the body ends in the middle of gzip", hint="Send it again.")
    return found


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def _answer(properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"description": "Committed.", "content": {"application/json": {"schema": schema}}}
