# SPDX-License-Identifier: Apache-2.0
"""Engines to run every contract on: memory, SQLite, and real Neo4j servers of two lines."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from lineage.store.base import Store
from tests.differences import explained

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools" / "neo4j"))

import server as neo4j_server  # noqa: E402 - it lives with the tools

#: Neo4j releases the contract holds on: the long-term line, and the newest.
RELEASES = OLDER, NEWEST = ("5.26.31", "2026.09.0")
ENGINES = ("memory", "sqlite", *(f"neo4j-{release}" for release in RELEASES))
#: The key that names people in tests, so that two stores give the same identifiers.
KEY = bytes(32)

# Containers often set it: commands would write otherwise than those of people.
os.environ.pop("PYTHONUNBUFFERED", None)

#: Where the files of tests are, if it has so many bytes: nobody waits for a disk there.
IN_MEMORY, ENOUGH = Path("/dev/shm"), 8 << 30
if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free >= ENOUGH:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))

settings.register_profile(
    "tests",
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    print_blob=True,
)
settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--deep``, which parts the suite in two."""
    parser.addoption(
        "--deep",
        action="store_true",
        help="Run what `make test` leaves to `make test-all`, and nothing else: Neo4j 5.26, the "
        "large random sets, the installs.",
    )


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Nodes and edges that differ, instead of all there are."""
    return explained(left, right) if op == "==" else None


#: Cases that take seconds and differ from a quicker one in the engine, the project or the extent only: `make test` has that
#: one, and has to end in minutes.
LENGTHY = (
    "test_autolog.py::test_inside_a_run_it_is_part_of_that*",
    "test_bench.py::test_tables_that_were_measured_are_written_whole*",
    "test_catalog.py::*[[]neo4j*",
    "test_conditions.py::test_a_text_is_found_in_names*neo4j*",
    "test_connections.py::test_hundreds_that_wait_make_room*",
    "test_corpora.py::*bank churn-[ns]*",
    "test_crashes.py::test_an_import_into_neo4j_may_be_killed*some-2026*",
    "test_crowd.py::test_fifty_honest_clients*",
    "test_deployments.py::test_a_failed_version_is_rolled_back*neo4j*",
    "test_dvc_histories.py::*bank-customer-churn*",
    "test_dvc_histories.py::test_a_model_names_the_digests_its_commit_locked[[]sqlite*",
    "test_four_questions.py::*bank churn-neo4j*",
    "test_killed_work.py::test_a_backup_is_taken_while_a_server_writes*",
    "test_killed_work.py::test_a_migration_may_be_killed*some*2026*",
    "test_migrations.py::test_a_migration_of_a_database_that_is_cut_off*",
    "test_migrations.py::test_what_was_kept_in_layout_1*neo4j*",
    "test_mlflow.py::test_a_model_version_leads_back*[[]sql]*",
    "test_neo4j_faults.py::test_a_server_that_works_for_longer*",
    "test_neo4j_faults.py::test_an_answer_that_is_lost*",
    "test_newer_vocabulary.py::*[[]20*",
    "test_pages.py::test_pages_add_up_with_a_writer_that_never_rests[[]neo4j*",
    "test_real_history.py::*[[]neo4j*",
    "test_scorers.py::*[[][px]*",
    "test_seeds.py::*-True]*",
    "test_serve.py::test_sigterm_among_stalled_clients*",
    "test_sparql.py::*churn-sqlite*",
    "test_sparql.py::*demo-neo4j*",
    "test_stderr.py::test_a_driver_that_logs*",
    "test_stderr.py::test_a_warning_stands_in_the_object*",
    "test_tampering.py::test_every_edit_of_a_graph_is_named[[]some-2026*",
)


def _part(item: pytest.Item) -> str:
    """Which part a test is in; neither, where it does some cases of what another of the part does many."""
    name = item.nodeid.rpartition("/")[2]
    is_deep = item.get_closest_marker("deep") is not None or any(
        fnmatchcase(name, pattern) for pattern in LENGTHY
    )
    if OLDER not in item.name and not is_deep:
        return "quick"
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return "covered" if params.get("extent") == 0 else "deep"


@pytest.hookimpl(tryfirst=True)  # workers read the groups in a hook of this name
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps one of the two parts of the suite, in an order that suits several workers."""
    wanted = "deep" if config.getoption("deep") else "quick"
    parts: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        parts[_part(item) == wanted].append(item)
    if parts[False]:
        config.hook.pytest_deselected(items=parts[False])
    items[:] = parts[True]
    _share(items)


