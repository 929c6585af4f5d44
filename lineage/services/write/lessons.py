# SPDX-License-Identifier: Apache-2.0
"""Takes down what was learnt from a decision or a run, with what it is about, so that it is offered where that comes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any

from importers.decisions.lessons import lesson
from lineage import ids
from lineage.access.mask import masked
from lineage.access.tokens import Role
from lineage.errors import Usage
from lineage.model import kinds, terms
from lineage.model.record import Batch, Edge, Node, Record
from lineage.services.context import Context
from lineage.services.read.decisions.lessons import SUBJECT, subject
from lineage.services.read.resolve import resolve
from lineage.services.request import Request, Says
from lineage.services.write import authority
from lineage.services.write.decisions import SOURCE, settle
from lineage.services.write.ingest import ingest
from lineage.store.rows import NodeRow

#: Characters of a lesson.
_LONGEST = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """A lesson as it was taken down: what it was learnt from and what else it is about, by identifier, and the entries
    that hold it.
    """

    id: str
    text: str
    of: str
    about: tuple[str, ...]
    tags: tuple[str, ...]
    entries: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        lists = {name: list(getattr(self, name)) for name in ("about", "tags", "entries")}
        return {"id": self.id, "text": self.text, "of": self.of, **lists}


@dataclass(frozen=True, slots=True)
class LessonRequest(
    Request[Learnt],
    demands=Role.contributor,
    mutation="tellLesson",
    examples=(
        'decision lesson run:ab12 "lr above 0.1 diverges on this crawl" --tag divergence',
        'decision lesson decision:0012 "the labels leak" --about dataset:data/web',
    ),
):
    """Take down what was learnt from a decision or a run. Where what it is about comes back, in a plan or in a run, it is
    offered. The same words about the same decision or run are one lesson, also where its record says them.
    """

    reference: Annotated[str, SUBJECT]
    text: Annotated[str, Says(text="What was learnt, in a sentence.")]
    _: KW_ONLY
    about: Annotated[
        Sequence[str],
        Says(text="What it is about besides: data, a model, a run.", metavar="REF", resolves=True),
    ] = ()
    tag: Annotated[Sequence[str], Says(text="A word by which it is found.", metavar="WORD")] = ()

    def answer(self, ctx: Context) -> Learnt:
        """See ``Request.answer``. Raises ``Usage`` for a text that is empty or over 2,000 characters, and for what is
        neither a decision nor a run, and the errors of references.
        """
        text = " ".join(self.text.split())
        if not 0 < len(text) <= _LONGEST:
            raise Usage(
                f"a lesson has 1 to {_LONGEST:,} characters, not {len(text):,}",
                hint="Say in a sentence what others should know.",
            )
        row, _ = subject(ctx, self.reference)
        about = [resolve(ctx, one) for one in self.about]
        tags = [word for one in self.tag if (word := one.strip())]
        node = lesson(row.id, text, tags)
        edges = [_edge(node, row), *(_edge(node, other, terms.STATED) for other in about)]
        batch = _batch([node, *edges, *_told_by(ctx, node)])
        source = authority.source(ctx, "api", SOURCE)
        report = ingest(ctx, masked(batch), source=source, importer=SOURCE)
        settled = settle(ctx)
        return Learnt(
            id=node.id,
            text=str(node.attributes["text"]),
            of=row.id,
            about=tuple(dict.fromkeys(other.id for other in about)),
            tags=tuple(dict.fromkeys(tags)),
            entries=(*report.entries, *(settled.entries if settled is not None else ())),
        )


def _edge(node: Node, cause: NodeRow, method: str | None = None) -> Edge:
    entity = kinds.family(cause.kind) == "Entity"
    return Edge(
        relation="wasDerivedFrom" if entity else "wasInfluencedBy",
        effect=node.id,
        cause=cause.id,
        attributes={} if method is None else {terms.METHOD: method},
    )


def _told_by(ctx: Context, node: Node) -> Iterator[Record]:
    who = ids.thing_id("agent", "lineage", ctx.actor)
    yield kinds.Agent(id=who, label=ctx.actor).node()
    yield Edge(relation="wasAttributedTo", effect=node.id, cause=who)


def _batch(records: Sequence[Record]) -> Batch:
    return Batch(
        nodes=tuple(record for record in records if isinstance(record, Node)),
        edges=tuple(record for record in records if isinstance(record, Edge)),
    )
