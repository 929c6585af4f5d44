# SPDX-License-Identifier: Apache-2.0
"""Remembers where imports came from on this machine, beside the graph."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import orjson

from importers.base import Source
from lineage.services.context import Context
from lineage.store.base import values_under

#: Names of the values kept of sources begin so.
PREFIX = "source/"


def remember(ctx: Context, name: str, importer: str, source: Source) -> None:
    """Remember where a source lies on this machine; what came through a pipe lies nowhere."""
    if source.path is None:
        return
    key = PREFIX + hashlib.sha256(name.encode()).hexdigest()[:32]
    value = orjson.dumps({"name": name, "importer": importer, "path": str(source.path)})
    if ctx.store.values([key]).get(key) != value:
        ctx.store.keep({key: value})


def repositories(ctx: Context) -> Iterator[Path]:
    """The git repositories that were imported and still lie where they did."""
    for _, value in values_under(ctx.store, PREFIX):
        held = orjson.loads(value)
        if held["importer"] == "git" and (path := Path(held["path"])).exists():
            yield path
