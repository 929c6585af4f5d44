# SPDX-License-Identifier: Apache-2.0
"""The command asks a server as it asks a file, and says what takes the store itself."""

from __future__ import annotations

import json

import pytest

import lineage
from lineage.cli import main
from tests.graphql_schema.cases import small

READING = [
    ["trace", "fraud@v1"],
    ["trace", "fraud@v1", "--full", "--depth", "2", "--json"],
    ["impact", "urn:t:odd"],
    ["why", "fraud@v1", "urn:t:odd", "-k", "2"],
    ["ask", "kind:run", "--ids"],
    ["ask", "kind:", "--json"],
    ["explain", '+model:"fraud@v1"'],
    ["compare", "fraud@v1", "fraud@v2"],
    ["bisect", "auc", "--from", "fraud@v1", "--to", "fraud@v2"],
    ["show", "urn:t:run:1", "--json"],
    ["show", "urn:t:nothing"],
    ["find", "fraud", "--kind", "modelversion"],
    ["find", "--kind", "nothing"],
    ["stats"],
]
LOCAL = [
    ["import", "x"],
    ["log"],
    ["rebuild", "--yes"],
    ["commit", "resolve"],
    ["token", "list"],
    ["copy", "URL", "copy.db"],
    ["copy", "new.db", "URL"],
]


@pytest.fixture(scope="module")
def doors(tmp_path_factory, served):
    """The addresses of one store: its file, and a server whose token is in the environment."""
    path = str(tmp_path_factory.mktemp("store") / "store.db")
    with small(path) as store, pytest.MonkeyPatch.context() as patch:
        there = served(store)
        patch.setenv("LINEAGE_TOKEN", there._transport.address.token)
        yield path, there.url


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run a command in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        with pytest.raises(SystemExit) as caught:
            main(words)
        said = capsys.readouterr()
        return caught.value.code or 0, said.out, said.err

    return call


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_command_that_reads_says_the_same_of_a_server(run, doors, words):
    file, server = (run("--store", door, *words) for door in doors)
    assert server == file
    assert file[1] or file[2]


def test_the_server_may_be_named_in_the_environment(run, doors, monkeypatch):
    monkeypatch.setenv("LINEAGE_STORE", doors[1])
    assert json.loads(run("stats", "--json")[1])["nodes"] == 13


@pytest.mark.parametrize("words", LOCAL, ids=" ".join)
def test_a_command_that_takes_the_store_itself_says_so(run, doors, words):
    url = doors[1]
    if "new.db" in words:
        lineage.open("new.db").close()
    words = [url if word == "URL" else word for word in words]
    code, out, err = run("--store", url, *words)
    assert (code, out) == (2, "")
    assert f"this needs the store itself, and {url} is a server" in err
    assert len(err.splitlines()) == 2


def test_verify_cannot_tell_of_a_server(run, doors):
    code, out, _ = run("--store", doors[1], "verify", "--json")
    assert code == 2
    assert "needs the store itself" in json.loads(out)["findings"][0]["message"]
