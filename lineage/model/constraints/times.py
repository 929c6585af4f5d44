# SPDX-License-Identifier: Apache-2.0
"""Times of PROV (xsd:dateTime texts) compared by value."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta

from lineage.model.value import Literal, Value, each

#: Finer than a microsecond: ``datetime`` would cut it off, so such times are told apart by text.
_MIDNIGHT = "T24:00:00"
_FINER = re.compile(r"\.\d{6}\d*[1-9]")
_DATE_TIME = re.compile(
    r"-?([1-9]\d{3,9}|0\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T"
    r"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00(?:\.0+)?)"
    r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?",
    re.ASCII,
)


def texts(value: Value | None) -> tuple[str, ...]:
    """The texts of an attribute that holds a time, or several."""
    if type(value) is str:
        return (value,)
    items = () if value is None else each(value)
    found = (item.value if isinstance(item, Literal) else item for item in items)
    return tuple(item for item in found if isinstance(item, str))


def instant(text: str) -> datetime | None:
    """What a text means, or ``None`` for what is no date and time."""
    if len(text) > 26 and _FINER.search(text):
        return None
    try:
        if _MIDNIGHT in text:
            # The end of a day is the beginning of the next one (XML Schema 1.1, section 3.3.7).
            return datetime.fromisoformat(text.replace(_MIDNIGHT, "T00:00:00")) + timedelta(days=1)
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None


def stated(text: str) -> bool:
    """Whether a text is an ``xsd:dateTime`` (XML Schema 1.1, section 3.3.7), which PROV-DM has for
    times.

    >>> stated("2024-02-29T10:00:00Z"), stated("2023-02-29T10:00:00Z"), stated("2024")
    (True, False, False)
    """
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return False
    day = int(found[3])
    # Every 400 years the days of the months are the same again.
    return day <= 28 or day <= monthrange(2000 + int(found[1]) % 400, int(found[2]))[1]


def same(one: str, other: str) -> bool:
    """Whether two texts name one instant.

    A time with an offset never equals one without (XML Schema 1.1, section 3.3.7).

    >>> same("2012-01-01T00:00:00Z", "2012-01-01T01:00:00.000+01:00")
    True
    """
    if one == other:
        return True
    value = instant(one)
    return value is not None and value == instant(other)


def before(one: datetime, other: datetime) -> bool:
    """Whether one instant is surely before the other: both have an offset, or neither has."""
    return (one.tzinfo is None) == (other.tzinfo is None) and one < other
