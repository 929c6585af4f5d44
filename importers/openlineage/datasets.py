# SPDX-License-Identifier: Apache-2.0
"""Datasets in an event: what reads and writes them, their versions, facets, and columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from importers.openlineage import facets
from importers.openlineage.graph import Graph
from lineage import ids
from lineage.model import kinds, terms
from lineage.model.value import Value, several

#: Changes after which what the dataset held is no longer there.
_GONE = frozenset({"DROP", "TRUNCATE"})
#: Columns told of one derivation.
_COLUMNS = 1_000
_DATA = ("urn:lineage:dataset:", "urn:lineage:version:")


class Datasets:
    """Takes the datasets of an event into its graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._tally = graph.tally

    def take(
        self,
        said: Any,
        *,
        run: str | None,
        job: str | None,
        output: bool | None = None,
        time: str | None = None,
    ) -> None:
        """A dataset as input or output, or (``output`` is ``None``) by itself.

        Where its version is told, the run used or made that version, and no other.
        """
        found = self._graph.dataset(said)
        if found is None:
            return
        self._graph.seen["datasets"] += 1
        ident, named = found
        told = dict(facets.of(said, "facets", self._tally))
        exact = self._version(ident, named, told.pop("version", {})) or ident
        use: dict[str, Value] = {}
        for key in ("inputFacets", "outputFacets"):
            for name, facet in facets.of(said, key, self._tally):
                use.update(facets.attributes(name, facet, self._tally))
        for name, facet in told.items():
            use.update(self._dataset_facet(ident, exact, name, facet, run=run, time=time))
        if output is None or (run is None and job is None):
            self._graph.say(kinds.Dataset(id=ident, more=use))
        elif output:
            relation = "wasInfluencedBy" if run is None else "wasGeneratedBy"
            self._graph.edge(relation, exact, run or job or "", **use)
        else:
            relation = "wasInfluencedBy" if run is None else "used"
            self._graph.edge(relation, run or job or "", exact, **use)

    def _version(self, ident: str, named: tuple[str, str], facet: Mapping[str, Any]) -> str | None:
        version = facet.get("datasetVersion")
        if not isinstance(version, str) or not version:
            return None
        namespace, name = named
        exact = ids.dataset_version_id(namespace, name, "version", ids.segment(version))
        more: dict[str, Value] = {"version": version}
        label = f"{name}@{version}"
        self._graph.say(kinds.DatasetVersion(id=exact, label=label, name=name, more=more))
        self._graph.edge("specializationOf", exact, ident)
        return exact

    def _dataset_facet(
        self,
        ident: str,
        exact: str,
        name: str,
        facet: Mapping[str, Any],
        *,
        run: str | None,
        time: str | None,
    ) -> dict[str, Value]:
        """Take one facet in; what is returned belongs to this use of the dataset."""
        if name == "ownership":
            self._graph.owned(ident, facet)
        elif name == "tags":
            self._graph.say(kinds.Dataset(id=ident, more=facets.tags(facet, self._tally)))
        elif name == "symlinks":
            self._symlinks(ident, facet)
        elif name == "columnLineage":
            self._columns(exact, facet.get("fields"), "inputFields")
            for item in facets.listed(facet, "dataset", self._tally):
                if (of := self._of(item)) is not None:
                    self._derived(exact, {of: set()})
        elif name == "lineage":
            self._lineage(exact, facet, job=None, run=run)
        elif name == "lifecycleStateChange":
            return self._changed(ident, exact, facet, run, time)
        elif name in facets.DATASET:
            self._graph.say(
                kinds.Dataset(id=ident, more=facets.attributes(name, facet, self._tally))
            )
        else:
            return facets.attributes(name, facet, self._tally)
        return {}

    def _symlinks(self, ident: str, facet: Mapping[str, Any]) -> None:
        """Other names of the dataset: a claim of the source, which walks follow both ways."""
        for item in facets.listed(facet, "identifiers", self._tally):
            found = self._graph.dataset(item)
            if found is not None and found[0] != ident:
                kind = item.get("type")
                told: dict[str, Value] = {terms.METHOD: terms.BY_SYMLINK}
                if isinstance(kind, str):
                    told["type"] = kind
                self._graph.edge("alternateOf", ident, found[0], **told)
                self._graph.edge("alternateOf", found[0], ident, **told)

    def _changed(
        self, ident: str, exact: str, facet: Mapping[str, Any], run: str | None, time: str | None
    ) -> dict[str, Value]:
        """A change of a dataset's life: dropped, truncated and renamed ones are no more."""
        change = facet.get("lifecycleStateChange")
        if not isinstance(change, str):
            self._tally.lose("facets", "no change is told", first="lifecycleStateChange")
            return {}
        if change in _GONE and run is not None:
            self._graph.edge("wasInvalidatedBy", exact, run, time=time, lifecycle=change)
        previous = facet.get("previousIdentifier")
        found = self._graph.dataset(previous) if isinstance(previous, dict) else None
        if found is not None and found[0] != ident:
            self._graph.edge("wasRevisionOf", ident, found[0], lifecycle=change)
            if run is not None and change == "RENAME":
                self._graph.edge("wasInvalidatedBy", found[0], run, time=time, lifecycle=change)
        return {"lifecycle": change}

    # --- lineage told by columns and entries ---

    def entries(self, facet: Mapping[str, Any], *, job: str, run: str | None) -> None:
        """The lineage facet of a job: what each of its targets was made from."""
        for entry in facets.listed(facet, "entries", self._tally):
            if entry.get("type") == "JOB":
                other = self._entry_job(entry, job, run)
                self._inputs(other, entry, job=job, run=run)
            elif (found := self._graph.dataset(entry)) is not None:
                self._lineage(found[0], entry, job=job, run=run)

    def _entry_job(self, entry: Mapping[str, Any], job: str | None, run: str | None) -> str | None:
        """A job as an end of lineage: its run where one is told, itself, else the event's own."""
        if "name" not in entry:
            return run or job
        if entry.get("runId") and (ident := self._graph.run(entry, entry)) is not None:
            return ident
        return self._graph.job(entry)

    def _lineage(
        self, ident: str, said: Mapping[str, Any], *, job: str | None, run: str | None
    ) -> None:
        self._inputs(ident, said, job=job, run=run)
        self._columns(ident, said.get("fields"), "inputs")
        if said.get("inputs") == []:
            self._graph.say(kinds.Dataset(id=ident, more={"lineage.inputs": "none"}))

    def _inputs(
        self, ident: str | None, said: Mapping[str, Any], *, job: str | None, run: str | None
    ) -> None:
        for item in facets.listed(said, "inputs", self._tally):
            if item.get("type") == "JOB":
                cause = self._entry_job(item, job, run)
            else:
                found = self._graph.dataset(item)
                cause = found[0] if found is not None else None
            if ident is not None and cause is not None and cause != ident:
                relation = "wasInfluencedBy"
                if item.get("type") != "JOB" and ident.startswith(_DATA):
                    relation = "wasDerivedFrom"
                self._graph.edge(relation, ident, cause, role=_transformed([item]))

    def _columns(self, ident: str, fields: Any, key: str) -> None:
        """Columns derived from columns, as derivations of their datasets that name them."""
        found: dict[tuple[str, str], set[str]] = {}
        for column, told in fields.items() if isinstance(fields, dict) else ():
            for item in facets.listed(told, key, self._tally) if isinstance(told, dict) else ():
                if item.get("type") == "JOB" or not isinstance(item.get("field"), str):
                    continue
                how = _transformed([item]) or ""
                shown = f"{column} <- {item['field']}" + (f" ({how})" if how else "")
                if (of := self._of(item)) is not None:
                    found.setdefault(of, set()).add(shown)
        self._derived(ident, found)

    def _of(self, item: Mapping[str, Any]) -> tuple[str, str] | None:
        """The dataset that a column is of, by namespace and name."""
        namespace, name = item.get("namespace"), item.get("name")
        if isinstance(namespace, str) and isinstance(name, str):
            return namespace, name
        self._tally.lose("columns", "of a dataset without a namespace or a name")
        return None

    def _derived(self, ident: str, found: Mapping[tuple[str, str], Collection[str]]) -> None:
        for (namespace, name), columns in found.items():
            source = self._graph.dataset({"namespace": namespace, "name": name})
            if source is None:
                continue
            kept = sorted(columns)[:_COLUMNS]
            self._tally.lose("columns", f"beyond {_COLUMNS}", count=len(columns) - len(kept))
            told = {"columns": several(kept)} if kept else {}
            self._graph.edge("wasDerivedFrom", ident, source[0], **told)


def _transformed(items: list[Mapping[str, Any]]) -> str | None:
    """How an input was transformed, in the standard's words: DIRECT/IDENTITY, masked."""
    return ", ".join(sorted(set(_words(items)))) or None


def _words(items: list[Mapping[str, Any]]) -> Iterator[str]:
    for item in items:
        found = item.get("transformations")
        for one in found if isinstance(found, list) else ():
            if isinstance(one, dict):
                words = [w for w in (one.get("type"), one.get("subtype")) if isinstance(w, str)]
                yield "/".join(words) + (" masked" if one.get("masking") is True else "")
