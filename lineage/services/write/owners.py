# SPDX-License-Identifier: Apache-2.0
"""Writes who answers for what, as the CODEOWNERS files of projects and the catalogs of Backstage say: for each dataset and
file of the project that is here. It is found anew with every import, so that the order of imports does not matter.

What somebody said of a thing (``lineage.services.write.ownership``) goes before what a file says of it, and a line of
CODEOWNERS before a catalog.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Self
from urllib.parse import unquote

from importers.batching import BATCH_RECORDS, batches
from importers.tally import Tally
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
from lineage.services.write.catalogs import Catalogs, Named, Word
from lineage.services.write.ingest import Report, write_batches
from lineage.sources import code_owners
from lineage.sources.code_owners import CodeOwners
from lineage.store.base import NOW, Filter
from lineage.store.paging import find_all
from lineage.store.rows import NodeRow

_OURS = frozenset({"owner", "owner_evidence", "owner_reason"})


def settle(ctx: Context) -> Report | None:
    """Write who answers for what is here, and who is a member of which team, and take back what no longer holds; ``None``
    where no project says so.
    """
    look_again(ctx)
    projects = [*find_all(ctx.store, Filter(prefix=ids.PROJECT))]
    standing = list(ctx.store.asserted(DERIVED_SOURCE, NOW))
    if not projects and not standing:
        return None
    stated, tally = stated_things(ctx), Tally()
    catalogs = Catalogs(ctx, projects)
    found: dict[bytes, Record] = {}
    claims = (_claims(ctx, project, catalogs, stated, tally) for project in projects)
    for record in chain(catalogs.memberships(), *claims):
        found.setdefault(line(record), record)
    gone = [record for record in standing if line(record) not in found]
    nodes = [record for record in found.values() if isinstance(record, Node)]
    edges = [record for record in found.values() if isinstance(record, Edge)]
    end = Batch(losses=tally.losses())
    if len(found) <= BATCH_RECORDS:
        done = [replace(end, nodes=tuple(nodes), edges=tuple(edges))]
    else:
        done = [*batches(nodes, edges), end]
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


def _claims(
    ctx: Context, project: NodeRow, catalogs: Catalogs, stated: set[str], tally: Tally
) -> Iterator[Record]:
    """What the files of a project say of the project, its datasets, and its files that are no data. A line of CODEOWNERS
    goes before a catalog.
    """
    namespace = project.node().attributes.get("namespace")
    rules, folders = _Rules.of_project(ctx, project), catalogs.of(project)
    if not isinstance(namespace, str) or (rules is None and not folders):
        return
    for thing, path in chain([(project, None)], _things(ctx, namespace)):
        if thing.id in stated:
            continue
        said = Word() if rules is None else rules.of(path)
        also = folders.of(path)
        if said.says and also.says and not said.agrees(also):
            tally.lose(
                "owners that a catalog names",
                "CODEOWNERS says something else, and goes before a catalog",
                first=f"{thing.title}: {said.places} goes before {also.places}",
            )
        yield from _records(thing, said if said.says else also)


def _records(thing: NodeRow, said: Word) -> Iterator[Record]:
    """The records of who answers for a thing, each with the place that says so."""
    for who, evidence in said.owners:
        yield who.node
        attributes = {
            "prov:role": OWNER,
            terms.METHOD: terms.BY_REFERENCE,
            terms.EVIDENCE: evidence,
        }
        yield Edge(
            relation="wasAttributedTo", effect=thing.id, cause=who.node.id, attributes=attributes
        )
    if said.owners:
        names = [who.title for who, _ in said.owners]
        yield Node(id=thing.id, kind=thing.kind, attributes={"owner": one_or_all(names)})
    elif said.nobody is not None:
        attributes = {"owner": NOBODY, "owner_evidence": said.nobody}
        yield Node(id=thing.id, kind=thing.kind, attributes=attributes)


class _Rules:
    """What the CODEOWNERS of a project says of paths."""

    def __init__(self, ctx: Context, project: str, place: str, rules: CodeOwners) -> None:
        self._ctx = ctx
        self._project = project
        self._place = place
        self._rules = rules
        self._agents: dict[str, Named] = {}

    @classmethod
    def of_project(cls, ctx: Context, project: NodeRow) -> Self | None:
        """Those of a project; ``None`` where it has none."""
        file = project.node().attributes.get("codeowners")
        row = ctx.store.get([file.iri], NOW).get(file.iri) if isinstance(file, Ref) else None
        about = {} if row is None else row.node().attributes
        text, dialect, place = about.get("text"), about.get("dialect"), about.get("name")
        if not isinstance(text, str) or not isinstance(place, str):
            return None
        rules = code_owners.parse(text, "gitlab" if dialect == "gitlab" else "github")
        return cls(ctx, project.title, place, rules)

    def of(self, path: str | None) -> Word:
        """Who answers for a path; without one, for all that has no line of its own."""
        said = self._rules.of_everything() if path is None else self._rules.of(path)
        owners = tuple((self._agent(who), f"{self._place}:{at}") for who, at in said.owners)
        return Word(owners, None if said.nobody is None else f"{self._place}:{said.nobody}")

    def _agent(self, name: str) -> Named:
        if name not in self._agents:
            # A role of GitLab is that of one project: its members are others elsewhere.
            text = f"{name} of {self._project}" if name.startswith("@@") else name
            who = agent(text, self._ctx.person_key)
            self._agents[name] = Named(who, who.label or name)
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
