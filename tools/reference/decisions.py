# SPDX-License-Identifier: Apache-2.0
"""docs/reference/decisions.md: the front matter of decision records, and the decisions that shaped this house."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from lineage.sources.decision_records import fields, record
from tools.reference.markdown import HEAD, table

_OURS = Path(__file__).parents[2] / "decisions"
_ABOUT = """\
# Decision records

[Decisions](../how-to/decisions.md) says how records are written. All keys are optional; those of MADR 4 come first, and keys that are not here are
kept as they are written. `decision-record.schema.json` beside this page is the JSON Schema of the front matter, for editors: write
`# yaml-language-server: $schema=` and its address into a record.

## Front matter

"""
_ROLES = """
## What each role says at least

`lineage decision check` names what is missing of it, where a record has a `role`.

"""
_ASKED = """
## What is asked for, and where it is tested

The requirements are those of the text that this product was made for, by their numbers.

"""
#: Requirement -> what it asks for, what there is, and the tests of it.
_REQUIREMENTS = (
    ("R39", "a summary of each commit", "the first line of its message, and its brief; `decision check --commits` names those that say nothing", "tests/decisions/test_prompts.py::test_commits_of_a_range_are_judged_by_what_they_say"),
    ("R40", "disciplined messages, versions and environments", "`lineage audit`: what share of commits says what was done, of runs has data of known bytes, and a whole environment", "tests/services/test_audit.py"),
    ("R41", "baselines, and how configurations evolved", "edges `hadBaseline`; what runs have otherwise than their baseline, deviations of each, `lineage compare`", "tests/decisions/test_followed.py::test_what_was_set_otherwise_than_in_the_baseline_is_laid_beside_it"),
    ("R60", "the reasons of every choice", "records, followed by runs and commits", "tests/decisions/test_life.py::test_a_run_follows_the_version_that_there_was_when_it_began"),
    ("R61", "hypotheses, criteria and metrics", "criteria that are evaluated", "tests/decisions/test_followed.py::test_a_verdict_is_that_of_scipy"),
    ("R62", "risks and assumptions", "`risks`, `assumptions`", "tests/decisions/test_records.py::test_our_template_is_read_unfilled_and_each_field_that_is_missing_is_told_once"),
    ("R63", "what was planned, what changed, and why", "deviations with their reasons", "tests/decisions/test_followed.py::test_each_planted_deviation_is_found_and_no_other"),
    ("R64", "failures and lessons, so that no mistake is repeated", "[lessons](lessons.md), offered to plans and to runs", "tests/decisions/test_lessons.py::test_a_lesson_of_run_5_is_offered_for_plans_on_what_became_of_its_data_and_for_no_other"),
    ("R65", "templates, and free text", "`decision new`", "tests/decisions/test_records.py::test_our_template_is_read_unfilled_and_each_field_that_is_missing_is_told_once"),
    ("R66", "briefs of changes", "trailers of commits", "tests/decisions/test_life.py::test_a_commit_names_its_decision_and_what_the_change_is_for"),
    ("R67", "a minimum for each role", "`decision check`", "tests/decisions/test_records.py::test_our_template_is_read_unfilled_and_each_field_that_is_missing_is_told_once"),
    ("R68", "prompts to write decisions down", "`lineage run` asks what a run is for, once a day; `decision check --commits` asks in CI and pull requests", "tests/decisions/test_prompts.py"),
    ("R69", "reviews before results are archived", "`review.required`", "tests/decisions/test_life.py::test_it_is_accepted_after_somebody_else_approved_the_text_that_it_has"),
    ("R70", "a transparent cycle of reviews", "reviews are entries of the ledger, and are of a text", "tests/decisions/test_life.py::test_an_approval_is_of_a_text_and_another_text_is_looked_at_again"),
    ("R71", "intuition, competing hypotheses, pressure", "`intuition`, `competing`, `pressure`", "tests/decisions/test_life.py::test_dates_that_have_passed_are_overdue_until_what_they_are_for_was_done"),
    ("R72", "a story that is quickly read", "`decision story`", "tests/notebooks/test_notebooks.py::test_a_decision_is_followed_judged_and_taken"),
    ("R73", "figures and reflections on one page", "`decision show`", "tests/client/test_contract.py::test_a_decision_is_taken_on_a_server_and_read_from_it"),
    ("R74", "who keeps it up to date", "`owner`, `decision list --overdue`", "tests/decisions/test_life.py::test_dates_that_have_passed_are_overdue_until_what_they_are_for_was_done"),
    ("R75", "templates that teach", "an example of each key", "tests/decisions/test_records.py::test_our_template_is_read_unfilled_and_each_field_that_is_missing_is_told_once"),
    ("R97", "contributions that are seen", "`person contributions`, no ranking, without who objects", "tests/owners/test_contributions.py"),
    ("R98", "reviews by a buddy", "`review.by` names who is asked", "tests/decisions/test_life.py::test_it_is_accepted_after_somebody_else_approved_the_text_that_it_has"),
    ("R99", "people who leave", "`owner transfer`, with the reason and a dry run", "tests/owners/test_ownership.py"),
)  # fmt: skip
_HOUSE = """
## The decisions that shaped this house

They are the first records, in `decisions/` of the repository; `make lint` checks them.

"""


def page() -> str:
    """The page as Markdown."""
    keys = table(("key", "what for"), _keys())
    roles = table(
        ("role", "keys"),
        ((role, ", ".join(f"`{x}`" for x in said)) for role, said in fields.MINIMUM.items()),
    )
    ours = table(("decision", "believed", "decided"), _ours())
    asked = table(
        ("number", "asks for", "what there is", "test"),
        ((number, asks, there, f"`{test}`") for number, asks, there, test in _REQUIREMENTS),
    )
    return f"{HEAD}\n{_ABOUT}{keys}{_ROLES}{roles}{_HOUSE}{ours}{_ASKED}{asked}"


def schema() -> str:
    """The JSON Schema of the front matter."""
    return json.dumps(fields.json_schema(), indent=2, ensure_ascii=False) + "\n"


def _keys() -> Iterator[tuple[str, ...]]:
    for key, (shape, says) in fields.FIELDS.items():
        yield f"`{key}`", says
        told = shape.schema()
        parts = {**told, **told.get("anyOf", [{}, {}])[1]}.get("properties") or {}
        for name, part in parts.items():
            yield f"`{key}.{name}`", part["description"]


def _ours() -> Iterator[tuple[str, ...]]:
    for path in sorted(_OURS.glob("*.md")):
        one = record.read(path.read_bytes(), path.name)
        outcome = one.outline.section("Decision Outcome")
        text = outcome.text.partition("\n\n### ")[0] if outcome else ""
        told = (
            f"{one.number} {one.title}",
            one.text_of("hypothesis") or "",
            " ".join(text.split()),
        )
        yield tuple(cell.replace("|", "\\|") for cell in told)
