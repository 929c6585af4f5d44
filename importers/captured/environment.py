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

Facts = Mapping[str, Any]

#: The name under which the facts of what is installed are read (``Options.environment``).
INSTALLED = "installed.json"
#: What of a machine is none of it, but of the moment.
_PASSING = frozenset({"hostname"})


def records(facts: Facts, options: Options) -> tuple[str, Sequence[Record]] | None:
    """The environment that was really there; ``None`` where nothing is known of it."""
    if options.environment is None or not facts.get("distributions"):
        return None
    return options.environment({INSTALLED: json.dumps(facts).encode()})


def machine(facts: Facts, host: str | None) -> Iterator[Node]:
    """The machine, where anything is known of it: equal facts on one host are one machine."""
    said = {key: value for key, value in _flat(facts) if key not in _PASSING}
    if not said:
        return
    digest = ids.sha256(json.dumps(said, sort_keys=True).encode())[:16]
    called = host or "unknown"
    yield kinds.Machine(
        id=ids.thing_id("machine", called, digest),
        label=called,
        host=host,
        processor=facts.get("cpu", {}).get("model"),
        cores=facts.get("cpu", {}).get("effective"),
        memory=facts.get("memory", {}).get("effective"),
        more=clean(said),
    ).node()


def _flat(facts: Facts, prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Facts by dotted names; a list of facts by the numbers in it."""
    for key, value in facts.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
            yield from _flat({str(n): item for n, item in enumerate(value)}, f"{name}.")
        elif isinstance(value, list):
            if value:
                yield name, several(value)
        elif value is not None:
            yield name, value
