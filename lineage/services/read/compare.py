# SPDX-License-Identifier: Apache-2.0
"""Compares two runs or model versions: what differs, and whether their metrics may be compared."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any

from lineage import ids
from lineage.model.findings import Finding
from lineage.model.gaps import Gap
from lineage.services import notebook
from lineage.services.answer import Certificate, certify
from lineage.services.as_of import at_one_moment
from lineage.services.context import Context
from lineage.services.read.differences import Difference, State, sections
from lineage.services.read.fairness import judge
from lineage.services.read.gaps import of_runs, sources
from lineage.services.read.history import CommitBetween, commits_between
from lineage.services.read.sides import Side, run_of, sides
from lineage.services.request import Request, When, reference
from lineage.store.base import View

_FAIR = {True: "yes", False: "no", None: "cannot be told"}
#: Columns of a comparison as a table.
COLUMNS = ("section", "what", "a", "b", "delta", "relative", "better")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between two runs, in sections, and whether their metrics may be compared.

    ``states`` says of each section whether it is ``equal``, ``differs`` or is ``unknown``. ``commits``
    are those between the two, oldest first; ``commits_cut`` that there may be more. ``fair`` is
    ``None`` where it cannot be told; ``reasons`` say why it is not, or is not known.
    """

    a: str
    b: str
    sections: Mapping[str, tuple[Difference, ...]]
    states: Mapping[str, State]
    commits: tuple[CommitBetween, ...]
    commits_cut: bool
    fair: bool | None
    reasons: tuple[Finding, ...]
    certificate: Certificate

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage compare``."""
        shown = {name: [d.to_dict() for d in found] for name, found in self.sections.items()}
        return {
            "a": self.a,
            "b": self.b,
            **shown,
            "states": dict(self.states),
            "commits": [commit.to_dict() for commit in self.commits],
            "commits_cut": self.commits_cut,
            "fair": self.fair,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "certificate": self.certificate.to_dict(),
        }

    def to_pandas(self) -> Any:
        """The differences as a ``pandas.DataFrame``: section, what, a, b, delta, relative, better.
        Raises ``MissingExtra`` without pandas.
        """
        return notebook.frame(COLUMNS, self._rows())

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        for name, found in self.sections.items():
            for d in found:
                yield name, d.what, d.a, d.b, d.delta, d.relative, d.better

    def _repr_html_(self) -> str:
        unknown = [name for name, state in self.states.items() if state == "unknown"]
        notes = [f"Not known: {', '.join(unknown)}."] if unknown else []
        notes.append(f"Fair comparison of metrics: {_FAIR[self.fair]}.")
        notes += [f"{reason.code}: {reason.message}" for reason in self.reasons]
        return notebook.listed(COLUMNS, self._rows(), notes)


@dataclass(frozen=True, slots=True)
class CompareRequest(
    Request[Comparison],
    graphql="compare",
    weight=50,
    examples=("compare model:fraud@v2 model:fraud@v3",),
):
    """What differs between two runs, or between the runs that made two things, and whether their
    metrics compare.
    """

    one: Annotated[str, reference("The first run, or what it made", "a")]
    other: Annotated[str, reference("The second", "b")]
    _: KW_ONLY
    at: When = None

    def answer(self, ctx: Context) -> Comparison:
        """See ``Request.answer``. Raises ``Usage`` for something that no run made."""
        read, stand = at_one_moment(ctx, self.at, lambda view: _read(ctx, self, view))
        a, b, commits, cut, gaps = read
        found, states = sections(a, b)
        fair, reasons = judge(a, b, states)
        return Comparison(
            a=a.run.id,
            b=b.run.id,
            sections=found,
            states=states,
            commits=commits,
            commits_cut=cut,
            fair=fair,
            reasons=reasons,
            certificate=certify(stand, None, gaps=gaps),
        )


_Read = tuple[Side, Side, tuple[CommitBetween, ...], bool, list[Gap]]


def _read(ctx: Context, asked: CompareRequest, view: View) -> _Read:
    one, other = run_of(ctx, asked.one, view), run_of(ctx, asked.other, view)
    known, edges = sides(ctx, {one, other}, view)
    a, b = known[one], known[other]
    rows = list({row.id: row for row in (a.row, b.row)}.values())
    gaps = [*of_runs(ctx, rows, edges, view)]
    commits: tuple[CommitBetween, ...] = ()
    cut = False
    if len(a.commits) == len(b.commits) == 1 and a.commits != b.commits:
        commits, cut = commits_between(ctx, a.commits[0].id, b.commits[0].id, view)
        gaps.append(_files(a.commits[0].id, b.commits[0].id))
    return a, b, commits, cut, [*gaps, *sources(ctx, view)]


def _files(a: str, b: str) -> Gap:
    """Which files differ is in the repository, which may be elsewhere."""
    ends = [shlex.quote(commit.removeprefix(ids.REVISION)) for commit in (a, b)]
    return Gap(
        code="files-not-compared",
        count=1,
        message="which files differ between the two commits is not recorded here",
        command=f"git diff --stat {ends[0]} {ends[1]}",
    )
