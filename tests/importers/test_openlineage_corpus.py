# SPDX-License-Identifier: Apache-2.0
"""Events that nobody here wrote: all taken or refused with a reason, in any order."""

from __future__ import annotations

import json
from random import Random

import lineage
from lineage.errors import Rejected
from lineage.model.record import line
from lineage.model.terms import RELATIONS
from lineage.store.base import NOW, Hop
from tests.conftest import KEY, clock
from tests.importers.openlineage_events import RUN, dataset, edges, event, facet, read


def corpus(folder):
    """Every value in the corpus that could be an event, with where it stands."""
    for path in sorted((folder / "openlineage").rglob("*.json")):
        try:
            found = json.loads(path.read_text("utf-8"))
        except ValueError:
            continue
        for place, item in enumerate(found if isinstance(found, list) else [found]):
            yield f"{path.name}[{place}]", item


def named(item):
    """The names in an event, found without any of our code."""
    jobs, runs, datasets = set(), set(), set()
    job = item.get("job") or {}
    if job.get("name"):
        jobs.add((job.get("namespace") or "", job["name"]))
    if (item.get("run") or {}).get("runId"):
        runs.add(item["run"]["runId"].lower())
    whole = [item["dataset"]] if item.get("dataset") else []
    for one in [*whole, *(item.get("inputs") or ()), *(item.get("outputs") or ())]:
        if one.get("name"):
            datasets.add((one.get("namespace") or "", one["name"]))
        columns = (one.get("facets") or {}).get("columnLineage") or {}
        for field in columns.get("fields", {}).values():
            told = (f for f in field["inputFields"] if f.get("name"))
            datasets.update((f.get("namespace") or "", f["name"]) for f in told)
    return jobs, runs, datasets


def test_every_event_of_the_corpus_is_taken_or_refused_with_a_reason(corpora):
    taken = refused = 0
    for where, item in corpus(corpora):
        jobs, runs, datasets = named(item)
        try:
            batch = read(item)
        except Rejected as error:
            refused += 1
            assert error.hint
            assert not (jobs or runs or "dataset" in item), where
            continue
        taken += 1
        told = {(n.kind, n.id): n.attributes for n in batch.nodes if "name" in n.attributes}
        ours = {
            kind: {(a.get("namespace", ""), a["name"]) for (k, _), a in told.items() if k == kind}
            for kind in ("Entity", "Dataset")
        }
        assert jobs <= ours["Entity"], where
        assert datasets <= ours["Dataset"], where
        found = {n.id.rpartition("/")[2] for n in batch.nodes if n.kind == "Run"}
        assert runs <= found, where
    assert (taken, refused) == (85, 101)


def test_a_file_of_events_counts_what_it_names_and_says_what_it_lost(corpora):
    path = corpora / "openlineage/MarquezProject+marquez/docker/metadata.template.json"
    items = json.loads(path.read_text("utf-8"))
    jobs, runs, datasets = (set().union(*sets) for sets in zip(*map(named, items), strict=True))
    with lineage.open("memory:", person_key=KEY) as store:
        (report,) = store.load(path)
        (again,) = store.load(path)
        assert report.importer == "openlineage"
        assert report.seen["events"] == len(items)
        assert report.seen["jobs"] == len(jobs)
        assert report.seen["runs"] == len(runs)
        assert report.seen["datasets"] == len(datasets)
        losses = [(loss.what, loss.number) for loss in report.losses]
        # The addresses of its databases hold the password.
        assert losses == [("eventTime", len(items)), ("texts with secrets", 13)]
        assert (again.added, again.entries) == (0, ())
        kinds = store.stats().kinds
        assert (kinds["Run"], kinds["Dataset"]) == (len(runs), len(datasets))


def graph(batches):
    """The graph that batches give when each is an entry of its own."""
    with lineage.open("memory:", person_key=KEY, clock=clock, actor="t") as store:
        for batch in batches:
            store.ingest(batch, source="openlineage:t")
        names = store.store.identifiers(None, 100_000, NOW)
        nodes = store.store.get(names, NOW)
        found = store.store.edges(names, Hop(relations=frozenset(RELATIONS)), NOW)
        assert store.verify().state == "intact"
    return sorted(nodes.values()), sorted(found, key=str)


def stream(corpora):
    """Whole lives of runs: the pie of the Marquez tests, and Spark jobs with many facets."""
    found = [item for where, item in corpus(corpora) if "pie" in where or "apple" in where.lower()]
    found += [item for where, item in corpus(corpora) if where.startswith(("example_", "serde_"))]
    other = dataset("orders", "v7", facets={"ownership": {"owners": [{"name": "team:data"}]}})
    found += [
        event("START", inputs=[dataset("raw")]),
        event("RUNNING", inputs=[dataset("raw", "v1")]),
        event("COMPLETE", "2026-01-02T05:00:00Z", outputs=[other]),
        event("FAIL", "2026-01-02T06:00:00Z"),
        event("OTHER", run={"runId": RUN, "facets": {"tags": {"tags": [{"key": "k"}]}}}),
    ]
    return found


def parts(item, rng):
    """One event as several: its inputs and outputs told one at a time."""
    if rng.random() < 0.5:
        return [item]
    bare = {k: v for k, v in item.items() if k not in ("inputs", "outputs")}
    told = [(k, one) for k in ("inputs", "outputs") for one in item.get(k) or ()]
    return [bare, *({**bare, key: [one]} for key, one in told)]


def test_events_shuffled_repeated_and_split_give_one_graph(corpora):
    items = stream(corpora)
    expected = graph([read(item) for item in items])
    assert len(expected[0]) > 20
    for seed in range(500):
        rng = Random(seed)
        told = [part for item in items for part in parts(item, rng)]
        told += rng.sample(told, rng.randint(0, 5))
        rng.shuffle(told)
        batches = [read(item) for item in told]
        if seed % 25 == 0:
            assert graph(batches) == expected, seed
        lines = {line(record) for batch in batches for record in batch.records}
        if seed == 0:
            first = lines
        assert lines == first, seed


def test_lineage_facets_tie_datasets_jobs_and_runs(corpora):
    folder = corpora / "openlineage/OpenLineage+OpenLineage/spec/tests/LineageFacet"
    for path in sorted(folder.glob("*.json")):
        value = json.loads(path.read_text("utf-8"))["lineage"]
        where = "job" if "entries" in value else "outputs"
        batch = read(facet(where, "lineage", value))
        told = {**edges(batch, "wasDerivedFrom"), **edges(batch, "wasInfluencedBy")}
        none = any("lineage.inputs" in node.attributes for node in batch.nodes)
        assert told or none, path.name
