# SPDX-License-Identifier: Apache-2.0
"""Answers SPARQL 1.1 over the PROV-O view of a store: read only, bounded in time, nothing asked
elsewhere.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import orjson

from lineage import formats
from lineage.errors import BadQuery, MissingExtra, TimedOut
from lineage.services.answer import Certificate
from lineage.services.as_of import view_at
from lineage.services.context import Context
from lineage.services.read import export
from lineage.services.request import Request, Says, When
from lineage.store.base import Cut

#: Seconds that a query may take, where the server gives no other budget.
SECONDS = 30.0
#: Rows (or triples) of an answer, and its size in bytes.
ROWS, BYTES = 10_000, 16 * 1024**2
#: Characters of a query.
LONGEST = 20_000
#: Bytes of address space: a query that needs more ends instead of taking the machine along.
MEMORY = 4 * 1024**3
#: Bytes of a view that is kept from one query to the next.
KEPT = 256 * 1024**2
#: Seconds that a query waits for another one that has the store read.
_PATIENCE = 1.0
_WORKER = Path(__file__).with_name("sparql_worker.py")
_LESS = "Ask for less: name things, add LIMIT."


@dataclass(frozen=True, slots=True, kw_only=True)
class Solutions:
    """The answer to a query, and the store it was given from.

    ``variables`` and ``rows`` of a SELECT (terms as SPARQL 1.1 JSON has them), ``boolean`` of an ASK,
    ``data`` of a CONSTRUCT or DESCRIBE as N-Triples. Where there were more rows than an answer may
    have, the certificate says so.
    """

    variables: tuple[str, ...]
    rows: tuple[dict[str, dict[str, Any]], ...]
    boolean: bool | None
    data: str | None
    certificate: Certificate

    @property
    def cut(self) -> bool:
        """Whether there were more rows."""
        return not self.certificate.complete

    def to_dict(self) -> dict[str, Any]:
        """As SPARQL 1.1 Query Results JSON, with our certificate beside it."""
        shown: dict[str, Any] = {"head": {"vars": list(self.variables)}}
        if self.boolean is not None:
            shown["boolean"] = self.boolean
        elif self.data is not None:
            shown["data"] = self.data
        else:
            shown["results"] = {"bindings": list(self.rows)}
        return {**shown, "certificate": self.certificate.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Graphs:
    """Everything in a store as N-Quads, and the store that it was read from."""

    data: bytes
    certificate: Certificate


class GraphCache:
    """Keeps the last view that was read: as long as nobody writes, the next query needs no reading.

    Threads may share it. One of them reads at a time; the others would only be slower together.
    """

    def __init__(self) -> None:
        self._kept: Graphs | None = None
        self._reading = threading.Lock()

    def graphs(self, ctx: Context, *, at: str | int | None = None) -> Graphs:
        """As ``read``. Raises ``TimedOut`` too where another reading does not end."""
        kept = self._current(ctx, at)
        if kept is not None:
            return kept
        if not self._reading.acquire(timeout=_PATIENCE):
            raise TimedOut("the store is being read for SPARQL", hint="Ask again in a moment.")
        try:
            made = self._current(ctx, at) or read(ctx, at=at)
            self._kept = made if len(made.data) <= KEPT else None
            return made
        finally:
            self._reading.release()

    def _current(self, ctx: Context, at: str | int | None) -> Graphs | None:
        """What is kept, if it is of this view: the root names the entries, ``as_of`` how many."""
        kept, view, head = self._kept, view_at(ctx, at), ctx.store.head()
        if kept is None or kept.certificate.root != head.root.hex():
            return None
        as_of = head.size if view.as_of is None else view.as_of
        return kept if kept.certificate.as_of == as_of else None


def read(ctx: Context, *, at: str | int | None = None) -> Graphs:
    """Everything in the store as PROV-O; bundles are named graphs. Raises ``TimedOut``, and
    ``MissingExtra`` without pyoxigraph.
    """
    quads = formats.named("nquads")
    # A server reads longer than a query may take: whoever asks again has it at once.
    seconds = SECONDS if ctx.budget is not None else None
    found = export.gather(ctx, None, at=at, seconds=seconds)
    return Graphs(data=quads.dumps(found.batch), certificate=found.certificate)


@dataclass(frozen=True, slots=True)
class SparqlRequest(
    Request[Solutions],
    examples=("sparql 'SELECT ?m ?d { ?m prov:wasGeneratedBy ?r . ?r prov:used ?d }'",),
):
    """Ask in SPARQL 1.1 over everything as PROV-O; bundles are named graphs, and the default graph is
    all of them together. It only reads: no updates, no SERVICE, no FROM.
    """

    query: Annotated[
        str, Says(text="The query. Prefixes prov:, lineage:, xsd:, rdf: and rdfs: are known.")
    ]
    _: KW_ONLY
    at: When = None

    def answer(self, ctx: Context) -> Solutions:
        """See ``Request.answer``. Raises ``BadQuery`` (not SPARQL, an update, SERVICE, FROM),
        ``TimedOut``, ``MissingExtra``.
        """
        _demand_short(self.query)
        return solved(self.query, read(ctx, at=self.at), ctx.budget or SECONDS)


def solved(query: str, graphs: Graphs, seconds: float) -> Solutions:
    """Answer a query over what was read, in so many seconds. Raises as ``SparqlRequest``."""
    _demand_short(query)
    answer = _asked(query, graphs.data, seconds)
    certificate = graphs.certificate
    if answer.get("cut", False):
        certificate = replace(certificate, complete=False, cut=Cut(reason="limit"))
    return Solutions(
        variables=tuple(answer.get("variables", ())),
        rows=tuple(answer.get("rows", ())),
        boolean=answer.get("boolean"),
        data=answer.get("data"),
        certificate=certificate,
    )


def _demand_short(query: str) -> None:
    if len(query) > LONGEST:
        raise BadQuery(f"the query has {len(query)} characters, more than {LONGEST}", hint=_LESS)
    try:
        query.encode()
    except UnicodeEncodeError as error:
        raise BadQuery("the query is not UTF-8", hint="Write it in UTF-8.") from error


def _asked(query: str, data: bytes, seconds: float) -> dict[str, Any]:
    """Ask in a process of its own: what runs too long can be ended, and takes no memory along."""
    bounds = {"rows": ROWS, "bytes": BYTES, "memory": MEMORY}
    # No pipe: the process may end before it has read everything.
    with tempfile.TemporaryFile(prefix="lineage-sparql-") as file:
        file.write(orjson.dumps({"query": query, **bounds}) + b"\n")
        file.write(data)
        file.seek(0)
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(_WORKER)],
                stdin=file,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"the query takes longer than {seconds:.3g} seconds"
            raise TimedOut(message, hint=_LESS) from error
    if done.returncode != 0:
        raise _ended(done.stderr)
    answer: dict[str, Any] = orjson.loads(done.stdout)
    if "missing" in answer:
        hint = 'pip install "lineagedb[rdf]"'
        raise MissingExtra(f"SPARQL needs the package {answer['missing']}", hint=hint)
    if "memory" in answer:
        raise _ended(b"memory")
    if "refused" in answer:
        raise BadQuery(
            f"{answer['refused']} is not answered here: queries only read, and only this store",
            hint="SELECT, ASK, CONSTRUCT and DESCRIBE are; GRAPH reads one bundle.",
        )
    if "error" in answer:
        raise BadQuery(
            f"not SPARQL 1.1: {answer['error']}",
            hint="Prefixes prov:, lineage:, xsd:, rdf:, rdfs: are known.",
        )
    return answer


def _ended(said: bytes) -> BadQuery:
    """Why the process ended before it answered, by what it said last."""
    if b"memory" in said.lower():
        return BadQuery(f"the query needs more than {MEMORY / 1024**3:g} GiB of memory", hint=_LESS)
    message = "the engine gave up at the query: it is nested too deeply, or asks too much"
    return BadQuery(message, hint="Write it flatter, or ask for less.")
