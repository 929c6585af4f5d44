# SPDX-License-Identifier: Apache-2.0
"""The arguments that root fields share, each with its sentence."""

from __future__ import annotations

from typing import Annotated

import strawberry

from graphql_schema.scalars import Kind


def _told(description: str) -> object:
    return strawberry.argument(description=description)


Ref = Annotated[
    str, _told("What people type: model:fraud@v3, run:ab12, sha256:..., or any identifier.")
]
At = Annotated[str | None, _told("As of an entry (41) or a time (2026-05-01T12:00Z).")]
Id = Annotated[strawberry.ID, _told("An identifier, whole.")]
Ids = Annotated[list[strawberry.ID], _told("Identifiers, at most 100.")]
Depth = Annotated[int | None, _told("How many hops; without it, as far as it goes.")]
Limit = Annotated[int, _told("How many nodes, at most 100,000.")]
Count = Annotated[int, _told("How many connections, at most 50.")]
Text = Annotated[str | None, _told("What identifiers or labels hold, in either case.")]
Kinds = Annotated[list[Kind] | None, _told("Only these kinds.")]
