# SPDX-License-Identifier: Apache-2.0
"""W3C PROV-CONSTRAINTS (Recommendation of 2013-04-30) over a batch: what makes it invalid, and why.

``inspect`` merges the statements of each bundle (constraints 22 to 29), derives the order of
events (30 to 49) and the types of things (50), and looks for what cannot be (51 to 56). Codes of
findings are stable:

- ``prov-22`` ... ``prov-56``: a constraint of that number is violated.
- ``prov-dm``: a statement leaves out an argument that PROV-DM (or PROV-Links) requires.
- ``prov-mention``: an entity is a mention of two (PROV-Links).
- ``clock-30`` ... ``clock-42``: warnings. The times contradict the order that the constraint of
  this number demands. PROV orders events without a clock, so the document stays valid.
- ``prov-time``: a warning. What stands for a time is no ``xsd:dateTime``, which PROV-DM has there;
  PROV-CONSTRAINTS does not look at it.

Constraints 30 to 49 demand an order, which only a cycle violates, and every such cycle goes
through a derivation: it is reported as 42, its path naming the constraint of every step.
"""

from __future__ import annotations

from dataclasses import dataclass

from lineage.model.constraints import clock, order, places, typed, unique
from lineage.model.constraints.findings import Findings, Names
from lineage.model.constraints.scope import scopes
from lineage.model.findings import MOST, Finding
from lineage.model.record import Batch

__all__ = ["Report", "inspect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What validation found: at most ``MOST`` findings, errors first, of ``total``."""

    findings: tuple[Finding, ...]
    total: int
    valid: bool


def inspect(batch: Batch) -> Report:
    """Validate a batch: its top and each of its bundles apart (PROV-CONSTRAINTS section 7.2).

    Takes time linear in the batch. Never raises for what a document says.
    """
    findings = Findings(Names(batch))
    for scope in scopes(batch):
        places.inspect(scope, findings)
        merged = unique.merge(scope, findings)
        typed.inspect(scope, merged, findings)
        order.inspect(scope, merged, findings)
        clock.inspect(scope, merged, findings)
    return Report(
        findings=tuple([*findings.errors, *findings.warnings][:MOST]),
        total=findings.error_count + findings.warning_count,
        valid=not findings.error_count,
    )
