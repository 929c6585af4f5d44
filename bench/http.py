# SPDX-License-Identifier: Apache-2.0
"""A lineage answer over HTTP: GraphQL beside a plain route, and beside the stock executor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from unittest.mock import patch

import orjson
from fastapi import FastAPI
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from bench.engines import stored
from bench.graph import Graph
from bench.measure import Row, at_most, below, clock, percentile, rate, say, together
from graphql_schema import make
from lineage.access.tokens import Role
from lineage.app import open_store, served
from lineage.server import graphql
from lineage.server.runtime import Runtime, Viewer
from lineage.services.context import Context
from lineage.services.read.trace import ReachRequest, TraceRequest

#: Seconds in which what depends on what is made in memory.
_MADE = 6

MODELS = 200
VIEWER = Viewer(name="bench", role=Role.viewer)
QUERY = """query($ref: String!) {trace(ref: $ref) {
  nodes {id kind label attributes} edges {type effect cause attributes}
  certificate {complete cut {reason left} cursor as_of root
    gaps {code count message example command}}}}"""


class Client:
    """Calls an application in-process, on one loop, without a client library's own cost."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()

    def post(self, path: str, value: Any) -> bytes:
        """The body of an answer, which must be a good one."""
        return self._loop.run_until_complete(self._post(path, orjson.dumps(value)))

    async def _post(self, path: str, body: bytes) -> bytes:
        sent: list[Any] = []
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"content-type", b"application/json"), (b"host", b"bench")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        assert sent[0]["status"] == 200, sent
        return b"".join(message.get("body", b"") for message in sent[1:])

    def close(self) -> None:
        """End the loop."""
        self._loop.close()


def _application(runtime: Runtime) -> FastAPI:
    app = FastAPI()
    app.include_router(graphql.router(runtime))

    @app.post("/plain")
    async def plain(request: Request) -> Response:
        ref = orjson.loads(await request.body())["ref"]
        return Response(
            await runtime.read(
                VIEWER, lambda ctx: TraceRequest(ref, limit=10_000).answer(ctx).to_json()
            ),
            media_type="application/json",
        )

    class Known:
        def __init__(self, app: Any) -> None:
            self._app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                HTTPConnection(scope).state.viewer = VIEWER
            await self._app(scope, receive, send)

    app.add_middleware(Known)
    return app


def measure(graph: Graph, folder: Path) -> Iterator[Row]:
    """The rows, over the models of a SQLite store."""
    store = open_store(str(stored(graph, folder)))
    context = Context(store=store, actor="bench", person_key=b"")
    runtime = Runtime(context, context)
    client = Client(_application(runtime))
    chosen = Random(3).sample(graph.models, min(MODELS, len(graph.models)))
    for ident in chosen[:20]:
        _same(client, ident)
    say("http: beside the plain route")
    pairs = [(_ask(client, i), lambda i=i: client.post("/plain", {"ref": i})) for i in chosen]
    ours, theirs = together(pairs, repeat=5)
    for share, name in ((0.5, "p50"), (0.95, "p95")):
        a, b = percentile(ours, share), percentile(theirs, share)
        yield at_most(f"GraphQL beside a plain route, {name}", a, b, 2)
    say("http: beside the stock executor")
    stock = [_stock(client, i) for i in chosen]
    ours, theirs = together(list(zip([p[0] for p in pairs], stock, strict=True)), repeat=3)
    yield rate("answers, beside the stock executor", 1 / median(ours), 1 / median(theirs), 4)
    client.close()
    runtime.close()
    store.close()
    yield from _reach(graph, folder)


def _reach(graph: Graph, folder: Path) -> Iterator[Row]:
    """What depends on the hub without nodes and edges, of a store as the server opens it."""
    say("http: reach")
    loop = asyncio.new_event_loop()
    with served(stored(graph, folder)) as runtime:
        for what, counts, limit in (("identifiers", False, 0.06), ("counts", True, 0.02)):
            request = ReachRequest(graph.hub, counts=counts)

            def ask(request: ReachRequest = request) -> None:
                loop.run_until_complete(runtime.read(VIEWER, request.answer))

            # What is kept in memory is made in the background when it is first asked for.
            end = time.monotonic() + _MADE
            while time.monotonic() < end:
                ask()
            taken = median(clock(ask) for _ in range(5))
            yield below(f"served: impact of the hub: {what}", taken, limit)
    loop.close()


def _ask(client: Client, ident: str) -> Callable[[], bytes]:
    asked = {"query": QUERY, "variables": {"ref": ident}}
    return lambda: client.post("/graphql", asked)


def _stock(client: Client, ident: str) -> Callable[[], bytes]:
    ask = _ask(client, ident)

    def work() -> bytes:
        with patch.object(graphql, "make", lambda: make(stock=True)):
            return ask()

    return work


def _same(client: Client, ident: str) -> None:
    """Equal answers, or nothing is worth timing."""
    quick = _ask(client, ident)()
    assert quick == _stock(client, ident)()
    assert orjson.loads(quick)["data"]["trace"]["nodes"]
    plain = orjson.loads(client.post("/plain", {"ref": ident}))
    flat = orjson.loads(quick)["data"]["trace"]
    assert all(flat[key] == plain[key] for key in ("nodes", "edges", "certificate"))
