# SPDX-License-Identifier: Apache-2.0
"""Answers in notebooks: a table nobody can smuggle anything into, and tables of pandas."""

from __future__ import annotations

import sys
from html.parser import HTMLParser

import pytest

import lineage
from lineage import Batch, Node
from lineage.errors import MissingExtra
from tests.graphql_schema.cases import small


class Tags(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.attributes, self.text = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def store():
    with small() as opened:
        yield opened


def test_an_answer_says_how_much_it_is_and_whether_that_is_all(store):
    whole, cut = store.trace("fraud@v1"), store.trace("fraud@v1", limit=2)
    assert repr(whole) == "<Answer: 11 things, 13 links, complete, as of entry 1>"
    assert repr(cut).startswith("<Answer: 2 things, 1 link, cut by limit")
    assert len(whole) == len(whole.ids) == len(list(whole)) == 11
    assert whole.ids == tuple(node.id for node in whole)


def test_a_notebook_shows_what_is_told_and_the_certificate(store):
    page = Tags(store.trace("fraud@v1")._repr_html_())
    assert "train-1" in page.text
    assert "finished, auc 0.91" in page.text
    assert "11 things, 13 links, complete, as of entry 1" in page.text
    assert "strong" in Tags(store.trace("fraud@v1", limit=2)._repr_html_()).elements


def test_nothing_that_a_source_said_becomes_markup():
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"
    node = Node(id="urn:t:'&lt;x", kind="Run", label=evil, attributes={"status": evil})
    with lineage.open("memory:") as store:
        store.ingest(Batch(nodes=(node,)))
        page = Tags(store.find()._repr_html_())
    assert set(page.elements) == {"div", "table", "thead", "tbody", "tr", "th", "td", "p"}
    assert [name for name, _ in page.attributes] == ["title"]
    assert page.attributes[0][1] == "urn:t:'&lt;x"
    assert evil in page.text


def test_a_table_is_as_long_as_a_page_and_a_cell_as_a_line():
    nodes = tuple(Node(id=f"urn:t:{n:03}", kind="Run", label="x" * 10_000) for n in range(120))
    with lineage.open("memory:") as store:
        store.ingest(Batch(nodes=nodes))
        shown = store.ask("*")._repr_html_()
        empty = store.find("nothing")._repr_html_()
    page = Tags(shown)
    assert page.elements.count("tr") == 1 + 50 + 1
    assert "and 70 more" in page.text
    assert len(shown) < 20_000
    assert "0 things, 0 links" in empty
    assert "th" not in Tags(empty).elements


def test_nodes_and_edges_become_tables_with_attributes_as_columns(store):
    answer = store.ask("*")
    nodes = answer.to_pandas().set_index("id")
    assert list(nodes.columns[:2]) == ["kind", "label"]
    assert nodes.loc["urn:t:run:2", "metric.auc"] == 0.93
    assert nodes.loc["urn:t:odd", "http://example.org/x"] == "grün"
    assert nodes.loc["urn:t:ana", "name"] == ["A. B.", "Ana"]
    assert nodes["param.lr"].isna().sum() == len(answer) - 2
    edges = answer.edges_to_pandas()
    assert list(edges.columns[:3]) == ["type", "effect", "cause"]
    plans = edges[edges["type"] == "wasAssociatedWith"]["prov:plan"]
    assert set(plans) == {"urn:t:commit"}
    empty = store.find("nothing")
    assert list(empty.to_pandas().columns) == ["id", "kind", "label"]
    assert list(empty.edges_to_pandas().columns) == ["type", "effect", "cause"]


def test_an_attribute_called_as_a_column_stands_beside_it():
    node = Node(id="urn:t:1", kind="Run", label="one", attributes={"id": "7", "label": "two"})
    with lineage.open("memory:") as store:
        store.ingest(Batch(nodes=(node,)))
        row = store.find().to_pandas().iloc[0]
    assert (row["id"], row["attributes.id"]) == ("urn:t:1", "7")
    assert (row["label"], row["attributes.label"]) == ("one", "two")


def test_without_pandas_the_next_step_is_named(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra) as caught:
        store.find().to_pandas()
    assert caught.value.hint == "pip install pandas"
