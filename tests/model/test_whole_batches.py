# SPDX-License-Identifier: Apache-2.0
"""A look at a batch as a whole misses nothing that a look at each of its records finds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import strategies as st

from lineage.access import mask
from lineage.model import check
from lineage.model.record import Batch
from lineage.model.value import Literal, Ref
from tests import strategies
from tests.strategies import drawn

SECRETS = ["https://ana:hunter2@lab.example/x", "--token=abcdefgh", "ghp_" + "a1" * 20,
           "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"]  # fmt: skip
ODD = ["b", "urn:a b", "urn:caf\u00e9", "urn:cafe\u0301", "urn:\ud800", "1:x", ""]
texts = st.sampled_from([*SECRETS, *ODD, "plain", "\ud800", "urn:test:x"])
values = st.one_of(
    texts,
    st.builds(Ref, texts),
    st.builds(Literal, texts, st.sampled_from([None, "xsd:string"])),
    st.integers(),
    st.just(object()),
    st.tuples(texts, texts),
)
names = st.sampled_from(["note", "db.password", "token", "", "a\x00b", "\u00e9", "prov:key"])


def spoiled(batch, name, value, ident, where):
    """The batch with something of that in one of its places."""
    if not batch.nodes or not batch.edges:
        return batch
    node, edge = batch.nodes[0], batch.edges[0]
    changes = {
        "node": ({"attributes": {name: value}}, {}),
        "edge": ({}, {"attributes": {name: value}}),
        "label": ({"label": ident}, {}),
        "id": ({"id": ident}, {}),
        "bundle": ({"bundle": ident}, {}),
        "cause": ({}, {"cause": ident}),
        "edge's id": ({}, {"id": ident}),
        "edge's bundle": ({}, {"bundle": ident}),
        "kind": ({"kind": "Nothing"}, {}),
        "relation": ({}, {"relation": "nothing"}),
        "bundles": ({}, {}),
    }[where]
    bundles = {ident: {}} if where == "bundles" else {}
    nodes = (replace(node, **changes[0]), *batch.nodes[1:])
    return Batch(
        nodes=nodes, edges=(replace(edge, **changes[1]), *batch.edges[1:]), bundles=bundles
    )


PLACES = ["node", "edge", "label", "id", "bundle", "cause", "edge's id", "edge's bundle", "kind", "relation", "bundles"]  # fmt: skip
spoils = st.builds(
    spoiled, strategies.batches, names, values, texts, st.sampled_from(PLACES)
) | st.builds(spoiled, strategies.batches, names, values, texts, st.just("node"))


@drawn(300, 1_000, spoils)
def test_what_is_wrong_is_found(batch):
    found = check.check(batch)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(check, "_is_plain", lambda _: False)
        assert found == check.check(batch)


@drawn(300, 1_000, spoils.filter(lambda batch: not check.check(batch)))
def test_what_is_secret_is_hidden(batch):
    found = mask.masked(batch)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(mask, "holds_any", lambda *_: True)
        assert found == mask.masked(batch)
