# SPDX-License-Identifier: Apache-2.0
"""Builds the application: the routers in one table, and the middleware around every one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware

from lineage.access.tokens import Role
from lineage.server import (
    graphql,
    health,
    log,
    metrics,
    ontology,
    openlineage,
    page,
    problems,
    prov,
    sparql,
)
from lineage.server.access import caller, declared
from lineage.server.guard import Guard
from lineage.server.metrics import Metrics
from lineage.server.observe import ObservabilityMiddleware
from lineage.server.runtime import Runtime
from lineage.server.settings import Settings
from lineage.services.operate.tokens import Keyring

_ABOUT = """
What produced this, and what breaks if it goes? Everything here is W3C PROV.

Every route but `/healthz` and `/readyz` needs a token: `Authorization: Bearer TOKEN`, or HTTP Basic
with the token as the password (any user name), which is how a browser gets in. Failures are RFC
9457 problems with a stable `code`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What routers are made from."""

    runtime: Runtime
    settings: Settings = field(default_factory=Settings)
    keyring: Keyring = field(default_factory=Keyring)
    metrics: Metrics = field(default_factory=Metrics)


#: Everything that is served; a router of others declares its role with ``access.declared``. Routes
#: are tried in this order: the busiest stand first.
ROUTERS: Sequence[Callable[[Served], APIRouter]] = (
    lambda served: openlineage.router(served.runtime),
    lambda served: declared(
        graphql.router(
            served.runtime,
            authenticate=partial(caller, served.keyring),
            origins=sorted(served.settings.origins),
        ),
        Role.viewer,
        body=graphql.BODY,
    ),
    lambda served: health.router(served.keyring),
    lambda served: metrics.router(served.runtime, served.metrics),
    lambda served: prov.router(served.runtime),
    lambda served: sparql.router(served.runtime),
    lambda _: ontology.router(),
    lambda _: page.router(),
)


def create_app(
    runtime: Runtime, settings: Settings | None = None, *, stream: Any = None
) -> FastAPI:
    """Make the application around a store that is being served; ``stream`` takes the log (default:
    stderr). Closing the runtime stays with the caller.
    """
    served = Served(runtime=runtime, settings=settings or Settings())
    lines = log.logger(served.settings.log_lines_per_second, stream)
    app = FastAPI(
        title="lineagedb",
        version=version("lineagedb"),
        description=_ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lambda _: _life(served, lines),
    )
    for make in ROUTERS:
        # Included, a router would hide its routes; the guard and its test look at each of them.
        app.router.routes.extend(make(served).routes)
    problems.install(app)
    app.add_middleware(
        Guard,
        served=app,
        keyring=served.keyring,
        limiter=served.runtime.rate_limiter,
        settings=served.settings,
    )
    if served.settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(served.settings.origins),
            allow_methods=["GET", "HEAD", "POST"],
            # Tracing agents and Apollo add headers of their own; none of them changes anything here.
            allow_headers=["*"],
            expose_headers=["lineage-certificate", "retry-after", "x-request-id"],
        )
    app.add_middleware(ObservabilityMiddleware, log=lines, metrics=served.metrics)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign] # FastAPI's documented way
    return app


@asynccontextmanager
async def _life(served: Served, lines: Any) -> AsyncIterator[None]:
    """While the server runs, the tokens are read again every few seconds."""
    await asyncio.to_thread(served.keyring.refresh, served.runtime.writing)
    task = asyncio.create_task(_refreshing(served, lines))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _refreshing(served: Served, lines: Any) -> None:
    """On a thread of its own, so that no long read or write keeps a revocation out."""
    while True:
        await asyncio.sleep(served.settings.token_refresh)
        try:
            await asyncio.to_thread(served.keyring.refresh, served.runtime.writing)
        except Exception as error:  # noqa: BLE001 - whatever fails, the next round may not
            lines.error("store does not answer", error=type(error).__name__, at=log.place(error))


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The description of what is served, with the two ways to bring a token."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        made.setdefault("components", {})["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "browser": {"type": "http", "scheme": "basic"},
        }
        made["security"] = [{"token": []}, {"browser": []}]
        for path in ("/healthz", "/readyz"):
            made["paths"][path]["get"]["security"] = []
        app.openapi_schema = made
    return app.openapi_schema
