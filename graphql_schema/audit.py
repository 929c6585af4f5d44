# SPDX-License-Identifier: Apache-2.0
"""What an audit found, as the schema has it."""

from __future__ import annotations

import strawberry

from graphql_schema.comparison import Finding, Severity


@strawberry.type(description="What became of a rule of the audit.")
class AuditRule:
    """What became of a rule of the audit."""

    code: str = strawberry.field(description="A word that does not change between releases.")
    asks: str = strawberry.field(description="What it asks.")
    severity: Severity = strawberry.field(description="How serious it is where it does not hold.")
    passed: int = strawberry.field(description="For how many things it holds.")
    failed: int = strawberry.field(description="For how many it does not.")
    cannot_tell: int = strawberry.field(description="For how many the records do not tell.")
    not_applicable: int = strawberry.field(description="To how many it does not apply.")
    score: float | None = strawberry.field(
        description="The share that passed of those that passed or failed; null: there are none."
    )


@strawberry.type(description="How well the work is recorded.")
class Audit:
    """How well the work is recorded."""

    rules: list[AuditRule] = strawberry.field(description="What became of each rule.")
    score: float | None = strawberry.field(description="That of all rules together.")
    findings: list[Finding] = strawberry.field(description="The first of what failed.")
    left: int = strawberry.field(description="How many findings more there are.")
    complete: bool = strawberry.field(
        description="Whether everything was looked at that was asked about."
    )
