# SPDX-License-Identifier: Apache-2.0
"""The kinds and relations that a store holds, as their writers declared them.

A newer version may have kinds and relations that an older one does not know. A store therefore keeps
what each of those in use is, and the older version shows a node of an unknown kind as one of its
family, an edge of an unknown relation as one of its base, both marked by the ``prov:type`` by which
documents of PROV say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from lineage.errors import StoreDamaged, StoreTooNew
from lineage.model import kinds, terms
from lineage.model.namespaces import LINEAGE, expand
from lineage.model.record import Edge, Node, Record
from lineage.model.relation import OWN
from lineage.model.value import Attributes, Ref, Value, each, several

#: How the names of the values begin that a store keeps of its terms.
KEPT = "vocabulary/"
_TYPE = "prov:type"
_INFLUENCE = terms.RELATIONS["wasInfluencedBy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What a version that does not have a kind or relation needs to know of it.

    ``base`` is the family of a kind, or the relation of PROV that a relation is a sub-property of;
    ``type`` the IRI of the ``prov:type`` that marks it. ``code`` is a relation's in engines, ``None``
    for a kind. ``version`` is the one that first wrote it into the store.
    """

    base: str
    type: str
    version: str
    code: int | None = None

    def to_bytes(self) -> bytes:
        """Write the term as a store keeps it."""
        shown = {
            "base": self.base,
            "code": self.code,
            "type": self.type,
            "version": self.version,
        }
        return orjson.dumps(shown)

    @classmethod
    def of_bytes(cls, name: str, data: bytes) -> Term:
        """Read a term as a store keeps it. Raises ``StoreDamaged``."""
        try:
            shown: dict[str, Any] = orjson.loads(data)
            return cls(**{key: shown[key] for key in ("base", "type", "version", "code")})
        except (ValueError, KeyError, TypeError) as error:
            raise StoreDamaged(
                f"what the store says of the term {name!r} cannot be read"
            ) from error


def declared(name: str, version: str) -> Term:
    """The term of a kind or relation of this version. Raises ``KeyError`` for what is neither."""
    if (relation := terms.RELATIONS.get(name)) is not None:
        kind = relation.base_type or relation.iri
        base = relation.base or _INFLUENCE.name
        marked = LINEAGE + kind.removeprefix(OWN) if kind.startswith(OWN) else expand(kind)
        return Term(base=base, type=marked, version=version, code=relation.code)
    return Term(base=kinds.KINDS[name].family, type=LINEAGE + name, version=version)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The terms that a store keeps, by name; what it does not keep, every version knows."""

    terms: Mapping[str, Term] = field(default_factory=dict)

    @classmethod
    def of_values(cls, values: Mapping[str, bytes]) -> Vocabulary:
        """Read a vocabulary out of the values that a store keeps under ``KEPT``. Raises
        ``StoreDamaged``.
        """
        named = {name.removeprefix(KEPT): value for name, value in values.items()}
        return cls({name: Term.of_bytes(name, value) for name, value in named.items()})

    def to_add(self, records: Iterable[Record], version: str) -> dict[str, Term]:
        """The terms of records that are not kept yet."""
        used = {r.kind if isinstance(r, Node) else r.relation for r in records}
        return {name: declared(name, version) for name in used - self.terms.keys()}

    def grown(self, added: Mapping[str, Term]) -> Vocabulary:
        """The vocabulary with more terms."""
        return Vocabulary({**self.terms, **added})

    @property
    def unknown(self) -> Mapping[str, Term]:
        """The terms that this version does not know."""
        return {n: t for n, t in self.terms.items() if n not in _known(t)}

    @property
    def codes(self) -> Mapping[str, int]:
        """Relation -> its code in engines, those of this version among them."""
        kept = {name: term.code for name, term in self.terms.items() if term.code is not None}
        return {**{row.name: row.code for row in terms.TABLE}, **kept}

    def demand_known(self, where: str | None = None) -> None:
        """Raise ``StoreTooNew``, naming the version to install, where a newer one wrote terms that
        this one does not know.
        """
        if unknown := self.unknown:
            raise too_new(unknown, where)


def _known(term: Term) -> Mapping[str, Any]:
    return kinds.KINDS if term.code is None else terms.RELATIONS


def too_new(unknown: Mapping[str, Term], where: str | None = None) -> StoreTooNew:
    """The error of writing to a store that holds terms which this version does not know."""
    named = ", ".join(sorted(unknown))
    newest = max((term.version for term in unknown.values()), key=_order)
    return StoreTooNew(
        f"lineagedb {newest} wrote terms into the store that this version does not know: {named}",
        where=where,
        hint=f"Install lineagedb {newest} or newer to write to it; this version only reads it, and "
        "shows them as what they are in PROV.",
    )


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


@dataclass(frozen=True, slots=True)
class Translation:
    """Translates records into the terms that this version knows."""

    unknown: Mapping[str, Term]

    def kind(self, kind: str) -> str:
        """The kind that a node of a kind is shown under."""
        term = self.unknown.get(kind)
        return kind if term is None else term.base

    def relation(self, relation: str) -> str:
        """The relation that an edge of a relation is shown under: its base, where that is known."""
        term = self.unknown.get(relation)
        if term is None:
            return relation
        return term.base if term.base in terms.RELATIONS else _INFLUENCE.name

    def marked(self, term: str, attributes: Attributes) -> Attributes:
        """The attributes of what is of an unknown term, with the type that marks it."""
        held: Value | tuple[()] = attributes.get(_TYPE, ())
        mark = Ref(self.unknown[term].type)
        return {**attributes, _TYPE: several((mark, *each(held)))}

    def record(self, record: Record) -> Record:
        """Translate a record into the terms that are known."""
        if isinstance(record, Node):
            if record.kind not in self.unknown:
                return record
            return Node(
                id=record.id,
                kind=self.kind(record.kind),
                label=record.label,
                attributes=self.marked(record.kind, record.attributes),
                bundle=record.bundle,
            )
        if record.relation not in self.unknown:
            return record
        return Edge(
            relation=self.relation(record.relation),
            effect=record.effect,
            cause=record.cause,
            attributes=self.marked(record.relation, record.attributes),
            id=record.id,
            bundle=record.bundle,
        )

    def widened(self, names: Iterable[str]) -> frozenset[str]:
        """Relations or kinds, with the unknown ones that are shown as one of them."""
        wanted = frozenset(names)
        shown = (n for n, t in self.unknown.items() if self._shown_as(n, t) in wanted)
        return wanted.union(shown)

    def _shown_as(self, name: str, term: Term) -> str:
        return self.kind(name) if term.code is None else self.relation(name)
