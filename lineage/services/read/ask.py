# SPDX-License-Identifier: Apache-2.0
"""Answers selections: parse, bind, plan, run, and a cursor to go on."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, TypeVar

import orjson

from lineage.errors import BadCursor, LineageError, Usage
from lineage.model.gaps import Gap
from lineage.query import ast, parse
from lineage.query.bind import bind
from lineage.query.packages import package
from lineage.query.plan import (
    Beside,
    Called,
    Connections,
    EdgeFilter,
    Plan,
    PlanRequest,
    Traverse,
    lines,
)
from lineage.query.rules import rewritten
from lineage.services.answer import Answer, certify
from lineage.services.as_of import ReadState, at_one_moment, view_at
from lineage.services.context import Context
from lineage.services.read.gaps import conditional, environments_unknown, of_runs, sources
from lineage.services.read.names import Names, Supposed
from lineage.services.read.not_compared import not_compared
from lineage.services.read.trace import grouped
from lineage.services.read.why import Connected, connected
from lineage.services.request import ANSWER, Request, Says, When
from lineage.store.base import (
    NOW,
    Filter,
    Hop,
    Page,
    Slice,
    Subgraph,
    View,
    Walk,
)
from lineage.store.paths import connections
from lineage.store.rows import NodeRow
from lineage.store.unresolved import Unresolved

T = TypeVar("T")

#: Nodes of one page, unless it is told, and at most.
PAGE, MOST = 10_000, 1_000_000
#: Words that ask for what runs were run with.
_EQUIPMENT = frozenset({"package", "env", "environment"})
_USED = Hop(relations=frozenset({"used"}))
#: Parts of a question without an answer that are asked by themselves.
_LOOKED_INTO = 8
#: Packages of one name that are looked at.
_LOOKED_AT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AskAnswer(Answer):
    """What a selection selects. ``query`` is the selection in its canonical form; ``groups`` are the
    nodes as people read them, ``paths`` the connections where the selection is ``why(...)``.
    """

    query: str
    groups: Mapping[str, Sequence[str]] | None = None
    paths: Sequence[Sequence[Mapping[str, str]]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a selection is understood: its canonical text, what it means, and what the engine does."""

    query: str
    meaning: tuple[str, ...]
    plan: tuple[str, ...]
    engine: str

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage explain``."""
        return {
            "query": self.query,
            "meaning": list(self.meaning),
            "plan": list(self.plan),
            "engine": self.engine,
        }


Selection = Annotated[
    str,
    Says(
        text='A selection: +model:"fraud@v3" and kind:dataset (docs/reference/selection.md).',
        resolves=True,
    ),
]


@dataclass(frozen=True, slots=True)
class AskRequest(
    Request[AskAnswer],
    graphql="select",
    weight=10,
    examples=(
        """ask '+model:"fraud@v3" and kind:dataset'""",
        """ask 'kind:run and metric.auc >= 0.9 and started >= "2026-01-01"'""",
        """ask 'kind:run and commit:"v1.0..v1.2"'""",
        """ask 'between(dataset:"raw", model:"fraud@v3") via used, wasGeneratedBy'""",
    ),
):
    """What a selection selects, by identifier, with the edges among the selected."""

    query: Selection
    _: KW_ONLY
    limit: Annotated[
        int,
        Says(
            text="How many nodes of one page.",
            at_least=1,
            at_most=MOST,
            graphql="first",
            sized=(1_000, ANSWER),
        ),
    ] = PAGE
    cursor: Annotated[
        str | None,
        Says(
            text="Go on behind the cursor of the certificate of the page before, in the store as it "
            "stood for the first page.",
            flag="--after",
            metavar="CURSOR",
            graphql="after",
        ),
    ] = None
    at: When = None

    def answer(self, ctx: Context) -> AskAnswer:
        """See ``Request.answer``. Raises ``BadQuery``, ``BadCursor``, ``TimedOut``, and ``NotFound``
        or ``Ambiguous`` for references in the query.
        """
        selection = _selection(self.query, self.at)
        text = ast.show(selection)
        place = None if self.cursor is None else _place(ctx, text, self.cursor)
        return _page(ctx, selection, text, self.limit, place)


@dataclass(frozen=True, slots=True)
class ExplainRequest(
    Request[Explanation],
    graphql="explain",
    examples=("""explain '+model:"fraud@v3" and kind:dataset and not license:"*"'""",),
):
    """The plan of a selection: what it means, and what the engine does."""

    query: Selection
    _: KW_ONLY
    at: When = None

    def answer(self, ctx: Context) -> Explanation:
        """See ``Request.answer``."""
        selection = _selection(self.query, self.at)
        plan = bind(selection, Names(ctx, view_at(ctx, selection.at)))
        return Explanation(
            query=ast.show(selection),
            meaning=tuple(lines(plan)),
            plan=tuple(lines(rewritten(plan))),
            engine=ctx.store.caps.name,
        )


def page_of(ctx: Context, selected: ast.Expression, page: Page, view: View) -> Slice:
    """Nodes of a selection in a view, behind an identifier: for lists that page by identifier."""
    plan = rewritten(bind(ast.Selection(selected), Names(ctx, view)))
    question = PlanRequest(plan=plan, limit=page.limit, after=page.after, seconds=ctx.budget)
    found = ctx.store.run(question, view)
    rows = tuple(found.ordered_nodes)
    return Slice(rows, rows[-1].id if found.cut is not None and rows else None)


def _selection(query: str, at: str | int | None) -> ast.Selection:
    selection = parse.parse(query)
    if at is None or at == "":
        return selection
    if selection.at is not None:
        raise Usage("the query says 'at', and so does the call", hint="Say it once.")
    return ast.Selection(selection.of, str(at))


def _page(
    ctx: Context, selection: ast.Selection, text: str, limit: int, place: _Place | None
) -> AskAnswer:
    follow = _shown(selection.of)
    after = None if place is None else place.after

    def read(view: View) -> tuple[Subgraph, Connected | None, list[Gap]]:
        looked_up: Mapping[Called, NodeRow] = {}
        if after is None and (supposed := _supposed(ctx, selection, view)) is not None:
            try:
                return carry_out(supposed, view)
            except Unresolved as unresolved:
                looked_up = unresolved.rows
        return carry_out(bind(selection, Names(ctx, view, looked_up)), view)

    def carry_out(bound: Plan, view: View) -> tuple[Subgraph, Connected | None, list[Gap]]:
        plan = rewritten(bound)
        if isinstance(plan, Connections):
            chains = _connections(ctx, plan, view)
            return chains.graph, chains, list(sources(ctx, view))
        question = PlanRequest(
            plan=plan,
            follow=follow,
            limit=limit,
            after=after,
            seconds=ctx.budget,
            beside=_beside(selection.of, bound),
        )
        found = ctx.store.run(question, view)
        return found, None, list(_gaps(ctx, selection.of, bound, found, view))

    (found, chains, gaps), stand = _read(ctx, selection, place, read)
    if chains is not None:
        return AskAnswer(
            found=found,
            certificate=certify(stand, found.cut, gaps=gaps),
            start=chains.ends,
            query=text,
            paths=chains.paths,
        )
    more = found.cut is not None and found.cut.reason == "limit" and found.node_rows
    last = found.ordered_nodes[-1].id if more else None
    cursor = _cursor(ctx, text, _Place(stand.as_of, last)) if last is not None else None
    return AskAnswer(
        found=found,
        certificate=certify(stand, found.cut, cursor, gaps),
        query=text,
        groups=grouped(found.ordered_nodes),
    )


def _supposed(ctx: Context, selection: ast.Selection, view: View) -> Plan | None:
    """The plan of a selection whose names mean what they say at first sight, where looking them up by itself
    costs as much as the answer. Of a query with several faults the first is told: that is seen elsewhere.
    """
    if ctx.store.caps.resolves and view == NOW:
        with suppress(LineageError):
            return bind(selection, Supposed(ctx, view))
    return None


def _gaps(
    ctx: Context, of: ast.Expression, bound: Plan, found: Subgraph, view: View
) -> Iterator[Gap]:
    """The gaps of a page: of its runs where it walks to causes, of all runs where it asks for packages
    or environments; what its comparisons left out; and what nothing meets where it is empty.
    """
    parts = list(ast.parts(of))
    if any(isinstance(part, ast.Match) and part.key.lower() in _EQUIPMENT for part in parts):
        yield from environments_unknown(ctx, view)
        yield from _conditional(ctx, parts, found, view)
    elif _goes_up(of):
        runs = [row for row in found.node_rows if row.kind == "Run"]
        used, known = found.edge_rows, found.node_rows
        if found.beside is not None:
            used, known = found.beside.edge_rows, [*known, *found.beside.node_rows]
        elif runs and not (found.cut is None and _is_whole_walk(bound, _shown(of))):
            used = ctx.store.edges([row.id for row in runs], _USED, view)
        yield from of_runs(ctx, runs, used, view, known)
    if any(isinstance(part, ast.Compare) for part in parts):
        yield from not_compared(ctx, bound, view)
    if not found.node_rows and found.cut is None and isinstance(of, ast.And):
        yield from _unmet(ctx, of.parts, view)
    yield from sources(ctx, view)


def _goes_up(of: ast.Expression) -> bool:
    return any(isinstance(part, ast.Walk) and part.up is not None for part in ast.parts(of))


def _beside(of: ast.Expression, bound: Plan) -> Beside | None:
    """What the runs of a page used, where its gaps are told by that and the answer does not show it."""
    wanted = _goes_up(of) and not _is_whole_walk(bound, _shown(of))
    return Beside("Run", EdgeFilter(_USED.relations)) if wanted else None


def _is_whole_walk(plan: Plan, follow: EdgeFilter) -> bool:
    """Whether a plan goes from runs to all that they used, and its answer shows how."""
    return (
        isinstance(plan, Traverse)
        and (plan.toward, plan.follow, plan.depth) == ("causes", follow, None)
        and (follow.relations is None or "used" in follow.relations)
    )


def _conditional(
    ctx: Context, parts: Sequence[ast.Expression], found: Subgraph, view: View
) -> Iterator[Gap]:
    """The packages asked for that the environments of the runs found hold on a condition."""
    runs = [row.id for row in found.node_rows if row.kind == "Run"]
    if not runs:
        return
    for part in parts:
        if isinstance(part, ast.Match) and part.key.lower() == "package" and part.value:
            asked = Filter(also=package(part.value))
            named = ctx.store.find(asked, Page(limit=_LOOKED_AT), view).rows
            within = {edge.cause for edge in ctx.store.edges(runs, _USED, view)}
            yield from conditional(ctx, [row.id for row in named], within, view)


def _unmet(ctx: Context, parts: Sequence[ast.Expression], view: View) -> Iterator[Gap]:
    """The parts of a question without an answer that nothing meets, each by itself."""
    for part in parts[:_LOOKED_INTO]:
        text = ast.show(ast.Selection(part))
        if isinstance(part, ast.Not) or page_of(ctx, part, Page(limit=1), view).rows:
            continue
        yield Gap(
            code="nothing-matches",
            count=1,
            message=f"nothing here is {text}",
            command=f"lineage explain {shlex.quote(text)}",
        )


def _read(
    ctx: Context, selection: ast.Selection, place: _Place | None, read: Callable[[View], T]
) -> tuple[T, ReadState]:
    """A page. As of the last entry is as it stands now, as long as nobody writes."""
    if place is None:
        return at_one_moment(ctx, selection.at, read)
    if place.as_of == ctx.store.head().size:
        with ctx.store.moment() as moment:
            found = read(NOW)
        if moment.head is not None and moment.head.size == place.as_of:
            return found, ReadState(View(as_of=place.as_of), moment.head)
    return at_one_moment(ctx, place.as_of, read)


def _shown(of: ast.Expression) -> EdgeFilter:
    """The edges shown with an answer: those that the query as a whole follows."""
    return EdgeFilter(frozenset(of.relations)) if isinstance(of, ast.Via) else EdgeFilter()


def _connections(ctx: Context, plan: Connections, view: View) -> Connected:
    walk = Walk(start=frozenset(), relations=plan.follow.relations, seconds=ctx.budget)
    found = connections(ctx.store, walk, plan.one, plan.other, plan.k, view)
    return connected(ctx, found, (plan.one, plan.other), view)


# --- cursors ---


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page ended: the entry that the first page was answered at, and the last node."""

    as_of: int
    after: str


def _cursor(ctx: Context, text: str, place: _Place) -> str:
    body = orjson.dumps([1, place.as_of, place.after])
    return base64.urlsafe_b64encode(_seal(ctx, text, body) + body).decode().rstrip("=")


def _place(ctx: Context, text: str, cursor: str) -> _Place:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        seal, body = raw[:_SEAL], raw[_SEAL:]
        if not hmac.compare_digest(seal, _seal(ctx, text, body)):
            raise BadCursor("the cursor is not of this query in this store")
        _, as_of, after = orjson.loads(body)
    except (binascii.Error, ValueError) as error:
        raise BadCursor("the cursor is none that was given out") from error
    return _Place(as_of, after)


_SEAL = 12


def _seal(ctx: Context, text: str, body: bytes) -> bytes:
    """Ties a cursor to its query and store: nobody can ask for a page that was never offered."""
    said = text.encode() + b"\0" + body
    return hmac.new(ctx.person_key, said, hashlib.sha256).digest()[:_SEAL]
