# SPDX-License-Identifier: Apache-2.0
"""Two runs or model versions side by side."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry

from graphql_schema.answer import Certificate
from graphql_schema.scalars import JSON
from lineage.services.read import bisect, compare


@strawberry.type(description="One thing that differs.")
class Difference:
    """One thing that differs."""

    what: str = strawberry.field(description="What it is called.")
    a: JSON | None = strawberry.field(description="What it is in the first; null: absent.")
    b: JSON | None = strawberry.field(description="What it is in the second; null: absent.")
    delta: float | None = strawberry.field(description="The second minus the first, of numbers.")
    relative: float | None = strawberry.field(
        description="That as a share of the size of the first."
    )
    better: bool | None = strawberry.field(
        description="Of a metric: whether the second is better; null: its name does not tell."
    )


@strawberry.enum(description="What is known of a section of a comparison.")
class SectionState(Enum):
    """What is known of a section of a comparison."""

    equal = strawberry.enum_value("equal", description="Both are the same.")
    differs = strawberry.enum_value("differs", description="Something differs.")
    unknown = strawberry.enum_value("unknown", description="That is not recorded.")


def _state(name: str) -> Any:
    def resolve(root: strawberry.Parent[Mapping[str, str]]) -> Any:
        return SectionState(root[name])

    resolve.__annotations__["return"] = SectionState
    return strawberry.field(resolver=resolve, name=name, description=f"Of the section {name}.")


@strawberry.type(description="What is known of each section.")
class SectionStates:
    """What is known of each section."""

    code = _state("code")
    data = _state("data")
    environment = _state("environment")
    parameters = _state("parameters")
    metrics = _state("metrics")
    other = _state("other")


@strawberry.enum(description="Which of two runs.")
class ComparedSide(Enum):
    """Which of two runs."""

    a = strawberry.enum_value("a", description="The first.")
    b = strawberry.enum_value("b", description="The second.")


@strawberry.type(description="A commit that only one of two runs had in its history.")
class CommitBetween:
    """A commit that only one of two runs had in its history."""

    id: strawberry.ID = strawberry.field(description="Its identifier.")
    subject: str | None = strawberry.field(description="The first line of its message.")
    committed: str | None = strawberry.field(description="When it was committed.")
    side: ComparedSide = strawberry.field(description="Which of the two had it.")


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
    states: SectionStates = strawberry.field(
        description="Of each section: equal, differs, or unknown."
    )
    commits: list[CommitBetween] = strawberry.field(
        description="Commits between the two, oldest first."
    )
    commits_cut: bool = strawberry.field(
        description="Whether there may be more commits between the two.", name="commits_cut"
    )
    fair: bool | None = strawberry.field(
        description="Whether the metrics may be compared; null: that cannot be told."
    )
    reasons: list[Finding] = strawberry.field(
        description="Why not (errors), or why that cannot be told (warnings)."
    )
    certificate: Certificate = strawberry.field(description="What it was answered from.")


def _changed(name: str, description: str) -> Any:
    def resolve(root: strawberry.Parent[bisect.Step]) -> Any:
        return root.sections.get(name, ())

    resolve.__annotations__["return"] = list[Difference]
    return strawberry.field(resolver=resolve, name=name, description=description)


@strawberry.type(description="A run in its order, and what changed since the run before.")
class BisectionStep:
    """A run in its order, and what changed since the run before."""

    run: strawberry.ID = strawberry.field(description="The run.")
    label: str = strawberry.field(description="What it is called.")
    at: str = strawberry.field(description="When it was.")
    value: float = strawberry.field(description="The metric.")
    change: Difference | None = strawberry.field(
        description="The change of the metric; null for the first."
    )
    code = _changed("code", "The commits.")
    data = _changed("data", "What was read.")
    environment = _changed("environment", "Interpreter, platform and packages.")
    parameters = _changed("parameters", "Parameters.")
    unknown: list[str] = strawberry.field(
        description="Sections of which it is not recorded whether they changed."
    )


@strawberry.type(description="The runs between two results, both included, oldest first.")
class Bisection:
    """The runs between two results, both included, oldest first."""

    metric: str = strawberry.field(description="The metric.")
    a: strawberry.ID = strawberry.field(description="The run of the one result.")
    b: strawberry.ID = strawberry.field(description="The run of the other.")
    among: str = strawberry.field(description="Which runs were looked at, in words.")
    steps: list[BisectionStep] = strawberry.field(description="The runs.")
    largest: strawberry.ID | None = strawberry.field(
        description="The run at which the metric moved most the way it moved on the whole."
    )
    certificate: Certificate = strawberry.field(description="What it was answered from.")
