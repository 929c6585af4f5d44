# SPDX-License-Identifier: Apache-2.0
"""Reads YAML strictly: one guard against tags and bombs, before anything is built."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from lineage.errors import BadInput, InputTruncated, LimitExceeded
from lineage.sources.text import decode, demand_merged

#: A document larger than this is refused (bytes), and a smaller one where aliases multiply it.
LARGEST = 32 * 1024 * 1024
LARGEST_WITH_ALIASES = 64 * 1024
MOST_ALIASES = 20
#: Deepest nesting accepted, in files of people and of tools, and in small ones of YAML 1.1.
DEEPEST, DEEPEST_1_1 = 50, 8

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_ODD = {".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf, ".nan": math.nan}

_CORE = "tag:yaml.org,2002:"
_MERGE = f"{_CORE}merge"

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """The safe loader with the core schema of YAML 1.2 (section 10.3), which the tools write that
    keep lock files: ``on`` is a word, ``1e-4`` a number, a date is text.
    """

    yaml_implicit_resolvers: Mapping[str, Any] = {}


class _AsWritten(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]
    """Every scalar is text, as it is written: 0010 has its zeros, 12e4567 is no number, ``on`` a word."""


class _Dialect(NamedTuple):
    """How scalars are read, and how much of a document is accepted."""

    loader: Any
    deepest: int
    aliases: int


_YAML_1_2 = _Dialect(_Loader, DEEPEST, MOST_ALIASES)
_YAML_1_1 = _Dialect(_Base, DEEPEST_1_1, 0)
_AS_WRITTEN = _Dialect(_AsWritten, DEEPEST, 0)


def load(data: bytes, *, where: str) -> Any:
    """Read the one YAML document in some bytes, with scalars as YAML 1.2 has them and each key
    once.

    Raises ``BadInput`` (not UTF-8, not YAML, conflict markers, tags, a key twice, several
    documents), ``InputTruncated`` and ``LimitExceeded`` (size, aliases, depth).
    """
    return _built(_text(data, where), where, _YAML_1_2)


def _text(data: bytes, where: str) -> str:
    """The text of a file. Raises as ``load`` does."""
    if len(data) > LARGEST:
        raise LimitExceeded(f"{len(data)} bytes of YAML, more than {LARGEST}", where=where)
    text = decode(data, where=where)
    if not text.strip():
        raise InputTruncated("the file is empty", where=where)
    demand_merged(text, where=where, hint="Resolve the merge, then run the same command.")
    return text


def load_yaml_1_1(text: str, *, where: str) -> Any:
    """Read a small text of YAML 1.1, as tools write it that use PyYAML as it is: ``on`` is true, a
    date a date, of a key that stands twice the last value counts. No alias is followed.

    Raises ``BadInput`` (not YAML, tags, aliases, several documents) and ``LimitExceeded`` (depth).
    """
    return _built(text, where, _YAML_1_1)


def compose(text: str, *, where: str, first: int = 1) -> yaml.Node | None:
    """Read a small text of YAML into its nodes, of which each scalar is text as it is written and each
    knows where it stands in the text; ``None`` for none. ``first`` is the line of the file at which it begins.

    Raises ``BadInput`` (not YAML, tags, aliases, several documents), ``InputTruncated``, ``LimitExceeded`` (depth).
    """
    node: yaml.Node | None = _guarded(text, where, _AS_WRITTEN, yaml.compose, first)
    return node


def compose_all(data: bytes, *, where: str) -> tuple[yaml.Node, ...]:
    """Read the YAML documents in some bytes into their nodes, one after another, as ``compose`` reads one; empty ones are
    left out.

    Raises as ``load`` and ``compose`` do, but for several documents.
    """
    text = _text(data, where)
    found: list[yaml.Node] = _guarded(text, where, _AS_WRITTEN, _composed)
    return tuple(node for node in found if node is not None and node.value != "")


def _composed(text: str, **options: Any) -> list[yaml.Node]:
    return list(yaml.compose_all(text, **options))


def pairs(node: yaml.MappingNode, *, where: str) -> dict[str, yaml.Node]:
    """The keys of a mapping of ``compose_all`` with their values, each key once. Raises ``BadInput`` with the line."""
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        at = f"{where}:{key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode):
            raise BadInput("a key is a list or a mapping", where=at)
        if key.value in found:
            raise BadInput(f"key {key.value!r} appears twice in one mapping", where=at)
        found[key.value] = value
    return found


def _built(text: str, where: str, dialect: _Dialect) -> Any:
    return _guarded(text, where, dialect, yaml.load)


def _guarded(
    text: str, where: str, dialect: _Dialect, read: Callable[..., Any], first: int = 1
) -> Any:
    try:
        _guard(text, where, dialect, first)
        return read(text, Loader=dialect.loader)  # a safe loader, guarded above
    except yaml.YAMLError as error:
        raise _explained(error, text, where, first) from error
    except (ValueError, RecursionError) as error:
        # Scalars that look like a number or a date and are none.
        problem = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(f"not YAML: {problem}", where=where) from error


def flatten(value: Any, limit: int) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings under dotted names; other values, lists too, are leaves.

    Stops after ``limit`` leaves and one.

    >>> list(flatten({"a": {"b": 1}, "c": [2]}, 10))
    [('a.b', 1), ('c', [2])]
    """
    todo: list[tuple[str, Any]] = [("", value)]
    while todo and limit >= 0:
        name, item = todo.pop()
        if isinstance(item, dict) and item:
            inner = f"{name}." if name else ""
            todo += [(f"{inner}{key}", item[key]) for key in reversed(item)]
        else:
            limit -= 1
            yield name, item


