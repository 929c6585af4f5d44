# SPDX-License-Identifier: Apache-2.0
"""The context of resolvers: reading, writing, waiting, and who is calling."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeVar

from strawberry.types import Info

from graphql_schema.loaders import Loaders
from lineage.access.tokens import Role
from lineage.errors import Denied, TimedOut
from lineage.services.context import Context
from lineage.store.base import NOW, View

T = TypeVar("T")
#: Seconds that the reads of one operation may take together, waiting included: less than servers
#: give to a request, so that the answer can say which fields lacked the time.
SECONDS = 4.0


class Server(Protocol):
    """What a server does for one caller."""

    async def read(self, work: Callable[[Context], T]) -> T:
        """Call a service that only reads, on a thread of its own."""
        ...

    async def write(self, work: Callable[[Context], T]) -> T:
        """Call a service that writes, in the caller's name."""
        ...

    async def prepare(self, work: Callable[[], T]) -> T:
        """Compute something, on a thread of its own."""
        ...

    def ledger_changed(self) -> AbstractAsyncContextManager[asyncio.Event]:
        """An event that is set after every write."""
        ...

    def admit(self) -> None:
        """Raise an error of ``lineage.errors`` for a caller who has had more than its share."""
        ...

    def spend(self, points: int) -> None:
        """Count against the caller's share: characters of queries not read before."""
        ...


@dataclass(slots=True, kw_only=True)
class Session:
    """The GraphQL context of one caller; ``fresh`` makes that of one operation.

    ``views`` keeps what each root field was asked as of, by the name it has in the response:
    everything nested below it sees the same. ``until`` is when the operation's time is over.
    """

    server: Server
    role: Role
    views: dict[str, View] = field(default_factory=dict)
    loaders: Loaders = field(init=False)
    until: float = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.read)
        self.begin()

    def begin(self) -> None:
        """Start the operation's time; for a subscription, that of its next result."""
        self.until = time.monotonic() + SECONDS

    def fresh(self) -> Session:
        """Make the context of another operation of the same caller, with nothing remembered."""
        return Session(server=self.server, role=self.role)

    async def read(self, work: Callable[[Context], T]) -> T:
        """Call a service that only reads, with what time the operation has left: its walks end with
        it, and what has not begun by then raises ``TimedOut``.
        """
        return await self.server.read(partial(_within, self.until, work))

    def demand(self, role: Role) -> None:
        """Raise ``Denied`` where the caller's role does not allow this."""
        if self.role < role:
            raise Denied(
                f"this needs the role {role.name}, and yours is {self.role.name}",
                hint=f"Ask an administrator for a token with the role {role.name}.",
            )


def _within(until: float, work: Callable[[Context], T], ctx: Context) -> T:
    left = until - time.monotonic()
    if left <= 0:
        raise TimedOut(f"the operation took longer than {SECONDS:g} seconds")
    return work(replace(ctx, budget=left if ctx.budget is None else min(left, ctx.budget)))


Asked = Info[Session, Any]


def root(info: Asked) -> str:
    """Find the name in the response of the root field that a field is nested below."""
    path = info.path
    while path.prev is not None:
        path = path.prev
    return str(path.key)


def view(info: Asked) -> View:
    """Find the view that the root field above was asked in."""
    return info.context.views.get(root(info), NOW)


def pin(info: Asked, at: str | None, as_of: int) -> None:
    """Keep the view that a root field was answered in, where that was asked for."""
    if at:
        info.context.views[root(info)] = View(as_of=as_of)
