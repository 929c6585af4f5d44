# SPDX-License-Identifier: Apache-2.0
"""Lays the runs of a decision beside those of its baseline: what was set, run and read otherwise (R41)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage.errors import LineageError
from lineage.services.context import Context
from lineage.services.read.decisions.followed import followers
from lineage.services.read.decisions.state import Decisions
from lineage.services.read.resolve import resolve
from lineage.services.read.sides import PARAM, Side, sides
from lineage.store.base import NOW, View

#: Changes that are told of one decision.
MOST = 200
#: Values on one side that stand on a line.
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the runs of a decision have otherwise than those of its baseline: all values on either side, none where it is
    not recorded.
    """

    what: str
    baseline: Sequence[str]
    here: Sequence[str]

    @property
    def shown(self) -> str:
        """In one line."""
        return f"{self.what}: {_few(self.baseline)} -> {_few(self.here)}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"what": self.what, "baseline": list(self.baseline), "here": list(self.here)}


def _few(values: Sequence[str]) -> str:
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return (", ".join(values[:_SHOWN]) or "not recorded") + more


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRun:
    """A run that others are compared with, and what it is called."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a decision's runs are compared with: those runs, what differs, and how many more differences there are."""

    runs: Sequence[BaselineRun]
    changes: Sequence[Change] = ()
    left: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "runs": [{"id": run.id, "label": run.label} for run in self.runs],
            "changes": [one.to_dict() for one in self.changes],
            "left": self.left,
        }


def runs_of(
    ctx: Context, named: Iterable[str], decisions: Decisions, view: View = NOW
) -> tuple[Mapping[str, Side], list[str]]:
    """The runs that a baseline names, and those that follow a decision which it names; and what of it is not here."""
    found: list[str] = []
    missing: list[str] = []
    for text in dict.fromkeys(named):
        other = decisions.meant(text).one
        if other is not None:
            of = followers(ctx, [decisions.states[other]], view).get(other, {})
            found += [run for runs in of.values() for run in runs]
            continue
        try:
            row = resolve(ctx, text, view)
        except LineageError as error:
            missing.append(f"the baseline {text}: {error.what.splitlines()[0]}")
            continue
        if row.kind == "Run":
            found.append(row.id)
        else:
            missing.append(f"the baseline {text} is a {row.kind}, no run")
    unique = list(dict.fromkeys(found))
    return (sides(ctx, unique, view)[0] if unique else {}), missing


def compared(here: Mapping[str, Side], there: Mapping[str, Side]) -> Baseline:
    """What the runs of a decision have otherwise than those of its baseline."""
    runs = tuple(BaselineRun(id=ident, label=side.run.title) for ident, side in there.items())
    if not here or not there:
        return Baseline(runs=runs)
    names: dict[str, str] = {}
    a, b = _held(there.values(), names), _held(here.values(), names)
    changes = [
        Change(what=what, baseline=tuple(sorted(old)), here=tuple(sorted(new)))
        for what in dict.fromkeys([*a, *b])
        if (old := a.get(what, set())) != (new := b.get(what, set()))
    ]
    return Baseline(runs=runs, changes=tuple(changes[:MOST]), left=len(changes[MOST:]))


def _held(runs: Iterable[Side], names: dict[str, str]) -> dict[str, set[str]]:
    """Everything that some runs had, by what it is: parameters, the command, the commit, data, the environment. Data of the
    same bytes has one name, which ``names`` keeps.
    """
    found: dict[str, set[str]] = {}

    def add(what: str, value: Any) -> None:
        found.setdefault(what, set()).add(str(value))

    for side in runs:
        for name, value in side.named(PARAM).items():
            add(f"config.{name}", value)
        if (command := side.run.attributes.get("command")) is not None:
            add("command", command)
        for commit in side.commits:
            add("commit", commit.id.rpartition(":")[2][:12])
        for one in side.data:
            bytes_ = min(one.digests, default=one.node.id)
            add("inputs", names.setdefault(bytes_, one.node.title))
        for node in side.environments:
            add("env", node.title)
        for name, version in side.packages.items():
            add(f"package {name}", version)
    return found
