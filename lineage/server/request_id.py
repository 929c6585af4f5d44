# SPDX-License-Identifier: Apache-2.0
"""The id of the request that is being answered: whatever goes wrong in it says it, and so does the
log.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_CURRENT: ContextVar[str | None] = ContextVar("request_id", default=None)


def new() -> str:
    """Make an id."""
    return secrets.token_hex(8)


def current() -> str | None:
    """The id of the request that this task answers."""
    return _CURRENT.get()


@contextmanager
def answering(ident: str) -> Iterator[None]:
    """What runs inside belongs to the request of this id."""
    token = _CURRENT.set(ident)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def tagged(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Errors of GraphQL with the id of the request in their extensions."""
    ident = current()
    if ident is None:
        return [dict(error) for error in errors]
    return [
        {**error, "extensions": {**(error.get("extensions") or {}), "request_id": ident}}
        for error in errors
    ]
