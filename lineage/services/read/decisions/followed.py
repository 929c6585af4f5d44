# SPDX-License-Identifier: Apache-2.0
"""Lays what a decision planned beside what the runs that followed it did: each deviation, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineage.errors import Ambiguous, BadReference, LineageError, NotFound
from lineage.model.value import each
from lineage.services.context import Context
from lineage.services.read.decisions.rows import KINDS, VersionRow
from lineage.services.read.decisions.state import DecisionState
from lineage.services.read.resolve import meant
from lineage.services.read.sides import (
    PARAM,
    DataMeant,
    Side,
    Used,
    data_meant,
    digests_of,
    sides,
)
from lineage.sources.decision_records import record as records
from lineage.sources.decision_records.record import DecisionRecord
from lineage.store.base import NOW, Hop, View

_INFLUENCED = Hop(relations=frozenset({"wasInfluencedBy"}))
_FOLLOWERS = Hop(toward="effects", relations=frozenset({"wasInfluencedBy"}))
_DATA = frozenset({"Dataset", "DatasetVersion", "Artifact", "ModelVersion", "Model", "Content"})
_SEED = re.compile(r"\((\d+)\)")
#: Parts of a plan by which a run may be known; of these one has to be there, with another part.
_TELLING = ("inputs", "config", "command", "commit", "env")
_MAINLY = frozenset({"inputs", "config", "command"})
#: Parameters that are the seed of a run, the first that it has.
_SEEDS = ("seed", "random_seed", "random_state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """Where a run differs from the plan that it followed: ``key`` names what of the plan (``config.lr``), and ``reason``
    is what people say of it; without one it is open. ``run`` is ``None`` for what no run did.
    """

    key: str
    planned: str | None
    happened: str | None
    run: str | None
    version: str
    reason: str | None = None

    @property
    def shown(self) -> str:
        """In one line, without the run."""
        if self.planned is None:
            return f"{self.key}: {self.happened}, which was not planned"
        if self.happened is None:
            return f"{self.key}: {self.planned} was planned, and is not recorded"
        return f"{self.key}: planned {self.planned}, was {self.happened}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Followed:
    """What followed a decision: the runs of each version of it, by identifier, and the deviations from their plans.
    ``unclear`` are parts of plans that could not be compared, with the reason.
    """

    runs: dict[str, Side] = field(default_factory=dict)
    by_version: dict[str, list[str]] = field(default_factory=dict)
    deviations: list[Deviation] = field(default_factory=list)
    unclear: list[tuple[str, str]] = field(default_factory=list)


def record_of(version: VersionRow) -> DecisionRecord | None:
    """The record in a version; ``None`` where its text is not whole any more (secrets were taken out)."""
    text, file = version.node.attributes.get("text"), version.node.attributes.get("file", "x.md")
    try:
        return records.read(str(text or "").encode(), str(each(file)[-1]))
    except LineageError:
        return None


def followers(
    ctx: Context, states: Sequence[DecisionState], view: View = NOW
) -> Mapping[str, Mapping[str, list[str]]]:
    """The runs that follow decisions, by decision and by the version (or the decision itself) that they name."""
    of = {one.row.id: state.id for state in states for one in state.versions}
    of |= {state.id: state.id for state in states}
    edges = ctx.store.edges(list(of), _FOLLOWERS, view)
    kinds = {i: row.kind for i, row in ctx.store.get({e.effect for e in edges}, view).items()}
    found: dict[str, dict[str, list[str]]] = {}
    for edge in sorted(edges):
        if kinds.get(edge.effect) == "Run":
            runs = found.setdefault(of[edge.cause], {}).setdefault(edge.cause, [])
            if edge.effect not in runs:
                runs.append(edge.effect)
    return found


def following(ctx: Context, runs: Sequence[str]) -> set[str]:
    """Those of some runs that follow a decision, whichever that is."""
    edges = list(ctx.store.edges(runs, _INFLUENCED, NOW)) if runs else []
    causes = ctx.store.get({edge.cause for edge in edges}, NOW)
    return {e.effect for e in edges if e.cause in causes and causes[e.cause].kind in KINDS}


def followed(
    ctx: Context,
    state: DecisionState,
    runs: Mapping[str, Sequence[str]],
    view: View = NOW,
) -> Followed:
    """Compare the plans of a decision with the runs that follow it, of which ``runs`` has those of each version."""
    found = Followed(by_version={version: list(of) for version, of in runs.items()})
    everyone = list(dict.fromkeys(run for of in runs.values() for run in of))
    if not everyone:
        return found
    found.runs, _ = sides(ctx, everyone, view)
    now = state.current and record_of(state.current)
    reasons = (now.front.get("deviations") if now else None) or {}
    by_id = {one.row.id: one for one in state.versions}
    for ident, of in sorted(runs.items()):
        version = by_id.get(ident, state.current)
        record = None if version is None else record_of(version)
        if version is None or record is None:
            continue
        look = _Look(ctx, record, version.row.id, reasons, found, view)
        for run in of:
            found.deviations += look.of_run(found.runs[run])
        found.deviations += look.of_all([found.runs[run] for run in of])
    return found


def kept_to(
    ctx: Context, version: VersionRow, runs: Sequence[Side], view: View = NOW
) -> list[Side]:
    """Those of some runs that did all that a version planned, as far as that tells a run from others: data, a command or
    parameters, and one thing besides; none where a part of the plan cannot be compared.
    """
    record = record_of(version)
    look = None if record is None else _Look(ctx, record, version.row.id, {}, Followed(), view)
    if look is None or not look.tells:
        return []
    return [side for side in runs if not any(one.key != "seeds" for one in look.of_run(side))]


class _Look:
    """The plan of one version, compared with runs."""

    def __init__(
        self,
        ctx: Context,
        record: DecisionRecord,
        version: str,
        reasons: Mapping[str, str],
        found: Followed,
        view: View,
    ) -> None:
        self._ctx = ctx
        self._version = version
        self._reasons = reasons
        self._found = found
        self._view = view
        plan = record.front.get("plan")
        self._plan: Mapping[str, Any] = plan if isinstance(plan, Mapping) else {}
        self._inputs = [*self._planned_inputs()]

    @property
    def tells(self) -> bool:
        """Whether the plan says enough to know a run by it, all of which can be compared."""
        said = {key for key in _TELLING if self._plan.get(key)}
        return not self._found.unclear and bool(said & _MAINLY) and len(said) > 1

    def of_run(self, side: Side) -> Iterator[Deviation]:
        """Where one run differs from the plan."""
        yield from self._data(side)
        yield from self._config(side)
        yield from self._commit(side)
        yield from self._environment(side)
        command, ran = self._plan.get("command"), side.run.attributes.get("command")
        if command is not None and ran != command:
            yield self._told("command", command, None if ran is None else str(ran), side)
        planned = {_meaning(seed) for seed in self._seeds}
        seed = seed_of(side)
        if planned and (seed is None or _meaning(seed) not in planned):
            yield self._told("seeds", ", ".join(self._seeds), seed, side)

    def of_all(self, runs: Sequence[Side]) -> Iterator[Deviation]:
        """What all the runs together leave undone: seeds that none had."""
        had = {_meaning(seed) for side in runs if (seed := seed_of(side)) is not None}
        for seed in self._seeds:
            if _meaning(seed) not in had:
                yield self._told("seeds", seed, None, None)

    @property
    def _seeds(self) -> Sequence[str]:
        return [str(seed) for seed in self._plan.get("seeds") or ()]

    # --- data ---

    def _planned_inputs(self) -> Iterator[tuple[str, DataMeant, list[Used]]]:
        """Each planned input with what it means, and what its bytes are."""
        for text in self._plan.get("inputs") or ():
            try:
                data = data_meant(self._ctx, text, self._view)
            except (NotFound, Ambiguous, BadReference) as error:
                self._found.unclear.append((f"inputs {text}", error.what.splitlines()[0]))
                continue
            nodes = [row.node() for row in data.rows]
            held = digests_of(self._ctx, nodes, self._view)
            yield text, data, [Used("", n, held.get(n.id, frozenset())) for n in nodes]

    def _data(self, side: Side) -> Iterator[Deviation]:
        if not self._plan.get("inputs"):
            return
        used = [one for one in side.data if one.node.kind in _DATA and one.role != "source"]
        left = list(used)
        for text, data, planned in self._inputs:
            same = [one for one in used if _is_planned(one, data, planned)]
            left = [one for one in left if one not in same]
            if not same:
                yield self._told("inputs", text, None, side)
        if len(self._inputs) == len(self._plan["inputs"]):
            for one in left:
                yield self._told("inputs", None, one.node.title, side)

    # --- the rest ---

    def _config(self, side: Side) -> Iterator[Deviation]:
        held = side.named(PARAM)
        for name, planned in (self._plan.get("config") or {}).items():
            value = held.get(name)
            happened = None if value is None else _text(value)
            if happened is None or _meaning(happened) != _meaning(str(planned)):
                yield self._told(f"config.{name}", str(planned), happened, side)

    def _commit(self, side: Side) -> Iterator[Deviation]:
        planned = self._plan.get("commit")
        if planned is None:
            return
        shas = [node.id.rpartition(":")[2] for node in side.commits]
        try:
            wanted = meant(self._ctx, f"commit:{planned}", self._view)[0].id.rpartition(":")[2]
        except LineageError:
            wanted = planned.lower()
        if not any(sha.startswith(wanted) for sha in shas):
            yield self._told("commit", planned, ", ".join(s[:12] for s in shas) or None, side)

    def _environment(self, side: Side) -> Iterator[Deviation]:
        planned = self._plan.get("env")
        if planned is None:
            return
        try:
            wanted = {row.id for row in meant(self._ctx, planned, self._view)}
        except LineageError as error:
            self._found.unclear.append((f"env {planned}", error.what.splitlines()[0]))
            return
        if wanted.isdisjoint(node.id for node in side.environments):
            happened = ", ".join(node.title for node in side.environments) or None
            yield self._told("env", planned, happened, side)

    def _told(
        self, key: str, planned: str | None, happened: str | None, side: Side | None
    ) -> Deviation:
        reason = self._reasons.get(key) or self._reasons.get(key.partition(".")[0])
        return Deviation(
            key=key,
            planned=planned,
            happened=happened,
            run=None if side is None else side.run.id,
            version=self._version,
            reason=reason,
        )


def seed_of(side: Side) -> str | None:
    """The seed of a run, as it says it or as it was seen; ``None`` where that is not known."""
    held = side.named(PARAM)
    for name in _SEEDS:
        if held.get(name) is not None:
            return _text(held[name])
    seen = {
        s for text in each(side.run.attributes.get("seeds", ())) for s in _SEED.findall(str(text))
    }
    return seen.pop() if len(seen) == 1 else None


def _is_planned(one: Used, data: DataMeant, planned: Sequence[Used]) -> bool:
    """Whether something that a run used is what was planned: the same thing, a version of it, or the same bytes."""
    return data.has(one.node.id) or any(other.digests & one.digests for other in planned)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("$"))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _meaning(text: str) -> Any:
    """What two texts share that mean the same number, however it is written, or the same text."""
    try:
        return float(text)
    except ValueError:
        plain = text.strip()
        return plain.lower() if plain.lower() in {"true", "false"} else plain
