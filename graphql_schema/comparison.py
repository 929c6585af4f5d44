# SPDX-License-Identifier: Apache-2.0
"""Two runs or model versions side by side."""

from __future__ import annotations

from enum import Enum
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


@strawberry.enum(description="How serious a finding is.")
class Severity(Enum):
    """How serious a finding is."""

    error = strawberry.enum_value("error", description="It must be mended.")
    warning = strawberry.enum_value("warning", description="It should be looked at.")
    note = strawberry.enum_value("note", description="All is well.")


@strawberry.enum(description="Who can mend what was found.")
class Responsible(Enum):
    """Who can mend what was found."""

    author = strawberry.enum_value("author", description="The author of the document.")
    modeller = strawberry.enum_value("modeller", description="Who trains the models.")
    operator = strawberry.enum_value("operator", description="Who operates the store.")


@strawberry.type(description="One thing that a check found.")
class Finding:
    """One thing that a check found."""

    code: str = strawberry.field(description="A word that does not change between releases.")
    severity: Severity = strawberry.field(description="How serious it is.")
    subject: str = strawberry.field(description="What it is about.")
    message: str = strawberry.field(description="What was found, as a sentence.")
    responsible: Responsible = strawberry.field(description="Who can mend it.")
    hint: str = strawberry.field(description="How it is mended.")
    path: list[str] = strawberry.field(description="What shows it, step by step.")
    constraint: int | None = strawberry.field(description="Its number in PROV-CONSTRAINTS.")
    entry: int | None = strawberry.field(description="The entry of the ledger that it is about.")


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
    reasons: list[Finding] = strawberry.field(
        description="Why not (errors), or why that cannot be told (warnings)."
    )
    certificate: Certificate = strawberry.field(description="What it was answered from.")
