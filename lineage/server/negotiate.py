# SPDX-License-Identifier: Apache-2.0
"""Finds the media type on offer that a client likes best (RFC 9110 section 12.5.1)."""

from __future__ import annotations

from collections.abc import Iterable


def preferred(accept: str, offered: Iterable[str]) -> str | None:
    """The media type offered that ``Accept`` rates highest; among equals the first, ``None`` where
    none is accepted.
    """
    wanted = list(_wanted(accept))
    best, chosen = 0.0, None
    for kind in offered:
        rated = ((len(pattern), quality) for pattern, quality in wanted if _fits(kind, pattern))
        _, quality = max(rated, default=(0, 0.0))
        if quality > best:
            best, chosen = quality, kind
    return chosen


def _wanted(accept: str) -> list[tuple[str, float]]:
    """Media ranges with their quality (RFC 9110 section 12.5.1); what cannot be read counts 0."""
    found = []
    for part in accept.split(","):
        pattern, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                quality = _quality(value)
        found.append((pattern, quality))
    return found


def _quality(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def _fits(kind: str, pattern: str) -> bool:
    if pattern in ("*/*", kind):
        return True
    return pattern.endswith("/*") and kind.startswith(pattern[:-1])
