# SPDX-License-Identifier: Apache-2.0
"""Events of OpenLineage, and what the importer reads in them."""

from __future__ import annotations

from importers.openlineage import batch_of
from lineage.model import check
from tests.conftest import KEY

RUN = "ea041791-68bc-4ae1-bd89-4c8106a157e4"
RUN_ID = f"urn:lineage:run:openlineage/{RUN}"


def event(kind="COMPLETE", time="2026-01-02T03:04:05.5+02:00", **more):
    shown = {
        "eventType": kind,
        "eventTime": time,
        "producer": "https://producer.example/1.2",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
        "run": {"runId": RUN},
        "job": {"namespace": "etl", "name": "daily.load"},
    }
    return {k: v for k, v in {**shown, **more}.items() if v is not None}


def dataset(name, version=None, **more):
    facets = {**more.pop("facets", {})}
    if version:
        facets["version"] = {"datasetVersion": version}
    return {"namespace": "postgres://db:5432", "name": name, "facets": facets, **more}


def read(shown):
    batch = batch_of(shown, person_key=KEY)
    assert [f for f in check.check(batch) if f.fatal] == []
    return batch


def attributes(batch, ident):
    found = {}
    for node in batch.nodes:
        if node.id == ident:
            found.update(node.attributes)
    return found


def edges(batch, relation):
    return {(e.effect, e.cause): dict(e.attributes) for e in batch.edges if e.relation == relation}


def facet(where, name, value, **more):
    """An event with one facet somewhere."""
    holder = {"facets": {name: {"_producer": "p", "_schemaURL": "s", **value}}}
    if where == "run":
        return event(run={"runId": RUN, **holder})
    if where == "job":
        return event(job={"namespace": "etl", "name": "daily.load", **holder})
    return event(**{where: [{"namespace": "n", "name": "d", **holder}]}, **more)
