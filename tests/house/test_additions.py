# SPDX-License-Identifier: Apache-2.0
"""What one addition touches, tried in a copy: the files that CONTRIBUTING names, and no other."""

from __future__ import annotations

import pytest

from tests.house.scratch import Scratch

#: A sub-property of every relation of PROV that there is a statement for.
NARROWED = """    *(
        narrower(row, code=100 + row.code, name=f"own{row.name}", inverse=f"back{row.name}")
        for row in _PROV
        if row.base is None and row.implied_by is None
    ),
"""
OURS_END = ")\n#: Every relation: those of PROV, then ours."

ROUND_TRIPS = """
from lineage import formats
from lineage.model import terms
from lineage.model.record import Batch, Edge, Node, line
from lineage.model.value import Ref, Literal

EX = "http://example.org/"
own = [r for r in terms.TABLE if r.code > 100]
assert len(own) == 18, len(own)
FORMATS = [formats.named(name) for name in formats.BUILTIN]
for row in own:
    base = terms.RELATIONS[row.root]
    a, b, c = f"{EX}a", f"{EX}b", f"{EX}c"
    nodes = tuple(
        {i: Node(id=i, kind=k) for i, k in ((a, row.effect), (b, row.cause), (c, row.cause))}.values()
    )
    more = {"http://example.org/note": "x"}
    batches = {
        "alone": [Edge(relation=row.name, effect=a, cause=b)],
        "beside its base": [
            Edge(relation=row.name, effect=a, cause=b), Edge(relation=base.name, effect=a, cause=b)
        ],
        "with attributes": [Edge(relation=row.name, effect=a, cause=b, attributes=more)],
        "twice": [
            Edge(relation=row.name, effect=a, cause=b),
            Edge(relation=row.name, effect=a, cause=b, attributes=more),
            Edge(relation=row.name, effect=a, cause=c),
        ],
        "the base alone": [Edge(relation=base.name, effect=a, cause=b)],
    }
    for argument in row.arguments:
        if argument.holds == "ref":
            held = {argument.key: Ref(f"{EX}d")}
            batches[argument.key] = [Edge(relation=row.name, effect=a, cause=b, attributes=held)]
    for what, edges in batches.items():
        if base.name in ("hadDictionaryMember", "derivedByInsertionFrom", "derivedByRemovalFrom"):
            continue
        batch = Batch(nodes=nodes, edges=tuple(edges))
        wanted = {line(record) for record in batch.records}
        for format in FORMATS:
            if format.name in ("dot", "svg", "rocrate"):
                format.dumps(batch)
                continue
            got = {line(r) for r in format.loads(format.dumps(batch)).records}
            assert got == wanted, (row.name, what, format.name, got ^ wanted)
print("all")
"""


@pytest.fixture
def scratch(tmp_path):
    return Scratch(tmp_path)


def test_a_sub_property_of_any_relation_of_prov_survives_every_format(scratch):
    scratch.insert("lineage/model/terms.py", OURS_END, NARROWED)
    assert scratch.script(ROUND_TRIPS) == "all\n"
    assert scratch.touched == {"lineage/model/terms.py"}
