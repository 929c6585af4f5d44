# SPDX-License-Identifier: Apache-2.0
"""Values in small files of four formats, and parameters of a stage as attributes of its run: dotted
names, scalars, no credentials.
"""

from __future__ import annotations

import ast
import json
import posixpath
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from importers.tally import Tally
from lineage.access.secret_patterns import scrub_value
from lineage.errors import BadInput, LimitExceeded
from lineage.model.numeric import typed
from lineage.model.value import Scalar, Value
from lineage.sources import yaml_reader

#: Parameters (and metrics) of one run that are kept.
MOST_VALUES = 500
#: A file of constants in Python larger than this is not parsed (bytes).
_LARGEST_PYTHON = 256 * 1024


def suffix(path: str) -> str:
    """The end of a path's name that tells its format."""
    return posixpath.splitext(path)[1].lower()


def load(data: bytes, path: str) -> Any:
    """Read a small file in the format that its name ends in, YAML if in no other: JSON, TOML, and the
    constants of Python (dvc/utils/serialize). Nothing is run. Raises ``BadInput`` and kinds of it.
    """
    loaders: dict[str, tuple[str, Callable[[bytes], Any]]] = {
        ".json": ("JSON", json.loads),
        ".toml": ("TOML", _toml),
        ".py": ("Python", _python),
    }
    if suffix(path) not in loaders:
        return yaml_reader.load(data, where=path)
    word, loader = loaders[suffix(path)]
    try:
        return loader(data)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(f"not {word}: {first}", where=path) from error


def _toml(data: bytes) -> Any:
    return tomllib.loads(data.decode())


def _python(data: bytes) -> dict[str, Any]:
    """The constants of a module, of its classes and of what their ``__init__`` sets on ``self``."""
    if len(data) > _LARGEST_PYTHON:
        raise LimitExceeded(f"{len(data)} bytes of Python, more than {_LARGEST_PYTHON}")
    return _constants(ast.parse(data).body, of_self=False)


def _constants(body: list[ast.stmt], *, of_self: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            found[statement.name] = _constants(statement.body, of_self=False)
        elif isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            found |= _constants(statement.body, of_self=True)
        elif isinstance(statement, ast.AnnAssign):
            found |= _constant(statement.target, statement.value, of_self=of_self)
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            found |= _constant(statement.targets[0], statement.value, of_self=of_self)
    return found


def _constant(target: ast.expr, value: ast.expr | None, *, of_self: bool) -> dict[str, Any]:
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        name = target.attr if of_self and target.value.id == "self" else None
    else:
        name = target.id if isinstance(target, ast.Name) and not of_self else None
    try:
        return {} if name is None or value is None else {name: ast.literal_eval(value)}
    except (ValueError, TypeError):
        return {}


def parameters(said: Mapping[str, Any], tally: Tally, where: str) -> dict[str, Value]:
    """Flatten the parameters of all files under dotted names; one that several files have
    differently keeps the file's name from the second on.
    """
    named: dict[str, Value] = {}
    for file in sorted(said, key=str):
        for name, leaf in yaml_reader.flatten(said[file], MOST_VALUES):
            value = _scalar(leaf)
            key = name if name not in named or named[name] == value else f"{file}:{name}"
            if not key or not key.isprintable():
                tally.lose("parameters", "have no printable name", first=where)
            elif len(named) >= MOST_VALUES and key not in named:
                reason = f"over {MOST_VALUES} of one run"
                tally.lose("parameters", reason, first=where)
            else:
                named[key] = _hidden(key, value, tally, where)
    return named


def _hidden(name: str, value: Scalar, tally: Tally, where: str) -> Scalar:
    """A value without credentials, of the type it means; what is taken out is counted."""
    if not isinstance(value, str):
        return value
    shown = scrub_value(name, value)
    if shown != value:
        reason = "look like credentials: the name is kept"
        tally.lose("values", reason, first=f"{name} of {where}")
    return typed(name, shown)


def _scalar(value: Any) -> Scalar:
    """A leaf as an attribute: lists and the absence of a value as JSON text."""
    if isinstance(value, str | int | float):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS).decode()
    except (TypeError, ValueError):
        return str(value)
