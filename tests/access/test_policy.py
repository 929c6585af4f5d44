# SPDX-License-Identifier: Apache-2.0
"""A policy reads as it is written: the first rule that fits decides, and wildcards release no one."""

from __future__ import annotations

import textwrap

import pytest

from lineage.access import policy_document
from lineage.access.policy import Resource
from lineage.errors import BadInput
from lineage.model.value import Literal, Ref
from lineage.sources.yaml_reader import load


def policy(**said):
    return policy_document.read({"partner": "b-institute", **said})


def example():
    whole = policy_document.__doc__.split("A whole example::\n")[1].split("\n*Nodes.*")[0]
    return load(textwrap.dedent(whole).encode(), where="b.yaml")


def test_the_example_in_the_docstring_is_a_policy_and_says_what_it_reads():
    said = policy_document.read(example())
    assert said.partner == "b-institute"
    assert (said.digests, said.k) == ("hmac", 5)
    verbs = {
        "urn:lineage:dataset:hr/salaries": ("Dataset", "cut"),
        "urn:lineage:model:fraud/m": ("Model", "keep"),
        "urn:lineage:model:other/m": ("Model", "surrogate"),
        "pkg:pypi/numpy@2": ("Package", "keep"),
        "urn:lineage:run:mlflow:fraud/1": ("Run", "pseudonymise"),
        "urn:lineage:artifact:scratch-7/x": ("Artifact", "collapse"),
    }
    for ident, (kind, verb) in verbs.items():
        assert said.node(Resource(ident, kind)) == verb, ident
    assert said.node(Resource("urn:x", "Content", {"visibility": "public"})) == "keep"
    assert said.node(Resource("urn:x", "Content", {"visibility": "secret"})) == "surrogate"
    assert (said.edge("wasAttributedTo"), said.edge("used")) == ("cut", "keep")
    run = Resource("urn:r", "Run")
    assert said.attribute(run, "metric.auc", 0.9).verb == "keep"
    assert said.attribute(run, "param.lr", 0.1).verb == "seal"
    assert said.attribute(run, "started", "2026-01-01").to == "month"
    assert said.attribute(run, "host", "node7").word == "gpu-node"
    assert said.attribute(run, "anything", "x").verb == "drop"
    assert said.attribute("used", "prov:role", "train").verb == "keep"
    assert said.attribute("wasDerivedFrom", "prov:role", "train").verb == "drop"


def test_the_digest_names_what_is_said_and_not_the_order_it_is_said_in():
    one, other = example(), dict(reversed(example().items()))
    assert policy_document.read(one).digest == policy_document.read(other).digest
    other["k"] = 6
    assert policy_document.read(one).digest != policy_document.read(other).digest


def test_what_is_not_said_is_the_safe_choice():
    said = policy()
    assert said.node(Resource("urn:x", "Model")) == "surrogate"
    assert said.attribute(Resource("urn:x", "Model"), "license", "MIT").verb == "drop"
    assert (said.edge("used"), said.digests) == ("keep", "drop")


def test_the_first_rule_that_fits_decides():
    said = policy(
        nodes=[{"cut": {"id": "urn:x:secret*"}}, {"keep": {"id": "urn:x:*"}}, {"otherwise": "cut"}]
    )
    assert said.node(Resource("urn:x:secret1", "Model")) == "cut"
    assert said.node(Resource("urn:x:open", "Model")) == "keep"
    assert said.node(Resource("urn:y", "Model")) == "cut"


@pytest.mark.parametrize(
    ("ident", "attributes", "project"),
    [
        ("urn:lineage:dataset:lab/x/y", {}, "lab"),
        ("urn:lineage:run:mlflow:lab/7", {}, "lab"),
        ("urn:lineage:run:mlflow:lab/7", {}, "mlflow:lab"),
        ("https://b.example/lab/x", {}, "lab"),
        ("pkg:lab/name@1", {}, "lab"),
        ("swh:1:rev:00", {"project": "lab"}, "lab"),
        ("urn:x", {"project": ("a", Ref("urn:p"), Literal("lab", "xsd:string"))}, "lab"),
    ],
)
def test_a_project_is_an_attribute_or_the_namespace_of_an_id(ident, attributes, project):
    assert project in set(Resource(ident, "Run", attributes).projects)
    said = policy(nodes=[{"keep": {"project": project}}])
    assert said.node(Resource(ident, "Run", attributes)) == "keep"


def test_globs_know_stars_and_question_marks_and_take_brackets_as_they_are():
    said = policy(nodes=[{"keep": {"id": ["urn:a?", "urn:[b]*"]}}])
    kept = [
        i
        for i in ("urn:a1", "urn:a12", "urn:[b]c", "urn:b", "urn:A1")
        if said.node(Resource(i, "Run")) == "keep"
    ]
    assert kept == ["urn:a1", "urn:[b]c"]


