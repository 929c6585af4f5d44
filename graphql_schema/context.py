# SPDX-License-Identifier: Apache-2.0
"""What resolvers may ask of the server: reading, writing, waiting, and who is calling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from strawberry.types import Info

from graphql_schema.loaders import Loaders
from lineage.access.tokens import Role
from lineage.errors import Denied
from lineage.services.context import Context
from lineage.store.base import NOW, View

T = TypeVar("T")


class Call(Protocol):
    """Calls a service on a thread of its own and gives back what it answers."""

    async def __call__(self, work: Callable[[Context], T]) -> T:
        """Call the service."""
        ...


@dataclass(slots=True, kw_only=True)
class Session:
    """The GraphQL context of one caller; ``fresh`` makes that of one operation.

    ``growth`` opens an event that is set after every write. ``views`` keeps what each root field
    was asked as of, by the name it has in the response: everything nested below it sees the same.
    """

    read: Call
    write: Call
    growth: Callable[[], AbstractAsyncContextManager[asyncio.Event]]
    role: Role
    views: dict[str, View] = field(default_factory=dict)
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.read)

    def fresh(self) -> Session:
        """The same caller at the start of another operation, with nothing remembered."""
        return Session(read=self.read, write=self.write, growth=self.growth, role=self.role)

    def demand(self, role: Role) -> None:
        """Raises ``Denied`` where the caller's role does not allow this."""
        if self.role < role:
            raise Denied(
                f"this needs the role {role.name}, and yours is {self.role.name}",
                hint=f"Ask an administrator for a token with the role {role.name}.",
            )


Asked = Info[Session, Any]


def root(info: Asked) -> str:
    """The name in the response of the root field that a field is nested below."""
    path = info.path
    while path.prev is not None:
        path = path.prev
    return str(path.key)


def view(info: Asked) -> View:
    """What the root field above was asked as of."""
    return info.context.views.get(root(info), NOW)


def pin(info: Asked, at: str | None, as_of: int) -> None:
    """Remember what a root field was answered as of, where that was asked for."""
    if at:
        info.context.views[root(info)] = View(as_of=as_of)
