# SPDX-License-Identifier: Apache-2.0
"""Answers errors as RFC 9457 problems: a stable code, one sentence, the next step; never a
traceback.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lineage.errors import (
    BadInput,
    LineageError,
    MethodNotAllowed,
    NotFound,
    Rejected,
    Unauthenticated,
    UnknownFormat,
)
from lineage.server import request_id

MEDIA_TYPE = "application/problem+json"
#: How the responses of problems look in OpenAPI.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "urn:lineage:problem: and the code."},
        "title": {"type": "string", "description": "The name of the HTTP status."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "One sentence with the value in it."},
        "code": {"type": "string", "description": "Never changes between releases."},
        "hint": {"type": "string", "description": "What to do next."},
        "where": {"type": "string", "description": "Where in the input."},
        "request_id": {"type": "string", "description": "The id that the server's log has too."},
        "retry_after": {"type": "integer", "description": "Seconds until asking again may help."},
    },
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for OpenAPI; 401, 403 and 503 always may."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": SCHEMA}},
        }
        for status in sorted({401, 403, 503, *statuses})
    }


def problem(error: LineageError, status: int | None = None) -> Response:
    """Make a response of an error of ours, by default with its own HTTP status."""
    shown = error.to_caller()
    number = error.status if status is None else status
    body = {
        "type": f"urn:lineage:problem:{error.code}",
        "title": HTTPStatus(number).phrase,
        "detail": shown.pop("message"),
        **{name: value for name, value in shown.items() if value},
        "status": number,
    }
    if (ident := request_id.current()) is not None:
        body["request_id"] = ident
    response = Response(orjson.dumps(body), status_code=number, media_type=MEDIA_TYPE)
    response.headers["cache-control"] = "no-store"
    announce(error, response)
    return response


def announce(error: LineageError, response: Response) -> None:
    """The headers that say when to try again, and how to authenticate."""
    if error.retry_after is not None:
        response.headers["retry-after"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        response.headers["www-authenticate"] = 'Basic realm="lineage", charset="UTF-8"'
        response.headers.append("www-authenticate", 'Bearer realm="lineage"')


def masked() -> Response:
    """Make the response to a defect of ours: the log has it under the same request id."""
    hint = f"Tell whoever runs the server: request {request_id.current()}."
    return problem(LineageError("the server failed at this request", hint=hint))


def install(app: FastAPI) -> None:
    """Answer every error that a route may raise with a problem."""
    app.add_exception_handler(LineageError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _ours(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, LineageError)
    return problem(error)


async def _http(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HTTPException)
    known = {404: NotFound, 405: MethodNotAllowed, 415: UnknownFormat}
    kind: type[LineageError] = known.get(error.status_code, BadInput)
    phrase = HTTPStatus(error.status_code).phrase.lower()
    made = kind(phrase, hint="/openapi.json lists what there is.")
    response = problem(made, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _invalid(request: Request, error: Exception) -> Response:
    """Names the parameter and what is wrong with it, never its value."""
    del request
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    hint = "Mend the parameter named."
    return problem(Rejected(f"{place}: {first['msg']}", hint=hint, where=place))
