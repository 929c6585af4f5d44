# SPDX-License-Identifier: Apache-2.0
"""Whoever asks for much, or for what takes long, does not keep the others waiting."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lineage.server.fair_queue import FairQueue

PATIENCE = 20


@pytest.fixture
def turns():
    with ThreadPoolExecutor(4) as executor:
        yield lambda slots: FairQueue(executor, range(slots))


def test_callers_go_round_however_many_calls_each_of_them_has(turns):
    done = []

    async def everybody():
        one = turns(1)
        calls = ["ana"] * 5 + ["ben"] * 2 + ["eva"]
        await asyncio.gather(*(one.run(who, lambda _, who=who: done.append(who)) for who in calls))

    asyncio.run(everybody())
    assert done == ["ana", "ana", "ben", "eva", "ana", "ben", "ana", "ana"]


def test_a_call_that_takes_long_is_passed_by_those_of_others(turns):
    done = threading.Event()

    async def everybody():
        many = turns(4)
        long = [
            asyncio.create_task(many.run("ana", lambda _: done.wait(PATIENCE))) for _ in range(9)
        ]
        await asyncio.sleep(0)
        assert await asyncio.wait_for(many.run("ben", lambda _: "short"), PATIENCE) == "short"
        assert not any(task.done() for task in long)
        done.set()
        assert all(await asyncio.gather(*long))

    asyncio.run(everybody())


def test_no_slot_is_taken_twice_and_all_come_back(turns):
    taken = []

    def use(slot):
        taken.append(slot)
        assert taken.count(slot) == 1
        taken.remove(slot)

    async def everybody():
        many = turns(3)
        await asyncio.gather(*(many.run(f"v{n % 7}", use) for n in range(200)))

    asyncio.run(everybody())


def test_what_goes_wrong_is_the_callers_and_nobody_elses(turns):
    async def everybody():
        one = turns(1)
        told = await asyncio.gather(
            one.run("ana", lambda _: 1 / 0), one.run("ben", lambda _: 7), return_exceptions=True
        )
        assert isinstance(told[0], ZeroDivisionError)
        assert told[1] == 7

    asyncio.run(everybody())


def test_who_no_longer_waits_has_no_turn(turns):
    begin, done = threading.Event(), []

    async def everybody():
        one = turns(1)
        first = asyncio.create_task(one.run("ana", lambda _: begin.wait(PATIENCE)))
        await asyncio.sleep(0)
        gone = asyncio.create_task(one.run("ben", lambda _: done.append("ben")))
        await asyncio.sleep(0)
        gone.cancel()
        begin.set()
        await first
        await one.run("eva", lambda _: done.append("eva"))

    asyncio.run(everybody())
    assert done == ["eva"]
