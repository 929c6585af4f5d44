# SPDX-License-Identifier: Apache-2.0
"""Two runs or model versions side by side."""

from __future__ import annotations

from typing import Any

import strawberry

from graphql_schema.answer import Certificate
from graphql_schema.scalars import JSON
from lineage.services.read import compare


@strawberry.type(description="One thing that differs.")
class Difference:
    """One thing that differs."""

    what: str = strawberry.field(description="What it is called.")
    a: JSON | None = strawberry.field(description="What it is in the first; null: absent.")
    b: JSON | None = strawberry.field(description="What it is in the second; null: absent.")


@strawberry.type(description="Why a comparison of metrics is not fair, or why that is not known.")
class FairnessReason:
    """Why a comparison of metrics is not fair."""

    code: str = strawberry.field(description="A word that does not change between releases.")
    says: str = strawberry.field(description="The same as a sentence.")
    certain: bool = strawberry.field(description="Whether it makes the comparison unfair.")


def _section(name: str, description: str) -> Any:
    def resolve(root: strawberry.Parent[compare.Comparison]) -> Any:
        return root.sections[name]

    resolve.__annotations__["return"] = list[Difference]
    return strawberry.field(resolver=resolve, name=name, description=description)


@strawberry.type(description="What differs between two runs, and whether their metrics compare.")
class Comparison:
    """What differs between two runs, and whether their metrics compare."""

    a: strawberry.ID = strawberry.field(description="The first run.")
    b: strawberry.ID = strawberry.field(description="The second run.")
    code = _section("code", "The commits.")
    data = _section("data", "What was read: by role, else by name, with its bytes.")
    environment = _section("environment", "Interpreter, platform and packages.")
    parameters = _section("parameters", "Parameters.")
    metrics = _section("metrics", "Metrics.")
    other = _section("other", "What else is said of the runs.")
    fair: bool | None = strawberry.field(
        description="Whether the metrics may be compared; null: that cannot be told."
    )
    reasons: list[FairnessReason] = strawberry.field(description="Why not, or why not known.")
    certificate: Certificate = strawberry.field(description="What it was answered from.")
