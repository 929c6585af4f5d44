# SPDX-License-Identifier: Apache-2.0
"""Turns values of a tracking server into attributes: text that can be stored, times, numbers, no
secrets.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

from importers import tally
from lineage.access.secret_patterns import scrub_value

#: SQL has no infinity: MLflow writes the largest double for it, and for NaN a flag.
_SQL_INFINITY = 1.7976931348623157e308
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", ""})  # noqa: S104


class Tally(tally.Tally):
    """What a store holds and what of it became no record, counted while it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def attribute(self, name: str, value: str, where: str) -> str:
        """A value as it may be kept: what looks like a credential is replaced and counted."""
        shown = scrub_value(name, value)
        if shown != value:
            reason = "they look like credentials; the name is kept"
            self.lose("values", reason, first=f"{name} of {where}")
        return shown

    def moment(self, milliseconds: Any, where: str) -> str | None:
        """A time of MLflow as ISO 8601 in UTC; none and zero mean that it is not known."""
        if not milliseconds:
            return None
        try:
            at = _EPOCH + timedelta(milliseconds=int(milliseconds))
        except (ValueError, TypeError, OverflowError):
            self.lose("times", "not milliseconds since 1970 within the calendar", first=where)
            return None
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def number(self, value: Any, where: str, *, is_nan: bool = False) -> float | None:
        """A metric's value, with the NaN and infinities that SQL and JSON have no number for."""
        if is_nan:
            return math.nan
        try:
            found = float(value)
        except (ValueError, TypeError, OverflowError):
            self.lose("metrics", "the value is no number", first=where)
            return None
        return math.copysign(math.inf, found) if abs(found) >= _SQL_INFINITY else found


def storable(value: Any) -> Any:
    """Parsed JSON or YAML without the lone surrogates that no store can write."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return [storable(item) for item in value] if isinstance(value, list) else value


def key(prefix: str, name: str) -> str:
    """An attribute key: unprintable characters of a name would be refused with all that is near."""
    return f"{prefix}.{name if name.isprintable() else ''.join(_printable(name))}"


def _printable(name: str) -> Iterator[str]:
    return (char if char.isprintable() else "\ufffd" for char in name)


def split_url(text: str) -> SplitResult | None:
    """An address in its parts, ``None`` for what is none."""
    try:
        parts = urlsplit(text)
        _ = parts.port, parts.hostname
    except ValueError:
        return None
    return parts


def is_loopback(host: str | None) -> bool:
    """Whether a host name means another machine on every machine, and so names nothing."""
    return (host or "").lower() in _LOOPBACK
