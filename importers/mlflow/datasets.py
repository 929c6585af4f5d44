# SPDX-License-Identifier: Apache-2.0
"""Maps the data that runs read: named datasets, and the version of each that a run saw."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from importers.mlflow.entities import Dataset, DatasetInput
from importers.mlflow.naming import Naming, edge
from importers.mlflow.values import is_loopback, split_url, storable
from lineage import ids
from lineage.ids import Id
from lineage.model import kinds
from lineage.model.record import Record
from lineage.model.value import Attributes


class Datasets:
    """Turns the datasets of runs into records, each described once."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._tally = naming.tally
        self._met: dict[Dataset, Id] = {}

    def used(self, run: Id, used: DatasetInput) -> Iterator[Record]:
        """A dataset that a run read."""
        if not (used.dataset.name and used.dataset.digest):
            self._tally.lose("dataset inputs", "they have no name or no digest", first=run)
            return
        if used.dataset not in self._met:
            yield from self._dataset(used.dataset)
        role: Attributes = {"prov:role": used.context} if used.context else {}
        yield edge("used", run, self._met[used.dataset], role)

    def _dataset(self, dataset: Dataset) -> Iterator[Record]:
        uri = _uri(dataset.source)
        namespace, name = _public_name(uri) or (self._naming.instance, dataset.name)
        whole = ids.dataset_id(namespace, name)
        version = ids.dataset_version_id(namespace, name, "mlflow", ids.segment(dataset.digest))
        self._met[dataset] = version
        yield from self._naming.once(
            kinds.Dataset(id=whole, label=dataset.name, name=name, namespace=namespace)
        )
        yield self._version(version, dataset, uri).node()
        yield edge("specializationOf", version, whole)

    def _version(self, ident: Id, dataset: Dataset, uri: str | None) -> kinds.DatasetVersion:
        where = f"dataset {dataset.name}"
        more = {
            "uri": uri,
            "source_type": dataset.source_type,
            "schema": dataset.schema,
            "profile": dataset.profile,
        }
        return kinds.DatasetVersion(
            id=ident,
            label=f"{dataset.name}@{dataset.digest}",
            name=dataset.name,
            digest=f"mlflow:{dataset.digest}",
            more={
                name: self._tally.attribute(name, text, where)
                for name, text in more.items()
                if text
            },
        )


def _uri(source: str | None) -> str | None:
    """Where a dataset came from, as MLflow's source types write it."""
    try:
        said: Any = storable(json.loads(source or ""))
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    found = next((said[name] for name in ("uri", "url", "path") if said.get(name)), None)
    return found if isinstance(found, str) else None


def _public_name(uri: str | None) -> tuple[str, str] | None:
    """Namespace and name of a dataset out of its address, as OpenLineage writes them, where the
    address means the same everywhere: no file of some machine, no query, nothing on loopback.
    """
    parts = split_url(uri) if uri else None
    if parts is None or parts.query or parts.fragment or parts.scheme in {"", "file"}:
        return None
    host, name = parts.netloc.rpartition("@")[2], parts.path.strip("/")
    if is_loopback(parts.hostname) or not name:
        return None
    return f"{parts.scheme}://{host}", name
