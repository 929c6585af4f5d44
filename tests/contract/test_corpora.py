# SPDX-License-Identifier: Apache-2.0
"""Real projects that nobody here wrote, imported into every engine: one graph, one root."""

from __future__ import annotations

import subprocess

import pytest

import lineage
from tests.conftest import KEY, clock

STREAMS = {
    "calkit": "dvc/calkit+example-basic/history.fast-export.txt",
    "bank churn": "dvc/iterative+demo-bank-customer-churn/history.fast-export.txt",
}


#: One that takes a server long.
LONG = pytest.param("calkit", marks=pytest.mark.deep)


@pytest.fixture(params=["bank churn", LONG])
def repository(request, corpora, tmp_path):
    path = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", "-b", "main", path], check=True)
    with (corpora / STREAMS[request.param]).open("rb") as stream:
        command = ["git", "-C", path, "fast-import", "--quiet"]
        subprocess.run(command, stdin=stream, check=True, capture_output=True)
    return path


def load(url, repository):
    with lineage.open(url, clock=clock, person_key=KEY, actor="tester", durability="fast") as store:
        first = [store.load(repository, named=name)[0] for name in ("git", "dvc")]
        again = [store.load(repository, named=name)[0] for name in ("git", "dvc")]
        assert [report.entries for report in again] == [(), ()]
        assert store.verify().state == "intact"
        return store.stats(), [(r.added, r.seen) for r in first]


def test_every_engine_holds_the_same_graph_under_the_same_root(repository, address):
    assert load(address, repository) == load("memory:", repository)
