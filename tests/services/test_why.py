# SPDX-License-Identifier: Apache-2.0
"""``why`` of what is connected in very many ways ends in time, and says what it lacks."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, pairwise
from types import SimpleNamespace

import pytest

import lineage
from lineage.app import Lineage
from lineage.errors import TimedOut
from lineage.model.record import Batch, Edge, Node


def ladder(steps):
    """Two things a step, each made from both of the step before: 2 ** steps shortest connections."""
    rungs = [(f"urn:{n}a", f"urn:{n}b") for n in range(steps)]
    return Batch(
        nodes=tuple(Node(id=name, kind="Dataset") for rung in rungs for name in rung),
        edges=tuple(
            Edge(relation="wasDerivedFrom", effect=effect, cause=cause)
            for before, after in pairwise(rungs)
            for effect in after
            for cause in before
        ),
    )


@pytest.mark.parametrize("asked", ["why", "ask"])
def test_why_that_lacks_the_time_says_so_with_what_it_found(address, asked, monkeypatch):
    with lineage.open(address) as store:
        store.ingest(ladder(30))
        ticks = count()
        clock = SimpleNamespace(monotonic=lambda: next(ticks))
        monkeypatch.setattr("lineage.store.paths.time", clock)
        here = Lineage(replace(store.context, budget=60))
        if asked == "why":
            answer = here.why("urn:29a", "urn:0a", k=50)
        else:
            answer = here.ask('why(id:"urn:29a", id:"urn:0a", k=50)')
        assert (answer.certificate.complete, answer.certificate.cut.reason) == (False, "time")
        assert 1 <= len(answer.paths) < 50
        with pytest.raises(TimedOut):
            here.ask('kind:dataset and why(id:"urn:29a", id:"urn:0a", k=50)')
        clock.monotonic = lambda: 0
        whole = here.why("urn:29a", "urn:0a", k=50)
        assert whole.certificate.complete
        assert [len(path) for path in whole.paths] == [29] * 50
        assert whole.paths[: len(answer.paths)] == answer.paths
