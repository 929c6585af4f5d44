# SPDX-License-Identifier: Apache-2.0
"""Which versions of remote objects a run read and made, out of what was seen of its calls (``objects``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from lineage.access.secret_patterns import scrub
from lineage.capture.found import Json

#: An object, whichever version of it.
Place: TypeAlias = tuple[str, str, str]
#: A version of one: the identifier that the store gave it, and its etag.
Mark: TypeAlias = tuple[str | None, str | None]
#: What the store calls the version of an object that it keeps no others of.
UNVERSIONED = "null"


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions that a run read, and those that it made and did not delete again; whether they are all."""

    inputs: list[Json]
    outputs: list[Json]
    is_complete: bool


def observed(events: Sequence[Mapping[str, Any]]) -> Versions:
    """What the events ``object`` and ``objects_cut`` of a run tell. What it had written itself before is no input."""
    is_cut = any(event["event"] == "objects_cut" for event in events)
    events = [event for event in events if event["event"] == "object"]
    read: dict[tuple[Place, Mark], dict[str, Json]] = {}
    made: dict[tuple[Place, Mark], dict[str, Json]] = {}
    own: dict[Place, set[Mark]] = {}
    for event in _with_etags(events):
        place, mark = _place(event), _mark(event)
        if not event["writes"]:
            if not any(_agree(mark, one) for one in own.get(place, ())):
                _merge(read, place, mark, event)
            continue
        for key in [key for key in made if key[0] == place and _is_gone(key[1], event)]:
            del made[key]
        if not event.get("deleted"):
            own.setdefault(place, set()).add(mark)
            _merge(made, place, mark, event)
    return Versions([*read.values()], [*made.values()], not is_cut)


def _with_etags(events: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The events in order; a version whose etag one of them tells has it in all of them."""
    known = {
        (_place(event), event["version_id"]): event["etag"]
        for event in events
        if "version_id" in event and "etag" in event and event["version_id"] != UNVERSIONED
    }
    for event in events:
        etag = known.get((_place(event), event.get("version_id")))
        yield event if etag is None else {**event, "etag": etag}


def _place(event: Mapping[str, Any]) -> Place:
    return event["scheme"], event["host"], event["key"]


def _mark(event: Mapping[str, Any]) -> Mark:
    return event.get("version_id"), event.get("etag")


def _is_gone(mark: Mark, event: Mapping[str, Any]) -> bool:
    """Whether a version is no more, or hidden by a mark, after another one was written or something was deleted."""
    version = event.get("version_id")
    if event.get("deleted"):
        return version in (None, mark[0])
    return version in (None, UNVERSIONED) and mark[0] in (None, UNVERSIONED)


def _agree(one: Mark, other: Mark) -> bool:
    """Whether two may be the same version: by the first of version and etag that both tell."""
    told = ((a, b) for a, b in zip(one, other, strict=True) if a and b)
    return next((a == b for a, b in told if UNVERSIONED not in (a, b)), True)


def _merge(
    held: dict[tuple[Place, Mark], dict[str, Json]],
    place: Place,
    mark: Mark,
    event: Mapping[str, Any],
) -> None:
    scheme, host, key = (scrub(part) for part in place)
    said: dict[str, Json] = {
        "address": f"{scheme}://{host}/{key}",
        "scheme": scheme,
        "host": host,
        "key": key,
        "witness": [event["by"]],
    }
    told = ("version_id", "etag", "checksums", "checksum_type", "size", "endpoint")
    said |= {name: event[name] for name in told if name in event}
    held[place, mark] = {**held.get((place, mark), {}), **said}
