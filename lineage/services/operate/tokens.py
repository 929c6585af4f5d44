# SPDX-License-Identifier: Apache-2.0
"""Keeps API tokens with the store: makes, lists and revokes them, and finds whose a secret is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from lineage import ids
from lineage.access import tokens
from lineage.access.tokens import Role, Token
from lineage.errors import NotFound, StoreBusy, StoreDamaged, StoreUnreachable, Usage
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
            "rate": self.token.rate,
        }


def add(
    ctx: Context, name: str, role: Role, days: int = tokens.DAYS, rate: int | None = None
) -> tuple[Token, str]:
    """Make a new token and its secret, which is kept nowhere. Raises ``Usage`` for a bad name."""
    shown = name.strip()
    if not shown or not shown.isprintable() or len(shown) > 80:
        message = f"{name!r} cannot be the name of a token"
        raise Usage(message, hint="Name it for who will use it: 80 printable characters at most.")
    now = ctx.clock()
    try:
        token, secret = tokens.mint(shown, role, now=now, days=days, rate=rate)
    except OverflowError as error:
        message = f"the clock says {now.isoformat()}, and {days} days later there is no day"
        raise Usage(message, hint="Set the clock of this machine.") from error
    value = token.to_text().encode()
    told = {"name": token.name, "role": token.role.name}
    remembered(
        ctx.store, TOKEN + token.id, value, token_acts.draft(ctx, "added", token.id, value, told)
    )
    return token, secret


def rotate(ctx: Context, ident: str, grace: int = 0) -> tuple[Token, str]:
    """Make a token of the name, role, rate and length of life of another, which holds for so many minutes
    more; its secret is kept nowhere. Raises ``NotFound``, and ``Usage`` for one that is not valid.
    """
    found = _status(ctx, ident)
    former = found.token
    if found.state != "valid":
        hint = "Make a new one: 'lineage token add NAME --role ROLE'."
        raise Usage(f"the token {ident!r} is {found.state}", hint=hint)
    now = ctx.clock().astimezone(UTC)
    days = max(1, (former.expires - former.created).days)
    token, secret = tokens.mint(former.name, former.role, now=now, days=days, rate=former.rate)
    value, ends = token.to_text().encode(), (now + timedelta(minutes=grace)).isoformat().encode()
    had = ctx.store.values([REVOKED + ident]).get(REVOKED + ident)
    told = {
        "name": token.name,
        "role": token.role.name,
        "replaces": {"token": ident, "sha256": ids.sha256(ends)},
    }
    act = token_acts.draft(ctx, "rotated", token.id, value, told)
    changes = {TOKEN + token.id: value, REVOKED + ident: ends}
    if not ctx.store.keep(changes, {TOKEN + token.id: None, REVOKED + ident: had}, act):
        raise StoreBusy(f"somebody else rotates or revokes {ident!r}", hint="Look at the list.")
    return token, secret


def _status(ctx: Context, ident: str) -> TokenStatus:
    found = next((item for item in listed(ctx) if item.token.id == ident), None)
    if found is None:
        raise NotFound(f"there is no token {ident!r}", hint="'lineage token list' shows their ids.")
    return found


def listed(ctx: Context) -> Sequence[TokenStatus]:
    """List every token there ever was, the oldest first."""
    revoked = _stems(ctx, REVOKED)
    now = ctx.clock().astimezone(UTC)
    found = []
    for ident, text in _stems(ctx, TOKEN).items():
        with suppress(ValueError, KeyError):
            token, ended = Token.of(ident, text), revoked.get(ident)
            if ended is not None and (later := _later(ended, now)):
                # It was replaced, and holds until then.
                token, ended = replace(token, expires=min(later, token.expires)), None
            past = token.expires <= now
            found.append(TokenStatus(token=token, revoked=ended, expired=past))
    return sorted(found, key=lambda item: (item.token.created, item.token.id))


def _later(text: str, now: datetime) -> datetime | None:
    """The time in a text, where it is still to come."""
    try:
        found = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None
    return found if found > now else None


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
        while (found := _status(ctx, ident)).revoked is None:
            value = ctx.recorded().encode()
            act = token_acts.draft(ctx, "revoked", ident, value, {"name": found.token.name})
            had = ctx.store.values([REVOKED + ident]).get(REVOKED + ident)
            if ctx.store.keep({REVOKED + ident: value}, {REVOKED + ident: had}, act):
                break
        self._known = {name: token for name, token in self._known.items() if name != ident}
        return found.token

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
            "rate": self.token.rate,
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
    rate: Annotated[
        int | None,
        Says(text="Requests a minute that it may send.", at_least=1, at_most=1_000_000),
    ] = None

    def answer(self, ctx: Context) -> IssuedToken:
        """See ``Request.answer``."""
        token, secret = add(ctx, self.name, Role[self.role], self.days, self.rate)
        return IssuedToken(token=token, secret=secret)


@dataclass(frozen=True, slots=True)
class RotateTokenRequest(
    Request[IssuedToken], demands=Role.admin, examples=("token rotate 3kTMd2x9 --grace 60",)
):
    """Replace a token by one of the same name, role and rate; its secret is shown once and kept nowhere.
    The former one holds as long as it is told to.
    """

    ident: Annotated[str, Says(text="The id of the token to replace.", metavar="ID")]
    _: KW_ONLY
    grace: Annotated[
        int, Says(text="Minutes that the former one still holds.", at_least=0, at_most=10_080)
    ] = 0

    def answer(self, ctx: Context) -> IssuedToken:
        """See ``Request.answer``. Raises ``NotFound``, and ``Usage`` for a token that is not valid."""
        token, secret = rotate(ctx, self.ident, self.grace)
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
        found = _status(ctx, Keyring().revoke(ctx, self.ident).id)
        if found.revoked is None:
            message = f"the token {self.ident} is not kept as revoked, though the store was told so"
            raise StoreDamaged(message, hint="'lineage verify' says what is wrong with the store.")
        return found
