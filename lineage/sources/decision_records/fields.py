# SPDX-License-Identifier: Apache-2.0
"""The front matter of a decision record: every key, what it may hold and what it is for.

MADR 4 declares the first five; ours stand beside them, so that its tools read our files. The schema that
editors check files with is made from this table, and so are the template and the reference.
"""

from __future__ import annotations

from typing import Any

from lineage.sources.decision_records.shapes import (
    Anything,
    Many,
    Named,
    Number,
    Part,
    Shape,
    Text,
    properties,
)

#: What a decision is about.
KINDS = (
    "hypothesis", "design", "data", "tuning", "evaluation", "release", "incident", "corrective-action", "policy",
)  # fmt: skip
#: Who writes it; each role has a minimum that its records say.
ROLES = ("data-engineer", "modeler", "evaluator", "reviewer", "release-manager", "pi")
LEVELS = ("low", "medium", "high")
OPERATORS = (">=", ">", "<=", "<", "==")
#: Tests of a criterion, and what they take as one observation.
TESTS = ("t", "paired-t", "wilcoxon", "permutation", "bootstrap", "none")
SAMPLES = ("runs", "items")
#: The number of this schema.
VERSION = 1

_TEXT, _TEXTS, _DATE = Text(), Many(Text()), Text(form="date")

_CRITERION = Part(
    {
        "metric": (_TEXT, "The metric of runs that is looked at."),
        "data": (_TEXT, "The data it is measured on, a reference."),
        "op": (Text(OPERATORS), "How the metric compares with the value."),
        "value": (Number(), "The value; with a baseline, of the difference from it."),
        "baseline": (_TEXTS, "The runs, or the decision whose runs, it is compared with."),
        "min_runs": (Number(whole=True), "Fewer runs than this decide nothing."),
        "test": (
            _TEXT,
            f"How uncertainty is judged: {', '.join(TESTS)} (by the estimate alone).",
        ),
        "resamples": (
            Text(SAMPLES),
            "What one observation is: a run, or an item of the data within one run.",
        ),
        "level": (Number(), "Confidence that is asked for, such as 0.95."),
        "definition": (_TEXT, "How the metric is computed."),
    }
)

