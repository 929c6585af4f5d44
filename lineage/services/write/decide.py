# SPDX-License-Identifier: Apache-2.0
"""Takes down decisions of people who never see a file, and links of decisions to what they rest on.

What is told becomes the text of a record, as it would stand in a file, and is kept as one: every time it is told anew
there is a version more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated

from importers.decisions.reading import FoundDecision, Version
from importers.decisions.records import DecisionRecords, is_lasting
from lineage import ids
from lineage.access.mask import masked
from lineage.access.tokens import Role
from lineage.errors import Usage
from lineage.model import kinds, terms
from lineage.model.record import Batch, Edge, line
from lineage.model.value import Value
from lineage.services.context import Context
from lineage.services.read.resolve import resolve
from lineage.services.request import Request, Says
from lineage.services.write import authority
from lineage.services.write.decisions import SOURCE
from lineage.services.write.deliberate import Deliberated, decision, now, taken
from lineage.services.write.following import version_at
from lineage.services.write.ingest import write_batches
from lineage.sources.decision_records import record, template
from lineage.sources.decision_records.fields import KINDS, ROLES
from lineage.store.base import NOW, Hop
from lineage.store.rows import NodeRow

_INFLUENCED = Hop(relations=frozenset({"wasInfluencedBy"}))
#: The namespace of decisions that have no file.
NAMESPACE = "lineage"


@dataclass(frozen=True, slots=True)
class DecideRequest(Request[Deliberated], demands=Role.contributor, mutation="decide"):
    """Take down a decision, or tell one anew by its key: what is told becomes a version of its record, without a file."""

    title: Annotated[str, Says(text="What is decided, in a few words.")]
    _: KW_ONLY
    key: Annotated[str | None, Says(text="The key of a decision that is told anew.")] = None
    status: Annotated[str, Says(text="Its status.")] = "proposed"
    category: Annotated[str | None, Says(text=f"What it is about: {', '.join(KINDS)}.")] = None
    role: Annotated[str | None, Says(text=f"In which role: {', '.join(ROLES)}.")] = None
    owner: Annotated[str | None, Says(text="Who answers for it; you, unless it is said.")] = None
    hypothesis: Annotated[str | None, Says(text="What is believed.")] = None
    context: Annotated[str | None, Says(text="Why it is to be decided.")] = None
    outcome: Annotated[str | None, Says(text="What is decided, and why.")] = None
    tags: Annotated[Sequence[str], Says(text="Words by which it is found.")] = ()
    supersedes: Annotated[Sequence[str], Says(text="Decisions whose place it takes.")] = ()
    evidence: Annotated[
        Sequence[str], Says(text="Runs and data that it rests on, references.")
    ] = ()

    def answer(self, ctx: Context) -> Deliberated:
        """See ``Request.answer``. Raises ``Usage`` for a title, kind or role that is none, and for a status that is
        for a steward to give.
        """
        title = " ".join(self.title.split())
        if not title:
            raise Usage("a decision needs a title", hint="Say in a few words what is decided.")
        for value, words, what in ((self.category, KINDS, "kind"), (self.role, ROLES, "role")):
            if value is not None and value not in words:
                raise Usage(f"{value!r} is no {what}", hint=f"There are: {', '.join(words)}.")
        if self.status not in {"draft", "proposed"} and ctx.role < Role.steward:
            raise Usage(
                f"a decision is told as a draft or as proposed, not as {self.status}",
                hint="A steward accepts it.",
            )
        key = self.key or template.new_id()
        told = record.read(self._text(ctx, key, title).encode(), "")
        found = FoundDecision(
            key=key,
            versions=[version := Version(record=told, name=ids.sha256(told.data))],
            current=version,
        )
        nodes, edges = DecisionRecords(NAMESPACE, [found], ctx.person_key).records({})
        source = authority.source(ctx, "api", f"{SOURCE}#{ids.segment(key)}")
        batch = masked(Batch(nodes=tuple(nodes), edges=tuple(edges)))
        said = {line(one) for one in batch.records}
        gone = [
            one
            for one in ctx.store.asserted(source, NOW)
            if line(one) not in said and not is_lasting(one)
        ]
        report = write_batches(ctx, source, SOURCE, [batch], gone)
        return now(ctx, ids.decision_id(NAMESPACE, key), report.entries)

    def _text(self, ctx: Context, key: str, title: str) -> str:
        """The text of the record."""
        links: dict[str, list[str]] = {"supersedes": [*self.supersedes], "runs": [], "datasets": []}
        for text in self.evidence:
            links["runs" if _is_run(ctx, text) else "datasets"].append(text)
        front = {
            "status": self.status,
            "date": ctx.recorded()[:10],
            "id": key,
            "kind": self.category,
            "role": self.role,
            "owner": self.owner or ctx.actor,
            "tags": list(self.tags),
            "hypothesis": self.hypothesis,
            "links": {name: some for name, some in links.items() if some},
        }
        sections = {
            "Context and Problem Statement": self.context,
            "Decision Outcome": self.outcome,
        }
        return template.composed(front, title, sections)


def _is_run(ctx: Context, text: str) -> bool:
    """Whether a reference is to an activity. Raises the errors of references: what is told is here."""
    return kinds.family(resolve(ctx, text).kind) == "Activity"


@dataclass(frozen=True, slots=True)
class LinkRequest(
    Request[Deliberated],
    demands=Role.contributor,
    mutation="linkDecision",
    examples=(
        "decision link decision:0012 --to run:ab12",
        "decision link run:ab12 --to decision:0012",
    ),
):
    """Say that a decision rests on something (a run, data, a model, another decision), or that a run or a commit follows
    a decision.
    """

    reference: Annotated[
        str, Says(text="The decision; or the run or commit that follows one.", resolves=True)
    ]
    _: KW_ONLY
    to: Annotated[
        str,
        Says(
            text="What it rests on; or the decision that is followed.", metavar="REF", resolves=True
        ),
    ]

    def answer(self, ctx: Context) -> Deliberated:
        """See ``Request.answer``. Raises ``Usage`` for a link to itself, and the errors of references."""
        if (follower := _follower(ctx, self.reference)) is not None:
            return self._follows(ctx, follower)
        state = decision(ctx, self.reference)
        row = resolve(ctx, self.to)
        version = state.id if state.current is None else state.current.row.id
        if row.id in {state.id, version}:
            raise Usage(f"{state.row.title} cannot rest on itself", hint="Name something else.")
        if _is_tied(ctx, row.id, version):
            raise Usage(
                f"{row.title} followed the text that {state.row.title} has: that text does not rest on it",
                hint="Write what came of it into the record, with the run in links.runs: that is another text.",
            )
        entity = kinds.family(row.kind) == "Entity"
        edge = Edge(
            relation="wasDerivedFrom" if entity else "wasInfluencedBy",
            effect=version,
            cause=row.id,
            attributes={terms.METHOD: terms.STATED},
        )
        return taken(ctx, state, [edge])

    def _follows(self, ctx: Context, row: NodeRow) -> Deliberated:
        state = decision(ctx, self.to)
        started = row.node().attributes.get("started")
        version, after = version_at(state, str(started) if started else None)
        if _is_tied(ctx, version, row.id):
            raise Usage(
                f"{state.row.title} rests on {row.title}, which therefore did not follow it",
                hint="'lineage untie' takes back what was said wrongly.",
            )
        attributes: dict[str, Value] = {terms.METHOD: terms.STATED}
        if after:
            attributes["written_afterwards"] = True
        edge = Edge(relation="wasInfluencedBy", effect=row.id, cause=version, attributes=attributes)
        return taken(ctx, state, [edge])


def _is_tied(ctx: Context, effect: str, cause: str) -> bool:
    """Whether one was influenced by the other, as far as somebody says so."""
    edges = ctx.store.edges([effect], _INFLUENCED, NOW)
    return any(edge.cause == cause for edge in edges)


def _follower(ctx: Context, text: str) -> NodeRow | None:
    """The run or commit that a reference means; ``None`` where it is another reference."""
    kind, colon, _ = text.partition(":")
    if not colon or kind.lower() == "decision":
        return None
    row = resolve(ctx, text)
    return row if row.kind in {"Run", "Commit"} else None
