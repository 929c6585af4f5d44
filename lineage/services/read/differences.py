# SPDX-License-Identifier: Apache-2.0
"""Tells what differs between two runs, section by section, and in which sections that is not known."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from lineage.model.numeric import meaning, number
from lineage.model.record import Node
from lineage.model.value import each, plain
from lineage.services.read.sides import IMPORTED, METRIC, MODIFIED, PARAM, Side, Used

#: ``unknown``: what is recorded does not say whether they are equal.
State: TypeAlias = Literal["equal", "differs", "unknown"]
SECTIONS = ("code", "data", "environment", "parameters", "metrics", "other")
#: What a run says of itself that two runs never share and nobody compares; the words of its command are compared as
#: they are shown.
_OWN = frozenset(
    {
        *("name", "started", "ended", "argv", MODIFIED, IMPORTED, "unjoined"),
        # What was measured of a captured run, which is another each time.
        *("duration", "cpu_seconds", "peak_memory", "group_memory_peak", "last_seen"),
        *("throttled", "throttled_seconds", "completeness"),
        # Where it was worked on; what was run there is the commit and the state.
        *("branch", "branch.decision"),
    }
)
#: Where the ranks of a run were: process numbers.
_RANK = "rank."
#: Facts of one version of data that are told, at most.
_FACTS = 20
#: How facts begin that say what a table is made of.
_SHAPE = ("column ", "rows", "num_rows")
#: Roles that say nothing of what data is for.
_ANY_ROLE = frozenset({"", "dep", "input"})
#: Words in the names of metrics of which less, or more, is better.
_LOWER = re.compile(
    r"loss|error|err|rmse|mse|mae|mape|smape|rmsle|logloss|nll|perplexity|ppl|wer|cer|fid|brier"
    r"|deviance|aic|bic|crossentropy"
)
_HIGHER = re.compile(
    r"accuracy|acc|auc|auroc|auprc|f1|precision|recall|r2|bleu|rouge|ndcg|mrr|iou|dice|specificity"
    r"|sensitivity|kappa|mcc"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that differs: what it is called, and what it is on either side (``None``: absent).

    ``delta`` is the second minus the first where both are numbers, ``relative`` that as a share of
    the first's size; ``better`` says of a metric whether the second is better, where its name tells.
    """

    what: str
    a: Any
    b: Any
    delta: float | None = None
    relative: float | None = None
    better: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


Sections: TypeAlias = Mapping[str, tuple[Difference, ...]]


def sections(a: Side, b: Side) -> tuple[Sections, Mapping[str, State]]:
    """What differs between two runs, and what is known of each section."""
    data, state = _data(a, b)
    found = {
        "code": tuple(_code(a, b)),
        "data": data,
        "environment": _environment(a, b),
        "parameters": by_name(a.named(PARAM), b.named(PARAM)),
        "metrics": _metrics(a, b),
        "other": by_name(_rest(a), _rest(b)),
    }
    sure = {
        "code": bool(a.commits and b.commits) and not (a.modified or b.modified),
        "environment": bool(a.environments and b.environments) and not (a.open or b.open),
        "metrics": bool(a.named(METRIC) and b.named(METRIC)),
    }
    states: dict[str, State] = {
        name: _state(differs, sure.get(name, True)) for name, differs in found.items()
    }
    states["data"] = state
    for name, side in (("code", "commits"), ("environment", "environments")):
        if not getattr(a, side) or not getattr(b, side):
            states[name] = "unknown"
    return found, states


def _state(differs: tuple[Difference, ...], sure: bool) -> State:
    if differs:
        return "differs"
    return "equal" if sure else "unknown"


def by_name(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Difference, ...]:
    """The names under which two mappings hold something else."""
    return tuple(
        difference(name, a.get(name), b.get(name))
        for name in sorted({*a, *b})
        if meaning(a.get(name)) != meaning(b.get(name))
    )


