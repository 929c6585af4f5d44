# SPDX-License-Identifier: Apache-2.0
"""Collects what validation found, within bounds, in the words of the document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from lineage import ids
from lineage.model import kinds, namespaces, terms
from lineage.model.constraints import times
from lineage.model.constraints.scope import reference
from lineage.model.findings import MOST, Finding
from lineage.model.record import Batch, Edge, Node

#: A path names at most this many steps; the rest are counted.
LONGEST_PATH = 50

#: What the author can do: by the code of a finding, else by the first of the constraints from which on
#: it holds.
_HINTS_BY_CODE = {
    "prov-dm": "Add the argument, or leave the statement out.",
    "prov-mention": "Keep one of the mentions.",
    "prov-time": "Write the time as in 2026-01-02T03:04:05Z.",
}
_HINTS = {
    22: "Make one statement of them, or give each an identifier of its own.",
    30: "Correct the statement on the path that is wrong, or leave it out.",
    50: "Correct the statement that calls it what it is not, or leave it out.",
    51: "Name the activity too, or leave out what the derivation says of it.",
    52: "Leave out one of the specializations on the path.",
    53: "Give each of them an identifier of its own.",
    55: "Keep what makes it an entity or what makes it an activity, not both.",
    56: "Leave out its members, or that it is empty.",
}

#: A step of a path: a statement, or the words of a step, put together only if it is shown.
Shown: TypeAlias = Node | Edge | Callable[[], str]


class Names:
    """Identifiers as the document wrote them, with its prefixes."""

    def __init__(self, batch: Batch) -> None:
        known = dict(namespaces.PREFIXES)
        for own in batch.bundles.values():
            known.update(own)
        known.update(batch.prefixes)
        known.pop("default", None)
        self._bases = sorted(known.items(), key=lambda item: (-len(item[1]), item[0]))

    def short(self, ident: str | None) -> str:
        """Shorten an IRI: ``ex:e1``, or the IRI where no prefix fits; ``-`` for what was left out."""
        if ident is None or ident == "-" or ids.is_unknown(ident):
            return "-"
        for prefix, base in self._bases:
            if base and ident.startswith(base) and len(ident) > len(base):
                return f"{prefix}:{ident[len(base) :]}"
        return ident

    def statement(self, record: Node | Edge) -> str:
        """Write a record in the manner of PROV-N, without its attributes."""
        return self._node(record) if isinstance(record, Node) else self._edge(record)

    def _node(self, node: Node) -> str:
        family = kinds.family(node.kind)
        shown = [self.short(node.id)]
        if family == "Activity":
            at = (times.texts(node.attributes.get(key)) for key in ("started", "ended"))
            shown.extend("/".join(texts) or "-" for texts in at)
        return f"{family.lower()}({', '.join(shown)})"

    def _edge(self, edge: Edge) -> str:
        row = terms.RELATIONS[edge.relation]
        shown = [self.short(edge.effect), self.short(edge.cause)]
        for argument in sorted(row.arguments, key=lambda argument: argument.holds == "time"):
            if argument.holds == "time":
                shown.append("/".join(times.texts(edge.attributes.get(argument.key))) or "-")
            elif argument.holds == "ref":
                shown.append(self.short(reference(edge, argument.key)))
        ident = f"{self.short(edge.id)}; " if edge.id else ""
        return f"{edge.relation}({ident}{', '.join(shown)})"


@dataclass(slots=True)
class Findings:
    """The findings so far, of which at most ``MOST`` are kept, errors before warnings."""

    names: Names
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    error_count: int = 0
    warning_count: int = 0

    def error(
        self,
        constraint: int,
        where: str,
        message: str,
        path: Sequence[Shown] = (),
    ) -> None:
        """Add the violation of a constraint of PROV-CONSTRAINTS."""
        self.broken(f"prov-{constraint}", where, message, path, constraint=constraint)

    def broken(
        self,
        code: str,
        where: str,
        message: str,
        path: Sequence[Shown] = (),
        *,
        constraint: int | None = None,
    ) -> None:
        """Add an error that makes the document invalid."""
        self.error_count += 1
        if len(self.errors) < MOST:
            self.errors.append(self._finding("error", code, constraint, where, message, path))

    def doubt(
        self, code: str, constraint: int | None, where: str, message: str, path: Sequence[Shown]
    ) -> None:
        """Add a warning of what PROV allows but nobody can have meant."""
        self.warning_count += 1
        if len(self.warnings) < MOST:
            self.warnings.append(self._finding("warning", code, constraint, where, message, path))

    def _finding(
        self,
        severity: Literal["error", "warning"],
        code: str,
        constraint: int | None,
        where: str,
        message: str,
        path: Sequence[Shown],
    ) -> Finding:
        return Finding(
            code=code,
            severity=severity,
            message=message,
            subject=where,
            responsible="author",
            hint=_hint(code, constraint),
            path=self._path(path),
            constraint=constraint,
        )

    def _path(self, steps: Sequence[Shown]) -> tuple[str, ...]:
        shown = (
            self.names.statement(step) if isinstance(step, Node | Edge) else step()
            for step in steps[:LONGEST_PATH]
        )
        more = len(steps) - LONGEST_PATH
        return (*shown, f"({more} more steps)") if more > 0 else tuple(shown)


def _hint(code: str, constraint: int | None) -> str:
    if code.startswith("clock-"):
        return "Correct the times, or the clock of the machine that wrote them."
    if constraint is None:
        return _HINTS_BY_CODE[code]
    return _HINTS[max(first for first in _HINTS if first <= constraint)]
