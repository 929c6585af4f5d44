# SPDX-License-Identifier: Apache-2.0
"""Parameters of a stage as attributes of its run: dotted names, scalars, no credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from importers.tally import Tally
from lineage.access.secret_patterns import scrub_value
from lineage.model.value import Scalar, Value
from lineage.sources import yaml_reader

#: Parameters (and metrics) of one run that are kept.
MOST_VALUES = 500


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
    """A value without credentials; what is taken out is counted."""
    if not isinstance(value, str):
        return value
    shown = scrub_value(name, value)
    if shown != value:
        reason = "look like credentials: the name is kept"
        tally.lose("values", reason, first=f"{name} of {where}")
    return shown


def _scalar(value: Any) -> Scalar:
    """A leaf as an attribute: lists and the absence of a value as JSON text."""
    if isinstance(value, str | int | float):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS).decode()
    except (TypeError, ValueError):
        return str(value)
