# SPDX-License-Identifier: Apache-2.0
"""Dates as people write them: today, yesterday, 2026/05/01, 1 May 2026."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from lineage.query.condition import instant

_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_CLOCK = r"(?:,?\s+(?:at\s+)?(?P<clock>\d{1,2}:\d{2}(?::\d{2})?)\s*(?P<zone>Z|UTC)?)?"
_FORMS = tuple(
    re.compile(form + _CLOCK, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})[/.](?P<month>\d{1,2})[/.](?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\.?\s+(?P<month>[a-z]+)\.?,?\s+(?P<year>\d{4})",
        r"(?P<month>[a-z]+)\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})",
    )
)
#: What to write, for errors.
HINT = 'Write 2026-05-01, "2026-05-01T12:00Z", "1 May 2026", today, yesterday or now.'


def iso(text: str) -> str | None:
    """A date or time in ISO 8601, as it is where it is one, else out of the words and forms that people
    use; all are of UTC, and day before month or the other way round (05/01/2026) is none.

    >>> iso("1 May 2026"), iso("May 1st, 2026 9:30"), iso("2026/5/1"), iso("05/01/2026")
    ('2026-05-01', '2026-05-01T09:30:00+00:00', '2026-05-01', None)
    """
    said = text.strip()
    if instant(said) is not None:
        return said
    now = datetime.now(UTC)
    word = said.lower()
    if word == "now":
        return now.isoformat()
    if word in _DAYS:
        return (now.date() + timedelta(days=_DAYS[word])).isoformat()
    for form in _FORMS:
        if found := form.fullmatch(said):
            return _moment(found)
    return None


def _moment(found: re.Match[str]) -> str | None:
    month = _month(found["month"])
    if month is None:
        return None
    try:
        day = date(int(found["year"]), month, int(found["day"]))
        if found["clock"] is None:
            return day.isoformat()
        hour, _, rest = found["clock"].partition(":")
        clock = time.fromisoformat(f"{hour:0>2}:{rest}")
    except ValueError:
        return None
    return datetime.combine(day, clock, UTC).isoformat()


def _month(text: str) -> int | None:
    """A month by its number, its name, or the beginning of it from three letters on."""
    if text.isdigit():
        return int(text)
    low = text.lower()
    low = "sep" if low == "sept" else low
    return next(
        (n for n, name in enumerate(_MONTHS, 1) if len(low) >= 3 and name.startswith(low)), None
    )
