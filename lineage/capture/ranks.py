# SPDX-License-Identifier: Apache-2.0
"""Processes that one launcher of PyTorch starts on a machine are one run, though each begins it by itself."""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from lineage.capture.process import boot, born

#: By what such a process is known (torchrun): its agent starts the same program once for each rank.
_MARKS = ("TORCHELASTIC_RUN_ID", "LOCAL_RANK")


def shared_run(environ: Mapping[str, str]) -> str | None:
    """The identifier of the run that this process has in common with the others of its agent, on this machine, in
    this round of the agent's; ``None`` where it was not started by one.
    """
    if any(name not in environ for name in _MARKS):
        return None
    agent = os.getppid()
    said = [
        *(socket.gethostname(), boot(), agent, born(agent)),
        *(environ["TORCHELASTIC_RUN_ID"], environ.get("TORCHELASTIC_RESTART_COUNT", "0")),
    ]
    digest = hashlib.sha256(repr(said).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def is_last(events: Sequence[Mapping[str, Any]]) -> bool:
    """Whether this process is the last one of a run: each other has said before it that it leaves, or is gone."""
    left = [event["pid"] for event in events if event["event"] == "left"]
    return left[-1:] == [os.getpid()] and not _staying(events)


def goes_on(events: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a run that several processes begin is not over, though one of them may have ended it: another is still
    part of it, or has not begun it yet. Those of other machines are not looked at.
    """
    ranked = [e for e in events if e["event"] == "joined" and "local_world_size" in e["ranks"]]
    if not ranked or ranked[0].get("host") != socket.gethostname():
        return False
    expected, agent = ranked[0]["ranks"]["local_world_size"], ranked[0]["parent"]
    came = len({event["pid"] for event in ranked})
    is_awaited = expected.isdigit() and came < int(expected)
    return bool(_staying(events)) or (is_awaited and born(agent) == ranked[0]["parent_born"])


def _staying(events: Sequence[Mapping[str, Any]]) -> list[int]:
    """The other processes of this machine that have begun a run and not left it."""
    left = {event["pid"] for event in events if event["event"] == "left"}
    began = {
        event["pid"]: event.get("born")
        for event in events
        if event["event"] in {"started", "joined"} and event.get("host") == socket.gethostname()
    }
    return [pid for pid, at in began.items() if pid not in {*left, os.getpid()} and born(pid) == at]


def outcome(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """How a run of several processes ended: as the first of them that failed, else as any."""
    left = [event for event in events if event["event"] == "left"]
    failed = [event for event in left if event.get("code")]
    found: Mapping[str, Any] = next(iter(failed or left), {})
    return {name: found[name] for name in ("code", "failed", "at_line") if name in found}