@pytest.mark.parametrize("kind", ["Person", "Agent"])
def test_people_keep_their_name_only_where_a_rule_names_their_kind(kind):
    someone = Resource("https://orcid.org/0000-0001", kind)
    everything = policy(nodes=[{"otherwise": "keep"}], attributes=[{"otherwise": "keep"}])
    assert everything.node(someone) == "pseudonymise"
    assert policy(nodes=[{"keep": {"id": "*"}}]).node(someone) == "pseudonymise"
    assert policy(nodes=[{"keep": {"kind": kind}}]).node(someone) == "keep"
    for name in ("name", "email", "label", "http://xmlns.com/foaf/0.1/mbox", "prov:type"):
        assert everything.attribute(someone, name, "Ana").verb == "drop"
        for rule in (
            {"keep": {"name": "*"}},
            {"keep": {"name": name}},
            {"keep": {"kind": kind, "name": "*"}},
            {"generalise": {"name": name, "to": "basename"}},
        ):
            assert policy(attributes=[rule]).attribute(someone, name, "Ana").verb == "drop", rule
        named = policy(attributes=[{"keep": {"name": "*"}}, {"keep": {"kind": kind, "name": name}}])
        assert named.attribute(someone, name, "Ana").verb == "keep"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("label", "x"),
        ("description", "x"),
        ("message", "x"),
        ("command", "x"),
        ("env.PATH", "x"),
        ("tag.mlflow.note.content", "x"),
        ("sql.query", "x"),
        ("http://www.w3.org/2000/01/rdf-schema#comment", Literal("x", None, "en")),
        ("dct:description", ("x", "y")),
        ("license", "x" * 201),
        ("license", "two\nlines"),
    ],
)
def test_free_text_leaves_only_by_its_own_name(name, value):
    model = Resource("urn:m", "Model")
    for rules in ([{"otherwise": "keep"}], [{"keep": {"name": "*"}}]):
        assert policy(attributes=rules).attribute(model, name, value).verb == "drop"
    assert (
        policy(attributes=[{"keep": {"name": name}}]).attribute(model, name, value).verb == "keep"
    )
    assert policy(attributes=[{"seal": {"name": "*"}}]).attribute(model, name, value).verb == "seal"


@pytest.mark.parametrize(
    ("said", "where", "words"),
    [
        ([], "", "not a mapping"),
        ({}, "/partner", "partner is None"),
        ({"partner": "B Institute"}, "/partner", "not one word"),
        ({"partner": "b", "node": []}, "", "did you mean nodes"),
        ({"partner": "b", "nodes": {}}, "/nodes", "not a list"),
        ({"partner": "b", "nodes": ["keep"]}, "/nodes/0", "one verb"),
        ({"partner": "b", "nodes": [{"keep": {"kind": "Run"}, "cut": {}}]}, "/nodes/0", "one verb"),
        ({"partner": "b", "nodes": [{"hide": {"kind": "Run"}}]}, "/nodes/0", "'hide' is none of"),
        ({"partner": "b", "nodes": [{"seal": {"kind": "Run"}}]}, "/nodes/0", "'seal' is none of"),
        ({"partner": "b", "nodes": [{"keep": {}}]}, "/nodes/0/keep", "what it is about"),
        ({"partner": "b", "nodes": [{"keep": None}]}, "/nodes/0/keep", "not a mapping"),
        ({"partner": "b", "nodes": [{"keep": {"kind": "Modle"}}]}, "/nodes/0/keep/kind", "Model"),
        ({"partner": "b", "nodes": [{"keep": {"kind": []}}]}, "/nodes/0/keep/kind", "not text"),
        ({"partner": "b", "nodes": [{"keep": {"id": 7}}]}, "/nodes/0/keep/id", "not text"),
        (
            {"partner": "b", "nodes": [{"keep": {"name": "x"}}]},
            "/nodes/0/keep",
            "'name' is none of",
        ),
        (
            {"partner": "b", "nodes": [{"keep": {"attribute": "x"}}]},
            "/nodes/0/keep/attribute",
            "names to values",
        ),
        (
            {"partner": "b", "nodes": [{"otherwise": "cut"}, {"keep": {"kind": "Run"}}]},
            "/nodes/0",
            "not the last",
        ),
        ({"partner": "b", "nodes": [{"otherwise": "drop"}]}, "/nodes/0/otherwise", "none of keep"),
        (
            {"partner": "b", "edges": [{"cut": {"relation": "use"}}]},
            "/edges/0/cut/relation",
            "did you mean used",
        ),
        (
            {"partner": "b", "attributes": [{"keep": {"kind": "Run"}}]},
            "/attributes/0/keep",
            "'\\*'",
        ),
        (
            {
                "partner": "b",
                "attributes": [{"keep": {"name": "x", "kind": "Run", "relation": "used"}}],
            },
            "/attributes/0/keep/relation",
            "about nodes",
        ),
        (
            {"partner": "b", "attributes": [{"generalise": {"name": "x"}}]},
            "/attributes/0/generalise/to",
            "month, basename",
        ),
        (
            {"partner": "b", "attributes": [{"generalise": {"name": "x", "to": "year"}}]},
            "/attributes/0/generalise/to",
            "none of month",
        ),
        (
            {"partner": "b", "attributes": [{"generalise": {"name": "x", "to": {"word": ""}}}]},
            "/attributes/0/generalise/to/word",
            "not text",
        ),
        (
            {"partner": "b", "attributes": [{"keep": {"name": "x", "to": "month"}}]},
            "/attributes/0/keep/to",
            "only it",
        ),
        (
            {"partner": "b", "attributes": [{"otherwise": "generalise"}]},
            "/attributes/0/otherwise",
            "none of keep",
        ),
        ({"partner": "b", "digests": "md5"}, "/digests", "share, hmac, drop"),
        ({"partner": "b", "k": True}, "/k", "2 to 1000"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_place(said, where, words):
    with pytest.raises(BadInput, match=words) as caught:
        policy_document.read(said, where="b.yaml")
    assert caught.value.where == f"b.yaml#{where}"
