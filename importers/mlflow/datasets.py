# SPDX-License-Identifier: Apache-2.0
"""Maps the data that runs read: named datasets, and the version of each that a run saw.

MLflow's digest has 32 bits, of a sample at times, and the name of most datasets is ``dataset``: what
a version is told apart by is its name and digest with its source, its schema and its profile.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from importers.locations import of_address
from importers.mlflow.entities import Dataset, DatasetInput
from importers.mlflow.naming import Naming, edge
from importers.mlflow.values import is_loopback, split_url, storable
from lineage import ids
from lineage.ids import Id
from lineage.model import kinds
from lineage.model.record import Record
from lineage.model.value import Attributes

#: The tag in which Spark's autologging lists the tables that a run read, one a line.
SPARK_TABLES = "sparkDatasourceInfo"
_TABLE = re.compile(
    r"path=(?P<path>.+?)(?:,version=(?P<version>[^,]*))?,format=(?P<format>[^,=.]+)"
)
#: What MLflow calls a dataset that nobody named. It names nothing: the source does.
_NAMELESS = "dataset"
#: Hex digits of the mark that tells versions of one name and digest apart.
_MARK = 16


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

    def tables(self, run: Id, text: str) -> Iterator[Record]:
        """The tables that Spark read for a run, a Delta table at its version."""
        for line in text.splitlines():
            found = _TABLE.fullmatch(line.strip())
            if found is not None:
                yield from self._table(run, found["path"], found["version"], found["format"])
            elif line.strip():
                shown = self._tally.attribute(SPARK_TABLES, line.strip(), run)
                reason = "the line is no path and format, or was cut; kept as a tag"
                self._tally.lose("tables of Spark", reason, first=shown)

    def _table(self, run: Id, path: str, version: str | None, form: str) -> Iterator[Record]:
        shown = self._tally.attribute("uri", path, run)
        namespace, name = _public_name(path) or (self._naming.instance, shown)
        used = ids.dataset_id(namespace, name)
        whole = kinds.Dataset(id=used, label=name, name=name, namespace=namespace)
        yield from self._naming.once(whole)
        if version and version.lower() not in {"none", "null"}:
            # As OpenLineage's events name the version of a table.
            used = ids.dataset_version_id(namespace, name, "version", ids.segment(version))
            more = {"version": version, "uri": shown}
            label = f"{name}@{version}"
            yield from self._naming.once(
                kinds.DatasetVersion(id=used, label=label, name=name, more=more)
            )
            yield edge("specializationOf", used, whole.id)
        yield edge("used", run, used, {"format": form})

    def _dataset(self, dataset: Dataset) -> Iterator[Record]:
        uri = _uri(dataset.source)
        named = self._named(dataset, uri)
        # Nobody's name and no place: such versions have nothing in common but that.
        namespace, name = named or (self._naming.instance, dataset.name)
        digest = f"{ids.segment(dataset.digest)}-{_mark(dataset)}"
        version = ids.dataset_version_id(namespace, name, "mlflow", digest)
        self._met[dataset] = version
        yield self._version(version, dataset, uri).node()
        if named is not None:
            whole = ids.dataset_id(namespace, name)
            label = name if dataset.name == _NAMELESS else dataset.name
            yield from self._naming.once(
                kinds.Dataset(id=whole, label=label, name=name, namespace=namespace)
            )
            yield edge("specializationOf", version, whole)

    def _named(self, dataset: Dataset, uri: str | None) -> tuple[str, str] | None:
        """Namespace and name of a dataset: by its address, else what people called it."""
        if (public := _public_name(uri)) is not None:
            return public
        name = dataset.name if dataset.name != _NAMELESS else uri
        if name is None:
            return None
        return self._naming.instance, self._tally.attribute("uri", name, f"dataset {dataset.name}")

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


def _mark(dataset: Dataset) -> str:
    """What a version is besides its name and digest, as a digest: equal in every store where it
    was logged with the same source, schema and profile, however their JSON is written.
    """
    said = map(_canonical, (dataset.source, dataset.schema, dataset.profile))
    text = "\n".join([dataset.source_type or "", *said])
    return ids.sha256(text.encode("utf-8", "replace"))[:_MARK]


def _canonical(text: str | None) -> str:
    try:
        return json.dumps(json.loads(text or ""), sort_keys=True)
    except (ValueError, RecursionError):
        return text or ""


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
    if is_loopback(parts.hostname) or not parts.path.strip("/"):
        return None
    return of_address(parts.scheme, parts.netloc, parts.path)
