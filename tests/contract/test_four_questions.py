# SPDX-License-Identifier: Apache-2.0
"""The GraphQL queries of docs/four-questions.md give the answers below them, on both engines."""

from __future__ import annotations

import json
import re
import subprocess

import orjson
import pytest

import lineage
from lineage.app import open_store
from lineage.cli import main
from lineage.services.operate.replicate import copy
from tests.conftest import KEY, clock
from tests.docs.pages import blocks
from tests.graphql_schema.conftest import asked
from tests.house.test_house import ROOT

PAGE = ROOT / "docs" / "four-questions.md"
PRINTED = re.findall(
    r"```graphql\n# ([\w ]+)\n(.*?)```\n```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
)
STREAM = "dvc/iterative+demo-bank-customer-churn/history.fast-export.txt"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The store that ``lineage demo`` leaves behind."""
    folder = tmp_path_factory.mktemp("demo") / "project"
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--folder", str(folder), "--json"])
    assert not ended.value.code
    return folder / ".lineage" / "store.db"


@pytest.fixture
def churn(tmp_path, corpora):
    """A DVC project that nobody here wrote, imported."""
    path = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", "-b", "main", path], check=True)
    with (corpora / STREAM).open("rb") as stream:
        command = ["git", "-C", path, "fast-import", "--quiet"]
        subprocess.run(command, stdin=stream, check=True, capture_output=True)
    file = tmp_path / "churn.db"
    with lineage.open(file, clock=clock, person_key=KEY, durability="fast") as store:
        for name in ("git", "dvc"):
            store.load(path, named=name)
    return file


def test_the_page_has_nothing_else_that_could_be_run():
    assert len(list(blocks(PAGE))) == 2 * len(PRINTED)


@pytest.mark.parametrize("engine", ["sqlite", "neo4j-2026.09.0"])
@pytest.mark.parametrize("project", ["demo", "bank churn"])
def test_each_query_of_the_page_gives_the_answer_below_it(project, engine, address, request):
    file = request.getfixturevalue("demo" if project == "demo" else "churn")
    url = str(file)
    if engine != "sqlite":
        url = address
        source, target = open_store(str(file)), open_store(address)
        copy(source, target)
        source.close()
        target.close()
    questions = [(query, answer) for store, query, answer in PRINTED if store == project]
    assert len(questions) == 4
    with lineage.open(url, create=False) as store:
        for query, answer in questions:
            told = orjson.loads(asked(store, query))
            assert told == {"data": json.loads(answer), "errors": []}, query
