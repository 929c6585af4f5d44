# SPDX-License-Identifier: Apache-2.0
"""Attribute values: typed, tagged, several of a key; their canonical form and the one people read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

import orjson

from lineage import ids


@dataclass(frozen=True, slots=True)
class Literal:
    """A value with a datatype or a language, kept by its text (PROV-DM section 5.7.3).

    ``datatype`` is an IRI in compact form (``xsd:decimal``); ``language`` a BCP 47 tag.
    """

    value: str
    datatype: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """An attribute value that names a thing: a qualified name in PROV, an IRI in RDF."""

    iri: str


Scalar: TypeAlias = str | int | float | bool | Literal | Ref
#: One value, or several of one key; a tuple is a set written in canonical order.
Value: TypeAlias = Scalar | tuple[Scalar, ...]
Attributes: TypeAlias = Mapping[str, Value]

_SAFE_INTEGER = 2**53


def clean(values: Mapping[str, Any]) -> dict[str, Value]:
    """Turn Python values into attributes: ``None`` left out, times as text, lists as sets.

    >>> clean({"a": None, "b": [2, 1, 2], "c": date(2026, 1, 2)})
    {'b': (1, 2), 'c': '2026-01-02'}
    """
    return {
        key: value
        for key, raw in values.items()
        if raw is not None and (value := clean_value(raw)) != ()
    }


def clean_value(raw: Any) -> Value:
    """Turn one Python value into an attribute value. Raises ``TypeError`` for what PROV cannot
    hold.
    """
    if isinstance(raw, list | tuple | set | frozenset):
        return several(clean_scalar(item) for item in raw if item is not None)
    return clean_scalar(raw)


def clean_scalar(raw: Any) -> Scalar:
    """Turn one Python scalar into an attribute scalar."""
    if isinstance(raw, datetime):
        return (
            raw.astimezone(UTC).isoformat().replace("+00:00", "Z")
            if raw.tzinfo
            else raw.isoformat()
        )
    if isinstance(raw, date):
        return raw.isoformat()
    if isinstance(raw, str | int | float | bool | Literal | Ref):
        return raw
    raise TypeError(f"{type(raw).__name__} is not an attribute value")


def several(values: Iterable[Scalar]) -> Value:
    """Make one attribute value of several values of a key, in canonical order and without repeats."""
    unique = {ids.canonical(_wire_scalar(value)): value for value in values}
    ordered = tuple(unique[text] for text in sorted(unique))
    return ordered[0] if len(ordered) == 1 else ordered


def _wire_scalar(value: Scalar) -> Any:
    """A scalar in the canonical form that digests are taken over: no floats, no large integers."""
    kind = type(value)
    if kind is str or kind is bool:
        return value
    if kind is int:
        if -_SAFE_INTEGER < value < _SAFE_INTEGER:  # type: ignore[operator]
            return value
        return {"$": str(value), "type": "xsd:integer"}
    if isinstance(value, float):
        return {"$": _float_text(value), "type": "xsd:double"}
    if isinstance(value, Ref):
        return {"$": value.iri, "type": "prov:QUALIFIED_NAME"}
    if isinstance(value, Literal):
        shown = {"$": value.value}
        if value.datatype:
            shown["type"] = value.datatype
        if value.language:
            shown["lang"] = value.language
        return shown
    raise TypeError(f"{type(value).__name__} is not an attribute value")


def _float_text(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else ("INF" if value > 0 else "-INF")


def _plain_scalar(value: Scalar) -> Any:
    """A scalar as people read it in JSON: finite floats are numbers, however they were given."""
    if type(value) is int:
        return _wire_scalar(value)
    shown = _wire_scalar(value)
    back = _scalar(shown)
    return back if isinstance(back, float) and math.isfinite(back) else shown


_NATIVE = frozenset({str, bool})


def _simple(attributes: Attributes) -> bool:
    """Whether all values are JSON as they stand: the common case, which is not copied."""
    for value in attributes.values():
        kind = type(value)
        if kind is not str and kind is not bool:
            if kind is int and -_SAFE_INTEGER < value < _SAFE_INTEGER:  # type: ignore[operator]
                continue
            return False
    return True


def wire(attributes: Attributes) -> Mapping[str, Any]:
    """Write attributes in canonical form."""
    if _simple(attributes):
        return attributes
    return {
        key: value if type(value) in _NATIVE else _each(value, _wire_scalar)
        for key, value in attributes.items()
    }


def plain(attributes: Attributes) -> Mapping[str, Any]:
    """Write attributes as answers show them."""
    if _simple(attributes):
        return attributes
    return {
        key: value if type(value) in _NATIVE else _each(value, _plain_scalar)
        for key, value in attributes.items()
    }


def _each(value: Value, shown: Callable[[Scalar], Any]) -> Any:
    if type(value) is tuple:
        value = several(value)
    return [shown(item) for item in value] if type(value) is tuple else shown(value)  # type: ignore[arg-type]


def each(value: Value) -> tuple[Scalar, ...]:
    """Yield the values of a key one by one; mostly there is one."""
    return value if isinstance(value, tuple) else (value,)


def refs(value: Value) -> Iterator[str]:
    """Yield the identifiers that a value names."""
    for item in each(value):
        if isinstance(item, Ref):
            yield item.iri


def wired(value: Value) -> Any:
    """Write one value, or several of a key, in canonical form."""
    return value if type(value) in _NATIVE else _each(value, _wire_scalar)


def unwired(shown: Any) -> Value:
    """Read a value, or several of a key, out of either JSON form."""
    return tuple(map(_scalar, shown)) if isinstance(shown, list) else _scalar(shown)


def unwired_scalar(shown: Any) -> Scalar | None:
    """Read one value out of JSON that anybody may have written; ``None`` where it is none."""
    texts = [shown.get("$"), *shown.values()] if isinstance(shown, dict) else []
    sound = isinstance(shown, str | bool | int | float) or (
        bool(texts)
        and shown.keys() <= {"$", "type", "lang"}
        and all(isinstance(text, str) for text in texts)
    )
    return _scalar(shown) if sound else None


def from_json(attributes: Mapping[str, Any]) -> dict[str, Value]:
    """Read attributes out of either JSON form."""
    return {
        key: value if type(value) in _NATIVE else unwired(value)
        for key, value in attributes.items()
    }


def _scalar(value: Any) -> Scalar:
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]
    text, kind, language = value["$"], value.get("type"), value.get("lang")
    if language is None:
        if kind == "prov:QUALIFIED_NAME":
            return Ref(text)
        if kind == "xsd:double":
            return _double(text)
        if kind == "xsd:integer" and _is_large(text):
            return int(text)
    return Literal(text, kind, language)


_ODD_DOUBLES = {"NaN": math.nan, "INF": math.inf, "-INF": -math.inf}


def _double(text: str) -> Scalar:
    """A float where its own text comes back, else the literal as it was written."""
    if text in _ODD_DOUBLES:
        return _ODD_DOUBLES[text]
    try:
        value = float(text)
    except ValueError:
        return Literal(text, "xsd:double")
    return value if repr(value) == text else Literal(text, "xsd:double")


def _is_large(text: str) -> bool:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 400:
        return False
    return str(int(text)) == text and abs(int(text)) >= _SAFE_INTEGER


def text(attributes: Attributes) -> str:
    """Write attributes as the JSON text that engines keep and answers show.

    Keys are sorted, so that the same attributes are the same text in every engine.
    """
    return (
        orjson.dumps(plain(attributes), option=orjson.OPT_SORT_KEYS).decode()
        if attributes
        else "{}"
    )


def read_text(attributes: str) -> dict[str, Value]:
    """Read attributes out of the text that engines keep."""
    return from_json(orjson.loads(attributes)) if attributes != "{}" else {}
