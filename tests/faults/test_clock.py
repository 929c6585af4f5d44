# SPDX-License-Identifier: Apache-2.0
"""A clock that goes back, or is far off: imports and tokens are right, or one error."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

import lineage
from lineage.errors import Usage
from lineage.store.base import NOW
from tests.conftest import KEY

MAY = datetime(2026, 5, 1, tzinfo=UTC)
#: What the clock says at each import, and when that is told to have been: times only grow.
CLOCKS = (MAY, MAY - timedelta(days=2_000), MAY + timedelta(days=1), datetime(1, 1, 1, tzinfo=UTC))
TOLD = (MAY, MAY, MAY + timedelta(days=1), MAY + timedelta(days=1))


class Clock:
    says = MAY

    def __call__(self) -> datetime:
        return self.says


def things(path, number):
    entities = {f"e:{n}": {} for n in range(number)}
    path.write_text(json.dumps({"prefix": {"e": "http://e/"}, "entity": entities}))
    return path


@pytest.mark.parametrize("url", ["memory:", "s.db"])
def test_what_is_imported_again_replaces_what_was_whatever_the_clock_says(url, tmp_path):
    """The last import stands, also where the clock says that it came before the others."""
    clock = Clock()
    place = url if url == "memory:" else tmp_path / url
    with lineage.open(place, clock=clock, person_key=KEY) as store:
        for number, (says, told) in enumerate(zip(CLOCKS, TOLD, strict=True), 2):
            clock.says = says
            wanted = 9 - number
            store.load(things(tmp_path / "d.json", wanted))
            assert store.stats().nodes == wanted
            [last] = store.store.headers(number - 2, 1, NOW)
            assert datetime.fromisoformat(last.recorded) == told
            assert ('"clock"' in last.note) is (says < told)
        assert store.verify().state == "intact"


def test_no_token_is_made_that_could_not_end(tmp_path):
    clock = Clock()
    with lineage.open(tmp_path / "s.db", clock=clock, person_key=KEY) as store:
        clock.says = datetime(9999, 12, 31, tzinfo=UTC)
        with pytest.raises(Usage, match="the clock says 9999-12-31"):
            store.add_token("airflow", role="viewer")
        assert list(store.tokens()) == []
        clock.says = MAY
        assert store.add_token("airflow", role="viewer").token.expires > MAY
