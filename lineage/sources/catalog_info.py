# SPDX-License-Identifier: Apache-2.0
"""Reads catalog files of Backstage (its descriptor format): which entities they describe, who owns them, and who is a
member of which group. A file may have several documents, each of one entity.

A missing owner, a placeholder that nobody replaced, and what is no entity that is known here are problems with a line;
the rest of the file holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import yaml

from lineage.errors import BadInput
from lineage.sources import yaml_reader
from lineage.sources.entity_reference import ADDRESS, Reference, reference
from lineage.sources.placeholder import is_placeholder

#: How a catalog file is called, so that it speaks for the folder that it lies in.
NAMES = ("catalog-info.yaml", "catalog-info.yml")
#: A larger file is not read: people write these.
LARGEST = 3 * 1024 * 1024
#: Entities that are read of one file, and characters of a name or address.
_MOST, _LONGEST = 10_000, 1_000
#: Kinds of entities that have an owner, and all that are read.
_OWNED = frozenset({"component", "resource", "system", "api", "domain"})
_KINDS = _OWNED | {"group", "user", "location"}
#: What is counted of other tools' documents, such as those of Kubernetes.
_FOREIGN = "documents"
_DESCRIPTOR = re.compile(rb"""^apiVersion:\s*["']?backstage\.io/""", re.MULTILINE)


class Problem(NamedTuple):
    """Something that is not read, why, how many, and the line of the first."""

    what: str
    reason: str
    line: int
    number: int = 1


class Membership(NamedTuple):
    """Who is a member of which group, and the line that says so."""

    member: Reference
    group: Reference
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntity:
    """An entity: what it is called, its annotations; its owner with the line that names it; how a person or a group is
    called and reached.
    """

    reference: Reference
    annotations: Mapping[str, str]
    owner: Reference | None = None
    line: int
    title: str | None = None
    email: str | None = None


@dataclass(slots=True)
class Catalog:
    """What a catalog file says."""

    entities: list[CatalogEntity] = field(default_factory=list)
    memberships: list[Membership] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def looks(head: bytes) -> bool:
    """Whether a file that begins so describes entities of Backstage."""
    return _DESCRIPTOR.search(head) is not None


def parse(data: bytes, *, where: str) -> Catalog:
    """Read the bytes of a file.

    Raises ``BadInput`` for a file without an entity of Backstage, and with the line for what is no YAML, has a tag or an
    alias, or a key twice; ``InputTruncated``, ``LimitExceeded``.
    """
    catalog = Catalog()
    documents = yaml_reader.compose_all(data, where=where)
    for document in documents:
        line = document.start_mark.line + 1
        if len(catalog.entities) >= _MOST:
            message = f"and those behind them are left out: the file has over {_MOST:,}"
            catalog.problems.append(Problem("entities", message, line))
            break
        _Document(document, line, where, catalog).read()
    if sum(one.what == _FOREIGN for one in catalog.problems) == len(documents):
        raise BadInput(
            f"{where} describes no entity of Backstage",
            where=where,
            hint="Each document has apiVersion: backstage.io/v1alpha1 and a kind.",
        )
    return catalog


