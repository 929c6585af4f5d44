# SPDX-License-Identifier: Apache-2.0
"""Checks decision records: what editors, pre-commit and CI ask for.

The files are looked at as they are in the working folder. With a store, what they name is looked for there too, and
the runs that follow a decision are looked at.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from importers.base import Options
from importers.decisions.files import Files
from importers.decisions.reading import BY_NAME, FoundDecision, read_all
from importers.tally import Tally
from lineage.errors import (
    Ambiguous,
    BadReference,
    InputMissing,
    NotFound,
)
from lineage.graph.components import components
from lineage.model.findings import Finding, Severity
from lineage.query import condition as c
from lineage.services.context import Context
from lineage.services.operate.commit_check import check_commits
from lineage.services.read.decisions import lessons
from lineage.services.read.decisions.followed import followers
from lineage.services.read.decisions.rows import utc
from lineage.services.read.decisions.state import Decisions, DecisionState
from lineage.services.read.resolve import resolve
from lineage.services.summary import counted
from lineage.sources.decision_records.criteria import criteria_of
from lineage.sources.decision_records.fields import MINIMUM
from lineage.sources.decision_records.names import Called, Names
from lineage.sources.decision_records.record import DecisionRecord
from lineage.store.base import NOW, Filter, Page

#: Where records name things that are in the store, or will be.
_REFERENCES = (
    "links.runs", "links.commits", "links.datasets", "links.models", "plan.inputs", "plan.env",
    "criteria.data", "exclusions.data", "lessons.about",
)  # fmt: skip
_PROBLEMS: Mapping[str, Severity] = {
    "decision-key-twice": "error",
    "decision-placeholder": "warning",
    "decision-status": "warning",
    "decision-value": "error",
}
_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a look at some records found: how many are there, and what is wrong with them or with what follows them; how
    many commits were looked at, ``None`` where that was not asked.
    """

    records: int
    findings: tuple[Finding, ...]
    looked_in_store: bool
    commits: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "records": self.records,
            "commits": self.commits,
            "looked_in_store": self.looked_in_store,
            "findings": [finding.to_dict() for finding in self.findings],
        }


def check(ctx: Context | None, places: Sequence[Path], today: date) -> Checked:
    """Look at the records in some folders and files. Raises ``InputMissing`` for a place that is not there."""
    findings: list[Finding] = []
    decisions = None if ctx is None else Decisions(ctx)
    records = 0
    for place in places:
        if not place.exists():
            raise InputMissing(f"there is no {place}", where=str(place))
        tally = Tally()
        found, unread = read_all(Files(place, place, None, Options(), tally), tally)
        prefix = "" if place.is_file() else _prefix(place)
        for loss in tally.losses():
            # An index or a template beside records is none.
            if not loss.reason.startswith(BY_NAME):
                message = f"{counted(loss.number, loss.what.removesuffix('s'))} {loss.reason}"
                hint = "Look at what is there: it was not checked."
                findings.append(_finding("decision-unread", "error", prefix or ".", message, hint))
        records += len(found)
        for one in unread:
            code = "decision-id-twice" if one.id_twice else "decision-unreadable"
            where = one.error.where or one.path
            findings.append(_finding(code, "error", prefix + where, one.error.what, one.error.hint))
        findings += _Look(ctx, decisions, found, prefix, today).findings()
    if ctx is not None and decisions is not None:
        findings += _followers(ctx, decisions)
    findings.sort(key=lambda one: (one.severity != "error", one.subject, one.message))
    return Checked(records=records, findings=tuple(findings), looked_in_store=ctx is not None)


def with_commits(found: Checked, here: Path, revisions: str) -> Checked:
    """What was found of records, and what the messages of a range of commits lack. Raises the errors of
    ``check_commits``.
    """
    judged, findings = check_commits(here, revisions)
    return replace(found, commits=judged, findings=(*found.findings, *findings))


def _prefix(place: Path) -> str:
    here = Path.cwd()
    shown = place.resolve()
    if shown == here:
        return ""
    inner = shown.relative_to(here) if shown.is_relative_to(here) else shown
    return f"{inner.as_posix()}/"