def difference(what: str, a: Any, b: Any, better: bool | None = None) -> Difference:
    """One difference, with its size where both are finite numbers."""
    one, other = number(a), number(b)
    if one is None or other is None or not (_finite(one) and _finite(other)):
        return Difference(what=what, a=a, b=b)
    delta = float(other - one)
    share = delta / abs(one) if one else None
    relative = share if share is not None and math.isfinite(share) else None
    return Difference(
        what=what,
        a=a,
        b=b,
        delta=delta if math.isfinite(delta) else None,
        relative=relative,
        better=better,
    )


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


# --- metrics --------------------------------------------------------------------------------------


def lower_is_better(metric: str) -> bool | None:
    """Whether less of a metric is better, where its name says so.

    >>> lower_is_better("val_loss"), lower_is_better("roc_auc"), lower_is_better("epoch")
    (True, False, None)
    """
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", metric)
    words = set(re.split(r"[^a-z0-9]+", spaced.lower()))
    lower, higher = (any(map(form.fullmatch, words)) for form in (_LOWER, _HIGHER))
    if lower == higher:
        return None
    # scikit-learn negates errors, so that more of them is better.
    return lower != ("neg" in words)


def _metrics(a: Side, b: Side) -> tuple[Difference, ...]:
    found = by_name(a.named(METRIC), b.named(METRIC))
    return tuple(metric(item.what, item.a, item.b) for item in found)


def metric(name: str, a: Any, b: Any) -> Difference:
    """A difference of a metric, which may be better or worse."""
    plainly, lower = difference(name, a, b), lower_is_better(name)
    if lower is None or not plainly.delta:
        return plainly
    return difference(name, a, b, better=(plainly.delta < 0) is lower)


# --- code and environment -------------------------------------------------------------------------


def _code(a: Side, b: Side) -> Iterator[Difference]:
    alone = len(a.commits) <= 1 and len(b.commits) <= 1
    yield from by_name(_idents(a.commits, alone=alone), _idents(b.commits, alone=alone))
    yield from by_name(_modified(a), _modified(b))
    mine, theirs = _imported(a), _imported(b)
    if mine and theirs:  # else it was not looked at
        found = by_name(mine, theirs)
        yield from found[:_FACTS]
        if len(found) > _FACTS:
            yield Difference(what=f"{len(found) - _FACTS} more modules", a=None, b=None)


def _idents(nodes: Sequence[Node], *, alone: bool) -> dict[str, str]:
    """One commit is compared with one; where there are several, each by itself."""
    if alone:
        return {"commit": nodes[0].id} if nodes else {}
    return {f"commit {node.title}": node.id for node in sorted(nodes, key=lambda node: node.id)}


def _modified(side: Side) -> dict[str, Any]:
    return {f"modified {path}": True for path in side.modified}


def _imported(side: Side) -> dict[str, Any]:
    """The code that a run imported: files of its commit by their names, others by their digests."""
    known: dict[str, Any] = {
        str(name): "as committed" for name in each(side.run.attributes.get(IMPORTED, ()))
    }
    known |= {
        str(node.attributes.get("name") or node.title): node.attributes.get("digest")
        for node in side.modules
    }
    return {f"imported {name}": said for name, said in known.items()}


def _environment(a: Side, b: Side) -> tuple[Difference, ...]:
    """What differs between two environments, if both are known."""
    if not a.environments or not b.environments:
        return ()
    if {n.id for n in a.environments} == {n.id for n in b.environments}:
        return ()
    ours, theirs = _facts(a.environments), _facts(b.environments)
    return by_name({**ours, **a.packages}, {**theirs, **b.packages}) or by_name(
        {"environment": ", ".join(n.id for n in a.environments)},
        {"environment": ", ".join(n.id for n in b.environments)},
    )


def _facts(environments: Iterable[Node]) -> dict[str, Any]:
    return {
        key: node.attributes[key]
        for node in environments
        for key in ("python", "platform")
        if key in node.attributes
    }


def _rest(side: Side) -> dict[str, Any]:
    shown = plain(side.run.attributes)
    own = {
        key: value
        for key, value in shown.items()
        if key not in _OWN and not key.startswith((PARAM, METRIC, _RANK))
    }
    machine = {
        f"machine.{key}": value
        for node in side.machines
        for key, value in plain(node.attributes).items()
    }
    return own | machine


