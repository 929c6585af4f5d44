# SPDX-License-Identifier: Apache-2.0
"""Errors as RFC 9457 problems: a stable code, one sentence, the next step; never a traceback."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lineage.errors import LineageError, RateLimited, Unauthenticated

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


def problem(
    status: int, code: str, detail: str, hint: str | None = None, where: str | None = None
) -> Response:
    """One problem as a response."""
    shown: dict[str, Any] = {
        "type": f"urn:lineage:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if hint:
        shown["hint"] = hint
    if where:
        shown["where"] = where
    headers = {"cache-control": "no-store"}
    if status == 503:
        headers["retry-after"] = "1"
    body = orjson.dumps(shown)
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def of_error(error: LineageError) -> Response:
    """An error of ours. What failed on the server's side keeps the place to itself: it is a path
    or an address that only the log's reader needs.
    """
    where = error.where if error.status < 500 else None
    response = problem(error.status, error.code, error.what, error.hint, where)
    if isinstance(error, RateLimited):
        response.headers["retry-after"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        response.headers["www-authenticate"] = 'Basic realm="lineage", charset="UTF-8"'
        response.headers.append("www-authenticate", 'Bearer realm="lineage"')
    return response


def masked(request_id: str) -> Response:
    """A defect of ours: the log has it under the same request id."""
    hint = f"Tell whoever runs the server: request {request_id}."
    return problem(500, "failed", "the server failed at this request", hint)


def install(app: FastAPI) -> None:
    """Every error that a route may raise, as a problem."""
    app.add_exception_handler(LineageError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _ours(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, LineageError)
    return of_error(error)


async def _http(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HTTPException)
    known = {404: "not-found", 405: "method-not-allowed", 415: "unknown-format"}
    code = known.get(error.status_code, "bad-input")
    phrase = HTTPStatus(error.status_code).phrase.lower()
    response = problem(error.status_code, code, phrase, "/openapi.json lists what there is.")
    response.headers.update(error.headers or {})
    return response


async def _invalid(request: Request, error: Exception) -> Response:
    """Names the parameter and what is wrong with it, never its value."""
    del request
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return problem(422, "rejected", f"{place}: {first['msg']}", "Mend the parameter named.", place)
