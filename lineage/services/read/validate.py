# SPDX-License-Identifier: Apache-2.0
"""Validates a document or a store: by PROV-CONSTRAINTS, by our own rules, by shapes."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import KW_ONLY, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from lineage import formats
from lineage.errors import BadInput, InputMissing, MissingExtra
from lineage.model import check, constraints
from lineage.model.findings import MOST, Finding
from lineage.model.record import Batch
from lineage.services.context import Context
from lineage.services.read import export
from lineage.services.request import Request, Says

#: Shapes that come with us, by name.
SHAPES = ("run",)
_SHACL = "http://www.w3.org/ns/shacl#"
#: What a shape holds SPARQL in, and the parts of a query that would have it ask elsewhere.
_TEXTS, _ELSEWHERE = ("select", "ask", "construct"), ("ServiceGraphPattern", "DatasetClause")
#: Whether what runs here now may reach the network.
_ALONE = ContextVar("alone", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Findings, errors first; ``total`` counts those that are not given too."""

    findings: tuple[Finding, ...]
    total: int
    records: int

    @property
    def valid(self) -> bool:
        """Whether there are no errors."""
        return not any(finding.fatal for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage validate``."""
        return {
            "valid": self.valid,
            "records": self.records,
            "total": self.total,
            "findings": [finding.to_dict() for finding in self.findings],
        }


def document(
    data: bytes,
    *,
    format: str | None = None,  # noqa: A002 - the public word
    where: str = "document",
    shapes: Sequence[str] = (),
) -> Validation:
    """Validate a document, of the format named or of the one it looks like. Raises as its reader
    does.
    """
    read = formats.named(format) if format else formats.recognised(data, where)
    return batch(read.loads(data, where), shapes=shapes)


@dataclass(frozen=True, slots=True)
class ValidateRequest(
    Request[Validation], examples=("validate trace.provn", "validate --shapes run")
):
    """Whether what the store holds is valid PROV: by W3C PROV-CONSTRAINTS (what is merged, the order
    of events, types, what cannot be), our own rules, and shapes.
    """

    selection: Annotated[
        str | None,
        Says(
            text="Only what is selected; without it, everything.",
            flag="--select",
            metavar="SELECTION",
        ),
    ] = None
    _: KW_ONLY
    shapes: Annotated[
        Sequence[str],
        Says(text="SHACL shapes too: a file, or ours for runs.", metavar="FILE|run"),
    ] = ()

    def answer(self, ctx: Context) -> Validation:
        """See ``Request.answer``. Shapes look at what is selected in the whole store."""
        found = export.gather(ctx, self.selection).batch
        around = found
        if self.selection is not None and self.shapes:
            around = export.gather(ctx, None).batch
        return batch(found, shapes=self.shapes, around=around)


def batch(found: Batch, *, shapes: Sequence[str] = (), around: Batch | None = None) -> Validation:
    """Validate a batch. ``shapes`` are files of SHACL, or names of ours; they look at its nodes
    within ``around``. Raises ``BadInput`` for shapes that cannot be read, or would ask elsewhere.
    """
    ours = check.check(found)
    prov = constraints.inspect(found)
    more = [finding for shape in shapes for finding in _shaped(around or found, shape)]
    if around is not None and around is not found:
        known = {node.id for node in found.nodes}
        more = [finding for finding in more if finding.subject in known]
    findings = [*ours, *prov.findings, *more]
    findings.sort(key=lambda finding: finding.severity)
    return Validation(
        findings=tuple(findings[:MOST]),
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
    text, shapes = _shape(shape), rdflib.Graph()
    try:
        shapes.parse(data=text, format="turtle")
    except Exception as error:
        raise BadInput(f"not shapes in Turtle: {_said(error)}", where=shape) from error
    if not shapes:
        raise BadInput("there are no shapes in it", where=shape)
    _demand_here(shapes, shape)
    data = formats.to_rdflib(found)
    # It would write to stderr by itself, what it raises as well.
    logging.getLogger("pyshacl-validate").disabled = True
    try:
        with _alone():
            _, report, said = pyshacl.validate(data, shacl_graph=shapes, do_owl_imports=False)
    except Exception as error:
        raise BadInput(f"the shapes cannot be used: {_said(error)}", where=shape) from error
    if not isinstance(report, rdflib.Graph):
        raise BadInput(f"the shapes cannot be used: {said}", where=shape)
    return sorted(_findings(report), key=lambda finding: (finding.subject, finding.message))


def _said(error: Exception) -> str:
    """What a library says is wrong, on one line."""
    return " ".join(str(error).split())[:300]


def _shape(shape: str) -> str:
    if shape in SHAPES:
        return (files("lineage.services") / "shapes" / f"{shape}.ttl").read_text("utf-8")
    try:
        return Path(shape).read_text("utf-8")
    except OSError as error:
        raise InputMissing(error.strerror or "cannot be read", where=shape) from error
    except UnicodeDecodeError as error:
        raise BadInput("not UTF-8", where=shape, hint="Save it as UTF-8.") from error


def _demand_here(shapes: Any, where: str) -> None:
    """Refuse SPARQL in shapes that would ask elsewhere, as the parser that will run it reads it."""
    from rdflib import URIRef
    from rdflib.plugins.sparql.parser import parseQuery

    for name in _TEXTS:
        for text in shapes.objects(None, URIRef(_SHACL + name)):
            try:
                # pyshacl puts the path of the shape there, before it is parsed.
                parsed = parseQuery(_PATH.sub("<urn:path>", str(text)))
            except Exception as error:
                raise BadInput(f"not SPARQL in sh:{name}: {_said(error)}", where=where) from error
            if not _parts(parsed).isdisjoint(_ELSEWHERE):
                raise BadInput(
                    "SPARQL in the shapes would ask elsewhere, and nothing is ever fetched",
                    where=where,
                    hint="Take SERVICE and FROM out of it.",
                )


_PATH = re.compile(r"[$?]PATH\b")


def _parts(parsed: Any) -> set[str]:
    """The names of all parts of a query that was parsed."""
    name = getattr(parsed, "name", None)
    found = {name} if isinstance(name, str) else set()
    inside = parsed.values() if isinstance(parsed, dict) else parsed
    if isinstance(inside, str) or not isinstance(inside, Iterable):
        return found
    return found.union(*map(_parts, inside))


@contextmanager
def _alone() -> Iterator[None]:
    """Nothing that runs inside reaches the network, whatever text it was led to run."""
    _watch()
    token = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(token)


@cache
def _watch() -> None:
    """Once for the process: hooks cannot be taken away again."""
    sys.addaudithook(_refuse)


def _refuse(event: str, _details: Any) -> None:
    if event.startswith(("socket.", "urllib.")) and _ALONE.get():
        raise PermissionError(f"{event}: nothing is fetched")


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
            subject=str(one(result, "focusNode")),
            responsible="author",
            hint="Correct what is said of it, or the shape.",
            path=tuple(
                str(found)
                for found in (one(result, "resultPath"), one(result, "sourceShape"))
                if isinstance(found, URIRef)
            ),
        )
        for result in report.subjects(RDF.type, URIRef(_SHACL + "ValidationResult"))
    ]
