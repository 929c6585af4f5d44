# SPDX-License-Identifier: Apache-2.0
"""What a value means beside how it is written: numbers, truths and nulls that tools keep as text."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any, TypeAlias

from lineage.model.value import Literal, Scalar

#: Digits that an integer may have: more are no number that anybody counted with.
_DIGITS = 400
#: Numbers as JSON and programs write them: no leading zero, which codes have, no sign ``+``, no spaces.
_NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
#: Names of parameters whose digits count nothing: 1.10 is another version than 1.1, and 12e4 a commit.
_NAMES_NO_NUMBER = re.compile(
    r"(?:version|revision|commit|sha|hash|digest|checksum|md5|sha1|sha256)\Z", re.IGNORECASE
)
_TRUTHS = {"true": True, "True": True, "false": False, "False": False}
#: Truths of XML Schema, whose datatype says that they are some.
_TYPED_TRUTHS = {**_TRUTHS, "1": True, "0": False}
_NULLS = frozenset({"null", "None"})
_NUMERIC = frozenset(
    "xsd:" + name
    for name in [
        "double",
        "float",
        "decimal",
        "integer",
        "int",
        "long",
        "short",
        "byte",
        "nonNegativeInteger",
        "positiveInteger",
        "nonPositiveInteger",
        "negativeInteger",
        "unsignedInt",
        "unsignedLong",
        "unsignedShort",
        "unsignedByte",
    ]
)

#: What two values share that mean the same, however each is written.
Meaning: TypeAlias = "tuple[str, Any] | frozenset[Meaning]"


def typed(name: str, text: str) -> Scalar:
    """The value that a tracker keeps as the text of a parameter.

    A number or a truth in its canonical writing is that value; a number in another writing is a
    literal with its text (``1e-2``, ``0.10``). All else stays text: what may be a code (``07``),
    Python's ``True`` and ``None``, which XML Schema has no datatype for, and whatever is called a
    version, a commit or a digest.

    >>> typed("rate", "0.01"), typed("rate", "0.10"), typed("zip", "07")
    (0.01, Literal(value='0.10', datatype='xsd:double', language=None), '07')
    """
    if text in {"true", "false"}:
        return text == "true"
    if not text or text[0] not in "-.0123456789" or len(text) > _DIGITS:
        return text
    return text if _NAMES_NO_NUMBER.search(name) else _numeric(text)


@lru_cache(maxsize=4096)
def _numeric(text: str) -> Scalar:
    """A text as the number that it is, else the text."""
    if not _NUMBER.fullmatch(text):
        return text
    whole = _INTEGER.fullmatch(text) is not None
    value = int(text) if whole else float(text)
    if not whole and not math.isfinite(value):
        return text
    return value if repr(value) == text else Literal(text, "xsd:integer" if whole else "xsd:double")


@lru_cache(maxsize=4096)
def canonical(text: str) -> float | None:
    """The number that a text is the canonical writing of: that of JSON, or of Python.

    >>> canonical("0.01"), canonical("1e-05"), canonical("0.10"), canonical("1.10"), canonical("07")
    (0.01, 1e-05, None, None, None)
    """
    if not text or text[0] not in "-0123456789" or len(text) > _DIGITS:
        return None
    if not _NUMBER.fullmatch(text):
        return None
    value = int(text) if _INTEGER.fullmatch(text) else float(text)
    return value if repr(value) == text and math.isfinite(value) else None


def number(value: Any) -> float | None:
    """A value of canonical JSON as a number, where it is one: by its JSON type, by its datatype, or
    because its text is the canonical writing of one.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return canonical(value)
    if isinstance(value, dict) and value.get("type") in _NUMERIC:
        try:
            text = value["$"]
            return int(text) if re.fullmatch(r"[+-]?\d{1,400}", text) else float(text)
        except ValueError:
            return None
    return None


def truth(value: Any) -> bool | None:
    """A value of canonical JSON as a truth, where it is one, as Python writes it, too."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _TRUTHS.get(value)
    if isinstance(value, dict) and value.get("type") == "xsd:boolean":
        return _TYPED_TRUTHS.get(value["$"])
    return None


def may_be_number(text: str) -> bool:
    """Whether a text may be a number in another writing than the canonical one: ``1e-2``, ``07``,
    ``1_000``, ``1,5``, ``0x10``.
    """
    if canonical(text) is not None or not any(char.isdigit() for char in text[:_DIGITS]):
        return False
    for read in (float, lambda bare: int(bare, 0)):
        try:
            read(text[:_DIGITS].strip().replace(",", "."))
        except ValueError:
            continue
        return True
    return False


def meaning(value: Any) -> Meaning:
    """What a value of canonical JSON means: equal for 0.01, ``"0.01"`` and the literal ``1e-2``; for
    true and Python's ``"True"``; for ``"None"``, ``"null"`` and nothing; for several values in any order.
    """
    if isinstance(value, list | tuple):
        return frozenset(map(meaning, value))
    if value is None or (isinstance(value, str) and value in _NULLS):
        return ("null", None)
    if (said := truth(value)) is not None:
        return ("truth", said)
    if (amount := number(value)) is not None:
        return ("number", "NaN" if math.isnan(amount) else amount)
    if isinstance(value, dict):
        return ("text", (value["$"], value.get("lang"))) if "$" in value else ("json", repr(value))
    return ("text", (value, None))
