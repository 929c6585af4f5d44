# SPDX-License-Identifier: Apache-2.0
"""Serves /sparql: the SPARQL 1.1 Protocol over everything as PROV-O, for reading."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from lineage.access.tokens import Role
from lineage.errors import BadQuery, TimedOut, UnknownFormat
from lineage.server import problems
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
_JSON, _CSV, _TSV = (
    "application/sparql-results+json",
    "text/csv; charset=utf-8",
    "text/tab-separated-values; charset=utf-8",
)
#: Media types by the form of the answer, the default first. N-Triples is Turtle as well.
_TABLES = {
    _JSON: _JSON,
    "application/json": "application/json",
    "text/csv": _CSV,
    "text/tab-separated-values": _TSV,
}
_TRIPLES = {"application/n-triples": "application/n-triples", "text/turtle": "text/turtle"}
#: Characters of an entry or a time.
_LONGEST_TIME = 40
_TEXT = {"type": "string", "minLength": 1, "maxLength": sparql.LONGEST}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; its certificate is a header, and in JSON beside the results.",
        "content": {kind: {} for kind in (*_TABLES, *_TRIPLES)},
    },
    **problems.responses(400, 413, 415, 422, 429),
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
        query: Annotated[str, Query(description="SELECT, ASK, CONSTRUCT or DESCRIBE.")],
        at: _At = None,
    ) -> Response:
        """Answer a SPARQL query over everything as PROV-O; bundles are named graphs."""
        del query, at
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
        solutions = await self._runtime.wait(viewer, lambda: _solved(query, graphs, until))
        return _response(solutions, request.headers.get("accept", "*/*"))


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
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=10)
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
        if name in found:
            raise BadQuery(f"{name[:80]!r} is said more than once", hint="Say it once.")
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
    if solutions.data is not None:
        chosen = preferred(accept, _TRIPLES) or next(iter(_TRIPLES))
        return Response(solutions.data, headers=headers, media_type=_TRIPLES[chosen])
    written = {_CSV: _csv, _TSV: _tsv} if solutions.boolean is None else {}
    kind = _TABLES[preferred(accept, _TABLES) or _JSON]
    if kind in written:
        return Response(written[kind](solutions), headers=headers, media_type=kind)
    kind = _JSON if kind in (_CSV, _TSV) else kind
    return Response(orjson.dumps(solutions.to_dict()), headers=headers, media_type=kind)


def _csv(solutions: Solutions) -> str:
    """SPARQL 1.1 Query Results CSV: plain values."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(solutions.variables)
    for row in solutions.rows:
        rows.writerow(_plain(row.get(name)) for name in solutions.variables)
    return out.getvalue()


def _plain(term: Mapping[str, Any] | None) -> str:
    if term is None:
        return ""
    if term["type"] == "triple":
        return _turtle(term)
    return f"_:{term['value']}" if term["type"] == "bnode" else str(term["value"])


def _tsv(solutions: Solutions) -> str:
    """SPARQL 1.1 Query Results TSV: terms as Turtle has them."""
    names = solutions.variables
    head = "\t".join(f"?{name}" for name in names)
    rows = ("\t".join(_turtle(row.get(name)) for name in names) for row in solutions.rows)
    return "".join(f"{line}\n" for line in (head, *rows))


_ESCAPES = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"},
)


def _turtle(term: Mapping[str, Any] | None) -> str:
    if term is None:
        return ""
    value = term["value"]
    if term["type"] == "triple":
        return f"<<( {' '.join(map(_turtle, value.values()))} )>>"
    if term["type"] == "uri":
        return f"<{value}>"
    if term["type"] == "bnode":
        return f"_:{value}"
    text = f'"{value.translate(_ESCAPES)}"'
    if "xml:lang" in term:
        return f"{text}@{term['xml:lang']}"
    return f"{text}^^<{term['datatype']}>" if "datatype" in term else text
