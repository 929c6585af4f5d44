# SPDX-License-Identifier: Apache-2.0
"""Is a document, or a store, valid: by PROV-CONSTRAINTS, by our own rules, by shapes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from lineage import formats
from lineage.errors import BadInput, InputMissing, MissingExtra
from lineage.model import check, constraints
from lineage.model.check import Finding
from lineage.model.record import Batch
from lineage.services import export
from lineage.services.context import Context

#: Shapes that come with us, by name.
SHAPES = ("run",)
#: Text in a shape that would have SPARQL ask elsewhere.
_ELSEWHERE = re.compile(r"(?i)\b(?:service|load|from)\b\s*(?:silent\b\s*)?[<?$\w]")
_SHACL = "http://www.w3.org/ns/shacl#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Findings, errors first; ``total`` counts those that are not given too."""

    findings: tuple[Finding, ...]
    total: int
    records: int

    @property
    def valid(self) -> bool:
        """Whether there are no errors."""
        return not any(finding.severity == "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage validate``."""
        return {
            "valid": self.valid,
            "records": self.records,
            "total": self.total,
            "findings": [shown(finding) for finding in self.findings],
        }


def shown(finding: Finding) -> dict[str, Any]:
    """A finding as JSON."""
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "where": finding.where,
        "constraint": finding.constraint,
        "path": list(finding.path),
    }


def document(
    data: bytes,
    *,
    format: str | None = None,  # noqa: A002 - the public word
    where: str = "document",
    shapes: Sequence[str] = (),
) -> Validation:
    """A document, of the format named or of the one it looks like. Raises as its reader does."""
    read = formats.named(format) if format else formats.recognised(data, Path(where).suffix, where)
    return batch(read.loads(data, where), shapes=shapes)


def store(ctx: Context, selection: str | None = None, *, shapes: Sequence[str] = ()) -> Validation:
    """Everything in a store, or what is selected of it. Raises as ``ask``."""
    return batch(export.gather(ctx, selection).batch, shapes=shapes)


def batch(found: Batch, *, shapes: Sequence[str] = ()) -> Validation:
    """A batch. ``shapes`` are files of SHACL, or names of ours. Raises ``BadInput`` for shapes that
    cannot be read, or would ask elsewhere.
    """
    ours = check.check(found)
    prov = constraints.inspect(found)
    more = [finding for shape in shapes for finding in _shaped(found, shape)]
    findings = [*ours, *prov.findings, *more]
    findings.sort(key=lambda finding: finding.severity)
    return Validation(
        findings=tuple(findings[: check.MOST]),
        total=len(ours) + prov.total + len(more),
        records=len(found),
    )


def _shaped(found: Batch, shape: str) -> list[Finding]:
    """What SHACL finds, as findings of ours."""
    try:
        import pyshacl
        import rdflib
    except ImportError as error:
        hint = 'pip install "lineagedb[rdf]"'
        raise MissingExtra("SHACL needs the package pyshacl", hint=hint) from error
    data, shapes = formats.to_rdflib(found), rdflib.Graph()
    text = _shape(shape)
    try:
        shapes.parse(data=text, format="turtle")
    except Exception as error:
        raise BadInput(f"not shapes in Turtle: {error}", where=shape) from error
    try:
        _, report, _ = pyshacl.validate(data, shacl_graph=shapes, do_owl_imports=False)
    except pyshacl.errors.ReportableRuntimeError as error:
        raise BadInput(f"the shapes cannot be used: {error}", where=shape) from error
    return sorted(_findings(report), key=lambda finding: (finding.where, finding.message))


def _shape(shape: str) -> str:
    if shape in SHAPES:
        return (files("lineage.services") / "shapes" / f"{shape}.ttl").read_text("utf-8")
    try:
        text = Path(shape).read_text("utf-8")
    except OSError as error:
        raise InputMissing(error.strerror or "cannot be read", where=shape) from error
    except UnicodeDecodeError as error:
        raise BadInput("not UTF-8", where=shape, hint="Save it as UTF-8.") from error
    if "sparql" in text.lower() and _ELSEWHERE.search(text):
        raise BadInput(
            "SPARQL in the shapes would ask elsewhere, and nothing is ever fetched",
            where=shape,
            hint="Take SERVICE, FROM and LOAD out of it.",
        )
    return text


def _findings(report: Any) -> list[Finding]:
    from rdflib import RDF, URIRef

    def one(result: Any, name: str) -> Any:
        return report.value(result, URIRef(_SHACL + name))

    return [
        Finding(
            code="shacl",
            severity="error"
            if one(result, "resultSeverity") == URIRef(_SHACL + "Violation")
            else "warning",
            message=str(one(result, "resultMessage") or "a shape does not hold"),
            where=str(one(result, "focusNode")),
            path=tuple(
                str(found)
                for found in (one(result, "resultPath"), one(result, "sourceShape"))
                if isinstance(found, URIRef)
            ),
        )
        for result in report.subjects(RDF.type, URIRef(_SHACL + "ValidationResult"))
    ]