def _guard(text: str, where: str, dialect: _Dialect, first: int) -> None:
    """Look at the events of the parser, which build nothing, before anything is built."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=dialect.loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        line = event.start_mark.line + first if event.start_mark else 0
        if (tag := getattr(event, "tag", None)) is not None:
            raise BadInput(f"the tag {tag} is refused", where=f"{where}:{line}")
        if depth > dialect.deepest:
            message = f"nested deeper than {dialect.deepest} levels"
            raise LimitExceeded(message, where=f"{where}:{line}")
        if aliases and not dialect.aliases:
            raise BadInput("YAML aliases are not followed", where=f"{where}:{line}")
        if aliases > dialect.aliases:
            message = f"more than {dialect.aliases} aliases"
            raise LimitExceeded(message, where=f"{where}:{line}")
    if aliases and len(text) > LARGEST_WITH_ALIASES:
        message = f"{len(text)} characters with aliases, more than {LARGEST_WITH_ALIASES}"
        raise LimitExceeded(message, where=where)


def _explained(error: yaml.YAMLError, text: str, where: str, first: int) -> BadInput:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    if mark is None:
        return BadInput(f"not YAML: {problem}", where=where)
    place = f"{where}:{mark.line + first}:{mark.column + 1}"
    if mark.line >= len(text.rstrip().splitlines()) or "end of stream" in problem:
        return InputTruncated(f"the YAML ends too early: {problem}", where=place)
    return BadInput(f"not YAML: {problem}", where=place)


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    """A mapping; a key of its own may stand over one that was merged in, but not appear twice."""
    own: set[Any] = set()
    for key_node, _ in node.value:
        if key_node.tag == _MERGE:
            continue
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key, dict | list):
            raise _refused("a key is a list or a mapping", key_node)
        if key in own:
            raise _refused(f"key {key!r} appears twice in one mapping", key_node)
        own.add(key)
    loader.flatten_mapping(node)
    return {
        loader.construct_object(key, deep=True): loader.construct_object(value, deep=True)
        for key, value in node.value
    }


def _refused(problem: str, node: yaml.Node) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _integer(loader: Any, node: yaml.ScalarNode) -> int | str:
    text = str(loader.construct_scalar(node))
    try:
        return int(text, 0 if text[:2] in {"0o", "0x"} else 10)
    except ValueError:  # more digits than Python turns into a number
        return text


def _float(loader: Any, node: yaml.ScalarNode) -> float:
    text = str(loader.construct_scalar(node)).lower()
    return _ODD[text] if text in _ODD else float(text)


def _core_schema() -> None:
    resolve, construct = _Loader.add_implicit_resolver, _Loader.add_constructor
    resolve(f"{_CORE}bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
    resolve(f"{_CORE}int", re.compile(f"(?:{_INTEGER.pattern})$"), list("-+0123456789"))
    resolve(f"{_CORE}float", re.compile(f"(?:{_FLOAT.pattern})$"), list("-+0123456789."))
    resolve(f"{_CORE}null", re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
    resolve(_MERGE, re.compile(r"<<$"), ["<"])
    construct(f"{_CORE}int", _integer)
    construct(f"{_CORE}float", _float)
    construct(f"{_CORE}map", _mapping)


_core_schema()
