# SPDX-License-Identifier: Apache-2.0
"""What a service needs from outside: the store, the clock, who is acting."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lineage.access.tokens import Role
from lineage.store.base import Store


def now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Time, actor, secrets and store, handed to every service.

    ``role`` is what the actor may do: whoever works on the store itself may everything.
    ``budget`` is how many seconds a walk may take before its answer is cut (``None``: no limit).
    ``home`` is the folder in which keys, policies and the trust file lie, where there is one;
    ``scratch`` opens an empty store to work in.
    """

    store: Store
    actor: str
    person_key: bytes = field(repr=False)
    role: Role = Role.admin
    clock: Callable[[], datetime] = now
    budget: float | None = None
    home: Path | None = None
    scratch: Callable[[], AbstractContextManager[Store]] | None = field(default=None, repr=False)

    def recorded(self) -> str:
        """The moment of an entry, RFC 3339 in UTC."""
        return (
            self.clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
