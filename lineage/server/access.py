# SPDX-License-Identifier: Apache-2.0
"""Access control of routes: a route declares the role that it needs, and one that declares nothing
is refused.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Match, WebSocketRoute
from starlette.types import Scope

from lineage.access.tokens import Role
from lineage.errors import Denied, WrongHost
from lineage.server.runtime import Viewer
from lineage.services.operate.tokens import Keyring

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "__lineage_access__"


@dataclass(frozen=True, slots=True)
class Access:
    """What a route needs: a role (``None``: it is public), and how large a body it takes (bytes;
    ``None``: the server's bound). ``afterwards``: it asks by itself who calls whom the handshake
    does not name, as browsers cannot send a token with that of a WebSocket.
    """

    role: Role | None
    body: int | None = None
    afterwards: bool = False


def needs(role: Role, *, body: int | None = None) -> Callable[[F], F]:
    """Declare the role that a route's function needs."""
    return lambda function: _marked(function, Access(role, body))


def public(function: F) -> F:
    """Declare that a route's function answers anybody."""
    return _marked(function, Access(None))


def declared(router: APIRouter, role: Role, *, body: int | None = None) -> APIRouter:
    """Declare one role for all routes of a router that others wrote; its WebSockets ask by
    themselves who calls.
    """
    for route in router.routes:
        access = Access(role, body, afterwards=isinstance(route, WebSocketRoute))
        _marked(route.endpoint, access)  # type: ignore[attr-defined]
    return router


def _marked(function: F, access: Access) -> F:
    setattr(function, _MARK, access)
    return function


def access_of(route: BaseRoute | None) -> Access | None:
    """The access that a route declares, or ``None``."""
    return getattr(getattr(route, "endpoint", None), _MARK, None)


def resolve(routes: Iterable[BaseRoute], scope: Scope) -> BaseRoute | None:
    """Find the route that will answer, by the router's own rules; ``None``: there is none.

    Nothing is ever decided by looking at the path: its spellings are endless.
    """
    partial = None
    for route in routes:
        match, _ = route.matches(scope)
        if match is Match.FULL:
            return route
        if match is Match.PARTIAL and partial is None:
            partial = route
    return partial


def methods_of(routes: Iterable[BaseRoute], scope: Scope) -> list[str]:
    """The methods that a path answers, by whatever route (RFC 9110 section 10.2.1); none where there
    is no such path.
    """
    found: set[str] = set()
    for route in routes:
        match, _ = route.matches(scope)
        if match is not Match.NONE:
            found |= set(getattr(route, "methods", None) or ())
    if "GET" in found:
        found.add("HEAD")
    return sorted({*found, "OPTIONS"}) if found else []


def check_host(headers: Headers, allowed: frozenset[str]) -> None:
    """Refuse a name that is not ours: a page of another site whose name was made to lead here
    would otherwise be read by its own origin (DNS rebinding). Raises ``WrongHost``.
    """
    name = _hostname("//" + headers.get("host", ""))
    if "*" not in allowed and name not in allowed:
        raise WrongHost(f"this server is not called {name or ''!r}")


def check_origin(headers: Headers, allowed: frozenset[str]) -> None:
    """Refuse what a page of another site sends: browsers add credentials by themselves.

    Raises ``Denied``.
    """
    hint = "Start the server with --allow-origin ORIGIN for pages of other sites."
    origin = headers.get("origin")
    if origin is not None:
        same = origin.lower().partition("://")[2] == headers.get("host", "").lower()
        if not same and origin not in allowed:
            raise Denied(f"pages of {origin!r} may not call this server", hint=hint)
        return
    site, mode = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode")
    if site in ("cross-site", "same-site") and mode != "navigate":
        raise Denied("pages of other sites may not call this server", hint=hint)


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def secret_of(headers: Headers) -> str | None:
    """The token that a request carries: as Bearer, or as the password of HTTP Basic."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(rest.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        return decoded.partition(":")[2]
    return None


def caller(keyring: Keyring, secret: str) -> Viewer | None:
    """Whom a secret stands for now. Raises ``StoreUnreachable`` where nobody can know."""
    token = keyring.authenticate(secret, datetime.now(UTC))
    if token is None:
        return None
    return Viewer(name=token.name, role=token.role, token=token.id, rate=token.rate)


def viewer_of(connection: HTTPConnection) -> Viewer:
    """Who is calling; the guard has made sure that there is somebody."""
    viewer: Viewer = connection.state.viewer
    return viewer


def undeclared(routes: Sequence[BaseRoute]) -> list[str]:
    """The paths of routes that declare nothing; all of them are refused."""
    return [str(getattr(route, "path", route)) for route in routes if access_of(route) is None]
