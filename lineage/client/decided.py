# SPDX-License-Identifier: Apache-2.0
"""Reads what a server says of decisions into the answers of their verbs."""

from __future__ import annotations

from lineage.client.reading import Object, error
from lineage.services.read.decisions.baselines import Baseline, BaselineRun, Change
from lineage.services.read.decisions.followed import Deviation
from lineage.services.read.decisions.learnt import LessonShown
from lineage.services.read.decisions.lessons import Offer, Offers
from lineage.services.read.decisions.show import DecisionShown, Party, VersionShown
from lineage.services.read.decisions.state import Act
from lineage.services.read.decisions.stories import Chapter, Story
from lineage.services.read.decisions.summaries import DecisionList, DecisionSummary
from lineage.services.read.decisions.verdicts import Evaluation
from lineage.services.write.deliberate import Deliberated
from lineage.services.write.lessons import Learnt


def decision_list(said: Object) -> DecisionList:
    """Read some decisions."""
    return DecisionList(decisions=tuple(map(_decided, said["decisions"])), left=said["left"])


def _decided(said: Object) -> DecisionSummary:
    lists = ("superseded_by", "overdue", "unresolved")
    return DecisionSummary(**{**said, **{name: tuple(said[name]) for name in lists}})


def decision(said: Object) -> DecisionShown:
    """Read one decision in full."""
    criteria = [
        Evaluation(
            **{
                **one,
                "interval": one["interval"] and tuple(one["interval"]),
                "runs": tuple(one["runs"]),
                "baseline": tuple(one["baseline"]),
            }
        )
        for one in said["criteria"]
    ]
    return DecisionShown(
        decision=_decided(said["decision"]),
        front=said["front"],
        sections=said["sections"],
        text=said["text"],
        people=tuple(Party(**one) for one in said["people"]),
        versions=tuple(VersionShown(**one) for one in said["versions"]),
        acts=tuple(Act(**one) for one in said["acts"]),
        supersedes=tuple(said["supersedes"]),
        runs=tuple(Party(**one) for one in said["runs"]),
        matching=tuple(Party(**one) for one in said["matching"]),
        deviations=tuple(Deviation(**one) for one in said["deviations"]),
        baseline=_baseline(said["baseline"]),
        criteria=tuple(criteria),
        learnt=tuple(
            LessonShown(**{**one, "by": tuple(one["by"]), "tags": tuple(one["tags"])})
            for one in said["learnt"]
        ),
        lessons=offers(said["lessons"]),
        open=tuple(said["open"]),
        notes=tuple(said["notes"]),
    )


def _baseline(said: Object) -> Baseline:
    changes = (
        Change(what=one["what"], baseline=tuple(one["baseline"]), here=tuple(one["here"]))
        for one in said["changes"]
    )
    runs = (BaselineRun(**one) for one in said["runs"])
    return Baseline(runs=tuple(runs), changes=tuple(changes), left=said["left"])


def offers(said: Object) -> Offers:
    """Read the lessons that may matter."""
    lessons = (Offer(**{**one, "why": tuple(one["why"])}) for one in said["lessons"])
    return Offers(**{**said, "lessons": tuple(lessons)})


def learnt(said: Object) -> Learnt:
    """Read a lesson that was taken down. Raises the problem that kept it out."""
    if said["id"] is None:
        raise error(said["problems"][0])
    lists = {name: tuple(said[name]) for name in ("about", "tags", "entries")}
    return Learnt(id=said["id"], text=said["text"], of=said["of"], **lists)


def story(said: Object) -> Story:
    """Read the decisions behind a thing."""
    chapters = [
        Chapter(
            decision=_decided(one["decision"]),
            when=one["when"],
            sentences=tuple(one["sentences"]),
        )
        for one in said["chapters"]
    ]
    return Story(**{**said, "chapters": tuple(chapters)})


def deliberated(said: Object) -> Deliberated:
    """Read what a decision is after a step. Raises the problem that kept it out."""
    if said["decision"] is None:
        raise error(said["problems"][0])
    return Deliberated(decision=_decided(said["decision"]), entries=tuple(said["entries"]))