def _share(items: list[pytest.Item]) -> None:
    """Where workers share the suite: the tests of one server go to one worker, so that it runs once
    and nobody empties it beside them; else those of a file do, with what the file made, or of several
    files that say so with ``xdist_group``. The servers' tests, which are the longest, begin.
    """
    rooms = {item: _room(item) for item in items}
    for item, room in rooms.items():
        item.add_marker(pytest.mark.xdist_group(room))
    items.sort(key=lambda item: not rooms[item].startswith("neo4j"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a reason for which tests were left out, however many they are."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    for reason, number in sorted(reasons.items()):
        terminalreporter.write_line(f"tests left out: {number}, because {reason}")
    for release in _unseen(terminalreporter):
        terminalreporter.write_line(f"no test ran on Neo4j {release}, and CI demands it", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI, a whole run in which a real server took no part is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and _unseen(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _unseen(reporter: pytest.TerminalReporter) -> list[str]:
    """Releases of Neo4j that a whole run in CI had to see, and did not."""
    config = reporter.config
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword
    if not os.environ.get("CI") or not whole or config.option.collectonly:
        return []
    passed = [report.nodeid for report in reporter.stats.get("passed", [])]
    demanded = RELEASES if config.getoption("deep") else (NEWEST,)
    return [release for release in demanded if not any(release in name for name in passed)]


def _room(item: pytest.Item) -> str:
    given = item.get_closest_marker("xdist_group")
    if given is not None:
        return str(given.args[0])
    release = next((release for release in RELEASES if release in item.name), None)
    if release is None:
        return item.nodeid.partition("::")[0]
    return "neo4j" if "LINEAGE_TEST_NEO4J" in os.environ else f"neo4j-{release}"


def unmeasured() -> dict[str, str]:
    """The environment without coverage, which loads modules and opens files of its own."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}


def clock() -> datetime:
    """A clock that stands still: equal imports then give equal ledgers."""
    return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], neo4j_server.Server]]:
    """Neo4j servers by release, each started once; LINEAGE_TEST_NEO4J names one that runs."""
    with ExitStack() as stack:
        running: dict[str, neo4j_server.Server] = {}

        def get(release: str) -> neo4j_server.Server:
            if release not in running:
                home = tmp_path_factory.mktemp(f"neo4j-{release}")
                try:
                    server = neo4j_server.Server.create(release, home, heap="1g")
                    running[release] = stack.enter_context(server)
                except neo4j_server.ServerError as error:
                    reason = f"no Neo4j {release}: {str(error).splitlines()[0]}"
                    if os.environ.get("CI"):
                        pytest.fail(reason)
                    pytest.skip(reason)
            return running[release]

        yield get


#: Many cases on a server take minutes, more where the machine does other things as well.
MANY = pytest.param(1, marks=[pytest.mark.deep, pytest.mark.timeout(1_800)])


@pytest.fixture(params=[0, MANY], ids=["some", "many"])
def extent(request: pytest.FixtureRequest) -> int:
    """0: as many random cases as ``make test`` has time for. 1: other ones, many, in ``test-all``;
    it is the seed that they are drawn with as well.
    """
    return int(request.param)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Every engine in turn."""
    return str(request.param)


@pytest.fixture
def address(
    engine: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> str:
    """The address of an empty store of the engine."""
    if engine == "memory":
        return "memory:"
    if engine == "sqlite":
        return str(tmp_path / "store.db")
    return neo4j_address(engine.removeprefix("neo4j-"), request, monkeypatch)


def neo4j_address(
    release: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The address of an emptied Neo4j database, its credentials in the environment."""
    url = os.environ.get("LINEAGE_TEST_NEO4J")
    if url is None:
        running = request.getfixturevalue("servers")(release)
        url = running.url
        monkeypatch.setenv("LINEAGE_NEO4J_USER", running.user)
        monkeypatch.setenv("LINEAGE_NEO4J_PASSWORD", running.password)
    empty(url)
    return url


def empty(url: str) -> None:
    """Delete everything in a database; the schema stays."""
    import neo4j

    auth = (os.environ.get("LINEAGE_NEO4J_USER", "neo4j"), os.environ["LINEAGE_NEO4J_PASSWORD"])
    text = "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS"
    with (
        neo4j.GraphDatabase.driver(url, auth=auth) as driver,
        driver.session(database="neo4j") as session,
    ):
        session.run(text).consume()


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    """An empty store of the engine."""
    from lineage.app import open_store

    opened = open_store(address, durability="fast")
    yield opened
    opened.close()


@pytest.fixture
def lineage_at() -> Iterator[Callable[..., object]]:
    """Open stores through the public door, with a clock that stands still and one key."""
    import lineage

    with ExitStack() as stack:

        def get(url: str) -> object:
            opened = lineage.open(
                url, clock=clock, person_key=KEY, actor="tester", durability="fast"
            )
            return stack.enter_context(opened)

        yield get


@pytest.fixture
def made_since() -> Callable[..., int]:
    """Count the objects of some types that were made since the test began and that somebody holds.
    What was there before is set aside: in a process of many tests a look at it takes a second.
    """
    gc.collect()
    gc.freeze()
    return lambda *types: sum(type(found) in types for found in gc.get_objects())


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Real data that nobody here wrote, where this clone stands beside it."""
    found = Path(os.environ.get("LINEAGE_CORPORA", ROOT.parent / "shared" / "corpora"))
    if not found.is_dir():
        pytest.skip(f"no corpora in {found} (LINEAGE_CORPORA: another place)")
    return found
