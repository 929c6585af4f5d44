# SPDX-License-Identifier: Apache-2.0
"""Records assertions that callers may repeat: a batch or a run under a key is written once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage import ids
from lineage.access.mask import masked
from lineage.errors import BadInput, IdempotencyKeyReused
from lineage.model import check, kinds, terms
from lineage.model.copies import retied
from lineage.model.identity import content
from lineage.model.record import Batch, Edge, Node, Record, line
from lineage.model.value import clean_value
from lineage.services.context import Context
from lineage.services.read.resolve import resolve
from lineage.services.write import authority
from lineage.services.write.ingest import ingest
from lineage.store.base import NOW, Hop

_FULL_SHA = re.compile(r"[0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?")
_DIGEST = re.compile(r"([a-z0-9-]{2,20}):([0-9a-fA-F]{8,128}(?:\.dir)?)")
_LONGEST_KEY = 200
_TIES = Hop(relations=terms.SAMENESSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was written under a key, the first time or now: in which entries, how many records.

    ``things`` counts the nodes that are new here, ``unchanged`` the records that their source had
    asserted before.
    """

    source: str
    entries: tuple[int, ...]
    things: int = 0
    records: int
    unchanged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Something a run read: a reference, or an identifier that may be new here."""

    role: str | None = None
    ref: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Something a run made: a name, and ``algorithm:hex`` of its bytes where these are known."""

    name: str
    digest: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInput:
    """A run as its caller describes it. ``commit`` is a full hash or a reference."""

    name: str
    status: str | None = None
    started: str | None = None
    ended: str | None = None
    parameters: Mapping[str, Any] | None = None
    metrics: Mapping[str, Any] | None = None
    used: Sequence[Input] = ()
    generated: Sequence[Output] = ()
    commit: str | None = None
    environment: str | None = None


def assert_once(ctx: Context, batch: Batch, *, source: str, key: str | None = None) -> Done:
    """Assert a batch; with a key, the same call again finds what the first one wrote.

    The key is part of the source, so that the ledger itself says what was asserted under it.
    Raises ``IdempotencyKeyReused`` where that is something else, ``Denied``, ``Rejected``, and what
    stores raise.
    """
    authority.demand(ctx, batch)
    if key is not None:
        if not 0 < len(key) <= _LONGEST_KEY:
            raise BadInput(f"a key has 1 to {_LONGEST_KEY} characters, not {len(key)}")
        source = f"{source}#{ids.segment(key)}"
        batch = masked(batch)
        check.demand(batch)
        known = {line(record) for record in ctx.store.asserted(source, NOW)}
        if known and known != {line(record) for record in batch.records}:
            raise IdempotencyKeyReused(f"the key {key!r} was used for something else")
        if known:
            return Done(source=source, entries=_entries(ctx, batch, source), records=len(known))
    report = ingest(ctx, batch, source=source)
    return Done(
        source=source,
        entries=report.entries,
        things=report.things,
        records=report.added,
        unchanged=report.unchanged,
    )


def _entries(ctx: Context, batch: Batch, source: str) -> tuple[int, ...]:
    about = {record.id if isinstance(record, Node) else record.effect for record in batch.records}
    held = ctx.store.held(about, NOW)
    claims = (claim for one in held.values() for claim in one.claims)
    return tuple(sorted({c.since for c in claims if c.source == source and c.until is None}))


def record_run(ctx: Context, run: RunInput, key: str | None = None) -> tuple[str, Done]:
    """Record a run with what it read and made: its identifier, and what was written.

    With a key, the identifier follows from it and from who is acting. Raises what ``assert_once`` and
    references raise, and ``BadInput`` for parameters, metrics or digests that are none.
    """
    name = ids.uuid7() if key is None else key
    ident = ids.run_id("lineage", ctx.actor, name)
    records = list(_records(ctx, run, ident))
    nodes = tuple({r.id: r for r in records if isinstance(r, Node)}.values())
    edges = _tied(ctx, [r for r in records if isinstance(r, Edge)])
    source = authority.source(ctx, "api", "runs")
    return ident, assert_once(ctx, Batch(nodes=nodes, edges=edges), source=source, key=key)


def _tied(ctx: Context, edges: list[Edge]) -> tuple[Edge, ...]:
    """The edges of a run; what it made with the bytes of something that it used is a copy."""
    used = [edge.cause for edge in edges if edge.relation == "used"]
    ties = [row.edge() for row in ctx.store.edges(used, _TIES, NOW)]
    return tuple(retied([*edges, *ties])[: len(edges)])


def _records(ctx: Context, run: RunInput, ident: str) -> Iterator[Record]:
    yield kinds.Run(
        id=ident,
        label=run.name,
        name=run.name,
        status=run.status,
        started=run.started,
        ended=run.ended,
        tracker="lineage",
        more={**_named("param", run.parameters), **_named("metric", run.metrics)},
    ).node()
    if run.commit:
        commit = _commit(ctx, run.commit)
        yield kinds.Commit(id=commit).node()
        yield _edge("used", ident, commit, "source")
    if run.environment:
        yield _edge("used", ident, resolve(ctx, run.environment).id, "environment")
    for item in run.used:
        yield _edge("used", ident, _input(ctx, item), item.role)
    for made in run.generated:
        yield from _output(ctx, made, ident)


def _named(prefix: str, values: Mapping[str, Any] | None) -> dict[str, Any]:
    found = {}
    for name, value in (values or {}).items():
        try:
            found[f"{prefix}.{name}"] = None if value is None else clean_value(value)
        except TypeError:
            word = "parameter" if prefix == "param" else "metric"
            raise BadInput(
                f"the {word} {name!r} is no text, number, truth or list of these",
                hint="Write nested values as names with dots.",
            ) from None
    return found


def _commit(ctx: Context, text: str) -> str:
    return ids.commit_id(text) if _FULL_SHA.fullmatch(text) else resolve(ctx, text).id


def _input(ctx: Context, item: Input) -> str:
    if (item.id is None) == (item.ref is None):
        raise BadInput("something used needs either a ref or an id", hint="Give one of them.")
    return item.id if item.id is not None else resolve(ctx, item.ref or "").id


def _output(ctx: Context, made: Output, run: str) -> Iterator[Record]:
    if made.digest is None:
        version = ids.thing_id("artifact", ids.short(run), made.name)
    else:
        found = _DIGEST.fullmatch(made.digest)
        if found is None:
            raise BadInput(f"{made.digest!r} is no digest", hint="Write algorithm:hex.")
        algorithm, digest = found[1], found[2].lower()
        version = ids.dataset_version_id(ctx.actor, made.name, algorithm, digest)
        nodes, ties = content(version, algorithm, digest)
        yield from nodes
        yield from ties
    yield kinds.Artifact(id=version, label=made.name, name=made.name, digest=made.digest).node()
    yield _edge("wasGeneratedBy", version, run, made.role)


def _edge(relation: str, effect: str, cause: str, role: str | None) -> Edge:
    attributes = {"prov:role": role} if role else {}
    return Edge(relation=relation, effect=effect, cause=cause, attributes=attributes)
