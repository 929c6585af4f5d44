# SPDX-License-Identifier: Apache-2.0
"""A real Neo4j behind a network that fails: an answer or one error, and the same command finishes it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import neo4j
import pytest

import lineage
from lineage.errors import LineageError, StoreUnreachable
from lineage.store.neo4j import connect, silence
from tests.conftest import KEY, NEWEST, clock, empty, neo4j_address
from tests.faults.proxy import FAULTS, Proxy

#: A connection of the driver that was cut in its handshake lacks what its own __del__ looks for.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
#: Places of a fault in each sort of work, some and many.
PLACES = (2, 12)
RUNS = 30
RECORDS = RUNS * 4 + 1


@pytest.fixture(params=[NEWEST])
def port(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The port of a server whose database is empty."""
    return urlsplit(neo4j_address(request.param, request, monkeypatch)).port or 7687


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A document of PROV: runs that follow each other."""
    made = {
        "prefix": {"e": "http://e.example/"},
        "entity": {f"e:d{n}": {} for n in range(RUNS + 1)},
        "activity": {f"e:a{n}": {} for n in range(RUNS)},
        "used": {
            f"_:u{n}": {"prov:activity": f"e:a{n}", "prov:entity": f"e:d{n}"} for n in range(RUNS)
        },
        "wasGeneratedBy": {
            f"_:g{n}": {"prov:activity": f"e:a{n}", "prov:entity": f"e:d{n + 1}"}
            for n in range(RUNS)
        },
    }
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(made))
    return path


@contextmanager
def opened(port: int) -> Iterator[lineage.Lineage]:
    with lineage.open(f"bolt://127.0.0.1:{port}", clock=clock, person_key=KEY) as store:
        yield store


def imported(port: int, document: Path) -> int:
    with opened(port) as store:
        return sum(report.added for report in store.load(document))


def traced(port: int, _: Path) -> int:
    with opened(port) as store:
        asked = store.ask(f'+"http://e.example/d{RUNS}"')
        return len(store.trace(f"http://e.example/d{RUNS}").ids) + len(asked.ids)


WORK = {"import": imported, "questions": traced}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence ends sooner, and so does what is tried again."""
    monkeypatch.setattr(silence, "QUIET", 1.0)
    monkeypatch.setattr(connect, "RETRY", 1.5)


@pytest.mark.deep
def test_a_server_that_falls_silent_is_one_error(port, document, hasty):
    with Proxy(port) as through:
        imported(through.port, document)
        middle = through.packets // 2
    empty(f"bolt://127.0.0.1:{port}")
    with Proxy(port, at=middle, fault="stall") as through:
        with pytest.raises(StoreUnreachable, match=r"sent nothing for 1 seconds"):
            imported(through.port, document)
        through.heal()
        assert imported(through.port, document) in {0, RECORDS}


def test_an_answer_that_is_lost_is_asked_for_again(port, document, hasty):
    """On one connection nothing comes any more; the server is well, and says that it does not work for it."""
    imported(port, document)
    with Proxy(port) as through:
        expected, middle = traced(through.port, document), through.packets // 2
    with Proxy(port, at=middle, fault="stall one") as through:
        assert traced(through.port, document) == expected


@pytest.mark.deep
@pytest.mark.parametrize("what", WORK)
def test_any_packet_may_be_lost(port, document, hasty, what, extent):
    """The work ends with its answer or one error, nothing is seen half, and it is done by doing it again."""
    random, work = Random(extent), WORK[what]
    faults = list(FAULTS)
    random.shuffle(faults)
    imported(port, document)
    expected = seen(port)
    if what == "import":
        empty(f"bolt://127.0.0.1:{port}")
    with Proxy(port) as through:
        work(through.port, document)
        packets = through.packets
    for number in range(PLACES[extent]):
        if what == "import":
            empty(f"bolt://127.0.0.1:{port}")
        at, fault = random.randrange(packets), faults[number % len(faults)]
        with Proxy(port, at=at, fault=fault) as through:
            with suppress(LineageError):
                work(through.port, document)
            through.heal()
            assert seen(port) in ({} if what == "import" else expected, expected), (at, fault)
            work(through.port, document)
        assert seen(port) == expected, (at, fault)


def seen(port: int) -> dict[str, object]:
    """What readers see, of a ledger that is intact."""
    with opened(port) as store:
        stats = store.stats()
        if not stats.entries:
            assert stats.nodes == stats.edges == 0
            return {}
        assert store.verify().state == "intact"
        return {"stats": stats, "trace": store.trace(f"http://e.example/d{RUNS}").ids}


def test_a_server_that_works_for_longer_is_waited_for(port, document, monkeypatch):
    """It sends nothing while another transaction has the lock that the import needs."""
    monkeypatch.setattr(silence, "QUIET", 1.0)
    with opened(port):
        pass
    auth = (os.environ["LINEAGE_NEO4J_USER"], os.environ["LINEAGE_NEO4J_PASSWORD"])
    with (
        neo4j.GraphDatabase.driver(f"bolt://127.0.0.1:{port}", auth=auth) as driver,
        driver.session(database="neo4j") as session,
        session.begin_transaction() as other,
        ThreadPoolExecutor() as pool,
    ):
        other.run("MATCH (l:Ledger) SET l.locked = true").consume()
        importing = pool.submit(imported, port, document)
        with pytest.raises(TimeoutError):
            importing.result(4)
        other.rollback()
        assert importing.result() == RECORDS
