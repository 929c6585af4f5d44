# SPDX-License-Identifier: Apache-2.0
"""Two institutions that exchange packages: what each has, its policy, whom it trusts."""

from __future__ import annotations

import json

from lineage.formats import named
from lineage.model import kinds
from lineage.model.record import Batch, Edge, Node
from lineage.services.exchange import namespaces
from lineage.sources import zip_reader
from lineage.store.base import NOW as PRESENT
from lineage.store.paging import pages
from tests.services.forging import A, B, C

DIGEST = "ab" * 32
CONTENT = f"urn:lineage:content:sha256:{DIGEST}"
COMMIT = "swh:1:rev:" + "a1" * 20
#: What a holds: a pipeline under its own names and under those that everybody uses.
OURS = Batch(
    nodes=(
        kinds.ModelVersion(id="https://a.example/model", label="the model").node(),
        kinds.Run(id="https://a.example/run", label="ana's run").node(),
        kinds.Dataset(id="urn:lineage:dataset:a-lab/data", label="the data", name="data").node(),
        kinds.Person(id="urn:lineage:person:1", label="Ana", name="Ana").node(),
        kinds.Commit(id=COMMIT, label="a commit").node(),
        kinds.Content(id=CONTENT, label="some bytes", digest=f"sha256:{DIGEST}").node(),
    ),
    edges=tuple(
        Edge(relation=relation, effect=effect, cause=cause, attributes=attributes)
        for relation, effect, cause, attributes in (
            ("wasGeneratedBy", "https://a.example/model", "https://a.example/run", {}),
            (
                "used",
                "https://a.example/run",
                "urn:lineage:dataset:a-lab/data",
                {"prov:role": "in"},
            ),
            ("used", "https://a.example/run", COMMIT, {}),
            ("wasAssociatedWith", "https://a.example/run", "urn:lineage:person:1", {}),
            ("alternateOf", "urn:lineage:dataset:a-lab/data", CONTENT, {"method": "digest"}),
            ("alternateOf", CONTENT, "urn:lineage:dataset:a-lab/data", {"method": "digest"}),
        )
    ),
)
#: What a says itself of something that is b's.
KNOWN = Batch(nodes=(kinds.Dataset(id="https://b.example/known", label="as we know it").node(),))
POLICY = """
partner: {partner}
nodes:
  - keep: {{kind: [Model, ModelVersion, Commit, Content, Entity, Activity]}}
  - keep: {{id: "https://*"}}
  - pseudonymise: {{kind: [Run, Person, Dataset]}}
attributes:
  - keep: {{kind: Dataset, name: label}}
  - keep: {{kind: ModelVersion, name: label}}
  - keep: {{name: ["prov:role", reason]}}
digests: share
"""
#: Everything that b holds goes back under the names that it has.
BACK = """
partner: a
nodes:
  - keep: {kind: [Run, Model, ModelVersion, Dataset, Commit, Content, Entity, Activity, Person]}
attributes:
  - keep: {name: [label, "prov:role"]}
digests: share
"""


def policy(partner):
    return POLICY.format(partner=partner).encode()


def trusting(us, spaces, **partners):
    """A trust file; partners as (key, namespaces, more)."""
    listed = {
        name: {"keys": [key.public.to_text()], "origin": key.name, "namespaces": theirs, **more}
        for name, (key, theirs, more) in partners.items()
    }
    return json.dumps({"us": {"name": us, "namespaces": spaces}, "partners": listed}).encode()


def a_trusts(**more):
    return trusting(
        "a",
        ["https://a.example/", "urn:lineage:dataset:a-lab/"],
        b=(B, ["https://b.example/"], {"trust": "auto", **more}),
        c=(C, ["https://c.example/"], {"trust": "auto"}),
    )


def b_trusts(pseudonyms, **more):
    spaces = ["https://a.example/", pseudonyms]
    return trusting("b", ["https://b.example/"], a=(A, spaces, {"trust": "auto", **more}))


def snapshot(store):
    """Everything that a store holds: nodes with all claims, the ledger, the settings."""
    store = store.store
    idents = store.identifiers(None, 10_000, PRESENT)
    return (
        dict(store.held(idents, PRESENT)),
        [entry.leaf for entry in pages(store)],
        dict(store.values_under("", limit=10_000)),
        store.head().root,
    )


def local(store):
    """What is shown and said of every node by other sources than partners."""
    store = store.store
    idents = store.identifiers(None, 10_000, PRESENT)
    found = {}
    for ident, held in store.held(idents, PRESENT).items():
        own = [c for c in held.claims if not c.source.startswith(namespaces.SOURCE)]
        if any(isinstance(c.record, Node) for c in own):
            found[ident] = (held.row, held.since, held.until, own)
    return found


def labels(answer):
    return {node.title for node in answer.nodes}


def names_in(package):
    batch = named("json").loads(files_of(package.data)["bundle.prov.json"])
    return {node.id for node in batch.nodes}


def files_of(data):
    return zip_reader.read(data, most_bytes=10**8, most_files=20, where="package")