class _Document:
    """One document of a file."""

    def __init__(self, node: yaml.Node, line: int, where: str, catalog: Catalog) -> None:
        self._where = where
        self._catalog = catalog
        self._line = line
        self._said = self._pairs(node)
        self._metadata = self._pairs(self._said.get("metadata"))
        self._spec = self._pairs(self._said.get("spec"))
        self._namespace = _text(self._metadata.get("namespace")) or "default"

    def read(self) -> None:
        """Take the entity up, or say why not."""
        kind, name = _text(self._said.get("kind")), _text(self._metadata.get("name"))
        if not (_text(self._said.get("apiVersion")) or "").startswith("backstage.io/"):
            self._lack(_FOREIGN, "are no entities of Backstage")
        elif kind is None or kind.lower() not in _KINDS:
            self._lack(f"entities of the kind {kind}", "are not read")
        elif kind.lower() == "location":
            self._location()
        elif (called := self._reference(self._metadata.get("name"), kind.lower())) is None:
            reason = "have no name" if name is None else "have a placeholder as their name"
            self._lack("entities", f"{reason}: they are not read")
        else:
            self._entity(called)

    def _entity(self, called: Reference) -> None:
        line, owner = self._line, None
        if called.kind in _OWNED:
            owner = self._owner()
            line = self._spec["owner"].start_mark.line + 1 if owner else line
        elif called.kind == "user":
            self._add_members(called, "memberOf", "group", is_group=False)
        else:
            self._add_members(called, "parent", "group", is_group=False)
            self._add_members(called, "members", "user", is_group=True)
            self._add_members(called, "children", "group", is_group=True)
        profile = self._pairs(self._spec.get("profile"))
        annotations = self._pairs(self._metadata.get("annotations"))
        named = (_text(profile.get("displayName")), _text(self._metadata.get("title")))
        self._catalog.entities.append(
            CatalogEntity(
                reference=called,
                annotations={key: _text(value) or "" for key, value in annotations.items()},
                owner=owner,
                line=line,
                title=next((one for one in named if one and not is_placeholder(one)), None),
                email=_address(_text(profile.get("email"))),
            )
        )

    def _owner(self) -> Reference | None:
        """Who owns the entity; ``None`` where that is not said, or cannot be it, which is a problem."""
        node = self._spec.get("owner")
        if node is None or node.value == "":
            self._lack("entities", "have no owner")
            return None
        found = self._reference(node, "group")
        if found is None or found.kind not in {"group", "user"}:
            reason = (
                "are a placeholder, or no reference to a group or a user: they count as missing"
            )
            self._lack("owners of entities", reason, node)
            return None
        return found

    def _location(self) -> None:
        for key in ("target", "targets"):
            node = self._spec.get(key)
            if node is not None:
                count = len(node.value) if isinstance(node, yaml.SequenceNode) else 1
                reason = "are not followed: import the files that they name"
                self._lack("targets of locations", reason, node, count)

    def _add_members(self, called: Reference, key: str, kind: str, *, is_group: bool) -> None:
        """Take up what an attribute names: members of the entity where that is the group, else groups of it."""
        for other, line in self._references(key, kind):
            pair = (other, called) if is_group else (called, other)
            self._catalog.memberships.append(Membership(*pair, line))

    def _references(self, key: str, kind: str) -> Iterator[tuple[Reference, int]]:
        """What an attribute names, each with its line."""
        node = self._spec.get(key)
        items = node.value if isinstance(node, yaml.SequenceNode) else [node] if node else []
        for item in items:
            found = self._reference(item, kind)
            if found is not None and found.kind == kind:
                yield found, item.start_mark.line + 1
            elif item.value != "":
                self._lack(f"references in {key}", f"name no {kind}", item)

    def _reference(self, node: yaml.Node | None, kind: str) -> Reference | None:
        """What a node names: by a text, or by a mapping with the parts of one."""
        if isinstance(node, yaml.MappingNode):
            parts = {key: _text(value) for key, value in self._pairs(node).items()}
            around = parts.get("namespace") or self._namespace
            return reference(
                parts.get("name") or "", kind=parts.get("kind") or kind, namespace=around
            )
        return reference(_text(node) or "", kind=kind, namespace=self._namespace)

    def _pairs(self, node: yaml.Node | None) -> Mapping[str, yaml.Node]:
        return (
            yaml_reader.pairs(node, where=self._where) if isinstance(node, yaml.MappingNode) else {}
        )

    def _lack(self, what: str, reason: str, node: yaml.Node | None = None, count: int = 1) -> None:
        line = self._line if node is None else node.start_mark.line + 1
        self._catalog.problems.append(Problem(what, reason, line, count))


def _text(node: yaml.Node | None) -> str | None:
    """The text of a scalar; ``None`` for none, for one that is too long for a name, and for anything else."""
    if not isinstance(node, yaml.ScalarNode) or len(node.value) > _LONGEST:
        return None
    return node.value.strip() or None


def _address(text: str | None) -> str | None:
    return text if text is not None and ADDRESS.fullmatch(text) else None
