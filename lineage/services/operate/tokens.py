# SPDX-License-Identifier: Apache-2.0
"""Keeps API tokens with the store: makes, lists and revokes them, and finds whose a secret is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from lineage.access import tokens
from lineage.access.tokens import Role, Token
from lineage.errors import NotFound, StoreUnreachable, Usage
from lineage.services.context import Context
from lineage.services.operate import token_acts
from lineage.services.operate.token_acts import REVOKED, TOKEN
from lineage.services.request import Request, Says
from lineage.store.kept import remembered
from lineage.store.paging import values_under

#: Seconds after which a table of tokens that could not be read again opens nothing any more.
STALE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStatus:
    """A token and whether it still opens anything; ``revoked`` is when it was taken back."""

    token: Token
    revoked: str | None
    expired: bool

    @property
    def state(self) -> str:
        """valid, revoked or expired."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expired else "valid"

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage token list``."""
        return {
            "id": self.token.id,
            "name": self.token.name,
            "role": self.token.role.name,
            "created": self.token.created.isoformat(),
            "expires": self.token.expires.isoformat(),
            "revoked": self.revoked,
            "state": self.state,
        }


def add(ctx: Context, name: str, role: Role, days: int = tokens.DAYS) -> tuple[Token, str]:
    """Make a new token and its secret, which is kept nowhere. Raises ``Usage`` for a bad name."""
    shown = name.strip()
    if not shown or not shown.isprintable() or len(shown) > 80:
        message = f"{name!r} cannot be the name of a token"
        raise Usage(message, hint="Name it for who will use it: 80 printable characters at most.")
    now = ctx.clock()
    try:
        token, secret = tokens.mint(shown, role, now=now, days=days)
    except OverflowError as error:
        message = f"the clock says {now.isoformat()}, and {days} days later there is no day"
        raise Usage(message, hint="Set the clock of this machine.") from error
    value = token.to_text().encode()
    told = {"name": token.name, "role": token.role.name}
    remembered(
        ctx.store, TOKEN + token.id, value, token_acts.draft(ctx, "added", token.id, value, told)
    )
    return token, secret


def listed(ctx: Context) -> Sequence[TokenStatus]:
    """List every token there ever was, the oldest first."""
    revoked = _stems(ctx, REVOKED)
    now = ctx.clock().astimezone(UTC)
    found = []
    for ident, text in _stems(ctx, TOKEN).items():
        with suppress(ValueError, KeyError):
            token = Token.of(ident, text)
            past = token.expires <= now
            found.append(TokenStatus(token=token, revoked=revoked.get(ident), expired=past))
    return sorted(found, key=lambda item: (item.token.created, item.token.id))


def _stems(ctx: Context, prefix: str) -> Mapping[str, str]:
    found = values_under(ctx.store, prefix)
    return {name.removeprefix(prefix): value.decode() for name, value in found}


class Keyring:
    """Holds the tokens of a store in memory, so that no request and no guess costs the store a
    call.

    ``refresh`` reads them; whoever serves calls it every few seconds. ``monotonic`` is a clock of
    seconds that only goes forward.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known: Mapping[str, Token] = {}
        self._read: float | None = None

    @property
    def age(self) -> float:
        """Seconds since the store last answered; infinite when it never did."""
        return float("inf") if self._read is None else self._monotonic() - self._read

    def refresh(self, ctx: Context) -> None:
        """Read the tokens that open something now."""
        begun = self._monotonic()
        self._known = {s.token.id: s.token for s in listed(ctx) if s.state == "valid"}
        self._read = begun

    def revoke(self, ctx: Context, ident: str) -> Token:
        """Revoke a token: at once here, in other processes when they refresh.

        Raises ``NotFound``; revoking twice is harmless.
        """
        found = {item.token.id: item.token for item in listed(ctx)}
        if ident not in found:
            hint = "'lineage token list' shows their ids."
            raise NotFound(f"there is no token {ident!r}", hint=hint)
        value = ctx.recorded().encode()
        told = {"name": found[ident].name}
        act = token_acts.draft(ctx, "revoked", ident, value, told)
        remembered(ctx.store, REVOKED + ident, value, act)
        self._known = {name: token for name, token in self._known.items() if name != ident}
        return found[ident]

    def authenticate(self, secret: str, now: datetime) -> Token | None:
        """The token that a secret opens, or nothing.

        Raises ``StoreUnreachable`` when nobody could read for ``STALE`` seconds which tokens have
        been revoked since.
        """
        if self.age > STALE:
            message = f"the store has not answered for {STALE:g} seconds"
            raise StoreUnreachable(message, hint="Try again; /readyz says when it answers.")
        ident = tokens.ident_of(secret)
        token = self._known.get(ident) if ident is not None else None
        if token is None or not token.opens(secret) or token.expires <= now.astimezone(UTC):
            return None
        return token


# --- requests ---


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A new token, with the secret that is shown once and kept nowhere."""

    token: Token
    secret: str = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage token add``."""
        return {
            "id": self.token.id,
            "name": self.token.name,
            "role": self.token.role.name,
            "secret": self.secret,
            "expires": self.token.expires.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class AddTokenRequest(
    Request[IssuedToken],
    demands=Role.admin,
    examples=("token add airflow --role contributor --days 30",),
):
    """Make a token that opens the server; its secret is shown once and kept nowhere."""

    name: Annotated[str, Says(text="Who will use it.")]
    _: KW_ONLY
    role: Annotated[
        Literal["viewer", "contributor", "steward", "admin"], Says(text="What it allows.")
    ]
    days: Annotated[int, Says(text="How long it is valid.", at_least=1, at_most=3_650)] = (
        tokens.DAYS
    )

    def answer(self, ctx: Context) -> IssuedToken:
        """See ``Request.answer``."""
        token, secret = add(ctx, self.name, Role[self.role], self.days)
        return IssuedToken(token=token, secret=secret)


@dataclass(frozen=True, slots=True)
class TokensRequest(Request[tuple[TokenStatus, ...]], demands=Role.admin, examples=("token list",)):
    """Every token there ever was: its id, role, name, and whether it is valid."""

    def answer(self, ctx: Context) -> tuple[TokenStatus, ...]:
        """See ``Request.answer``."""
        return tuple(listed(ctx))


@dataclass(frozen=True, slots=True)
class RevokeTokenRequest(
    Request[TokenStatus], demands=Role.admin, examples=("token revoke 3kTMd2x9",)
):
    """Revoke a token; running servers know within seconds."""

    ident: Annotated[str, Says(text="The id of the token.", metavar="ID")]

    def answer(self, ctx: Context) -> TokenStatus:
        """See ``Request.answer``. Raises ``NotFound``; revoking twice is harmless."""
        token = Keyring().revoke(ctx, self.ident)
        return next(item for item in listed(ctx) if item.token.id == token.id)
