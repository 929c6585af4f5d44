# SPDX-License-Identifier: Apache-2.0
"""Reads dvc.yaml for what dvc.lock leaves out: working folders, metrics, plots, models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from importers.dvc.locked import Place, joined, place_of
from lineage.errors import BadInput

#: The file that templates take values from unless told otherwise (dvc/parsing/__init__.py).
DEFAULT_VARS = "params.yaml"

_TEMPLATE = re.compile(r"(?<!\\)\$\{\s*([^{}]{1,200}?)\s*\}")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d{1,9})\]")
#: Combinations of one matrix that are looked through.
_MOST_COMBINATIONS = 10_000

Scope = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Roles:
    """What dvc.yaml says of a locked stage: where it runs, and what its outputs are for.

    ``wdir`` is ``None`` where a template could not be filled in.
    """

    wdir: str | None
    outputs: Mapping[Place, str]
    known: bool = True
    unfilled: int = 0


#: What is known of a stage that no dvc.yaml defines.
UNKNOWN = Roles(wdir="", outputs={}, known=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipeline:
    """One dvc.yaml, with the folder it lies in."""

    data: Mapping[str, Any]
    folder: str
    #: Whether anything in it depends on values from elsewhere.
    templated: bool

    @classmethod
    def of(cls, data: Any, folder: str, where: str, *, templated: bool) -> Pipeline:
        """Read a dvc.yaml. Raises ``BadInput`` for what is none."""
        if data is None:
            data = {}
        if not isinstance(data, dict) or not isinstance(data.get("stages") or {}, dict):
            raise BadInput("this is no dvc.yaml: its stages are no mapping", where=where)
        return cls(data=data, folder=folder, templated=templated)

    @property
    def stages(self) -> frozenset[str]:
        """Names of the stages, of templated ones the part before ``@``."""
        return frozenset(map(str, self.data.get("stages") or {}))

    def sources(self) -> Iterator[str]:
        """Paths of the files that templates take values from."""
        yield joined(self.folder, DEFAULT_VARS)
        for said in self._vars():
            if isinstance(said, str):
                file = said.partition(":")[0]
                yield joined(self.folder, file)

    def scope(self, files: Mapping[str, Any]) -> dict[str, Any]:
        """The values templates see, out of the files of ``sources`` and those written inline."""
        values: dict[str, Any] = {}
        for path in self.sources():
            found = files.get(path)
            values |= found if isinstance(found, dict) else {}
        for said in self._vars():
            values |= said if isinstance(said, dict) else {}
        return values

    def _vars(self) -> list[Any]:
        said = self.data.get("vars")
        return said if isinstance(said, list) else []

    # --- stages -----------------------------------------------------------------------------------

    def roles(self, stage: str, scope: Scope) -> Roles:
        """What is said of a locked stage by its name."""
        name, at, key = stage.partition("@")
        said = (self.data.get("stages") or {}).get(name)
        if not isinstance(said, dict):
            return UNKNOWN
        local = dict(scope)
        if at:
            local |= _item(said, key, scope)
            said = said["do"] if isinstance(said.get("do"), dict) else said
        written = said.get("wdir", "")
        wdir = fill(written, local) if isinstance(written, str) else ""
        folder = joined(self.folder, wdir or "")
        outputs: dict[Place, str] = {}
        unfilled = 0
        for role, text, base in self._outputs(said, folder):
            path = fill(text, local)
            place = place_of(path, base) if path is not None else None
            if place is None:
                unfilled += 1
            elif outputs.get(place) != "metric":
                outputs[place] = role
        return Roles(wdir=wdir, outputs=outputs, unfilled=unfilled)

    def _outputs(self, stage: Mapping[str, Any], folder: str) -> Iterator[tuple[str, str, str]]:
        for role, key in (("metric", "metrics"), ("plot", "plots")):
            for path in _paths(stage.get(key)):
                yield role, path, folder
            for path in _paths(self.data.get(key)):
                yield role, path, self.folder
        plots = self.data.get("plots")
        for said in plots if isinstance(plots, list) else [plots]:
            for options in said.values() if isinstance(said, dict) else ():
                for axis in options.values() if isinstance(options, dict) else ():
                    for path in axis if isinstance(axis, dict) else ():
                        yield "plot", str(path), self.folder

    def models(self, scope: Scope) -> Iterator[tuple[str, Place]]:
        """Names and places of the artifacts that are models."""
        said = self.data.get("artifacts")
        for name, about in said.items() if isinstance(said, dict) else ():
            if not isinstance(about, dict) or about.get("type") != "model":
                continue
            text = about.get("path")
            path = fill(text, scope) if isinstance(text, str) else None
            place = place_of(path, self.folder)
            if place is not None and str(name).strip():
                yield (f"{self.folder}:{name}" if self.folder else str(name)), place


def fill(text: str, scope: Scope) -> str | None:
    """Fill in the templates of a text; ``None`` when one has no plain value.

    >>> fill("${dir}/${model.name}.pkl", {"dir": "out", "model": {"name": "rf"}})
    'out/rf.pkl'
    """
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        item = _look_up(found[1], scope)
        if isinstance(item, bool):
            return "true" if item else "false"
        if not isinstance(item, str | int | float):
            missing = True
        return str(item)

    filled = _TEMPLATE.sub(value, text)
    return None if missing else filled


def _look_up(name: str, scope: Scope) -> Any:
    item: Any = scope
    for found in _STEP.finditer(name):
        if found[2] is not None and isinstance(item, list):
            at = int(found[2])
            item = item[at] if at < len(item) else None
        elif found[1] is not None and isinstance(item, Mapping):
            item = item.get(found[1])
        else:
            return None
    return item


def _paths(value: Any) -> list[str]:
    """Paths out of a list whose entries are paths, or mappings from a path to its options."""
    entries = value if isinstance(value, list) else [value]
    found: list[str] = []
    for entry in entries:
        if isinstance(entry, str):
            found.append(entry)
        elif isinstance(entry, dict):
            found += map(str, entry)
    return found


def _item(stage: Mapping[str, Any], key: str, scope: Scope) -> dict[str, Any]:
    """The values of one of the stages that ``foreach`` or ``matrix`` makes of a definition."""
    each = _given(stage.get("foreach"), scope)
    if isinstance(each, dict):
        named = {str(name): (name, value) for name, value in each.items()}
        return {"key": named[key][0], "item": named[key][1]} if key in named else {}
    if isinstance(each, list):
        plain = {str(value): value for value in each if not isinstance(value, dict | list)}
        if key in plain:
            return {"item": plain[key]}
        at = int(key) if key.isdecimal() and len(key) < 9 else len(each)
        return {"item": each[at]} if at < len(each) else {}
    matrix = stage.get("matrix")
    return _combination(matrix, key, scope) if isinstance(matrix, dict) else {}


def _combination(matrix: Mapping[str, Any], key: str, scope: Scope) -> dict[str, Any]:
    axes = {str(name): _given(values, scope) for name, values in matrix.items()}
    if not all(isinstance(values, list) and values for values in axes.values()):
        return {}
    numbered = ([(name, i, v) for i, v in enumerate(vs)] for name, vs in axes.items())
    for tried, chosen in enumerate(product(*numbered)):
        if tried >= _MOST_COMBINATIONS:
            break
        named = "-".join(
            f"{name}{i}" if isinstance(value, dict | list) else str(value)
            for name, i, value in chosen
        )
        if named == key:
            return {"item": {name: value for name, _, value in chosen}, "key": key}
    return {}


def _given(value: Any, scope: Scope) -> Any:
    """A list or mapping that stands there, or that one template names."""
    if isinstance(value, str) and (found := _TEMPLATE.fullmatch(value)):
        return _look_up(found[1], scope)
    return value
