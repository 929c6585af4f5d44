# SPDX-License-Identifier: Apache-2.0
"""What a run was carried out with: the packages that were installed, and the machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from importers.base import Options
from lineage import ids
from lineage.model import kinds
from lineage.model.record import Node, Record
from lineage.model.value import Value, clean, several
from lineage.sources import installed

Facts = Mapping[str, Any]

#: How a limit is told that there is not.
_NONE = "unlimited"
#: What is the machine's, and lasts; the rest is of the process that ran on it.
_LASTING = ("os", "cpu", "memory", "limits", "effective", "container", "gpus")
#: What of that is of the moment, or says where something was read.
_LEFT_OUT = frozenset({"hostname", "available", "file"})


def records(facts: Facts, options: Options) -> tuple[str, Sequence[Record]] | None:
    """The environment that was really there; ``None`` where nothing is known of it."""
    # An interpreter without any package is an environment too; one whose folders were not found is none.
    if options.environment is None or not facts.get("folders") or "distributions" not in facts:
        return None
    return options.environment({installed.FACTS: json.dumps(facts).encode()})


def machine(facts: Facts, host: str | None) -> Iterator[Node]:
    """The machine, where anything is known of it: equal facts on one host are one machine."""
    said = dict(flat({name: facts[name] for name in _LASTING if facts.get(name)}))
    if not said:
        return
    digest = ids.sha256(json.dumps(said, sort_keys=True, default=list).encode())[:16]
    called, effective = host or "unknown", facts.get("effective") or {}
    yield kinds.Machine(
        id=ids.thing_id("machine", called, digest),
        label=called,
        host=host,
        processor=next(iter((facts.get("cpu") or {}).get("models") or ()), None),
        cores=(effective.get("cpus") or {}).get("effective"),
        memory=(effective.get("memory") or {}).get("effective"),
        more=clean(said),
    ).node()


def of_process(facts: Facts) -> dict[str, Value]:
    """What of the machine was the run's own: threads, priority, limits of the process, scheduler, CI."""
    process = facts.get("process") or {}
    soft = {name: each.get("soft") for name, each in (process.get("ulimits") or {}).items()}
    limits: dict[str, Any] = {name: most for name, most in soft.items() if most != _NONE}
    limits[_NONE] = sorted(name for name, most in soft.items() if most == _NONE)
    return dict(
        flat(
            {
                "affinity": process.get("affinity"),
                "nice": process.get("nice"),
                "ulimit": limits,
                "threads": facts.get("threads") or {},
                "scheduler": facts.get("schedulers") or {},
                "ci": facts.get("ci") or {},
            }
        )
    )


def held_up(before: Facts, after: Facts) -> dict[str, Value]:
    """What the control group refused while the run went on; of the most memory, what it is in the end."""
    found: dict[str, Value] = {}
    for name, each in after.items():
        was = (before.get(name) or {}).get("value")
        if name == "memory_peak":
            found["group_memory_peak"] = each["value"]
        elif was is not None:
            found[name] = round(each["value"] - was, 6)
    return found


def flat(facts: Facts, prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Facts by dotted names; those of a list of facts by their place in it."""
    for key, value in facts.items():
        name = f"{prefix}{key}"
        if key in _LEFT_OUT:
            continue
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}.")
        elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
            yield from flat({str(number): item for number, item in enumerate(value)}, f"{name}.")
        elif isinstance(value, list):
            if value:
                yield name, several(value)
        elif value is not None:
            yield name, value
