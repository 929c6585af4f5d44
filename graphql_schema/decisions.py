# SPDX-License-Identifier: Apache-2.0
"""Decisions as the schema has them: on one line, and in full with plan, runs and criteria."""

from __future__ import annotations

import strawberry

from graphql_schema.scalars import JSON


@strawberry.type(description="A decision on one line: what it is now, and what it waits for.")
class DecisionSummary:
    """A decision on one line."""

    id: strawberry.ID = strawberry.field(description="Its identifier.")
    title: str = strawberry.field(description="Its number and title.")
    key: str = strawberry.field(description="What it is known by in its namespace.")
    status: str | None = strawberry.field(description="What it is now; null: nobody says so.")
    status_written: str | None = strawberry.field(description="The status as its file has it.")
    stage: str | None = strawberry.field(description="The last step that was recorded.")
    category: str | None = strawberry.field(description="What it is about.")
    owner: str | None = strawberry.field(description="Who answers for it.")
    file: str | None = strawberry.field(description="Its file.")
    removed: str | None = strawberry.field(description="The commit that removed its file.")
    superseded_by: list[strawberry.ID] = strawberry.field(description="What took its place.")
    overdue: list[str] = strawberry.field(description="Which of its dates have passed.")
    unresolved: list[str] = strawberry.field(description="What it names that is not here.")


@strawberry.type(description="Some decisions.")
class DecisionLog:
    """Some decisions."""

    decisions: list[DecisionSummary] = strawberry.field(description="The decisions, by title.")
    left: int = strawberry.field(description="How many more there are.")


@strawberry.type(description="Somebody in a record, or a run that follows it.")
class DecisionParty:
    """Somebody in a record, or a run that follows it."""

    id: strawberry.ID = strawberry.field(description="The identifier.")
    role: str = strawberry.field(description="What they are to the decision.")
    label: str = strawberry.field(description="What they are called.")


@strawberry.type(description="A text that a decision had.")
class DecisionText:
    """A text that a decision had."""

    id: strawberry.ID = strawberry.field(description="The version.")
    label: str = strawberry.field(description="What it is called.")
    written: str = strawberry.field(description="When it was written, or first seen.")
    authors: list[str] = strawberry.field(description="Who wrote it.")
    status_written: str | None = strawberry.field(description="The status that it says.")


@strawberry.type(description="A step in the life of a decision.")
class DecisionStep:
    """A step in the life of a decision."""

    id: strawberry.ID = strawberry.field(description="The deliberation or review.")
    act: str = strawberry.field(description="What was done.")
    by: str | None = strawberry.field(description="Who did it.")
    at: str = strawberry.field(description="When.")
    reason: str | None = strawberry.field(description="Why.")
    verdict: str | None = strawberry.field(description="Of a review: approve, or request changes.")
    version: strawberry.ID | None = strawberry.field(description="Of which text.")


@strawberry.type(description="Where a run differs from the plan that it followed.")
class DecisionDeviation:
    """Where a run differs from the plan that it followed."""

    key: str = strawberry.field(description="What of the plan.")
    planned: str | None = strawberry.field(description="What was planned; null: nothing.")
    happened: str | None = strawberry.field(description="What it was; null: nothing is recorded.")
    run: strawberry.ID | None = strawberry.field(description="The run; null: no run did it.")
    version: strawberry.ID = strawberry.field(description="The text that has the plan.")
    reason: str | None = strawberry.field(description="Why; null: nobody says so yet.")


@strawberry.type(description="A run that others are compared with.")
class BaselineRun:
    """A run that others are compared with."""

    id: strawberry.ID = strawberry.field(description="The identifier.")
    label: str = strawberry.field(description="What it is called.")


@strawberry.type(description="What runs have otherwise than those of a baseline.")
class BaselineChange:
    """What runs have otherwise than those of a baseline."""

    what: str = strawberry.field(description="What, such as config.lr, inputs or commit.")
    baseline: list[str] = strawberry.field(description="What the baseline had; none: not recorded.")
    here: list[str] = strawberry.field(description="What it is here; none: not recorded.")


@strawberry.type(description="What the runs of a decision are compared with.")
class DecisionBaseline:
    """What the runs of a decision are compared with."""

    runs: list[BaselineRun] = strawberry.field(description="The runs of the baseline.")
    changes: list[BaselineChange] = strawberry.field(description="What differs from them.")
    left: int = strawberry.field(description="How many more differences there are.")


