# SPDX-License-Identifier: Apache-2.0
"""The rules of the audit: what each asks of the things of a kind, and what became of it.

A rule is a row of ``RULES`` and a function that judges one thing. What is not recorded is no fault of what is: where a rule
has nothing to say it does not apply, and where the records do not tell, it cannot be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from lineage.model.findings import Responsible, Severity
from lineage.model.record import Node
from lineage.services.context import Context
from lineage.services.read.sides import Side, sides
from lineage.services.summary import counted
from lineage.sources.git import messages
from lineage.store.base import NOW
from lineage.store.rows import NodeRow

Outcome: TypeAlias = Literal["passed", "failed", "cannot-tell", "not-applicable"]
#: What a rule says of one thing: the outcome, and for what failed a sentence.
Judged: TypeAlias = tuple[Outcome, str]

_PASSED: Judged = ("passed", "")
_NOT_APPLICABLE: Judged = ("not-applicable", "")
_CANNOT_TELL: Judged = ("cannot-tell", "")
#: Attributes of a commit that stands for the files of a run, which nobody wrote a message for.
_OF_A_STATE = frozenset({"changed", "kept_ref"})
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


def _message(commit: Node) -> Judged:
    message = commit.attributes.get("message")
    if commit.attributes.keys() & _OF_A_STATE:
        return _NOT_APPLICABLE
    if not isinstance(message, str):
        return _CANNOT_TELL
    lack = messages.lack(message)
    return _PASSED if lack is None else ("failed", f"the first line of its message: {lack}")


def _digests(run: Side) -> Judged:
    if not _ran(run):
        return _NOT_APPLICABLE
    data = [one for one in run.data if one.role != "source"]
    if not data:
        return _CANNOT_TELL
    unknown = sorted({one.node.title for one in data if not one.digests})
    if not unknown:
        return _PASSED
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    return "failed", f"it read data whose bytes are not known: {', '.join(unknown[:_SHOWN])}{more}"


def _environment(run: Side) -> Judged:
    if not _ran(run):
        return _NOT_APPLICABLE
    if not run.environments:
        return "failed", "no environment of it is known"
    if run.open:
        return "failed", f"its environment leaves {counted(run.open, 'requirement')} open"
    return _PASSED


def _ran(run: Side) -> bool:
    """Whether something ran: what several attempts are attempts at did not, and what is scheduled has not yet."""
    held = run.run.attributes
    if "started" in held or run.data or run.commits:
        return True
    return held.get("status") not in {None, "scheduled"}


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
        code="data-digest",
        kind="Run",
        severity="warning",
        responsible="modeller",
        asks="Of all data that a run read it is known which bytes that was.",
        hint="'lineage run --in DATA -- …' takes the digests down; so do 'dvc add' and 'lineage import' of its folder.",
        judge=_digests,
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
)


def judged(
    ctx: Context, kind: str, rows: Sequence[NodeRow], rules: Sequence[Rule]
) -> Iterator[tuple[Rule, NodeRow, Judged]]:
    """What became of rules for some things of a kind."""
    about: Mapping[str, Any]
    if kind == "Run":
        about, _ = sides(ctx, [row.id for row in rows], NOW)
    else:
        about = {row.id: row.node() for row in rows}
    for row in rows:
        for rule in rules:
            yield rule, row, rule.judge(about[row.id])
