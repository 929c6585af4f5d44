# SPDX-License-Identifier: Apache-2.0
"""Exports what is selected as a document: every statement about it as it was made, in any format."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from itertools import islice
from typing import Annotated, Any, NamedTuple

from lineage import formats
from lineage.errors import TimedOut
from lineage.model.record import Batch, Edge, Loss, Node, line
from lineage.services.answer import Certificate, certify
from lineage.services.as_of import ReadState, view_at
from lineage.services.context import Context
from lineage.services.read import ask
from lineage.services.read.spooled import SpooledClaims
from lineage.services.request import Request, Says, When
from lineage.spool import Text
from lineage.store.base import Hop, Store, View
from lineage.store.claims import Claim, Statement

#: Nodes of which everything is read at once.
_TOGETHER = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The statements of a selection, and the certificate of the store they were read from."""

    batch: Batch
    certificate: Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A document: its bytes, what it holds, and what of the selection its format could not hold.

    ``canonical`` is the SHA-256 of the document's canonical N-Quads (RDFC-1.0), where it was asked for:
    two documents that say the same have the same, however they are written.
    """

    text: Text = field(repr=False)
    format: str
    nodes: int
    edges: int
    losses: tuple[Loss, ...]
    certificate: Certificate
    canonical: str | None = None

    @property
    def data(self) -> bytes:
        """The document, whole in memory; ``pieces`` gives it bit by bit."""
        return bytes(self.text)

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the document, piece by piece."""
        return iter(self.text)

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage export --json``; the document itself is not in it."""
        return {
            "format": self.format,
            "bytes": len(self.text),
            "nodes": self.nodes,
            "edges": self.edges,
            "losses": [
                {"what": loss.what, "count": loss.number, "reason": loss.reason}
                for loss in self.losses
            ],
            "canonical": self.canonical,
            "certificate": self.certificate.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class ExportRequest(
    Request[Exported],
    examples=(
        """export '+model:"fraud@v3"' --format turtle -o fraud.ttl""",
        "export --format nquads > everything.nq",
    ),
):
    """What is selected (everything, where nothing is) as a document of a format."""

    selection: Annotated[
        str | None, Says(text="A selection; without it, everything (docs/reference/selection.md).")
    ] = None
    _: KW_ONLY
    format: Annotated[
        str,
        Says(text=f"The format: {', '.join(formats.BUILTIN)}.", metavar="NAME"),
    ] = "json"
    at: When = None
    canonical: Annotated[
        bool,
        Says(
            text="Also the hash of what the document says (RDFC-1.0), for formats of RDF: it takes longer "
            "than all the rest, and some 10 KB of memory a statement."
        ),
    ] = False

    def answer(self, ctx: Context) -> Exported:
        """See ``Request.answer``. Raises ``UnknownFormat``, also where a canonical form is asked for of
        a format that has none, and the errors of ``ask``.
        """
        written = formats.named(self.format)
        if self.canonical:
            formats.demand_canonical(self.format)
        if not isinstance(written, formats.Streamed):
            found = gather(ctx, self.selection, at=self.at)
            return Exported(
                text=Text((written.dumps(found.batch),)),
                format=written.name,
                nodes=found.batch.things,
                edges=found.batch.relations,
                losses=written.losses(found.batch),
                certificate=found.certificate,
            )
        with SpooledClaims() as claims:
            selected = _selected(ctx, self.selection, self.at)
            for said in _said(ctx.store, selected):
                claims.add(said)
            document = claims.document()
            return Exported(
                text=Text(written.pieces(document)),
                format=written.name,
                nodes=claims.things,
                edges=claims.relations,
                losses=written.losses(document),
                certificate=selected.certificate,
                canonical=formats.canonical(document, self.format) if self.canonical else None,
            )


def gather(
    ctx: Context,
    selection: str | None = None,
    *,
    at: str | int | None = None,
    seconds: float | None = None,
) -> Gathered:
    """Gather every statement about what is selected, and every relation among it, as their sources
    made them: several statements of one node stay several. Raises the errors of ``ask``, and
    ``TimedOut`` where reading everything takes longer than so many seconds.
    """
    selected = _selected(ctx, selection, at)
    if selection is None:
        selected = selected._replace(idents=_in_time(selected.idents, seconds))
    return Gathered(batch=_batch(ctx.store, selected), certificate=selected.certificate)


def gather_around(ctx: Context, idents: Collection[str]) -> Gathered:
    """Gather every statement about some things and what they are tied to, and the relations among all of these."""
    head = ctx.store.head()
    view = View(as_of=head.size)
    found = set(idents)
    for hop in (Hop(), Hop(toward="effects")):
        for row in ctx.store.edges(sorted(idents), hop, view):
            found |= {row.effect, row.cause}
    certificate = certify(ReadState(view, head), None)
    selected = _Selected(sorted(found), found, view, certificate)
    return Gathered(batch=_batch(ctx.store, selected), certificate=certificate)


class _Selected(NamedTuple):
    """The identifiers of what is selected, in order; the ends of relations among it (``None``: any), and
    how it is read.
    """

    idents: Iterable[str]
    within: Collection[str] | None
    view: View
    certificate: Certificate


def _selected(ctx: Context, selection: str | None, at: str | int | None) -> _Selected:
    if selection is None:
        head = ctx.store.head()
        asked = view_at(ctx, at).as_of
        view = View(as_of=head.size if asked is None else asked)
        certificate = certify(ReadState(view, head), None)
        return _Selected(_all(ctx.store, view), None, view, certificate)
    page = ask.AskRequest(selection, limit=ask.MOST, at=at).answer(ctx)
    certificate = page.certificate
    view = View(as_of=certificate.as_of)
    chosen = [row.id for row in page.found.ordered_nodes]
    while page.certificate.cursor is not None:
        onward = page.certificate.cursor
        page = ask.AskRequest(selection, limit=ask.MOST, at=at, cursor=onward).answer(ctx)
        chosen += [row.id for row in page.found.ordered_nodes]
    certificate = page.certificate if len(chosen) > ask.MOST else certificate
    return _Selected(chosen, set(chosen), view, certificate)


def _all(store: Store, view: View) -> Iterator[str]:
    after: str | None = None
    while page := store.identifiers(after, _TOGETHER, view):
        yield from page
        after = page[-1]


def _in_time(idents: Iterable[str], seconds: float | None) -> Iterator[str]:
    """The same, as long as there is time for it."""
    if seconds is None:
        yield from idents
        return
    until = time.monotonic() + seconds
    for ident in idents:
        if time.monotonic() > until:
            message = f"reading everything takes longer than {seconds:g} seconds"
            raise TimedOut(message, hint="Ask where the store is: lineage export, lineage sparql.")
        yield ident


def _said(store: Store, selected: _Selected) -> Iterator[list[Claim]]:
    """The claims that stand in a view of what is selected, thing by thing, by identifier."""
    within, view = selected.within, selected.view
    idents = iter(selected.idents)
    while chunk := list(islice(idents, _TOGETHER)):
        held = store.held(chunk, view)
        for ident in chunk:
            if ident in held:
                yield [
                    claim
                    for claim in held[ident].said(view.as_of)
                    if within is None
                    or isinstance(claim.what, Statement)
                    or claim.what.cause in within
                ]


def _batch(store: Store, selected: _Selected) -> Batch:
    """The claims of what is selected, each once however many sources make it."""
    nodes: dict[bytes, Node] = {}
    edges: dict[bytes, Edge] = {}
    for said in _said(store, selected):
        for claim in said:
            record = claim.record
            if isinstance(record, Node):
                nodes[line(record)] = record
            else:
                edges[line(record)] = record
    return Batch(
        nodes=tuple(nodes.values()),
        edges=tuple(edges.values()),
        bundles=_bundles([*nodes.values(), *edges.values()]),
    )


def _bundles(records: Sequence[Node | Edge]) -> dict[str, dict[str, str]]:
    return {bundle: {} for bundle in sorted({r.bundle for r in records if r.bundle})}