@strawberry.type(description="What became of a criterion of a decision.")
class CriterionEvaluation:
    """What became of a criterion of a decision."""

    criterion: str = strawberry.field(description="The criterion.")
    verdict: str = strawberry.field(description="supported, refuted or inconclusive, by itself.")
    holds: str = strawberry.field(description="The same after the correction for several tests.")
    why: str = strawberry.field(description="Why.")
    n: int = strawberry.field(description="Runs, or pairs of runs.")
    n_baseline: int = strawberry.field(description="Runs of the baseline.")
    paired: bool = strawberry.field(description="Whether runs are compared seed by seed.")
    estimate: float | None = strawberry.field(description="The mean, or the difference of means.")
    spread: float | None = strawberry.field(
        description="The standard deviation; null: not known, as of one run."
    )
    interval: list[float] | None = strawberry.field(description="From where to where it may be.")
    p: float | None = strawberry.field(description="The p-value of the test, two-sided.")
    adjusted_p: float | None = strawberry.field(description="p after Holm's correction.")
    level: float = strawberry.field(description="The confidence that is asked for.")
    test: str = strawberry.field(description="The test.")
    software: str | None = strawberry.field(description="What computed it.")
    runs: list[strawberry.ID] = strawberry.field(description="The runs that count.")
    baseline: list[strawberry.ID] = strawberry.field(description="The runs of the baseline.")


@strawberry.type(description="A lesson that may matter.")
class LessonOffer:
    """A lesson that may matter."""

    id: strawberry.ID = strawberry.field(description="The lesson.")
    text: str = strawberry.field(description="What was learnt.")
    of: str = strawberry.field(description="The decision or the run that it was learnt from.")
    why: list[str] = strawberry.field(description="In which parts what it is about is resembled.")
    score: float = strawberry.field(description="The sum of these parts, at most 1.")


@strawberry.type(description="The lessons that may matter.")
class LessonOffers:
    """The lessons that may matter."""

    lessons: list[LessonOffer] = strawberry.field(description="Those that may matter most.")
    left: int = strawberry.field(description="How many more there are.")
    complete: bool = strawberry.field(description="Whether everything was looked at.")


@strawberry.type(description="A lesson that was learnt from a decision.")
class LearntLesson:
    """A lesson that was learnt from a decision."""

    id: strawberry.ID = strawberry.field(description="The lesson.")
    text: str = strawberry.field(description="What was learnt.")
    by: list[str] = strawberry.field(description="Who told it, as far as that is known.")
    tags: list[str] = strawberry.field(description="Words by which it is found.")


@strawberry.type(description="One decision in full.")
class DecisionRecord:
    """One decision in full."""

    decision: DecisionSummary = strawberry.field(description="The decision on one line.")
    front: JSON = strawberry.field(description="Its front matter, every scalar as written.")
    sections: JSON = strawberry.field(description="The text under each heading.")
    text: str | None = strawberry.field(description="The text of its file.")
    people: list[DecisionParty] = strawberry.field(description="Who is named in it.")
    versions: list[DecisionText] = strawberry.field(description="Its texts, oldest first.")
    acts: list[DecisionStep] = strawberry.field(description="The steps, oldest first.")
    supersedes: list[str] = strawberry.field(description="What it took the place of.")
    runs: list[DecisionParty] = strawberry.field(description="The runs that follow it.")
    matching: list[DecisionParty] = strawberry.field(
        description="The runs that did what it plans, and name no decision."
    )
    deviations: list[DecisionDeviation] = strawberry.field(
        description="Where these differ from the plan."
    )
    baseline: DecisionBaseline = strawberry.field(
        description="What these have otherwise than the runs that its criteria are compared with."
    )
    criteria: list[CriterionEvaluation] = strawberry.field(description="What its criteria say.")
    learnt: list[LearntLesson] = strawberry.field(description="What was learnt from it.")
    lessons: LessonOffers = strawberry.field(description="Lessons of others that may matter to it.")
    open: list[str] = strawberry.field(description="What waits for somebody.")
    notes: list[str] = strawberry.field(description="What to know of the answer itself.")


@strawberry.type(description="One decision of a story.")
class DecisionChapter:
    """One decision of a story."""

    decision: DecisionSummary = strawberry.field(description="The decision.")
    when: str = strawberry.field(description="Its day.")
    sentences: list[str] = strawberry.field(description="What is told of it.")


@strawberry.type(description="The decisions behind a thing, in order of time.")
class DecisionStory:
    """The decisions behind a thing, in order of time."""

    about: strawberry.ID = strawberry.field(description="What is asked about.")
    title: str = strawberry.field(description="What that is called.")
    chapters: list[DecisionChapter] = strawberry.field(description="The decisions.")
    left: int = strawberry.field(description="How many more there are.")
    complete: bool = strawberry.field(description="Whether all recorded causes were looked at.")


@strawberry.type(description="What one person gave to decisions.")
class Contribution:
    """What one person gave to decisions."""

    id: strawberry.ID = strawberry.field(description="The identifier.")
    name: str = strawberry.field(description="What they are called.")
    decisions: int = strawberry.field(description="Decisions that they wrote the first text of.")
    reviews: int = strawberry.field(description="Reviews that they gave.")
    lessons: int = strawberry.field(description="Lessons that they gave.")
    gaps_closed: int = strawberry.field(
        description="Gaps that a review found, and that a text of theirs closed which was then approved."
    )


@strawberry.type(description="What people gave to decisions, by their names.")
class Contributions:
    """What people gave to decisions, by their names."""

    people: list[Contribution] = strawberry.field(description="The people.")
    left: int = strawberry.field(description="How many more there are.")
    left_out: int = strawberry.field(description="How many are left out because they object.")
