# SPDX-License-Identifier: Apache-2.0
"""Reads dvc.yaml for what dvc.lock leaves out: working folders, metrics, plots, models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from importers.dvc.places import Place, joined, place_of
from lineage.errors import BadInput

#: The file that templates take values from unless told otherwise (dvc/parsing/__init__.py).
DEFAULT_VARS = "params.yaml"

_TEMPLATE = re.compile(r"(?<!\\)\$\{\s*([^{}]{1,200}?)\s*\}")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d{1,9})\]")
#: Combinations of one matrix that are looked through.
_MOST_COMBINATIONS = 10_000

Scope = Mapping[str, Any]
#: What a file holds, by its path; ``None`` for one that is not there.
Files = Callable[[str], Any]


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
        for said in _several(self.data.get("vars")):
            if isinstance(said, str):
                yield joined(self.folder, said.partition(":")[0])

    def inner_sources(self, scope: Scope) -> Iterator[str]:
        """Paths of the files that templates of one stage take more values from."""
        for stage in (self.data.get("stages") or {}).values():
            said = _template(stage)
            for one in _several(said.get("vars")):
                wdir = said.get("wdir", "")
                # That of one of several stages may hang on which of them it is: these are read from
                # the folder of dvc.yaml.
                base = fill(wdir, scope) if isinstance(wdir, str) else None
                if isinstance(one, str):
                    yield joined(joined(self.folder, base or ""), one.partition(":")[0])

    def scope(self, files: Files) -> dict[str, Any]:
        """The values templates see, out of the files of ``sources`` and those written inline."""
        found = files(joined(self.folder, DEFAULT_VARS))
        start = dict(found) if isinstance(found, dict) else {}
        return _extended(start, self.data.get("vars"), self.folder, files)

    # --- stages -----------------------------------------------------------------------------------

    def roles(self, stage: str, scope: Scope, files: Files) -> Roles:
        """What is said of a locked stage by its name."""
        name, at, key = stage.partition("@")
        said = (self.data.get("stages") or {}).get(name)
        if not isinstance(said, dict):
            return UNKNOWN
        local = dict(scope)
        if at:
            local |= _item(said, key, scope)
            said = _template(said)
        written = said.get("wdir", "")
        wdir = fill(written, local) if isinstance(written, str) else ""
        if wdir is None:
            return Roles(wdir=None, outputs={})
        folder = joined(self.folder, wdir)
        local = _extended(local, said.get("vars"), folder, files)
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
    return None if missing else filled.replace(r"\${", "${")


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


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _template(stage: Any) -> dict[str, Any]:
    """What ``foreach`` says of each of its stages; a stage without says it of itself."""
    said = stage if isinstance(stage, dict) else {}
    return said["do"] if isinstance(said.get("do"), dict) else said


def _extended(values: dict[str, Any], said: Any, folder: str, files: Files) -> dict[str, Any]:
    """Values with more of them: mappings that stand there, and files, or some keys of files."""
    for one in _several(said):
        found = one
        if isinstance(one, str):
            path, _, keys = one.partition(":")
            found = files(joined(folder, path))
            if keys and isinstance(found, dict):
                found = {key: found[key] for key in keys.split(",") if key in found}
        if isinstance(found, dict):
            values = _merged(values, found)
    return values


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two mappings with what both have joined (dvc/parsing/context.py, _merge)."""
    found = dict(one)
    for key, value in other.items():
        both = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = _merged(found[key], value) if both else value
    return found


def _item(stage: Mapping[str, Any], key: str, scope: Scope) -> dict[str, Any]:
    """The values of one of the stages that ``foreach`` or ``matrix`` makes of a definition."""
    each = _given(stage.get("foreach"), scope)
    if isinstance(each, dict):
        found = next((name for name in each if key in _names(name)), None)
        return {} if found is None else {"key": key, "item": each[found]}
    if isinstance(each, list):
        composite = any(isinstance(value, dict | list) for value in each)
        for at, value in enumerate(each):
            if key == str(at) if composite else key in _names(value):
                return {"item": value}
        return {}
    matrix = stage.get("matrix")
    axes = _given(matrix, scope) if isinstance(matrix, dict) else {}
    if not axes or not all(isinstance(values, list) and values for values in axes.values()):
        return {}
    chosen = _combination(list(axes.items()), key)
    return {"item": chosen, "key": key} if chosen is not None else {}


def _names(value: Any) -> tuple[str, ...]:
    """How a value is written in the name of a stage: DVC writes truth in two ways."""
    return (str(value), str(value).lower()) if isinstance(value, bool) else (str(value),)


def _combination(axes: Sequence[tuple[str, list[Any]]], key: str) -> dict[str, Any] | None:
    """The values that the name of a stage of a matrix means, one of each axis."""
    todo: list[tuple[int, str, dict[str, Any]]] = [(0, f"{key}-", {})]
    for _ in range(_MOST_COMBINATIONS):
        if not todo:
            break
        at, rest, chosen = todo.pop()
        if at == len(axes):
            if not rest:
                return chosen
            continue
        axis, values = axes[at]
        for place, value in reversed(list(enumerate(values))):
            composite = isinstance(value, dict | list)
            names = (f"{axis}{place}",) if composite else _names(value)
            if name := next((name for name in names if rest.startswith(f"{name}-")), None):
                todo.append((at + 1, rest[len(name) + 1 :], {**chosen, axis: value}))
    return None


def _given(value: Any, scope: Scope) -> Any:
    """A value with its templates filled in; what one template names is taken as it is."""
    if isinstance(value, str):
        found = _TEMPLATE.fullmatch(value)
        return _look_up(found[1], scope) if found else fill(value, scope)
    if isinstance(value, dict):
        return {key: _given(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [_given(item, scope) for item in value]
    return value
