# SPDX-License-Identifier: Apache-2.0
"""Crates to be written and read."""

from __future__ import annotations

import io
import json
from zipfile import ZipFile

from lineage.formats import rocrate
from lineage.model.record import Batch, Edge, Node, line
from lineage.model.value import Ref

FORMAT = rocrate.FORMAT
METADATA = "ro-crate-metadata.json"

TRAINING = Batch(
    nodes=(
        Node(
            id="urn:run",
            kind="Run",
            label="train",
            attributes={
                "started": "2026-01-01T00:00:00Z",
                "ended": "2026-01-01T01:00:00Z",
                "status": "failed",
                "error": "out of memory",
                "param.rate": 0.1,
                "param.rounds": 20,
                "metric.auc": 0.9,
                "tracker": "mlflow",
            },
        ),
        Node(id="urn:ana", kind="Person", label="Ana", attributes={"email": "ana@example.org"}),
        Node(id="urn:bot", kind="SoftwareAgent", label="bot", attributes={"version": "2"}),
        Node(id="urn:lab", kind="Organization", label="Lab"),
        Node(id="swh:1:rev:" + "ab" * 20, kind="Commit", attributes={"message": "Start"}),
        Node(id="urn:data", kind="Dataset", label="data", attributes={"license": "CC0-1.0"}),
        Node(id="urn:model", kind="ModelVersion", label="fraud", bundle="urn:bundle"),
    ),
    edges=(
        Edge(
            relation="used", effect="urn:run", cause="urn:data", attributes={"prov:role": "train"}
        ),
        Edge(relation="wasGeneratedBy", effect="urn:model", cause="urn:run"),
        Edge(
            relation="wasAssociatedWith",
            effect="urn:run",
            cause="urn:ana",
            attributes={"prov:plan": Ref("swh:1:rev:" + "ab" * 20)},
        ),
        Edge(relation="wasAssociatedWith", effect="urn:run", cause="urn:bot"),
        Edge(relation="wasAttributedTo", effect="urn:data", cause="urn:lab"),
        Edge(relation="specializationOf", effect="urn:model", cause="urn:models"),
    ),
)


def same(one, other):
    return sorted(map(line, one.records)) == sorted(map(line, other.records))


def written(batch):
    """The metadata of a crate of ours: entities by identifier."""
    with ZipFile(io.BytesIO(FORMAT.dumps(batch))) as ours:
        graph = json.loads(ours.read(METADATA))["@graph"]
    return {entity["@id"]: entity for entity in graph}


def crate(*entities, **context):
    """The metadata of somebody's crate."""
    graph = [
        {"@id": METADATA, "@type": "CreativeWork", "about": {"@id": "./"}},
        {"@id": "./", "@type": "Dataset", "name": "Somebody's"},
        *entities,
    ]
    shown = ["https://w3id.org/ro/crate/1.1/context", context]
    return json.dumps({"@context": shown, "@graph": graph}).encode()
