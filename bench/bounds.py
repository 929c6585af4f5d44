# SPDX-License-Identifier: Apache-2.0
"""The bounds that we set ourselves for this release: where each is measured."""

from __future__ import annotations

from bench.document import Promised

PROMISED = (
    Promised("sqlite", "trace of a model, p50"),
    Promised("peers", "upstream of a model, nodes and edges, p50"),
    Promised("growth", "trace of a model, p50", column=3),
    Promised("sqlite", "impact of the hub: nodes and edges"),
    Promised("sqlite", "impact of the hub: identifiers"),
    Promised("sqlite", "impact of the hub: counts"),
    Promised("server", "served: impact of the hub: identifiers"),
    Promised("server", "served: impact of the hub: counts"),
    Promised("sqlite", "between, the longest"),
    Promised("sqlite", "why, k = 1"),
    Promised("sqlite", "the first fifty runs that failed"),
    Promised("sqlite", "the first fifty runs of an owner"),
    Promised("sqlite", "find by a part of a name"),
    Promised("sqlite", "a name that is not there"),
    Promised("sqlite", "show of the busiest"),
    Promised("sqlite", "stats"),
    Promised("sqlite", "ingest, records"),
    Promised("sqlite", "commit one run durably, p50"),
    Promised("sqlite", "on disk"),
    Promised("whole", "verify"),
    Promised("whole", "export nquads, memory"),
    Promised("whole", "export json, memory"),
    Promised("whole", "import of that JSON"),
    Promised("neo4j", "ask: all of them, median ratio"),
    Promised("neo4j", "ask: those that take the rival"),
    Promised("neo4j", "effects of the hub"),
    Promised("exchange", "PROV-O (TriG) read, records"),
    Promised("writers", "8 processes that write"),
    Promised("writers", "16 processes that read beside one that writes"),
    Promised("command", "`import lineage`"),
    Promised("command", "`lineage trace`"),
    Promised("command", "`lineage trace --json`"),
)
