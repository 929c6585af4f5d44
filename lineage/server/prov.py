# SPDX-License-Identifier: Apache-2.0
"""Serves /prov/<id>: one thing with its nearest causes and effects, as a PROV document."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import Response

from lineage import formats
from lineage.access.tokens import Role
from lineage.errors import MissingExtra, NotAcceptable
from lineage.formats import Format
from lineage.model.record import Batch
from lineage.server import problems
from lineage.server.access import needs, viewer_of
from lineage.server.negotiate import preferred
from lineage.server.runtime import Runtime
from lineage.services.context import Context
from lineage.services.read.show import near

_LONGEST = 4_096


def router(runtime: Runtime) -> APIRouter:
    """Make the route of things."""
    made = APIRouter(tags=["provenance"])
    shown: dict[str, Any] = {
        kind: {} for row in formats.BUILTIN.values() for kind in row.media_types
    }

    @made.get(
        "/prov/{id:path}",
        response_class=Response,
        responses={
            200: {"description": "A PROV document; its certificate is a header.", "content": shown},
            **problems.responses(400, 404, 406, 409, 422, 501),
        },
    )
    @needs(Role.viewer)
    async def read_prov(
        request: Request,
        id: Annotated[  # noqa: A002 - the word of the address
            str,
            Path(max_length=_LONGEST, description="Any reference; percent-encode its own %."),
        ],
        accept: Annotated[str, Header(max_length=_LONGEST, description="Media types.")] = "*/*",
        at: Annotated[
            str | None, Query(max_length=40, description="As of an entry (41) or a time.")
        ] = None,
    ) -> Response:
        """A thing with the edges on both sides, in the format that the client likes best.

        The header `Lineage-Certificate` says whether the answer is whole, as of which entry.
        """
        chosen, media_type = negotiate(accept)
        body, certificate = await runtime.read(
            viewer_of(request), lambda ctx: _document(ctx, id, at, chosen)
        )
        headers = {"lineage-certificate": certificate, "vary": "accept"}
        if chosen.name in formats.RDF:
            headers["link"] = '</ontology>; rel="describedby"'
        return Response(body, media_type=media_type, headers=headers)

    return made


def _document(ctx: Context, reference: str, at: str | None, format_: Format) -> tuple[bytes, str]:
    """A thing and what is near it as a document, and the certificate as JSON."""
    answer = near(ctx, reference, at)
    document = format_.dumps(Batch(nodes=answer.nodes, edges=answer.edges))
    return document, orjson.dumps(answer.certificate.to_dict()).decode()


def negotiate(accept: str) -> tuple[Format, str]:
    """Find the format and media type that a client likes best; among equals PROV-JSON, then the
    order of our table, which is that of sniffing. A format whose package is not installed stands
    back for one that is, where the client takes both.

    Raises ``NotAcceptable`` listing the media types there are, and ``MissingExtra``.
    """
    names = sorted(formats.BUILTIN, key=lambda name: name != "json")
    offered = {kind: name for name in names for kind in formats.BUILTIN[name].media_types}
    known, missing = ", ".join(offered), None
    while chosen := preferred(accept, offered):
        try:
            return formats.named(offered.pop(chosen)), chosen
        except MissingExtra as error:
            missing = missing or error
    raise missing or NotAcceptable("no format of ours is accepted", hint=f"There are: {known}.")