class _Look:
    """One look at the records of a folder."""

    def __init__(
        self,
        ctx: Context | None,
        decisions: Decisions | None,
        found: Sequence[FoundDecision],
        prefix: str,
        today: date,
    ) -> None:
        self._ctx = ctx
        self._decisions = decisions
        self._records = {one.key: one.current.record for one in found if one.current is not None}
        self._prefix = prefix
        self._today = today.isoformat()
        self._names = Names(
            Called(
                ident=key,
                namespace="",
                key=key,
                number=record.number,
                path=record.path,
            )
            for key, record in self._records.items()
        )

    def findings(self) -> Iterator[Finding]:
        """What is wrong with the records, one by one and with each other."""
        for record in self._records.values():
            for problem in record.problems:
                severity = _PROBLEMS.get(problem.code, "warning")
                where = f"{self._prefix}{record.path}:{problem.line}"
                yield _finding(problem.code, severity, where, problem.message, problem.hint)
            yield from self._minimum(record)
            yield from self._criteria(record)
            yield from self._dates(record)
            yield from self._links(record)
            yield from self._references(record)
        yield from self._lessons()
        yield from self._numbers()
        yield from self._circles()

    def _where(self, record: DecisionRecord, key: str = "") -> str:
        line = record.lines.get(key.partition(".")[0], 1)
        return f"{self._prefix}{record.path}:{line}"

    def _minimum(self, record: DecisionRecord) -> Iterator[Finding]:
        role = record.text_of("role")
        # What a placeholder stands for is told already.
        told = [_INDEX.sub("", problem.message) for problem in record.problems]
        for path in MINIMUM.get(role or "", ()):
            found = record.at(path)
            if found in (None, "", [], {}) and not any(m.startswith(path) for m in told):
                message = f"the record of a {role} says {path}, and this one does not"
                hint = "Say it, or that there is none."
                yield _finding("decision-minimum", "warning", self._where(record), message, hint)

    def _criteria(self, record: DecisionRecord) -> Iterator[Finding]:
        for number, one in enumerate(criteria_of(record.front)):
            unfilled = any(
                p.code == "decision-placeholder" and p.message.startswith(f"criteria[{number}]")
                for p in record.problems
            )
            for problem in one.problems if not unfilled else ():
                where = self._where(record, "criteria")
                message = f"criteria[{number}] cannot be computed: {problem}"
                hint = "Mend it before there are results: afterwards it would be chosen by them."
                yield _finding("decision-criterion", "error", where, message, hint)
            if self._ctx is not None and one.metric and not self._has_metric(self._ctx, one.metric):
                message = f"criteria[{number}]: no run in the store has the metric {one.metric!r}"
                hint = "Check the name; where no run was done yet, there is nothing to mend."
                where = self._where(record, "criteria")
                yield _finding("decision-metric", "warning", where, message, hint)

    @staticmethod
    def _has_metric(ctx: Context, name: str) -> bool:
        where = Filter(kinds=frozenset({"Run"}), also=c.Has(f"metric.{name}"))
        return bool(ctx.store.find(where, Page(limit=1), NOW).rows)

    def _dates(self, record: DecisionRecord) -> Iterator[Finding]:
        said = record.text_of("date")
        if said is not None and said[:10] > self._today and said[:4].isdecimal():
            message = f"its date is {said}, which is still to come"
            yield _finding(
                "decision-date",
                "warning",
                self._where(record, "date"),
                message,
                "Write the day on which it was changed or taken.",
            )

    def _links(self, record: DecisionRecord) -> Iterator[Finding]:
        for one in record.links:
            text = one.from_root(record.path)
            meant = self._names.meant(text, "", posixpath.dirname(record.path))
            if meant.one is not None or self._is_in_store(text):
                continue
            said = one.link.replace("-", " ")
            named = one.href or one.text
            if meant.idents:
                both = " or ".join(self._records[ident].path for ident in meant.idents)
                message = f"{said} {named} may mean {both}: it leads to neither"
                hint = "Name the id, or the file: a number is a label that two may have."
            else:
                message = f"{said} {named}, which is no decision here"
                hint = "Name the id, or the file, of a decision that is here."
            yield _finding(
                "decision-link",
                "error",
                self._where(record, "links" if "links" in record.lines else "status"),
                message,
                hint,
            )

    def _is_in_store(self, text: str) -> bool:
        return self._decisions is not None and self._decisions.meant(text).one is not None

    def _references(self, record: DecisionRecord) -> Iterator[Finding]:
        if self._ctx is None:
            return
        for key in _REFERENCES:
            for text in record.texts(key):
                try:
                    resolve(self._ctx, text)
                except NotFound:
                    message = f"{key} names {text}, which is not in the store"
                    hint = "What is imported later is found then; check the name where it should be here."
                except (Ambiguous, BadReference) as error:
                    message = f"{key} names {text}: {error.what.splitlines()[0]}"
                    hint = "Name one thing."
                else:
                    continue
                yield _finding(
                    "decision-reference", "warning", self._where(record, key), message, hint
                )

    def _lessons(self) -> Iterator[Finding]:
        """What was learnt elsewhere and may matter to what a record plans."""
        if self._ctx is None or not lessons.any_lesson(self._ctx):
            return
        for key, record in self._records.items():
            own = {state.id for state in self._decisions or () if state.key == key}
            data = [text for name in lessons.DATA for text in record.texts(name)]
            config = record.at("plan.config") or {}
            found = lessons.for_plan(self._ctx, data, config, record.texts("tags"), but=own)
            more = f"There are {found.left} more: once it is imported, 'lineage decision lessons {key}' lists them."
            hint = more if found.left else "Read it before this is decided."
            where = self._where(record, "plan")
            beside = () if found.complete else (lessons.NOT_ALL,)
            for line in (*(one.line for one in found.lessons), *beside):
                yield _finding("decision-lesson", "note", where, line, hint)

    def _numbers(self) -> Iterator[Finding]:
        """Two records of one number in one folder: what only names the number names nothing."""
        by_number: dict[tuple[str, int], list[DecisionRecord]] = {}
        for record in self._records.values():
            if record.number is not None:
                at = posixpath.dirname(record.path)
                by_number.setdefault((at, int(record.number)), []).append(record)
        for records in by_number.values():
            if len(records) > 1:
                paths = " and ".join(record.path for record in records)
                message = f"{paths} have the same number {records[0].number}"
                hint = (
                    "Rename one of the two: its id stays, and its number of before still finds it."
                )
                yield _finding(
                    "decision-number-twice", "error", self._where(records[-1]), message, hint
                )

    def _circles(self) -> Iterator[Finding]:
        out: dict[str, list[str]] = {}
        for key, record in self._records.items():
            for one in record.links:
                text = one.from_root(record.path)
                other = self._names.meant(text, "", posixpath.dirname(record.path)).one
                if other is None or other == key:
                    continue
                if one.link == "supersedes":
                    out.setdefault(key, []).append(other)
                elif one.link == "superseded-by":
                    out.setdefault(other, []).append(key)
        for group in components(out, out):
            if len(group) > 1:
                paths = ", ".join(sorted(self._records[key].path for key in group))
                message = f"{paths} take the place of each other: none of them is superseded"
                first = self._records[min(group, key=lambda key: self._records[key].path)]
                yield _finding(
                    "decision-circle",
                    "error",
                    self._where(first, "links"),
                    message,
                    "Of two, the newer one takes the place of the older.",
                )


