# SPDX-License-Identifier: Apache-2.0
"""Serves the query page: a few files of our own that load nothing from elsewhere."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import Response

from lineage.access.tokens import Role
from lineage.server.access import needs

#: Address -> file and media type. What is not in this table does not exist.
FILES: dict[str, tuple[str, str]] = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/static/page.css": ("page.css", "text/css; charset=utf-8"),
    "/static/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/static/examples.js": ("examples.js", "text/javascript; charset=utf-8"),
    "/static/words.js": ("words.js", "text/javascript; charset=utf-8"),
    "/static/icon.svg": ("icon.svg", "image/svg+xml"),
}


def router() -> APIRouter:
    """Make one route a file; each file is read once."""
    made = APIRouter(include_in_schema=False)
    for path, (name, media_type) in FILES.items():
        data = files("lineage.server").joinpath("static", name).read_bytes()
        _serve(made, path, data, media_type)
    return made


def _serve(made: APIRouter, path: str, data: bytes, media_type: str) -> None:
    tag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}

    @made.get(path)
    @needs(Role.viewer)
    async def read_file(request: Request) -> Response:
        """The file, or that the client has it already."""
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=media_type, headers=headers)
