# SPDX-License-Identifier: Apache-2.0
"""``pytest --lineage``: a test session as a run, with its results.

pytest loads this file wherever the package is installed: without the option it is an option, and nothing else.
"""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lineage.capture.found import Json
    from lineage.capture.session import Handle

#: Tests in a list.
_LISTED = 100
#: What becomes of a test, as pytest sums it up; ``rerun`` is an attempt of pytest-rerunfailures.
_OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    text = "Record this test session as a run: source, environment, and what became of the tests."
    parser.getgroup("lineage").addoption("--lineage", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Record the session, where that is asked for; a worker of pytest-xdist is part of somebody's."""
    is_worker = hasattr(config, "workerinput")
    if config.option.lineage and not is_worker and not config.option.collectonly:
        config.pluginmanager.register(Session(config), "lineage-session")


class Session:
    """What becomes of the tests of one session, by their identifiers."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._run: Handle | None = None
        self._outcomes: dict[str, str] = {}
        #: The outcomes of the attempts before the last one.
        self._attempts: dict[str, list[str]] = {}
        #: Files and classes that could not be collected: every worker says it.
        self._uncollected: dict[str, None] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Before workers are started, which are part of the run."""
        from lineage.capture.record import Asked
        from lineage.capture.session import begin
        from lineage.runs import delivering

        self._run = begin(
            Asked(name="pytest", is_tool=True),
            deliver=delivering(None, self._warn),
            warn=self._warn,
            apart=True,
            observing=False,
        )

    def _warn(self, text: str) -> None:
        """Say it where pytest says its own: stderr is captured."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(f"lineage: {text}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """What could not be collected."""
        if report.failed:
            self._uncollected[report.nodeid] = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What became of a test, as the plugins that are there sum it up."""
        status = self._config.hook.pytest_report_teststatus(report=report, config=self._config)
        category, test = status[0], report.nodeid
        if category == "rerun":
            self._attempts.setdefault(test, []).append("failed")
            # What a part of that attempt said is over.
            self._outcomes.pop(test, None)
        elif category in _OUTCOMES and self._outcomes.get(test) not in {"failed", "error"}:
            self._outcomes[test] = category

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """Say how it ended, when everybody else has said it."""
        try:
            return (yield)
        finally:
            if self._run is not None:
                self._run.facts("tests", self._told())
                self._run.end(code=int(session.exitstatus))

    def _told(self) -> dict[str, Json]:
        from lineage.capture.words import without_secrets

        counts = Counter(self._outcomes.values())
        bad = [test for test, how in self._outcomes.items() if how in {"failed", "error"}]
        each = sorted(f"{test} {how}\n" for test, how in self._outcomes.items())
        return {
            "total": len(self._outcomes),
            **{how: counts[how] for how in _OUTCOMES},
            "collection_errors": len(self._uncollected),
            "not_collected": _listed(list(self._uncollected)),
            "failures": _listed(sorted(bad)),
            "rerun": len(self._attempts),
            "attempts": _listed(
                [
                    f"{test}: {', '.join([*hows, self._outcomes.get(test, 'not finished')])}"
                    for test, hows in sorted(self._attempts.items())
                ]
            ),
            # Of all tests and what became of them: equal ones are equal sessions.
            "sha256": hashlib.sha256("".join(each).encode(errors="replace")).hexdigest(),
            "options": shlex.join(
                without_secrets([*map(str, self._config.invocation_params.args)]).words
            ),
            "pytest": pytest.__version__,
        }


def _listed(tests: Sequence[str]) -> list[Json]:
    """The first of many, and how many more there are."""
    more = len(tests) - _LISTED
    return [*tests[:_LISTED], *([f"and {more:,} more"] if more > 0 else [])]