FIELDS: dict[str, tuple[Shape, str]] = {
    "status": (_TEXT, "draft, proposed, rejected, accepted, deprecated or superseded by another."),
    "date": (_DATE, "When it was last changed, or taken."),
    "decision-makers": (_TEXTS, "Who takes it: names, e-mail addresses or ORCIDs."),
    "consulted": (_TEXTS, "Whose opinion is asked for."),
    "informed": (_TEXTS, "Who is told."),
    "lineage": (Number(whole=True), f"The number of this schema: {VERSION}."),
    "id": (_TEXT, "What it is called for ever, whatever its file is called: dec-…"),
    "kind": (Text(KINDS), "What it is about."),
    "role": (Text(ROLES), "In which role it is written: each has a minimum."),
    "owner": (_TEXT, "Who answers for it."),
    "tags": (_TEXTS, "Words by which it is found."),
    "review": (
        Part(
            {
                "required": (Number(whole=True), "How many approvals it needs."),
                "by": (_TEXTS, "Who is asked to review it."),
                "due": (_DATE, "Until when."),
            }
        ),
        "The reviews that it needs.",
    ),
    "hypothesis": (_TEXT, "What is believed, so that it can be found wrong."),
    "competing": (_TEXTS, "What else would explain the same."),
    "intuition": (_TEXT, "Why it is believed, before there is evidence."),
    "criteria": (Many(_CRITERION), "What will be measured, and what decides."),
    "assumptions": (_TEXTS, "What is taken for granted."),
    "risks": (
        Many(
            Part(
                {
                    "text": (_TEXT, "What may go wrong."),
                    "likelihood": (Text(LEVELS), "How likely it is."),
                    "impact": (Text(LEVELS), "How bad it would be."),
                    "mitigation": (_TEXT, "What is done about it."),
                }
            )
        ),
        "What may go wrong.",
    ),
    "pressure": (
        Part(
            {
                "deadline": (_DATE, "Until when it has to be decided."),
                "budget": (_TEXT, "What it may cost."),
                "note": (_TEXT, "What else pressed."),
            }
        ),
        "What pressed for a decision.",
    ),
    "plan": (
        Part(
            {
                "inputs": (_TEXTS, "The data it is to use, references."),
                "config": (Named(_TEXT), "The parameters."),
                "commit": (_TEXT, "The commit of the code."),
                "seeds": (_TEXTS, "The seeds, of one run each."),
                "env": (_TEXT, "The environment, a reference."),
                "command": (_TEXT, "The command."),
            }
        ),
        "What is to be run.",
    ),
    "expected": (Named(_TEXT), "What the metrics are expected to become."),
    "tradeoffs": (_TEXTS, "What is given up for it."),
    "exclusions": (
        Many(
            Part(
                {
                    "data": (_TEXT, "The data, a reference."),
                    "rule": (_TEXT, "What of it is left out."),
                    "reason": (_TEXT, "Why."),
                }
            )
        ),
        "What of the data is left out.",
    ),
    "limitations": (_TEXTS, "What it does not hold for."),
    "biases": (_TEXTS, "Biases that are known."),
    "quality-issues": (_TEXTS, "What is wrong with the data."),
    "licence": (_TEXT, "The licence of the data."),
    "retention": (_TEXT, "How long the data are kept."),
    "uncertainty": (_TEXT, "How uncertainty is reported."),
    "rollback": (_TEXT, "How a release is taken back."),
    "verdict": (_TEXT, "What a review concluded."),
    "gaps": (_TEXTS, "What a review found missing."),
    "ethics": (
        Part(
            {
                "approval": (_TEXT, "Who approved it, under which number."),
                "consent": (_TEXT, "What people agreed to."),
                "restrictions": (_TEXTS, "What must not be done."),
            }
        ),
        "What ethics asks for.",
    ),
    "deviations": (
        Named(_TEXT),
        "Why what was run differs from the plan, by what differs: {config.lr: reason}.",
    ),
    "lessons": (
        Many(
            Part(
                {
                    "text": (_TEXT, "What was learnt."),
                    "about": (_TEXTS, "The runs and data it is about, references."),
                    "tags": (_TEXTS, "Words by which it is found."),
                }
            )
        ),
        "What went wrong, and what was learnt.",
    ),
    "links": (
        Part(
            {
                "runs": (_TEXTS, "Runs that it rests on."),
                "commits": (_TEXTS, "Commits that it rests on."),
                "datasets": (_TEXTS, "Data that it rests on."),
                "models": (_TEXTS, "Models that it rests on."),
                "prs": (_TEXTS, "Pull requests in which it is discussed."),
                "supersedes": (_TEXTS, "Decisions whose place it takes."),
                "amends": (_TEXTS, "Decisions that it changes in part."),
                "caused-by": (_TEXTS, "Decisions or incidents that led to it."),
            }
        ),
        "What it has to do with.",
    ),
    "sensitivity": (_TEXT, "Who may read it."),
    "revisit": (
        Part(
            {
                "date": (_DATE, "When it is to be looked at again."),
                "when": (_TEXT, "On which event."),
            }
        ),
        "When it is to be looked at again.",
    ),
}

#: Keys that older records have for newer ones.
ALSO = {"deciders": "decision-makers", "supersedes": "links.supersedes"}

#: What the records of each role say at least (R67): paths of front matter, or ``#`` and a section.
MINIMUM: dict[str, tuple[str, ...]] = {
    "data-engineer": ("plan.inputs", "exclusions", "quality-issues", "licence", "retention"),
    "modeler": ("hypothesis", "criteria", "plan", "plan.seeds", "criteria.baseline"),
    "evaluator": ("criteria.data", "criteria.definition", "uncertainty", "limitations"),
    "reviewer": ("verdict", "gaps"),
    "release-manager": ("risks", "review.by", "rollback", "limitations"),
    "pi": ("intuition", "pressure", "ethics"),
}

_ANYTHING = Anything()


def shape_of(key: str) -> Shape:
    """What the value of a key may look like."""
    return FIELDS[key][0] if key in FIELDS else _ANYTHING


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the front matter (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Front matter of a decision record",
        "description": "MADR 4 with the keys of lineagedb; other keys are kept as they are.",
        "type": "object",
        "properties": properties(FIELDS),
    }
