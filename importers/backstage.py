# SPDX-License-Identifier: Apache-2.0
"""Imports catalog files of Backstage: who answers for the folder that such a file lies in, teams and their members.

In a repository the file is read as the newest commit has it. An importer sees no store: it keeps people and teams, and
with the file what that says of paths and memberships. What of it holds here follows with every import, since others may
describe whom a file names (``lineage.services.write.owners``).
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from importers import owners_file
from importers.base import Importer, Options, Source
from importers.tally import Tally
from lineage import ids
from lineage.access.mask import masked
from lineage.errors import BadInput, InputMissing, LineageError
from lineage.model.identity import agent, catalog_agent, person
from lineage.model.record import Batch, Node
from lineage.model.value import clean
from lineage.paths import as_text
from lineage.sources import catalog_info
from lineage.sources.catalog_info import LARGEST, NAMES, Catalog, CatalogEntity
from lineage.sources.git import layout
from lineage.sources.git.reader import GitReader
from lineage.sources.git.working_tree import blob_name
from lineage.sources.small_files import small_file

_BRANCH = re.compile(r"refs/(?:heads|remotes/[^/]+)/")
_SORTS = {"group": "teams", "user": "people"}
_SLUG = re.compile(r"[\w.-]+/[\w.-]+")
#: Annotations that name the repository which an entity is of, without a folder in it.
_SLUGS = ("github.com/project-slug", "gitlab.com/project-slug")
#: What stands between the address of a repository and the branch, on the pages of hosts.
_PAGES = ("/tree/", "/blob/", "/-/tree/", "/-/blob/", "/src/", "/src/branch/")
_ELSEWHERE = (
    "name another repository, or no place that is certainly in this one: nothing follows of them"
)
_NAME_ALONE = (
    "name no path: a name alone does not say which data or model is meant"
    " (the annotation backstage.io/source-location does)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A catalog file: its path from the root of the project, its bytes (``None``: missing or too large), what git calls
    these; the project, and what is known of its repository.
    """

    place: str
    data: bytes | None
    oid: str
    namespace: str
    project: str
    source: str
    commit: str | None = None
    origin: str | None = None
    branches: tuple[str, ...] = ()


