# SPDX-License-Identifier: Apache-2.0
"""Serves /ontology: what the terms in our RDF mean, in the syntax of RDF that the client likes best."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from lineage.access.tokens import Role
from lineage.errors import MissingExtra, NotAcceptable
from lineage.server import problems
from lineage.server.access import needs
from lineage.server.negotiate import preferred

#: The media types there are, the best first; every one is a syntax of one graph.
MEDIA_TYPES = ("text/turtle", "application/rdf+xml", "application/ld+json", "application/n-triples")
_LONGEST = 4_096


def router() -> APIRouter:
    """Make the route of the ontology."""
    made = APIRouter(tags=["provenance"])

    @made.get(
        "/ontology",
        response_class=Response,
        responses={
            200: {"description": "OWL.", "content": {kind: {} for kind in MEDIA_TYPES}},
            **problems.responses(406, 501),
        },
    )
    @needs(Role.viewer)
    async def read_ontology(
        accept: Annotated[str, Header(max_length=_LONGEST, description="Media types.")] = "*/*",
    ) -> Response:
        """Every kind, relation and attribute of lineagedb with its words, and the term of PROV-O that
        it narrows.
        """
        chosen = preferred(accept, MEDIA_TYPES)
        if chosen is None:
            hint = f"There are: {', '.join(MEDIA_TYPES)}."
            raise NotAcceptable("the ontology is in none of these", hint=hint)
        return Response(_written(chosen), media_type=chosen, headers={"vary": "accept"})

    return made


@lru_cache(maxsize=len(MEDIA_TYPES))
def _written(media_type: str) -> bytes:
    try:
        from lineage.formats import ontology  # needs the extra "rdf"

        return ontology.serialized(media_type)
    except ImportError as error:
        hint = 'pip install "lineagedb[rdf]"'
        raise MissingExtra(f"RDF needs the package {error.name}", hint=hint) from error
