# SPDX-License-Identifier: Apache-2.0
"""Finds what catalog files of Backstage say of paths and of teams: whom a name in one of them means is said by the
document that describes it, in any file that is here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from lineage.model import terms
from lineage.model.identity import agent, catalog_agent
from lineage.model.record import Edge, Node, Record
from lineage.model.value import Ref, each
from lineage.services.context import Context
from lineage.services.read.people import shown
from lineage.sources.entity_reference import Reference
from lineage.store.base import NOW
from lineage.store.rows import NodeRow


class Named(NamedTuple):
    """Whom a file names: what is said of them because of that, and what people call them."""

    node: Node
    title: str


class Word(NamedTuple):
    """What a file says of a thing: owners, each with the place that says so; or the place by which nobody owns it; or
    neither.
    """

    owners: tuple[tuple[Named, str], ...] = ()
    nobody: str | None = None

    @property
    def says(self) -> bool:
        """Whether anything is said."""
        return bool(self.owners) or self.nobody is not None

    @property
    def places(self) -> str:
        """The places that say so."""
        return ", ".join(dict.fromkeys(place for _, place in self.owners)) or str(self.nobody)

    def agrees(self, other: Word) -> bool:
        """Whether another file names the same owners."""
        ours, theirs = ({who.node.id for who, _ in one.owners} for one in (self, other))
        return ours == theirs


@dataclass(slots=True)
class Folders:
    """Who owns which paths of a project, as its catalog files say."""

    owners: dict[str, dict[tuple[str, str], Named]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.owners)

    def add(self, path: str, who: Named, place: str) -> None:
        """Take up that somebody owns a path."""
        self.owners.setdefault(path, {})[place, who.node.id] = who

    def of(self, path: str | None) -> Word:
        """Who answers for a path: whom the nearest folder above it names, or the path itself; without one, for the
        project.
        """
        above = path or ""
        while above and above not in self.owners:
            above = above.rpartition("/")[0]
        found = self.owners.get(above, {})
        return Word(tuple((who, place) for (place, _), who in sorted(found.items())))


class Catalogs:
    """The catalog files of some projects."""

    def __init__(self, ctx: Context, projects: Sequence[NodeRow]) -> None:
        self._key = ctx.person_key
        named = {
            project.id: [
                file.iri
                for file in each(project.node().attributes.get("catalog", ()))
                if isinstance(file, Ref)
            ]
            for project in projects
        }
        rows = ctx.store.get({file for files in named.values() for file in files}, NOW)
        self._files = {file: row.node().attributes for file, row in rows.items()}
        self._said = {file: self._read(file) for file in self._files}
        self._named = named
        described: dict[str, set[str]] = defaultdict(set)
        for said in self._said.values():
            for name, ident in said.get("described", {}).items():
                described[name].add(ident)
        # Two documents that describe one name as two people: whom it means is not known.
        certain = {name: min(some) for name, some in described.items() if len(some) == 1}
        people = ctx.store.get(set(certain.values()), NOW)
        self._known = {name: people[ident] for name, ident in certain.items() if ident in people}

    def _read(self, file: str) -> Mapping[str, Any]:
        text = self._files[file].get("catalog")
        found = orjson.loads(text) if isinstance(text, str) else None
        return found if isinstance(found, dict) else {}

    def of(self, project: NodeRow) -> Folders:
        """Who owns which paths of a project."""
        folders = Folders()
        for file, said in self._of(project.id):
            for one in said.get("owned", ()):
                place = f"{file}:{one['line']} {one['by']}"
                folders.add(one["path"], self._agent(one["owner"]), place)
        return folders

    def memberships(self) -> Iterator[Record]:
        """Who is a member of which team, as all the files say."""
        for project in self._named:
            for file, said in self._of(project):
                for one, other, line in said.get("members", ()):
                    member, group = self._agent(one).node, self._agent(other).node
                    if member.id == group.id:
                        continue
                    yield from (member, group)
                    yield Edge(
                        relation="actedOnBehalfOf",
                        effect=member.id,
                        cause=group.id,
                        attributes={
                            terms.METHOD: terms.BY_REFERENCE,
                            terms.EVIDENCE: f"{file}:{line}",
                        },
                    )

    def _of(self, project: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The files of a project by their places, with what each says."""
        found = ((file, self._said[file]) for file in self._named[project] if file in self._said)
        for file, said in found:
            yield str(self._files[file].get("name")), said

    def _agent(self, name: str) -> Named:
        """Whom a name in a catalog means; where no document describes it, no more is known than the name."""
        if (row := self._known.get(name)) is not None:
            # What the document says of them is said by the import of it.
            return Named(Node(id=row.id, kind=row.kind), shown(row))
        kind, _, inner = name.partition(":")
        called = Reference(kind, *inner.split("/", 1))
        if called.is_address:
            return Named(agent(called.name, self._key), called.name)
        return Named(catalog_agent(called.kind, called.inner, called.title), called.title)
