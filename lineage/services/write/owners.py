# SPDX-License-Identifier: Apache-2.0
"""Writes who answers for what, as the CODEOWNERS files of projects say: for each dataset and file of the project that is
here. It is found anew with every import, so that the order of imports does not matter.

What somebody said of a thing (``lineage.services.write.ownership``) goes before what a file says of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from importers.batching import BATCH_RECORDS, batches
from lineage import ids
from lineage.model import terms
from lineage.model.identity import agent
from lineage.model.record import Batch, Edge, Node, Record, line
from lineage.model.value import Ref
from lineage.services.context import Context
from lineage.services.read.owners import (
    DERIVED_SOURCE,
    NOBODY,
    OWNER,
    STATED_SOURCE,
    look_again,
    role_of,
)
from lineage.services.write.ingest import Report, write_batches
from lineage.sources import code_owners
from lineage.sources.code_owners import Said
from lineage.store.base import NOW, Filter
from lineage.store.paging import find_all
from lineage.store.rows import NodeRow

_OURS = frozenset({"owner", "owner_evidence", "owner_reason"})


def settle(ctx: Context) -> Report | None:
    """Write who answers for what is here, and take back what no longer holds; ``None`` where no project says so."""
    look_again(ctx)
    projects = [*find_all(ctx.store, Filter(prefix=ids.PROJECT))]
    standing = list(ctx.store.asserted(DERIVED_SOURCE, NOW))
    if not projects and not standing:
        return None
    stated = stated_things(ctx)
    found: dict[bytes, Record] = {}
    for project in projects:
        for record in _claims(ctx, project, stated):
            found.setdefault(line(record), record)
    gone = [record for record in standing if line(record) not in found]
    nodes = [record for record in found.values() if isinstance(record, Node)]
    edges = [record for record in found.values() if isinstance(record, Edge)]
    if len(found) <= BATCH_RECORDS:
        done = [Batch(nodes=tuple(nodes), edges=tuple(edges))]
    else:
        done = [*batches(nodes, edges)]
    return write_batches(ctx, DERIVED_SOURCE, DERIVED_SOURCE, done, gone)


def stated_things(ctx: Context) -> set[str]:
    """The things of which somebody said who answers for them, or that nobody does."""
    found = set[str]()
    for record in ctx.store.asserted(STATED_SOURCE, NOW):
        if isinstance(record, Edge) and role_of(record.attributes) == OWNER:
            found.add(record.effect)
        elif isinstance(record, Node) and "owner" in record.attributes:
            found.add(record.id)
    return found


def _claims(ctx: Context, project: NodeRow, stated: set[str]) -> Iterator[Record]:
    """What the file of a project says of the project, its datasets, and its files that are no data."""
    held = project.node().attributes
    file, namespace = held.get("codeowners"), held.get("namespace")
    if not isinstance(file, Ref) or not isinstance(namespace, str):
        return
    row = ctx.store.get([file.iri], NOW).get(file.iri)
    about = {} if row is None else row.node().attributes
    text, dialect, place = about.get("text"), about.get("dialect"), about.get("name")
    if not isinstance(text, str) or not isinstance(place, str):
        return
    rules = code_owners.parse(text, "gitlab" if dialect == "gitlab" else "github")
    says = _Says(ctx, project.title, place)
    if project.id not in stated:
        yield from says.of(project, rules.of_everything())
    for thing, path in _things(ctx, namespace):
        if thing.id not in stated:
            yield from says.of(thing, rules.of(path))


class _Says:
    """What one file says of things, as records."""

    def __init__(self, ctx: Context, project: str, place: str) -> None:
        self._ctx = ctx
        self._project = project
        self._place = place
        self._agents: dict[str, Node] = {}

    def of(self, thing: NodeRow, said: Said) -> Iterator[Record]:
        """The records of who answers for a thing, each with the line that says so."""
        names = []
        for name, number in said.owners:
            who = self._agent(name)
            names.append(who.label or name)
            yield who
            attributes = {
                "prov:role": OWNER,
                terms.METHOD: terms.BY_REFERENCE,
                terms.EVIDENCE: f"{self._place}:{number}",
            }
            yield Edge(
                relation="wasAttributedTo", effect=thing.id, cause=who.id, attributes=attributes
            )
        if names:
            yield Node(id=thing.id, kind=thing.kind, attributes={"owner": one_or_all(names)})
        elif said.nobody is not None:
            evidence = f"{self._place}:{said.nobody}"
            attributes = {"owner": NOBODY, "owner_evidence": evidence}
            yield Node(id=thing.id, kind=thing.kind, attributes=attributes)

    def _agent(self, name: str) -> Node:
        if name not in self._agents:
            # A role of GitLab is that of one project: its members are others elsewhere.
            text = f"{name} of {self._project}" if name.startswith("@@") else name
            self._agents[name] = agent(text, self._ctx.person_key)
        return self._agents[name]


def one_or_all(names: list[str]) -> str | tuple[str, ...]:
    """Names as an attribute has them."""
    return names[0] if len(names) == 1 else tuple(names)


def _things(ctx: Context, namespace: str) -> Iterator[tuple[NodeRow, str]]:
    """The datasets of a namespace with their paths, then the versions of its files that are of no dataset; of a folder the
    path of anything in it.
    """
    datasets = ids.dataset_id(namespace, "")
    versions = datasets.replace(":dataset:", ":version:", 1)
    files: list[tuple[NodeRow, str]] = []
    folders, named = set[str](), set[str]()
    for row in find_all(ctx.store, Filter(prefix=versions)):
        path = unquote(row.id.removeprefix(versions).rpartition("@")[0])
        files.append((row, path))
        if row.id.endswith(".dir") or '"files":' in row.attributes:
            folders.add(path)
    found = [
        (row, unquote(row.id.removeprefix(datasets)))
        for row in find_all(ctx.store, Filter(prefix=datasets))
    ]
    named.update(path for _, path in found)
    found += [(row, path) for row, path in files if path not in named]
    for row, path in found:
        if _is_told_of(row):
            yield row, f"{path}/\0" if path in folders else path


def _is_told_of(row: NodeRow) -> bool:
    """Whether anybody says more of a thing than who answers for it: else it is here because of that alone."""
    return row.label is not None or not row.node().attributes.keys() <= _OURS
