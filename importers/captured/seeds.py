# SPDX-License-Identifier: Apache-2.0
"""Whether the random numbers of a run can come again: what seeded the generators that it drew from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lineage.model.value import Value, clean

Facts = Mapping[str, Any]

#: What seeds a generator of its own, which nothing else draws from.
_OWN = frozenset({"numpy.random.default_rng", "jax.random.PRNGKey", "jax.random.key"})


def records(events: Sequence[Facts]) -> dict[str, Value]:
    """What a run has of its seeds; nothing where it drew no random number that was seen."""
    calls = [event for event in events if event["event"] == "seeded"]
    states = [event for event in events if event["event"] == "states"]
    items = [*_items(calls, states)]
    if not items and not calls:
        return {}
    # Workers end before the process that started them.
    settings = {f"random.{k}": v for event in states[-1:] for k, v in event["settings"].items()}
    first = calls[0]["pid"] if calls else None
    own = [event for event in calls if event["pid"] == first]
    return clean(
        {
            "seeded": _verdict([seeded for _, seeded in items]),
            "seeds": [f"{event['call']}({event['seed']})" for event in own],
            "seeds_in_workers": len(calls) - len(own) or None,
            "unseeded": sorted({name for name, seeded in items if not seeded}),
            **settings,
            **{f"random_state.{name}": state for name, state in _last(calls, states).items()},
            "same_numbers_in_workers": [*_same(states)],
        }
    )


def _items(calls: Sequence[Facts], states: Sequence[Facts]) -> Iterator[tuple[str, bool]]:
    """What random numbers came from, and whether it was seeded."""
    seeded = _seeded(calls)
    for name in sorted({name for event in states for name in event["drawn"]}):
        yield name, name in seeded
    for event in calls:
        if event["call"] in _OWN:
            yield f"{event['call']}({event['seed']})", bool(event["seed"])


def _seeded(calls: Sequence[Facts]) -> set[str]:
    """The generators of modules that were given a seed."""
    given = {event["call"] for event in calls if event["seed"] and event["call"] not in _OWN}
    return {name.rpartition(".")[0].removesuffix(".cuda") for name in given}


def _verdict(seeded: Sequence[bool]) -> str | None:
    if not seeded:
        return None
    return "yes" if all(seeded) else "partly" if any(seeded) else "no"


def _last(calls: Sequence[Facts], states: Sequence[Facts]) -> Mapping[str, str]:
    """The states in the end of generators that were seeded and drawn from: the same for the same numbers."""
    if not states:
        return {}
    event = states[-1]
    return {name: event["states"][name] for name in event["drawn"] if name in _seeded(calls)}


def _same(states: Sequence[Facts]) -> Iterator[str]:
    """The generators that are in the same state in the end in several processes: those drew the same numbers."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for event in states:
        for name in event["drawn"]:
            found[name, event["states"][name]] += 1
    yield from sorted({name for (name, _), number in found.items() if number > 1})
