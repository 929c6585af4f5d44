# SPDX-License-Identifier: Apache-2.0
"""What is configured: an argument before the environment before the project's file before a default."""

from __future__ import annotations

import json

import pytest

import lineage
from lineage.cli import main
from lineage.config import SETTINGS, value
from lineage.errors import Usage


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder in a project whose file can be written."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    (tmp_path / ".lineage").mkdir()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")

    def write(text):
        (tmp_path / ".lineage" / "config.toml").write_text(text, "utf-8")

    return write


def origin(name, argument=None):
    found = value(name, argument)
    return found.value, found.origin


def test_the_first_that_says_something_has_its_way(project, monkeypatch):
    assert origin("actor") == (None, "unset")
    assert origin("neo4j_user") == ("neo4j", "default")
    project('actor = "file"')
    assert origin("actor") == ("file", "file")
    monkeypatch.setenv("LINEAGE_ACTOR", "environment")
    assert origin("actor") == ("environment", "environment")
    assert origin("actor", "argument") == ("argument", "argument")


def test_the_file_of_a_project_names_its_store_and_who_acts(project, tmp_path):
    project('store = "else.db"\nactor = "ana"')
    with lineage.open() as store:
        store.ingest(lineage.Batch(nodes=(lineage.Node(id="urn:a", kind="Run"),)))
        assert store.log().entries[0].actor == "ana"
    assert (tmp_path / "else.db").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('neo4j_password = "x"', "is a secret"),
        ('token = "x"', "is a secret"),
        ('stroe = "x"', "'stroe' is no setting"),
        ("actor = 3", "'actor' is no setting with a text"),
        ("actor =", "cannot be read"),
        ('store = "neo4j://elsewhere"', "by its path only"),
        ('store = "https://elsewhere"', "by its path only"),
    ],
)
def test_a_file_that_says_what_it_may_not_is_one_clear_error(project, text, message):
    project(text)
    with pytest.raises(Usage, match=message) as caught:
        value("actor")
    assert "config.toml" in str(caught.value)


def test_the_command_shows_where_each_value_came_from_and_no_secret(project, monkeypatch, capsys):
    project('actor = "ana"')
    monkeypatch.setenv("LINEAGE_NEO4J_PASSWORD", "geheim")
    with pytest.raises(SystemExit):
        main(["--store", "some.db", "config", "--json"])
    out = capsys.readouterr().out
    assert "geheim" not in out
    shown = {item["name"]: (item["value"], item["origin"]) for item in json.loads(out)["settings"]}
    assert shown["store"] == ("some.db", "argument")
    assert shown["actor"] == ("ana", "file")
    assert shown["neo4j_password"] == ("(set)", "environment")
    assert shown.keys() == {setting.name for setting in SETTINGS}
    with pytest.raises(SystemExit):
        main(["config"])
    assert "geheim" not in capsys.readouterr().out
