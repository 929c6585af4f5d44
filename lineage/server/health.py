# SPDX-License-Identifier: Apache-2.0
"""Says whether the server lives, whether its store answers, and what it offers (OpenAPI)."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from lineage.access.tokens import Role
from lineage.errors import StoreUnreachable
from lineage.server import problems
from lineage.server.access import needs, public
from lineage.services.operate.tokens import Keyring

#: Seconds without an answer of the store after which the server is not ready.
SILENT = 10.0


def router(keyring: Keyring) -> APIRouter:
    """Make the routes of health. They cost the store nothing: when it last answered is remembered."""
    made = APIRouter(tags=["operation"])

    @made.get("/healthz", responses={200: {"description": "The server lives."}})
    @public
    async def healthz() -> dict[str, str]:
        """Whether the server lives; says nothing about the store."""
        return {"status": "ok"}

    @made.get(
        "/readyz",
        responses={200: {"description": "The store answers."}, 503: problems.responses()[503]},
    )
    @public
    async def readyz() -> dict[str, str]:
        """Whether the store answered within the last seconds."""
        if keyring.age > SILENT:
            raise StoreUnreachable("the store does not answer", hint="Look at the server's log.")
        return {"status": "ready"}

    @made.get("/openapi.json", include_in_schema=False)
    @needs(Role.viewer)
    async def openapi(request: Request) -> Response:
        """What the server offers, as OpenAPI 3.1."""
        return JSONResponse(request.app.openapi())

    return made
