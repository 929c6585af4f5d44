# SPDX-License-Identifier: Apache-2.0
"""The whole server over a store (``site``), and the GraphQL routes alone (``client``)."""

from __future__ import annotations

import asyncio
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

import lineage
from lineage import app as root
from lineage.access.tokens import Role
from lineage.app import Lineage
from lineage.server import graphql
from lineage.server.app import create_app
from lineage.server.header_limits import protocol
from lineage.server.runtime import Runtime, Viewer
from lineage.server.serve import bind
from lineage.server.settings import Settings
from lineage.services.operate import tokens
from tests.graphql_schema.cases import small
from tests.server.sites import DEMO, Site

#: Seconds that the clients of ``served`` have.
CLIENT_TIMEOUT = 0.5
ANA = Viewer(name="ana", role=Role.admin)


class Calling:
    """A middleware that knows everybody by name."""

    def __init__(self, app: ASGIApp, viewer: Viewer | None) -> None:
        self.app, self.viewer = app, viewer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and self.viewer is not None:
            HTTPConnection(scope).state.viewer = self.viewer
        await self.app(scope, receive, send)


def application(store: Lineage, viewer: Viewer | None = ANA, **options: object) -> FastAPI:
    """The routes over a store."""
    app = FastAPI()
    app.state.runtime = Runtime(store.context, store.context)
    app.include_router(graphql.router(app.state.runtime, **options))
    app.add_middleware(Calling, viewer=viewer)
    return app


@pytest.fixture
def serve() -> Iterator[Callable[..., TestClient]]:
    """Clients of applications, closed afterwards."""
    with ExitStack() as stack:

        def get(store: Lineage | None = None, **options: object) -> TestClient:
            app = application(store or stack.enter_context(small()), **options)
            stack.callback(app.state.runtime.close)
            return stack.enter_context(TestClient(app, raise_server_exceptions=True))

        yield get


@pytest.fixture
def client(serve: Callable[..., TestClient]) -> TestClient:
    """A client of a small store."""
    return serve()


@contextmanager
def listening(app: FastAPI, lifespan: str = "off") -> Iterator[str]:
    """The address of a real server."""
    # With its protocol named, uvicorn's sockets send at once, as those of `lineage serve` do.
    with socket.socket(proto=socket.IPPROTO_TCP) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(64)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan=lifespan))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture
def serving():
    """Serve a store with the demo in it: by default in memory, on default settings."""
    with ExitStack() as stack:

        def get(url="memory:", batch=DEMO, **settings):
            runtime = stack.enter_context(root.served(url, budget=5, durability="fast"))
            lineage.Lineage(runtime.writing).ingest(batch)
            made = {role.name: tokens.add(runtime.writing, role.name, role) for role in Role}
            log = io.StringIO()
            app = create_app(runtime, Settings(**settings), stream=log)
            client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=True)
            stack.enter_context(client)
            return Site(
                app=app,
                client=client,
                runtime=runtime,
                secrets={name: secret for name, (_, secret) in made.items()},
                ids={name: token.id for name, (token, _) in made.items()},
                log=log,
            )

        yield get


@pytest.fixture
def site(serving):
    """The whole server over the demo in memory."""
    return serving()


@pytest.fixture(params=[CLIENT_TIMEOUT])
def served(request):
    """A server on a thread of this process, with a short timeout: its port and a token."""
    client_timeout = request.param
    with root.served("memory:") as runtime, bind("127.0.0.1", 0) as bound:
        _, secret = tokens.add(runtime.writing, "me", Role.admin)
        settings = Settings(client_timeout=client_timeout, shutdown_grace=1)
        config = uvicorn.Config(
            create_app(runtime, settings, stream=io.StringIO()),
            http=protocol(client_timeout),
            log_config=None,
            lifespan="on",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server._serve([bound])))
        thread.start()
        yield bound.getsockname()[1], secret
        server.should_exit = True
        thread.join(20)
