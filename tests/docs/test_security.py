# SPDX-License-Identifier: Apache-2.0
"""The page of threats and promises is whole, and every test that a page names is one."""

from __future__ import annotations

import ast
import re

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
PAGES = (
    PAGE,
    *(
        (ROOT / "docs" / "reference" / name).read_text("utf-8")
        for name in ("capture.md", "decisions.md")
    ),
)
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", "".join(PAGES))))


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_a_page_names_is_there(path, name):
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    assert not name or name in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}


@pytest.mark.parametrize(
    "row", [*(f"T{n}" for n in range(1, 29)), *(f"P{n}" for n in range(1, 21))]
)
def test_each_threat_and_promise_has_a_test_or_is_said_to_be_open(row):
    [line] = [line for line in PAGE.splitlines() if line.startswith(f"| {row} ")]
    assert "`tests/" in line or "**open**" in line
