# SPDX-License-Identifier: Apache-2.0
"""SPARQL 1.1 over the PROV-O view of a store: read only, bounded in time, nothing asked elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lineage import formats
from lineage.errors import BadQuery, MissingExtra, OutOfTime
from lineage.services import export
from lineage.services.answer import Certificate
from lineage.services.context import Context

#: Seconds that a query may take, where the server gives no other budget, and rows of its answer.
SECONDS, ROWS = 30.0, 10_000
#: Characters of a query.
LONGEST = 20_000
_WORKER = Path(__file__).with_name("sparql_worker.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Solutions:
    """The answer to a query, and the store it was given from.

    ``variables`` and ``rows`` of a SELECT (terms as SPARQL 1.1 JSON has them), ``boolean`` of an ASK,
    ``data`` of a CONSTRUCT or DESCRIBE as N-Triples. ``cut`` says that there were more rows.
    """

    variables: tuple[str, ...]
    rows: tuple[dict[str, dict[str, str]], ...]
    boolean: bool | None
    data: str | None
    cut: bool
    certificate: Certificate

    def to_dict(self) -> dict[str, Any]:
        """As SPARQL 1.1 Query Results JSON, with our certificate beside it."""
        shown: dict[str, Any] = {"head": {"vars": list(self.variables)}}
        if self.boolean is not None:
            shown["boolean"] = self.boolean
        elif self.data is not None:
            shown["data"] = self.data
        else:
            shown["results"] = {"bindings": list(self.rows)}
        return {**shown, "cut": self.cut, "certificate": self.certificate.to_dict()}


def sparql(ctx: Context, query: str, *, at: str | int | None = None) -> Solutions:
    """Answer a query over everything in the store, as PROV-O; bundles are named graphs, and the
    default graph is all of them together.

    Raises ``BadQuery`` (not SPARQL, an update, SERVICE, FROM), ``OutOfTime``, ``MissingExtra``.
    """
    if len(query) > LONGEST:
        raise BadQuery(f"the query has {len(query)} characters, more than {LONGEST}")
    _demand_here(query)
    found = export.gather(ctx, None, at=at)
    answer = _asked(query, formats.named("nquads").dumps(found.batch), ctx.budget or SECONDS)
    return Solutions(
        variables=tuple(answer.get("variables", ())),
        rows=tuple(answer.get("rows", ())),
        boolean=answer.get("boolean"),
        data=answer.get("data"),
        cut=answer.get("cut", False),
        certificate=found.certificate,
    )


_HIDDEN = re.compile(
    r"""<[^<>"{}|^`\\\s]*>|"{3}.*?"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\#[^\n]*""",
    re.DOTALL,
)
_ELSEWHERE = re.compile(
    r"(?i)(?<![\w:?$])(service|from|load|insert|delete|clear|drop|create|copy|move|add)(?![\w:])"
)


def _demand_here(query: str) -> None:
    """Refuse what would change something or ask elsewhere; IRIs, texts and comments aside."""
    found = _ELSEWHERE.search(_HIDDEN.sub(" ", query))
    if found:
        raise BadQuery(
            f"{found[1].upper()} is not answered here: queries only read, and only this store",
            hint="SELECT, ASK, CONSTRUCT and DESCRIBE are.",
        )


def _asked(query: str, data: bytes, seconds: float) -> dict[str, Any]:
    """Ask in a process of its own: what runs too long can be ended, and takes no memory along."""
    with tempfile.TemporaryDirectory(prefix="lineage-sparql-") as folder:
        place = Path(folder) / "store.nq"
        place.write_bytes(data)
        asked = orjson.dumps({"query": query, "data": str(place), "rows": ROWS})
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(_WORKER)],
                input=asked,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"the query takes longer than {seconds:g} seconds"
            raise OutOfTime(message, hint="Ask for less: name things, add LIMIT.") from error
    if done.returncode != 0:
        raise BadQuery(
            "the query could not be answered", hint="Ask for less: name things, add LIMIT."
        )
    answer: dict[str, Any] = orjson.loads(done.stdout)
    if "missing" in answer:
        hint = 'pip install "lineagedb[rdf]"'
        raise MissingExtra(f"SPARQL needs the package {answer['missing']}", hint=hint)
    if "error" in answer:
        raise BadQuery(
            f"not SPARQL 1.1: {answer['error']}",
            hint="Prefixes prov:, lineage:, xsd:, rdf:, rdfs: are known.",
        )
    return answer
