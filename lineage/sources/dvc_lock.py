# SPDX-License-Identifier: Apache-2.0
"""The stages that a dvc.lock holds, and by what an entry of it is known again."""

from __future__ import annotations

import posixpath
from typing import Any

from lineage import ids
from lineage.errors import BadInput, InputTooNew
from lineage.sources import yaml_reader

NAME = "dvc.lock"
#: The major version of the schema that is known (dvc/schema.py, LOCKFILE_SCHEMA).
SCHEMA = 2


def stages(data: bytes, where: str) -> dict[str, dict[str, Any]]:
    """The stages by name, unresolved. Raises ``BadInput`` and kinds of it, ``InputTooNew`` among them."""
    found = yaml_reader.load(data, where=where)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadInput("this is no dvc.lock: it holds no mapping", where=where)
    if "schema" in found or isinstance(found.get("stages"), dict):
        _demand_schema(found.get("schema"), where)
        found = found.get("stages") or {}
    if not isinstance(found, dict):
        raise BadInput("this is no dvc.lock: its stages are no mapping", where=where)
    if found and not any(isinstance(stage, dict) for stage in found.values()):
        raise BadInput("this is no dvc.lock: none of its entries is a stage", where=where)
    return {str(name): stage for name, stage in found.items() if isinstance(stage, dict)}


def entry(folder: str, name: str, said: dict[str, Any]) -> str:
    """What an entry is known by: the stage with the folder of its dvc.yaml, and a digest of all that is locked.

    >>> entry("model", "train", {"cmd": "python train.py"})
    'model/dvc.yaml:train@8233b16f97a29535'
    """
    return f"{posixpath.join(folder, 'dvc.yaml')}:{name}@{digest(said)}"


def digest(said: dict[str, Any]) -> str:
    """A digest of what an entry says, in the order in which it says it."""
    return ids.sha256(repr(said).encode())[:16]


def _demand_schema(schema: Any, where: str) -> None:
    text = "2.0" if schema is None else str(schema)
    major = text.partition(".")[0]
    if not major.isdecimal() or int(major[:9]) < 1:
        raise BadInput(f"dvc.lock has the schema {text[:20]!r}, which is none", where=where)
    if int(major[:9]) > SCHEMA:
        raise InputTooNew(f"dvc.lock has schema {text[:20]}, and {SCHEMA}.0 is known", where=where)
