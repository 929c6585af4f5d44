# SPDX-License-Identifier: Apache-2.0
"""Stores of institutions that exchange packages."""

from __future__ import annotations

import pytest

import lineage
from tests.conftest import KEY
from tests.services.forging import NOW


@pytest.fixture
def at(tmp_path, request):
    """Open stores by engine; the clock is ``NOW`` unless it is set."""
    opened = []
    time = [NOW]

    def get(engine="memory", actor="ana"):
        url = str(tmp_path / f"{len(opened)}.db") if engine == "sqlite" else f"{engine}:"
        if engine.startswith(("neo4j", "bolt")):
            url = engine
        store = lineage.open(
            url, clock=lambda: time[0], person_key=KEY, actor=actor, durability="fast"
        )
        opened.append(store)
        return store

    get.time = time
    yield get
    for store in opened:
        store.close()