# --- data -----------------------------------------------------------------------------------------


def _data(a: Side, b: Side) -> tuple[tuple[Difference, ...], State]:
    """What differs of the data. Other names of which it cannot be told whether they have the same bytes
    are shown, and do not make it differ.
    """
    ours, theirs = _unpaired(a, b)
    mine, others = _slots(ours, theirs), _slots(theirs, ours)
    found: list[Difference] = []
    sure = not any(used.unknown for used in (*ours, *theirs)) and bool(a.data and b.data)
    differs = False
    alike = a.run.attributes.get("tracker") == b.run.attributes.get("tracker")
    for slot in sorted({*mine, *others}):
        one, other = mine.get(slot), others.get(slot)
        if one is None or other is None:
            # What one tracker records as read, another may not.
            same: bool | None = False if alike else None
        else:
            same = one.same(other)
            if one.node.id == other.node.id:
                continue
        differs |= same is False
        found.append(Difference(what=slot, a=_version(one), b=_version(other)))
        if one is not None and other is not None:
            found += _profile(slot, one.node, other.node)
    sure &= differs or not found
    return tuple(found), "differs" if differs else "equal" if sure else "unknown"


def _unpaired(a: Side, b: Side) -> tuple[list[Used], list[Used]]:
    """What the runs read, without what both read: the same bytes, by whatever name, for the same or no
    stated purpose.
    """
    ours, theirs = list(a.data), list(b.data)
    for used in a.data:
        for other in theirs:
            roles = {used.role, other.role} - _ANY_ROLE
            if len(roles) <= 1 and used.same(other):
                ours.remove(used)
                theirs.remove(other)
                break
    return ours, theirs


def _slots(side: Iterable[Used], other: Iterable[Used]) -> dict[str, Used]:
    """What a run read, by role where either run has at most one thing of it, else by name."""
    held = list(side)
    roles, others = [used.role for used in held], [used.role for used in other]
    found: dict[str, Used] = {}
    for used in held:
        alone = (
            used.role not in _ANY_ROLE
            and roles.count(used.role) == 1
            and others.count(used.role) <= 1
        )
        name = str(used.node.attributes.get("name") or used.node.title.partition("@")[0])
        found[used.role if alone else f"{used.role}: {name}".removeprefix(": ")] = used
    return found


def _version(used: Used | None) -> dict[str, Any] | None:
    if used is None:
        return None
    digest = plain(used.node.attributes).get("digest")
    return {"id": used.node.id, "label": used.node.title, "digest": digest}


def _profile(slot: str, one: Node, other: Node) -> list[Difference]:
    """What differs of what two versions say of themselves: rows, columns, sizes."""
    found = by_name(_told(one), _told(other))
    # What it is made of first: there may be many numbers.
    found = tuple(sorted(found, key=lambda item: not item.what.startswith(_SHAPE)))
    told = [difference(f"{slot}: {item.what}", item.a, item.b) for item in found[:_FACTS]]
    if len(found) > _FACTS:
        left = len(found) - _FACTS
        told.append(Difference(what=f"{slot}: {left} more facts", a=None, b=None))
    return told


def _told(node: Node) -> dict[str, Any]:
    """The facts of a version: its profile and schema, flat."""
    shown = plain(node.attributes)
    told: dict[str, Any] = {}
    for key in ("profile", "schema"):
        try:
            told |= dict(_flat(json.loads(shown[key]), ""))
        except (KeyError, TypeError, ValueError, RecursionError):
            continue
    told |= {key: shown[key] for key in ("num_rows", "rows", "size") if key in shown}
    return told


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, _below(name, str(key)))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            if isinstance(item, dict) and isinstance(item.get("name"), str):
                yield f"column {item['name']}", item.get("type")
            else:
                yield from _flat(item, _below(name, str(at)))
    elif value is not None:
        yield name, value


def _below(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key
