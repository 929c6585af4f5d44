# SPDX-License-Identifier: Apache-2.0
"""What XML 1.0 can hold, and what a text must be for a datatype of XML Schema 1.0: the schema of
PROV-XML checks each value that names its type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from xml.parsers import expat

from lineage.model import namespaces
from lineage.model.constraints import times

#: What XML cannot hold, not even as a reference (section 2.2).
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NCNAME = re.compile(r"[^\W\d][\w.\-\u00b7]*")
_SEGMENT = r"[A-Za-z0-9\-._~!$&'()*+,;=@]|%[0-9A-Fa-f]{2}"
#: An absolute URI (RFC 3986): what parsers take for a namespace, and the schema for ``xsd:anyURI``.
_URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.\-]*:(?://(?:{_SEGMENT})*(?::[0-9]{{1,5}})?(?=[/?#]|$)|(?!//))"
    rf"(?:{_SEGMENT}|[:/?])*(?:#(?:{_SEGMENT}|[:/?])*)?"
)
_ZONE = r"(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?"
_YEAR = r"-?(?:[1-9]\d{3,}|0(?!000)\d{3})"
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
_NO_YEAR = re.compile(r"-?0000-")


def ncname(text: str) -> bool:
    """Whether it can be a name without a colon (Namespaces in XML 1.0, section 3)."""
    return _ncname(text) if text.isascii() or len(text) < 100 else _is_ncname(text)


def _is_ncname(text: str) -> bool:
    if _NCNAME.fullmatch(text) is None:
        return False
    if text.isascii():
        return True
    try:
        # What else than ASCII may be in one, the parser knows.
        expat.ParserCreate("UTF-8").Parse(f"<{text}/>".encode(), True)
    except expat.ExpatError:
        return False
    return True


_ncname = lru_cache(maxsize=16_384)(_is_ncname)


_stated = lru_cache(maxsize=4_096)(times.stated)


def uri(text: str) -> bool:
    """Whether it is an absolute URI."""
    return _URI.fullmatch(text) is not None


def time(text: str) -> bool:
    """Whether it is an ``xsd:dateTime``; of XML Schema 1.0, which has no year 0."""
    return _stated(text) and _NO_YEAR.match(text) is None


def fits(text: str, datatype: str) -> bool:
    """Whether a text is of a datatype, by its IRI; not, for one that is none of XML Schema's."""
    known = _TYPES.get(datatype)
    return known is not None and known(text)


def _like(pattern: str) -> Callable[[str], bool]:
    found = re.compile(pattern, re.ASCII)
    return lambda text: found.fullmatch(text) is not None


def _whole(low: int | None = None, high: int | None = None) -> Callable[[str], bool]:
    def known(text: str) -> bool:
        if _INTEGER.fullmatch(text) is None or len(text) > _DIGITS:
            return False
        value = int(text)
        return (low is None or low <= value) and (high is None or value <= high)

    return known


def _any(_text: str) -> bool:
    return True


_INTEGER = re.compile(r"[+-]?[0-9]+")
#: Longer integers than these are no numbers to some parsers.
_DIGITS = 400
_TYPES: Mapping[str, Callable[[str], bool]] = {
    namespaces.XSD + name: known
    for name, known in {
        "string": _any,
        "normalizedString": _any,
        "token": _any,
        "anySimpleType": _any,
        "boolean": _like("true|false|0|1"),
        "decimal": _like(_NUMBER),
        "float": _like(rf"{_NUMBER}(?:[eE][+-]?\d+)?|-?INF|NaN"),
        "double": _like(rf"{_NUMBER}(?:[eE][+-]?\d+)?|-?INF|NaN"),
        "integer": _whole(),
        "nonNegativeInteger": _whole(0),
        "positiveInteger": _whole(1),
        "nonPositiveInteger": _whole(None, 0),
        "negativeInteger": _whole(None, -1),
        **{
            name: _whole(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            for name, bits in (("byte", 8), ("short", 16), ("int", 32), ("long", 64))
        },
        **{
            name: _whole(0, 2**bits - 1)
            for name, bits in (
                ("unsignedByte", 8),
                ("unsignedShort", 16),
                ("unsignedInt", 32),
                ("unsignedLong", 64),
            )
        },
        "dateTime": time,
        "date": lambda text: time(text[: _day(text)] + "T00:00:00" + text[_day(text) :]),
        "time": lambda text: time("2000-01-01T" + text),
        "gYear": _like(_YEAR + _ZONE),
        "gYearMonth": _like(rf"{_YEAR}-(?:0[1-9]|1[0-2]){_ZONE}"),
        "language": _like(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*"),
        "NCName": ncname,
        "NMTOKEN": _like(r"[\w.\-:]+"),
        "hexBinary": _like(r"(?:[0-9A-Fa-f]{2})*"),
        "anyURI": uri,
    }.items()
}


def _day(text: str) -> int:
    """Where the day of a date ends and its zone begins."""
    return text.find("-", 5) + 3