def _followers(ctx: Context, decisions: Decisions) -> Iterator[Finding]:
    """Runs that follow a decision which did not hold any more, or not yet, when they began."""
    followed = followers(ctx, list(decisions))
    for state in decisions:
        runs = {run for some in followed.get(state.id, {}).values() for run in some}
        for row in ctx.store.get(runs, NOW).values():
            started = row.node().attributes.get("started")
            if isinstance(started, str) and (told := _not_in_force(decisions, state, utc(started))):
                message = f"{row.title}, of {started[:10]}, follows {state.row.title}, {told}"
                hint = "Name the decision that was in force, or say in the run why it is another."
                yield _finding("decision-not-in-force", "warning", row.id, message, hint)


def _not_in_force(decisions: Decisions, state: DecisionState, moment: str) -> str | None:
    """Why a decision did not hold at a moment; ``None`` where it did, or where nobody said that it does not."""
    for ident in state.superseded_by:
        newer = head(decisions, ident)
        taken = _since(decisions.states[ident])
        if taken is not None and taken <= moment:
            return f"which {newer.row.title} has superseded since {taken[:10]}"
    said = state.status_at(moment)
    if said in {"rejected", "deprecated"}:
        return f"which was {said}"
    return None


def head(decisions: Decisions, ident: str) -> DecisionState:
    """The decision at the end of those that took the place of each other."""
    state, seen = decisions.states[ident], {ident}
    while state.superseded_by and state.superseded_by[0] not in seen:
        seen.add(state.superseded_by[0])
        state = decisions.states[state.superseded_by[0]]
    return state


def _since(state: DecisionState) -> str | None:
    """Since when a decision takes the place of another: the day that its record has, else when it was written."""
    said = state.text("decided")
    return utc(said) if said else (state.versions[0].at if state.versions else None)


def _finding(code: str, severity: Severity, subject: str, message: str, hint: str) -> Finding:
    return Finding(
        code=code,
        severity=severity,
        subject=subject,
        message=message,
        responsible="author",
        hint=hint,
    )
