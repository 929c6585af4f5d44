# SPDX-License-Identifier: Apache-2.0
"""Reads the metadata of any crate (actions, things, people, and how they are connected) as PROV."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from lineage import ids
from lineage.errors import BadInput
from lineage.formats import names, prov_terms
from lineage.formats.rocrate import words
from lineage.formats.rocrate.document import Document, digests, size
from lineage.formats.rocrate.parts import Crate, below, made
from lineage.formats.rocrate.words import Tie, listed
from lineage.model import kinds, namespaces, terms
from lineage.model.copies import retied
from lineage.model.record import Batch, Edge, Loss, Node
from lineage.model.value import Literal, Ref, Scalar, Value, several

_SOFTWARE = frozenset({"SoftwareApplication", "SoftwareSourceCode", "ComputationalWorkflow"})
_OF_LITERALS = frozenset({"@value", "@type", "@language", "@direction", "@index"})


class Reader:
    """One reading of a crate's metadata; ``batch`` is what was found."""

    def __init__(self, source: Document, where: str) -> None:
        self._source = source
        self._where = where
        self._context = source.context
        absolute = words.absolute(source.root)
        root = names.plain(words.encoded(source.root)) if absolute else None
        self._base = source.context.base or root or f"urn:lineage:crate:sha256:{source.digest}/"
        self._kinds: dict[str, str] = {}
        self._idents = {_bare(entity["@id"]) for entity in source.entities}
        self._nodes: list[Node] = []
        self._edges: dict[tuple[str, str, str, str | None], Edge] = {}
        self._bytes: set[str] = set()
        self._seen: Counter[str] = Counter()
        self._lost: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], str] = {}
        for why, place in source.faults:
            self._lose("entities", why, place)
        for key in source.others:
            self._lost[key, "said of the document, beside its entities"] += 1
        for term in source.context.coerced:
            self._lost[
                term, "defined with a type or container; its values are kept as they stand"
            ] += 1

    def batch(self, *, parts: bool = False) -> Batch:
        """Everything the crate says; with ``parts`` also who made the parts of results."""
        found = [*self._source.entities]
        for entity in self._source.entities:
            found += self._nested(entity)
        types: dict[str, dict[str, None]] = {}
        for entity in found:
            own = types.setdefault(self.iri(entity["@id"]), {})
            own.update(dict.fromkeys(self._types_of(entity)))
        self._kinds = {ident: _kind(own) for ident, own in types.items()}
        for entity in found:
            self._entity(entity)
        if parts:
            self._parts(types)
        return Batch(
            nodes=tuple(self._nodes),
            edges=tuple(retied(self._edges.values())),
            seen=dict(self._seen),
            losses=tuple(
                Loss(
                    what,
                    n,
                    f"{why} (first: {self._first[what, why]})"
                    if (what, why) in self._first
                    else why,
                )
                for (what, why), n in self._lost.items()
            ),
        )

    def _lose(self, what: str, why: str, first: str) -> None:
        self._lost[what, why] += 1
        self._first.setdefault((what, why), first)

    def _parts(self, types: Mapping[str, Collection[str]]) -> None:
        """Tie the parts of results to the actions that made the wholes."""
        root = self.iri(self._source.root)
        given = [ident for ident, own in types.items() if _SOFTWARE.intersection(own)]
        given += [self.iri(name) for name in words.METADATA_NAMES]
        folders = {ident for ident in types if self._kinds[ident] == "Dataset"}
        crate = Crate(root, given, below(types, root, folders))
        found, unclear = made(self._edges.values(), crate)
        for edge in found:
            self._edges.setdefault((edge.relation, edge.effect, edge.cause, None), edge)
        if unclear:
            why = "several actions made the whole; which made which part is not said"
            self._lost["parts of results", why] += unclear

    def seen(self) -> dict[str, int]:
        """How many entities of which sort the crate lists, without reading what they say."""
        for entity in self._source.entities:
            types = self._types_of(entity)
            self._count(_kind(types), types)
        return dict(self._seen)

    def iri(self, ident: str) -> str:
        """What an ``@id`` names: an absolute one itself, others within this crate only."""
        if ident.startswith("_:"):
            return f"{ids.BLANK}{self._source.digest[:16]}/{ids.segment(ident[2:])}"
        encoded = words.encoded(ident)
        if words.absolute(encoded):
            return names.plain(encoded)
        path = encoded.removeprefix("./")
        return self._base + (path if self._base.endswith(("/", "#")) else "/" + path)

    # --- entities ---

    def _nested(self, value: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Entities described inside others, which flattened metadata do not have; each gets an
        ``@id`` and leaves a reference.
        """
        for key, inner in value.items():
            if key.startswith("@"):
                continue
            for item in _flat(inner):
                if not isinstance(item, dict) or "@value" in item or item.keys() <= {"@id", "id"}:
                    continue
                if item.keys() & {"@list", "@set"}:
                    yield from self._nested({"": item.get("@list", item.get("@set"))})
                    continue
                ident = item.get("@id")
                if not isinstance(ident, str) or not ident:
                    item["@id"] = f"_:{ids.sha256(repr(item).encode())[:32]}"
                yield item
                yield from self._nested(item)

    def _types_of(self, entity: dict[str, Any]) -> tuple[str, ...]:
        types = listed(entity.get("@type", []))
        if not all(isinstance(item, str) for item in types):
            raise BadInput(f"{entity['@id']!r} has a type that is no text", where=self._where)
        return tuple(map(self._context.term, types))

    def _entity(self, entity: dict[str, Any]) -> None:
        ident = self.iri(entity["@id"])
        types = self._types_of(entity)
        kind = self._kinds[ident]
        self._count(kind, types)
        attributes: dict[str, list[Scalar]] = {}
        agents, plans = [], []
        for key, raw in entity.items():
            if key.startswith("@"):
                if key not in ("@id", "@type"):
                    self._lost[key, "a keyword of JSON-LD that crates do not use"] += 1
                continue
            term = self._context.term(key)
            where = f"{key} of {entity['@id']}"
            values = self._values(raw, where)
            if self._tie(kind, term) or (kind in _ACTIVITIES and term in _ACTORS):
                self._texts_for_references(values, where)
            if kind in _ACTIVITIES and term == "instrument":
                agents += [v for v in values if self._is_agent(v)]
                plans += [v for v in values if isinstance(v, Ref) and not self._is_agent(v)]
                values = [v for v in values if not isinstance(v, Ref)]
            elif kind in _ACTIVITIES and term == "agent":
                agents += [v for v in values if isinstance(v, Ref)]
                values = [v for v in values if not isinstance(v, Ref)]
            elif tie := self._tie(kind, term):
                values = [value for value in values if not self._tied(ident, tie, value)]
            if values:
                attributes.setdefault(term, []).extend(values)
        self._associate(ident, [v.iri for v in agents if isinstance(v, Ref)], plans)
        self._nodes.append(self._node(ident, kind, types, attributes))

    def _count(self, kind: str, types: tuple[str, ...]) -> None:
        self._seen["entities"] += 1
        for word, is_one in (
            ("actions", kind in _ACTIVITIES),
            ("files", "File" in types),
            ("datasets", "Dataset" in types),
            ("people", "Person" in types),
            ("organizations", "Organization" in types),
            ("software", bool(_SOFTWARE.intersection(types))),
            ("parameters", bool({"FormalParameter", "PropertyValue"}.intersection(types))),
        ):
            self._seen[word] += is_one

    def _node(
        self, ident: str, kind: str, types: tuple[str, ...], found: dict[str, list[Scalar]]
    ) -> Node:
        bytes_ = size(found)
        attributes: dict[str, list[Scalar]] = {}
        for term, values in found.items():
            key, kept = self._attribute(kind, term, values, bytes_)
            attributes.setdefault(key, []).extend(kept)
            if term in words.DIGESTS and key == "digest":
                self._contents(ident, term, [str(v).partition(":")[2] for v in kept], bytes_)
        label = next((v for v in found.get("name", ()) if isinstance(v, str) and v), None)
        if label is not None:
            attributes[prov_terms.LABEL] = [label, *attributes.get(prov_terms.LABEL, ())]
        shown = [Ref(words.full(item)) for item in types]
        if kind not in kinds.PLAIN:
            shown.append(Ref(namespaces.LINEAGE + kind))
        if shown:
            attributes.setdefault(prov_terms.TYPE, []).extend(shown)
        told = {key: several(values) for key, values in attributes.items() if values}
        return prov_terms.node(kinds.family(kind).lower(), ident, told)

    def _attribute(
        self, kind: str, term: str, values: list[Scalar], bytes_: int | None
    ) -> tuple[str, list[Scalar]]:
        """The key of a property as answers write it, and its values."""
        key = namespaces.compact(words.full(term))
        own = words.OF_KINDS.get(term)
        texts = all(isinstance(value, str) for value in values)
        if own in ("started", "ended") or key in prov_terms.TIMES:
            if kind not in _ACTIVITIES:
                return key, values
            if not texts or len(values) > 1:
                self._lost[key, "a time that is not one text"] += len(values)
                return key, []
            return own or key, values
        if term in words.DIGESTS and (hexes := digests(term, values)):
            return "digest", [f"{term}:{hex_}" for hex_ in hexes]
        if term == "contentSize" and bytes_ is not None:
            return "size", [bytes_]
        if own == "status" and (statuses := _statuses(values)):
            return own, statuses
        if own and texts and (own in _EVERYBODYS or own in _fields(kind)):
            return own, values
        return key, values

    def _contents(self, ident: str, algorithm: str, hexes: list[str], bytes_: int | None) -> None:
        for hex_ in hexes:
            content = ids.content_id(algorithm, hex_, bytes_)
            if content is None:
                continue
            label = f"{algorithm}:{hex_[:12]}"
            node = kinds.Content(id=content, label=label, digest=f"{algorithm}:{hex_}").node()
            if content not in self._bytes:
                self._bytes.add(content)
                self._nodes.append(node)
            by_digest: dict[str, Value] = {terms.METHOD: terms.BY_DIGEST}
            for effect, cause in ((ident, content), (content, ident)):
                edge = Edge(
                    relation=terms.SAMENESS, effect=effect, cause=cause, attributes=by_digest
                )
                self._edges[terms.SAMENESS, effect, cause, None] = edge

    # --- ties ---

    def _tie(self, kind: str, term: str) -> Tie | None:
        family = kinds.family(kind)
        if family == "Activity":
            return words.OF_ACTIONS.get(term)
        return words.OF_THINGS.get(term) if family == "Entity" else None

    def _tied(self, ident: str, tie: Tie, value: Scalar) -> bool:
        """Whether a value became an edge."""
        if not isinstance(value, Ref):
            return False
        if self._kinds.get(value.iri) in _ACTIVITIES:
            if tie.relation not in ("used", "wasGeneratedBy"):
                return False
            # An action upon an action: the one organised, controlled or started the other.
            self._add("wasInformedBy", value.iri, ident, tie.role)
            return True
        effect, cause = (value.iri, ident) if tie.backwards else (ident, value.iri)
        self._add(tie.relation, effect, cause, tie.role)
        return True

    def _add(self, relation: str, effect: str, cause: str, role: str | None) -> None:
        attributes: dict[str, Value] = {"prov:role": role} if role else {}
        edge = Edge(relation=relation, effect=effect, cause=cause, attributes=attributes)
        self._edges.setdefault((relation, effect, cause, role), edge)

    def _associate(self, ident: str, agents: list[str], plans: list[Ref]) -> None:
        """Who did it, and by which plan: one plan is everybody's, of several nobody knows whose."""
        everybodys = plans[0] if len(plans) == 1 and agents else None
        for agent in agents:
            self._associated(ident, agent, everybodys)
        if everybodys is None:
            for plan in plans:
                self._associated(ident, None, plan)

    def _associated(self, ident: str, agent: str | None, plan: Ref | None) -> None:
        relation = terms.RELATIONS["wasAssociatedWith"]
        attributes: dict[str, Value] = {} if plan is None else {"prov:plan": plan}
        edge = prov_terms.edge(relation, (ident, agent), attributes)
        key = (edge.relation, ident, edge.cause, plan.iri if plan else None)
        self._edges.setdefault(key, edge)

    def _is_agent(self, value: Scalar) -> bool:
        if not isinstance(value, Ref):
            return False
        return kinds.family(self._kinds.get(value.iri, "Entity")) == "Agent"

    # --- values ---

    def _texts_for_references(self, values: list[Scalar], where: str) -> None:
        """Count texts that stand where a reference is expected, and are the name of an entity."""
        for value in values:
            if isinstance(value, str) and _bare(value) in self._idents:
                why = 'a text that equals the "@id" of an entity is no reference; kept as text'
                self._lose("references", why, f"{where}: {value!r}")

    def _values(self, raw: Any, where: str) -> list[Scalar]:
        found: list[Scalar] = []
        for item in _flat(raw):
            if item is None:
                self._lost["null", "a property without a value says nothing"] += 1
            elif isinstance(item, dict):
                found += self._object(item, where)
            elif isinstance(item, str) and self._context.language:
                found.append(Literal(item, None, self._context.language))
            else:
                found.append(item)
        return found

    def _object(self, item: dict[str, Any], where: str) -> list[Scalar]:
        if "@list" in item or "@set" in item:
            if "@list" in item:
                self._lost["order", "a list is kept as a set of values"] += 1
            return self._values(item.get("@list", item.get("@set")), where)
        if "@value" not in item:
            ident = item.get("@id")
            if not isinstance(ident, str) or not ident:
                why = f'{ident!r} for an "@id" names nothing'
                if "id" in item:
                    why = 'an "id" is no "@id", and names nothing'
                self._lose("references", why, where)
                return []
            return [Ref(self.iri(ident))]
        if left := item.keys() - _OF_LITERALS:
            self._lost["literals", "an identifier or properties beside @value"] += len(left)
        value, datatype, language = item["@value"], item.get("@type"), item.get("@language")
        if isinstance(value, dict | list) or value is None:
            self._lost["literals", "a @value that is no text, number or truth"] += 1
            return []
        if isinstance(language, str) and isinstance(value, str):
            return [Literal(value, None, language)]
        if isinstance(datatype, str) and isinstance(value, str):
            short = prov_terms.datatype(self._context.iri(datatype))
            return [prov_terms.typed(value, short)]
        if language is not None or datatype is not None:
            self._lost["literals", "a language or type that does not fit its value"] += 1
        return [value]


_ACTIVITIES = frozenset({"Run", "Activity"})
#: Properties of actions that are no tie, and name somebody or something.
_ACTORS = frozenset({"agent", "instrument"})
#: Attributes that may be of every kind.
_EVERYBODYS = frozenset({"name", "license", "error"})


def _flat(value: Any) -> Iterator[Any]:
    """The items of a value, and of the lists in it."""
    for item in listed(value):
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item


def _kind(types: Collection[str]) -> str:
    """The kind that the types of an entity make it. A program that is a file of the crate is one
    of its things; one that is only named acted.
    """
    if words.RUNS.intersection(types):
        return "Run"
    if any(item.endswith("Action") for item in types):
        return "Activity"
    return next((kind for word, kind in words.KINDS.items() if word in types), "Entity")


def _bare(ident: str) -> str:
    """An ``@id`` without what may be written or left out."""
    return words.encoded(ident).removeprefix("./")


def _statuses(values: list[Scalar]) -> list[Scalar]:
    """What became of an action: as a text, or as a reference to one of the words for it."""
    found: list[Scalar] = []
    for value in values:
        text = value.iri if isinstance(value, Ref) else value
        word = re.split("[/:]", text)[-1] if isinstance(text, str) else ""
        known = words.STATUS.get(word)
        if known is None and not isinstance(value, str):
            return []
        found.append(known or value)
    return found


@cache
def _fields(kind: str) -> frozenset[str]:
    return frozenset(field.name for field in kinds.fields_of(kind))
