# SPDX-License-Identifier: Apache-2.0
"""The arguments that root fields share, each with its sentence."""

from __future__ import annotations

from typing import Annotated

import strawberry


def _told(description: str) -> object:
    return strawberry.argument(description=description)


Ref = Annotated[
    str, _told("What people type: model:fraud@v3, run:ab12, sha256:..., or any identifier.")
]
At = Annotated[str | None, _told("As of an entry (41) or a time (2026-05-01T12:00Z).")]
Id = Annotated[strawberry.ID, _told("An identifier, whole.")]
Ids = Annotated[list[strawberry.ID], _told("Identifiers, at most 100.")]
Text = Annotated[str | None, _told("What identifiers or labels hold, in either case.")]
Chosen = Annotated[
    str | None, _told("A selection that they are in as well (docs/reference/selection.md).")
]
Commits = Annotated[
    str | None, _told("Runs of this commit, or of a range by ancestry: v1.0..v1.2.")
]
OfDataset = Annotated[str | None, _told("Runs that used a version of this dataset.")]
OfEnvironment = Annotated[
    str | None, _told("Runs in this environment, or in those with a tag: cuda=12.4.")
]
OfPackage = Annotated[str | None, _told("Runs with this package: torch, torch>=2.5.")]