class BackstageImporter(Importer):
    """Reads who answers for a project or a folder, teams and their members, out of catalog files of Backstage."""

    name = "backstage"
    summary = "catalog-info.yaml of Backstage: who answers for a project or folder, teams, members."
    of_now = True

    def sniffs(self, source: Source) -> bool:
        """Whether it is a folder with such a file, in the newest commit where it is of a repository; or a file of entities."""
        path = source.path
        try:
            if path is None:
                return False
            if path.is_file():
                is_yaml = path.suffix.lower() in {".yaml", ".yml"}
                return is_yaml and catalog_info.looks(source.head())
            if not layout.is_bare(path) and not any((path / name).is_file() for name in NAMES):
                return False
            found = _found(path)
            return found.data is None or catalog_info.looks(found.data)
        except (OSError, LineageError):
            return False

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield the file with its project, and the people and teams that it describes; then what is not kept of it.

        Raises ``InputMissing``, and ``BadInput`` where there is no such file, where the newest commit does not have it, and
        with the line for what is no YAML.
        """
        path = source.path
        if path is None:
            message = f"{source.address} is not a folder or file on this machine"
            raise BadInput(message, where=source.address, hint="Clone it, then import the clone.")
        if not path.exists():
            raise InputMissing(f"there is no {path}", where=str(path))
        found, tally = _found(path), Tally()
        if found.data is None:
            tally.lose("catalog files", "are missing in this copy, or too large", first=found.place)
            yield Batch(losses=tally.losses(), partial=True, source=found.source)
            return
        catalog = catalog_info.parse(found.data, where=found.place)
        for one in catalog.problems:
            tally.lose(one.what, one.reason, count=one.number, first=f"{found.place}:{one.line}")
        described = {
            str(entity.reference): _agent(entity, options.person_key)
            for entity in catalog.entities
            if entity.reference.kind in {"group", "user"}
        }
        says = {
            "owned": [*_owned(catalog, found, tally)],
            "described": {name: node.id for name, node in described.items()},
            "members": [[str(one.member), str(one.group), one.line] for one in catalog.memberships],
        }
        held = {"catalog": ids.canonical(says).decode()}
        file = owners_file.file(found.namespace, found.place, found.oid, found.commit, held)
        project = owners_file.project(found.namespace, found.project, catalog=file.id)
        seen = Counter(_SORTS.get(one.reference.kind, "entities") for one in catalog.entities)
        nodes = (project, file, *described.values())
        yield masked(Batch(nodes=nodes, seen=seen, losses=tally.losses(), source=found.source))

    def places(self, source: Source) -> Sequence[Path]:
        """The folder of the file: it is one source, whichever of the two is named."""
        path = source.path
        return () if path is None else (path.parent if path.is_file() else path,)


def _found(path: Path) -> _Found:
    """The catalog file that a path is, or that lies in a folder. Raises ``BadInput``, and the errors of repositories."""
    root = layout.around(path)
    if root is None:
        return _in_folder(path)
    inner = as_text(path.relative_to(root))
    names = NAMES if path.is_dir() else ("",)
    places = tuple(posixpath.normpath(posixpath.join(inner, name)) for name in names)
    with GitReader.open(root) as repository:
        head = repository.head
        entries = () if head is None else repository.tree(head, *places)
        there = {one.path: one.oid for one in entries if one.mode.startswith("100")}
        place = next((one for one in places if one in there), None)
        if head is None or place is None:
            raise BadInput(
                f"the newest commit of {root} has no {places[0]}",
                where=str(path),
                hint="Commit it, then run the same command.",
            )
        data = dict(repository.blobs([there[place]]))[there[place]]
        named = (repository.head_name, repository.default_name)
        branches = (_BRANCH.sub("", one) for one in named if one)
        return _Found(
            place=place,
            data=None if data is None or len(data) > LARGEST else data,
            oid=there[place],
            namespace=repository.namespace,
            project=owners_file.called(repository, root),
            source=f"{repository.namespace}/{place}",
            commit=head,
            origin=repository.origin,
            branches=tuple(dict.fromkeys(("HEAD", head, *branches))),
        )


def _in_folder(path: Path) -> _Found:
    """The catalog file that a path is, or that lies in a folder, where there is no repository around. Raises ``BadInput``."""
    folder = path.parent if path.is_file() else path
    names = (path.name,) if path.is_file() else NAMES
    name = next((one for one in names if (folder / one).is_file()), None)
    if name is None:
        raise BadInput(
            f"{path} has no {NAMES[0]}", where=str(path), hint="Name the file, or its folder."
        )
    data = small_file(folder, name, LARGEST)
    called = folder.name or "folder"
    return _Found(
        place=name,
        data=data,
        oid=blob_name(data or b"", "sha1"),
        namespace=called,
        project=called,
        source=str(folder / name),
    )


def _agent(entity: CatalogEntity, key: bytes) -> Node:
    """A person or a team: by e-mail address, or by its team of GitHub, as others name it too; else by its name in the
    catalog.
    """
    called, slug = entity.reference, entity.annotations.get("github.com/team-slug", "")
    title = entity.title or called.title
    if called.kind == "user" and entity.email:
        return person(title, entity.email, key)
    if called.kind == "group" and _SLUG.fullmatch(slug):
        node = agent(f"@{slug}", key)
    else:
        node = catalog_agent(called.kind, called.inner, title)
    reached = clean({"email": entity.email})
    return replace(node, attributes={**node.attributes, **reached})


def _owned(catalog: Catalog, found: _Found, tally: Tally) -> Iterator[Mapping[str, Any]]:
    """What the entities with an owner own: a path, who says so, and the line."""
    for entity in catalog.entities:
        if entity.owner is None:
            continue
        path, fault = _path(entity, found)
        if path is None:
            place = f"{found.place}:{entity.line} {entity.reference}"
            tally.lose("owners of entities", fault, first=place)
            continue
        yield {
            "path": path,
            "owner": str(entity.owner),
            "by": str(entity.reference),
            "line": entity.line,
        }


def _path(entity: CatalogEntity, found: _Found) -> tuple[str | None, str]:
    """The path of the project that an entity is about, or ``None`` and why it is not known."""
    location = entity.annotations.get("backstage.io/source-location", "")
    if location:
        return _located(location.removeprefix("url:"), found), _ELSEWHERE
    if entity.reference.kind == "resource":
        return None, _NAME_ALONE
    owner = (found.origin or "").partition("/")[2]
    slugs = [slug for name in _SLUGS if (slug := entity.annotations.get(name))]
    if owner and any(slug.lower() != owner.lower() for slug in slugs):
        return None, _ELSEWHERE
    folder, _, name = found.place.rpartition("/")
    if name not in NAMES:
        return None, f"are in a file that is not called {NAMES[0]}: it speaks for no folder"
    return folder, ""


def _located(url: str, found: _Found) -> str | None:
    """The path that an address means in the repository with this origin; ``None`` where it is not certainly in it."""
    address = unquote(layout.normalised(url))
    if found.origin is None or not address.lower().startswith(found.origin.lower()):
        return None
    rest = address[len(found.origin) :]
    if not rest:
        return ""
    for start in (f"{page}{branch}" for page in _PAGES for branch in found.branches):
        if f"{rest}/".startswith(f"{start}/"):
            return rest[len(start) :].strip("/")
    return None


IMPORTER = BackstageImporter()
