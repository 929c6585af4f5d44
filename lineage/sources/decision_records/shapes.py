# SPDX-License-Identifier: Apache-2.0
"""What a value of front matter may look like: how it is read out of YAML, and its JSON Schema.

Nothing is guessed from how a scalar looks: an identifier keeps its zeros, a number is one where the schema
wants one. A placeholder of a template that nobody filled in is a value that is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

import yaml

from lineage.sources.placeholder import is_placeholder

_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_EMPTY = frozenset({"", "~", "null"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a record, at a line and column of its file (both from 1)."""

    code: str
    line: int
    message: str
    hint: str
    column: int | None = None


@dataclass(slots=True)
class Reading:
    """One reading of front matter, which begins after ``before`` lines of its file: what was wrong with it."""

    before: int
    problems: list[Problem] = field(default_factory=list)

    def tell(self, node: yaml.Node, code: str, message: str, hint: str) -> None:
        """Note a problem at a place."""
        mark = node.start_mark
        self.problems.append(
            Problem(
                code=code,
                line=mark.line + 1 + self.before,
                column=mark.column + 1,
                message=message,
                hint=hint,
            )
        )


class Shape(Protocol):
    """What a value may look like."""

    def read(self, node: yaml.Node, at: str, reading: Reading) -> Any:
        """The value at a place, ``None`` for one that is missing or of another shape (which is told)."""
        ...

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema (draft 2020-12)."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """Text, as it is written: one of ``words`` where there are some, of a ``form`` of JSON Schema where it has one."""

    words: tuple[str, ...] = ()
    form: str | None = None

    def read(self, node: yaml.Node, at: str, reading: Reading) -> str | None:
        """See ``Shape``."""
        text = _scalar(node, at, reading)
        if text is None:
            return None
        if self.words and text not in self.words:
            hint = f"There are: {', '.join(self.words)}."
            reading.tell(node, "decision-value", f"{at} is {text!r}, which is no word for it", hint)
        if self.form == "date" and not _is_date(text):
            hint = "Write it as 2026-11-28."
            reading.tell(node, "decision-value", f"{at} is {text!r}, which is no date", hint)
        return text

    def schema(self) -> dict[str, Any]:
        """See ``Shape``."""
        told: dict[str, Any] = {"type": "string"}
        if self.words:
            told["enum"] = list(self.words)
        if self.form:
            told["format"] = self.form
        return told


@dataclass(frozen=True, slots=True)
class Number:
    """A number; ``whole`` for one that counts."""

    whole: bool = False

    def read(self, node: yaml.Node, at: str, reading: Reading) -> float | None:
        """See ``Shape``."""
        text = _scalar(node, at, reading)
        if text is None:
            return None
        found = _NUMBER.fullmatch(text)
        value = float(text) if found else None
        if value is None or abs(value) > 1e300 or (self.whole and not text.isdecimal()):
            what = "whole number" if self.whole else "number"
            hint = "Write digits, such as 3." if self.whole else "Write digits, such as 0.95."
            reading.tell(node, "decision-value", f"{at} is {text!r}, which is no {what}", hint)
            return None
        return value

    def schema(self) -> dict[str, Any]:
        """See ``Shape``."""
        return {"type": "integer", "minimum": 0} if self.whole else {"type": "number"}


@dataclass(frozen=True, slots=True)
class Many:
    """A list of values of one shape; one value alone is a list of it."""

    of: Shape

    def read(self, node: yaml.Node, at: str, reading: Reading) -> list[Any]:
        """See ``Shape``."""
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if isinstance(node, yaml.SequenceNode) and _is_unfilled(node):
            _tell_placeholder(node, at, reading)
            return []
        read = [self.of.read(item, f"{at}[{number}]", reading) for number, item in enumerate(items)]
        return [value for value in read if value is not None]

    def schema(self) -> dict[str, Any]:
        """See ``Shape``."""
        one = self.of.schema()
        return {"anyOf": [{"type": "array", "items": one}, one]}


@dataclass(frozen=True, slots=True)
class Part:
    """A value with parts of its own, each with a shape and a sentence; others are kept as text."""

    parts: Mapping[str, tuple[Shape, str]]

    def read(self, node: yaml.Node, at: str, reading: Reading) -> dict[str, Any] | None:
        """See ``Shape``."""
        if _is_unfilled(node):
            _tell_placeholder(node, at, reading)
            return None
        if not isinstance(node, yaml.MappingNode):
            if _scalar(node, at, reading) is not None:
                hint = f"Write its parts: {', '.join(self.parts)}."
                reading.tell(node, "decision-value", f"{at} has parts, and is written as one", hint)
            return None
        found: dict[str, Any] = {}
        for name, value in pairs(node, at, reading):
            shape = self.parts[name][0] if name in self.parts else Anything()
            read = shape.read(value, f"{at}.{name}", reading)
            if read is not None and read != []:
                found[name] = read
        return found

    def schema(self) -> dict[str, Any]:
        """See ``Shape``."""
        return {"type": "object", "properties": properties(self.parts)}


@dataclass(frozen=True, slots=True)
class Named:
    """Values of one shape by names that people choose."""

    of: Shape

    def read(self, node: yaml.Node, at: str, reading: Reading) -> dict[str, Any] | None:
        """See ``Shape``."""
        if not isinstance(node, yaml.MappingNode) or _is_unfilled(node):
            if _scalar(node, at, reading) is not None:
                hint = "Write it as names with values: {lr: 0.1}."
                reading.tell(node, "decision-value", f"{at} has no names", hint)
            return None
        read = {k: self.of.read(v, f"{at}.{k}", reading) for k, v in pairs(node, at, reading)}
        return {name: value for name, value in read.items() if value is not None}

    def schema(self) -> dict[str, Any]:
        """See ``Shape``."""
        return {"type": "object", "additionalProperties": self.of.schema()}


class Anything:
    """What no schema names: kept, every scalar of it as text."""

    def read(self, node: yaml.Node, at: str, reading: Reading) -> Any:
        """See ``Shape``."""
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, at, reading) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return {k: self.read(v, at, reading) for k, v in pairs(node, at, reading)}
        return node.value

    def schema(self) -> dict[str, Any]:
        """See ``Shape``."""
        return {}


def properties(parts: Mapping[str, tuple[Shape, str]]) -> dict[str, Any]:
    """The JSON Schema of some parts by name."""
    return {name: {"description": says, **shape.schema()} for name, (shape, says) in parts.items()}


def pairs(node: yaml.MappingNode, at: str, reading: Reading) -> Sequence[tuple[str, yaml.Node]]:
    """The keys of a mapping with their values; of a key that stands twice the first counts, which is told."""
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            hint = "Write a name before the colon."
            reading.tell(key, "decision-value", f"a key of {at} is a list or a mapping", hint)
        elif key.value in found:
            hint = "Remove one of the two: which of them is meant is not known."
            reading.tell(key, "decision-key-twice", f"the key {key.value!r} stands twice", hint)
        else:
            found[key.value] = value
    return list(found.items())


def _scalar(node: yaml.Node, at: str, reading: Reading) -> str | None:
    """The text of a scalar, without what stands for nothing."""
    if _is_unfilled(node):
        _tell_placeholder(node, at, reading)
        return None
    if not isinstance(node, yaml.ScalarNode):
        what = "list" if isinstance(node, yaml.SequenceNode) else "mapping"
        hint = "Write one value; in quotes, if it has braces, brackets or a colon in it."
        reading.tell(node, "decision-value", f"{at} is a {what}, not one value", hint)
        return None
    text = str(node.value).strip()
    return None if (node.style is None and text in _EMPTY) or not text else text


def _is_unfilled(node: yaml.Node) -> bool:
    """Whether a value is a placeholder. Without quotes, YAML reads ``{date}`` as a mapping without values,
    ``[people]`` as a list.
    """
    if isinstance(node, yaml.MappingNode):
        return bool(node.value) and node.flow_style and all(not v.value for _, v in node.value)
    if isinstance(node, yaml.SequenceNode):
        return len(node.value) == 1 and _is_unfilled(node.value[0])
    return isinstance(node, yaml.ScalarNode) and is_placeholder(node.value)


def _tell_placeholder(node: yaml.Node, at: str, reading: Reading) -> None:
    hint = "Replace it, or remove the line."
    reading.tell(node, "decision-placeholder", f"{at} is still what the template says", hint)


def _is_date(text: str) -> bool:
    try:
        return _DATE.fullmatch(text[:10]) is not None and bool(date.fromisoformat(text[:10]))
    except ValueError:
        return False
