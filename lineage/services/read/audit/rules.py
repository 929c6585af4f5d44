# SPDX-License-Identifier: Apache-2.0
"""The rules of the audit: what each asks of the things of a kind, and what became of it.

A rule is a row of ``RULES`` and a function that judges one thing. What is not recorded is no fault of what is: where a rule
has nothing to say it does not apply, and where the records do not tell, it cannot be told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from lineage.model.findings import Responsible, Severity
from lineage.model.record import Node
from lineage.model.value import each
from lineage.services.read.audit.subjects import AuditedDataset, AuditedDecision, AuditedRun
from lineage.services.read.decisions.followed import seed_of
from lineage.services.read.decisions.rows import utc
from lineage.services.summary import counted
from lineage.sources.git import messages

Outcome: TypeAlias = Literal["passed", "failed", "cannot-tell", "not-applicable"]
#: What a rule says of one thing: the outcome, and for what failed a sentence.
Judged: TypeAlias = tuple[Outcome, str]

_PASSED: Judged = ("passed", "")
_NOT_APPLICABLE: Judged = ("not-applicable", "")
_CANNOT_TELL: Judged = ("cannot-tell", "")
#: Attributes of a commit that stands for the files of a run, which nobody wrote a message for.
_OF_A_STATE = frozenset({"changed", "kept_ref"})
#: What SPDX says where nobody knows a licence; NONE says that there is none, which is known.
_NO_LICENSE = frozenset({"", "NOASSERTION"})
#: Names of data that one sentence has.
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is asked of the things of a kind: ``code`` is its name for ever, ``asks`` what it asks in a sentence, ``hint``
    how it is mended, and ``judge`` what became of it for one thing.
    """

    code: str
    kind: str
    severity: Severity
    responsible: Responsible
    asks: str
    hint: str
    judge: Callable[[Any], Judged]


def _failed_if(fault: bool, message: str) -> Judged:
    return ("failed", message) if fault else _PASSED


# --- commits --------------------------------------------------------------------------------------


def _message(commit: Node) -> Judged:
    message = commit.attributes.get("message")
    if commit.attributes.keys() & _OF_A_STATE:
        return _NOT_APPLICABLE
    if not isinstance(message, str):
        return _CANNOT_TELL
    lack = messages.lack(message)
    return _failed_if(lack is not None, f"the first line of its message: {lack}")


# --- runs -----------------------------------------------------------------------------------------


def _commit(run: AuditedRun) -> Judged:
    if not run.ran:
        return _NOT_APPLICABLE
    return _failed_if(not run.side.commits, "which code it ran is not known: it names no commit")


def _digests(run: AuditedRun) -> Judged:
    if not run.ran:
        return _NOT_APPLICABLE
    data = [one for one in run.side.data if one.role != "source"]
    if not data:
        return _CANNOT_TELL
    unknown = sorted({one.node.title for one in data if not one.digests})
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    shown = f"{', '.join(unknown[:_SHOWN])}{more}"
    return _failed_if(bool(unknown), f"it read data whose bytes are not known: {shown}")


def _environment(run: AuditedRun) -> Judged:
    if not run.ran:
        return _NOT_APPLICABLE
    if not run.side.environments:
        return "failed", "no environment of it is known"
    open_ = run.side.open
    return _failed_if(bool(open_), f"its environment leaves {counted(open_, 'requirement')} open")


def _person(run: AuditedRun) -> Judged:
    if not run.ran:
        return _NOT_APPLICABLE
    return _failed_if(not run.agents, "nobody is responsible for it")


def _times(run: AuditedRun) -> Judged:
    if not run.ran:
        return _NOT_APPLICABLE
    held = run.node.attributes
    started, ended = held.get("started"), held.get("ended")
    if started is None:
        return "failed", "when it began is not known"
    if ended is None:
        return (
            _PASSED if held.get("status") == "running" else ("failed", "when it ended is not known")
        )
    late = utc(str(ended)) < utc(str(started))
    return _failed_if(late, f"it ended on {ended}, before it began on {started}")


def _seeds(run: AuditedRun) -> Judged:
    if not run.ran:
        return _NOT_APPLICABLE
    seeded = run.node.attributes.get("seeded")
    if seeded in {"no", "partly"}:
        return "failed", "it drew random numbers from what was not seeded"
    return _PASSED if seeded == "yes" or seed_of(run.side) is not None else _CANNOT_TELL


def _reason(run: AuditedRun) -> Judged:
    if not run.ran or not run.decisions_here:
        return _NOT_APPLICABLE
    told = run.follows or "why" in run.node.attributes
    return _failed_if(not told, "nothing says what it was for: no decision, no reason")


