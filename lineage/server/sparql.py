# SPDX-License-Identifier: Apache-2.0
"""Serves /sparql: the SPARQL 1.1 Protocol over everything as PROV-O, for reading."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from lineage.access.tokens import Role
from lineage.errors import BadQuery, TimedOut, UnknownFormat
from lineage.server import problems
from lineage.server import sparql_results as results
from lineage.server.access import needs, viewer_of
from lineage.server.negotiate import preferred
from lineage.server.runtime import Runtime
from lineage.services.read import sparql
from lineage.services.read.sparql import Graphs, Solutions

#: Bytes of a body: a query of the longest, each character of it escaped.
BODY = 12 * sparql.LONGEST + 1024
#: Of the time that an answer may take, what the query itself may have.
_SHARE = 0.8
_QUERY, _FORM, _UPDATE = (
    "application/sparql-query",
    "application/x-www-form-urlencoded",
    "application/sparql-update",
)
#: Characters of an entry or a time.
_LONGEST_TIME = 40
_TEXT = {"type": "string", "minLength": 1, "maxLength": sparql.LONGEST}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; its certificate is a header, and in JSON beside the results.",
        "content": {kind: {} for kind in (*results.TABLES, *results.TRIPLES)},
    },
    **problems.responses(400, 406, 413, 415, 422, 429),
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            _QUERY: {"schema": _TEXT},
            _FORM: {
                "schema": {
                    "type": "object",
                    "required": ["query"],
                    "properties": {"query": _TEXT, "at": {"type": "string"}},
                }
            },
        },
    }
}
_At = Annotated[
    str | None, Query(max_length=_LONGEST_TIME, description="As of an entry (41) or a time.")
]


def router(runtime: Runtime) -> APIRouter:
    """Make the routes of SPARQL."""
    made = APIRouter(tags=["provenance"])
    endpoint = _Endpoint(runtime)

    @made.get("/sparql", response_class=Response, responses=_ANSWERS)
    @needs(Role.viewer)
    async def get_sparql(
        request: Request,
        query: Annotated[
            str | None, Query(description="SELECT, ASK, CONSTRUCT or DESCRIBE.")
        ] = None,
        at: _At = None,
    ) -> Response:
        """Answer a SPARQL query over everything as PROV-O; bundles are named graphs. Without any
        parameter, describe the service (SPARQL 1.1 Service Description).
        """
        del query, at
        if not request.query_params:
            return _description(str(request.url.replace(query=None)))
        return await endpoint.answer(request, request.query_params.multi_items())

    @made.post("/sparql", response_class=Response, responses=_ANSWERS, openapi_extra=_BODY)
    @needs(Role.viewer, body=BODY)
    async def post_sparql(request: Request, at: _At = None) -> Response:
        """Answer a SPARQL query that is the body, or the field ``query`` of a form."""
        del at
        return await endpoint.answer(
            request, [*request.query_params.multi_items(), *await _posted(request)]
        )

    return made


class _Endpoint:
    """Answers queries over one store, in two steps that each have turns of their own: the store is
    read on a connection, the query then asked in a process.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._keeper = sparql.GraphCache()

    async def answer(self, request: Request, parameters: Sequence[tuple[str, str]]) -> Response:
        """One request, by the parameters of the protocol."""
        begun = time.monotonic()
        viewer = viewer_of(request)
        self._runtime.rate_limiter.admit(viewer.name)
        query, at = _asked(parameters)
        self._runtime.rate_limiter.spend(viewer.name, len(query))
        graphs = await self._runtime.read(viewer, lambda ctx: self._keeper.graphs(ctx, at=at))
        until = begun + _SHARE * (self._runtime.reading.budget or sparql.SECONDS)
        accept = request.headers.get("accept", "*/*")
        return await self._runtime.wait(
            viewer, lambda: _response(_solved(query, graphs, until), accept)
        )


def _solved(query: str, graphs: Graphs, until: float) -> Solutions:
    """The answer, in the time that is left; what was read is there for the next query."""
    left = until - time.monotonic()
    if left <= 0:
        hint = "Ask again: what was read is kept until somebody writes."
        raise TimedOut("reading the store, or waiting, took all the time there was", hint=hint)
    return sparql.solved(query, graphs, left)


async def _posted(request: Request) -> list[tuple[str, str]]:
    """The parameters that a body holds. Raises ``UnknownFormat``, ``BadQuery``."""
    media, _, rest = request.headers.get("content-type", "").lower().partition(";")
    media = media.strip()
    if media == _UPDATE:
        raise BadQuery("updates are not answered here", hint="SPARQL only reads; use import.")
    if media not in (_QUERY, _FORM) or ("charset=" in rest and "utf-8" not in rest):
        raise UnknownFormat(
            f"a body of type {media[:80] or 'none'!r} is not read here",
            hint=f"Send {_QUERY} or {_FORM}, in UTF-8.",
        )
    try:
        text = (await request.body()).decode()
        if media == _QUERY:
            return [("query", text)]
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise BadQuery("the body is not UTF-8, or no form", hint="Send it in UTF-8.") from error


def _asked(parameters: Sequence[tuple[str, str]]) -> tuple[str, str | None]:
    """The query, and as of when. Raises ``BadQuery``."""
    found: dict[str, str] = {}
    for name, value in parameters:
        if name == "update":
            raise BadQuery("updates are not answered here", hint="SPARQL only reads; use import.")
        if name in ("default-graph-uri", "named-graph-uri"):
            hint = "The default graph is everything; GRAPH reads one bundle."
            raise BadQuery(f"{name} is not answered here", hint=hint)
        if name not in ("query", "at"):
            continue  # what clients add for other servers (SPARQL 1.1 Protocol 2.1 says nothing of it)
        if name in found:
            raise BadQuery(f"{name!r} is said more than once", hint="Say it once.")
        found[name] = value
    if "query" not in found:
        raise BadQuery("there is no query", hint="Send it as the parameter query, or as the body.")
    at = found.get("at")
    if at is not None and len(at) > _LONGEST_TIME:
        raise BadQuery(f"at has {len(at)} characters", hint="Write 41 or 2026-05-01T12:00Z.")
    return found["query"], at


def _response(solutions: Solutions, accept: str) -> Response:
    """An answer as the client likes it best; as JSON or N-Triples where it likes none of ours."""
    certificate = orjson.dumps(solutions.certificate.to_dict()).decode()
    headers = {"lineage-certificate": certificate, "vary": "accept"}
    offered = results.offered(solutions)
    kind = preferred(accept, offered) or next(iter(offered))
    return Response(offered[kind](solutions), headers=headers, media_type=results.full(kind))


def _description(address: str) -> Response:
    """What the service is, as SPARQL 1.1 Service Description has it."""
    kinds = "\n".join(f"  sd:resultFormat {kind} ;" for kind in results.FORMATS)
    text = f"""@prefix sd: <http://www.w3.org/ns/sparql-service-description#> .
@prefix formats: <http://www.w3.org/ns/formats/> .

<{address}> a sd:Service ;
  sd:endpoint <{address}> ;
  sd:supportedLanguage sd:SPARQL11Query ;
  sd:feature sd:UnionDefaultGraph ;
{kinds}
  sd:defaultDataset [ a sd:Dataset ; sd:defaultGraph [ a sd:Graph ] ] .
"""
    return Response(text, media_type="text/turtle; charset=utf-8")
