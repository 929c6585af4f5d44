# SPDX-License-Identifier: Apache-2.0
"""The suite has two parts that share nothing, leaves nothing out silently, and in CI nothing at all."""

from __future__ import annotations

import re

import pytest

SUITE = """
    import pytest

    def test_quick(): pass

    @pytest.mark.deep
    def test_large(): pass

    @pytest.mark.parametrize("engine", ["neo4j-5.26.31", "neo4j-2026.09.0"])
    def test_engine(engine): pass
"""


@pytest.mark.parametrize(
    ("options", "ran"),
    [
        ((), {"test_quick", "test_engine[neo4j-2026.09.0]"}),
        (("--deep",), {"test_large", "test_engine[neo4j-5.26.31]"}),
    ],
    ids=["test", "test-all"],
)
def test_every_test_is_in_one_of_two_parts(suite, options, ran):
    code, out = suite(SUITE, "-v", *options)
    assert code == 0, out
    every = {
        "test_quick",
        "test_large",
        "test_engine[neo4j-2026.09.0]",
        "test_engine[neo4j-5.26.31]",
    }
    assert {name for name in every if f"::{name} PASSED" in out} == ran
    assert "2 deselected" in out


def test_what_many_cases_cover_is_not_done_with_some_as_well(suite):
    text = """
        import pytest

        @pytest.mark.parametrize("engine", ["neo4j-5.26.31", "memory"])
        def test_engine(engine, extent): print("ran", engine, extent)
    """
    for options, ran in (((), ["memory 0"]), (("--deep",), ["memory 1", "neo4j-5.26.31 1"])):
        code, out = suite(text, "-rP", *options)
        assert code == 0, out
        assert sorted(re.findall(r"^ran (.+)$", out, re.MULTILINE)) == ran


def test_what_is_left_out_is_one_line_a_reason(suite):
    code, out = suite(
        """
        import pytest

        @pytest.mark.parametrize("number", range(30))
        def test_of_a_corpus(corpora, number): pass

        def test_of_a_browser(): pytest.skip("no Chromium on this machine")
        """,
        LINEAGE_CORPORA="/nowhere",
    )
    assert code == 0, out
    told = [line for line in out.splitlines() if "left out" in line]
    assert told == [
        "tests left out: 1, because no Chromium on this machine",
        "tests left out: 30, because no corpora in /nowhere (LINEAGE_CORPORA: another place)",
    ]
    assert "SKIPPED" not in out


@pytest.mark.parametrize(
    ("text", "options", "missing"),
    [
        # The names of these cases must name no release: that would put them in a part themselves.
        (SUITE, (), []),
        ("def test_quick(): pass", (), ["2026.09.0"]),
        (SUITE, ("--deep",), ["2026.09.0"]),
        (
            "import pytest\n@pytest.mark.deep\ndef test_x(): pass",
            ("--deep",),
            ["5.26.31", "2026.09.0"],
        ),
    ],
    ids=["whole", "no server", "deep", "no server, deep"],
)
def test_in_ci_a_run_that_no_real_server_took_part_in_fails(suite, text, options, missing):
    code, out = suite(text, *options, CI="true")
    told = [line for line in out.splitlines() if line.endswith("and CI demands it")]
    assert told == [f"no test ran on Neo4j {release}, and CI demands it" for release in missing]
    assert code == (1 if missing else 0), out


def test_the_tests_of_one_server_go_to_one_worker(suite):
    text = """
        import os
        import pytest

        @pytest.mark.parametrize("number", range(6))
        @pytest.mark.parametrize("engine", ["neo4j-2026.09.0", "memory"])
        def test_worker(engine, number):
            print(engine, os.environ["PYTEST_XDIST_WORKER"])
    """
    code, out = suite(text, "-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder", "-rP")
    assert code == 0, out
    told = {line for line in out.splitlines() if line.startswith("neo4j-2026.09.0 gw")}
    assert len(told) == 1, out
