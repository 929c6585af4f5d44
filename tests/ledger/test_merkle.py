# SPDX-License-Identifier: Apache-2.0
"""The Merkle log is RFC 6962's, proved with its vectors, and canonical JSON is RFC 8785's."""

from __future__ import annotations

from random import Random

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage import ids
from lineage.ledger import merkle
from lineage.model.record import line
from tests.strategies import edges, nodes

#: The leaves and roots of the Certificate Transparency test suite.
LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def leaves(count):
    return [merkle.leaf_hash(bytes([n])) for n in range(count)]


def test_the_roots_are_those_of_certificate_transparency():
    hashes = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]
    for size, root in ROOTS.items():
        assert merkle.root(hashes[:size]).hex() == root
    assert merkle.root([]) == merkle.EMPTY


def test_a_growing_log_has_the_root_of_all_its_leaves_and_survives_storage():
    log = merkle.Frontier()
    for size in range(1, 130):
        log = log.append(leaves(size)[-1])
        assert log.root == merkle.root(leaves(size))
        assert merkle.Frontier.from_bytes(size, log.to_bytes()) == log
    with pytest.raises(ValueError, match="peaks"):
        merkle.Frontier.from_bytes(127, log.to_bytes())


def test_every_leaf_can_be_proved_and_no_changed_proof_passes():
    random = Random(5)
    for size in range(1, 66):
        hashes, root = leaves(size), merkle.root(leaves(size))
        for index in range(size):
            path = merkle.inclusion(hashes, index)
            assert merkle.verifies(hashes[index], index, size, path, root)
            assert (
                not merkle.verifies(hashes[index], (index + 1) % size, size, path, root)
                or size == 1
            )
            if path:
                spot = random.randrange(len(path))
                bent = bytearray(path[spot])
                bent[random.randrange(32)] ^= 1 << random.randrange(8)
                changed = [*path[:spot], bytes(bent), *path[spot + 1 :]]
                assert not merkle.verifies(hashes[index], index, size, changed, root)


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=12,
)


@settings(max_examples=300)
@given(values)
def test_canonical_bytes_are_those_of_rfc_8785(value):
    try:
        expected = rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        return
    assert ids.canonical(value) == expected


@settings(max_examples=300)
@given(st.one_of(nodes, edges))
def test_the_line_of_a_record_is_the_canonical_json_of_what_it_says(record):
    import orjson

    text = line(record)
    assert rfc8785.dumps(orjson.loads(text)) == text