def _valid_data(run: AuditedRun) -> Judged:
    if not run.ran:
        return _NOT_APPLICABLE
    if not run.invalidated:
        return _PASSED if run.side.data else _CANNOT_TELL
    started = run.node.attributes.get("started")
    if started is None:
        return _CANNOT_TELL
    began = utc(str(started))
    before = sorted(
        {
            title
            for title, known in run.invalidated
            if any(at is not None and at <= began for at in known)
        }
    )
    if not before:
        is_open = any(None in known for _, known in run.invalidated)
        return _CANNOT_TELL if is_open else _PASSED
    return (
        "failed",
        f"it read what had been invalidated before it began: {', '.join(before[:_SHOWN])}",
    )


# --- data and decisions ---------------------------------------------------------------------------


def _owner(dataset: AuditedDataset) -> Judged:
    return _failed_if(dataset.answering is None, "nothing says who answers for it")


def _license(dataset: AuditedDataset) -> Judged:
    held = {str(x).strip() for x in each(dataset.node.attributes.get("license", ()))}
    return _failed_if(held <= _NO_LICENSE, "its licence is not known")


def _overdue(decision: AuditedDecision) -> Judged:
    return _failed_if(bool(decision.overdue), "; ".join(decision.overdue))


def _resolved(decision: AuditedDecision) -> Judged:
    names = "; ".join(decision.unresolved)
    return _failed_if(bool(names), f"it names what is not here, or may be several: {names}")


RULES: tuple[Rule, ...] = (
    Rule(
        code="commit-message",
        kind="Commit",
        severity="warning",
        responsible="author",
        asks="The message of a commit says in its first line what was done.",
        hint="'lineage decision check --commits main..HEAD' names such messages before they are merged.",
        judge=_message,
    ),
    Rule(
        code="run-commit",
        kind="Run",
        severity="error",
        responsible="modeller",
        asks="Of a run it is known which commit it ran.",
        hint="Run it in a repository with 'lineage run', or import the repository: 'lineage join' finds what it can.",
        judge=_commit,
    ),
    Rule(
        code="data-digest",
        kind="Run",
        severity="warning",
        responsible="modeller",
        asks="Of all data that a run read it is known which bytes that was.",
        hint="'lineage run --in DATA -- …' takes the digests down; so do 'dvc add' and 'lineage import' of its folder.",
        judge=_digests,
    ),
    Rule(
        code="data-valid",
        kind="Run",
        severity="error",
        responsible="modeller",
        asks="No data that a run read had been invalidated before it began.",
        hint="'lineage show DATA' says by whom it was invalidated; make again what depends on it with other data.",
        judge=_valid_data,
    ),
    Rule(
        code="environment",
        kind="Run",
        severity="warning",
        responsible="modeller",
        asks="The environment of a run is known, with a version of every package.",
        hint="Commit a lock file (uv, Poetry, pip-tools, conda-lock) and import it, or run it with 'lineage run'.",
        judge=_environment,
    ),
    Rule(
        code="run-person",
        kind="Run",
        severity="warning",
        responsible="modeller",
        asks="Somebody is responsible for a run: a person, a program or a team.",
        hint="'lineage run' takes down who started it; trackers have a user.",
        judge=_person,
    ),
    Rule(
        code="run-times",
        kind="Run",
        severity="warning",
        responsible="modeller",
        asks="When a run began and ended is known, in this order.",
        hint="DVC keeps no times: 'lineage run -- dvc repro' takes them down. Where the order is wrong, look at the clocks.",
        judge=_times,
    ),
    Rule(
        code="run-seeds",
        kind="Run",
        severity="warning",
        responsible="modeller",
        asks="What a run drew random numbers from was seeded.",
        hint="Seed each generator, and pass the seed as a parameter: 'lineage run --param seed=7'.",
        judge=_seeds,
    ),
    Rule(
        code="run-reason",
        kind="Run",
        severity="warning",
        responsible="modeller",
        asks="Where decisions are written down, a run follows one, or says why it was made.",
        hint="'lineage decision link RUN --to DECISION' says it afterwards, 'lineage run --decision' or '--why' at once.",
        judge=_reason,
    ),
    Rule(
        code="dataset-owner",
        kind="Dataset",
        severity="warning",
        responsible="operator",
        asks="Somebody answers for a dataset, or it is said that nobody does.",
        hint="'lineage owner set DATASET WHO' says who; so does a CODEOWNERS or catalog-info.yaml that is imported.",
        judge=_owner,
    ),
    Rule(
        code="dataset-license",
        kind="Dataset",
        severity="note",
        responsible="author",
        asks="The licence of a dataset is known.",
        hint="Import a description that has it, such as RO-Crate.",
        judge=_license,
    ),
    Rule(
        code="decision-overdue",
        kind="Decision",
        severity="warning",
        responsible="author",
        asks="What a decision waits for happened by the date that it says.",
        hint="'lineage decision list --overdue' lists them; 'decision review', 'accept' and 'close' are the steps.",
        judge=_overdue,
    ),
    Rule(
        code="decision-links",
        kind="Decision",
        severity="warning",
        responsible="author",
        asks="What a decision names is here, and is one thing.",
        hint="Import what it names, or mend the name: 'lineage decision check' has the line.",
        judge=_resolved,
    ),
)
CODES = tuple(rule.code for rule in RULES)
