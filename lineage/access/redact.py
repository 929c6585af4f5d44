# SPDX-License-Identifier: Apache-2.0
"""Redacts a batch for one partner: hidden nodes stay hidden, and every dependency stays true."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from lineage import ids
from lineage.access import collapse, pseudonym
from lineage.access.policy import Policy
from lineage.access.pseudonym import PartnerKey
from lineage.access.subjects import ARGUMENTS, Survey, ref_arguments
from lineage.access.values import Place, Sealed, Values, name_without_digest
from lineage.model import kinds, merge, namespaces, terms
from lineage.model.record import Batch, Edge, Node, Record, arcs, line, named
from lineage.model.value import Literal, Ref, Value, each, refs, several

#: The type of a node that stands for hidden ones.
REDACTED = Ref(namespaces.LINEAGE + "Redacted")

#: A short form that is one, and no text of another kind.
_SHORT = re.compile(r"[A-Za-z][\w.\-]{0,30}")
_HIDDEN = frozenset({"surrogate", "collapse"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """A redacted batch, and what only we may know about it.

    ``counts`` says for nodes, edges and attributes how many met which verb. ``incomplete``: paths
    were cut, so what the partner does not see there may still be. ``sealed`` and ``names`` (old id
    -> new id, ``None`` where it was cut) never leave.
    """

    batch: Batch
    counts: Mapping[str, Mapping[str, int]]
    incomplete: bool
    sealed: tuple[Sealed, ...] = field(repr=False)
    names: Mapping[str, str | None] = field(repr=False)


def redact(batch: Batch, policy: Policy, key: bytes) -> Redacted:
    """Redact a batch under a policy, with pseudonyms made from the partner's key of 32 bytes.

    Same batch, policy and key: same bytes. Raises ``ValueError`` for a key of another length.
    """
    return _Redaction(batch, policy, PartnerKey(policy.partner, key)).result()


class _Redaction:
    def __init__(self, batch: Batch, policy: Policy, key: PartnerKey) -> None:
        self._batch = batch
        self._policy = policy
        self._key = key
        self._survey = Survey(batch, policy)
        self._counts = {part: Counter[str]() for part in ("nodes", "edges", "attributes")}
        self._edges = [edge for edge in batch.edges if not self._is_cut(edge)]
        self._groups = self._grouped()
        self._stand_ins: dict[str, str] = {}
        self._names = {ident: self._name(ident) for ident in self._survey.resources}
        self._edge_ids = self._named_edges()
        self._values = Values(policy, key, self._known_names())

    def result(self) -> Redacted:
        records: list[Record] = [*self._nodes(), *self._kept_edges()]
        lines = {line(record): record for record in records}
        ordered = [lines[text] for text in sorted(lines)]
        self._counts["attributes"] = self._values.counts
        for ident, verb in self._survey.verbs.items():
            if not ids.is_unknown(ident):
                self._counts["nodes"][verb] += 1
        return Redacted(
            batch=Batch(
                nodes=tuple(record for record in ordered if isinstance(record, Node)),
                edges=tuple(record for record in ordered if isinstance(record, Edge)),
                partial=self._batch.partial,
                **self._prefixes(ordered),
            ),
            counts={part: dict(sorted(found.items())) for part, found in self._counts.items()},
            incomplete=bool(self._counts["edges"]["cut"] or self._counts["nodes"]["cut"]),
            sealed=tuple(sorted(self._values.sealed)),
            names=self._names,
        )

    # --- which edges stay, and under what names ----------------------------------------------------

    def _is_cut(self, edge: Edge) -> bool:
        verbs = self._survey.verbs
        cut = self._policy.edge(edge.relation) == "cut" or "cut" in {
            verbs[edge.effect],
            verbs[edge.cause],
        }
        self._counts["edges"]["cut" if cut else "keep"] += 1
        return cut

    def _grouped(self) -> dict[str, collapse.Group]:
        survey = self._survey
        hidden = {
            ident: survey.family(ident)
            for ident, verb in survey.verbs.items()
            if verb == "collapse" and ident not in survey.ambiguous_family
        }
        found = [
            (arc.relation, arc.effect, arc.cause) for edge in self._edges for arc in arcs(edge)
        ]
        return collapse.groups(hidden, found)

    def _name(self, ident: str) -> str | None:
        key, verb = self._key, self._survey.verbs[ident]
        if ids.is_unknown(ident):
            return ids.unknown_id(key.pseudonym("Unknown", ident))
        if verb == "cut":
            return None
        if verb in _HIDDEN:
            return self._stand_in(ident)
        if verb == "keep" and self._claims_hidden(ident):
            return key.pseudonym(self._survey.resources[ident].kind, ident)
        if verb == "keep":
            name = name_without_digest(ident, self._policy.digests, key)
            if name is not None:
                return name
        return key.pseudonym(self._survey.resources[ident].kind, ident)

    def _claims_hidden(self, ident: str) -> bool:
        """Whether it is what a partner says of a node that does not leave under its name."""
        claimed = unquote(ident.removeprefix(ids.CLAIM).partition(":")[2])
        return ident.startswith(ids.CLAIM) and self._survey.verbs.get(claimed, "keep") != "keep"

    def _stand_in(self, ident: str) -> str:
        """The name of the node that stands for a hidden node, and for all that is one with it."""
        if not self._is_many(ident):
            return self._key.pseudonym("Redacted", ident)
        group = self._groups[ident]
        first = group.members[0]
        if first not in self._stand_ins:
            self._stand_ins[first] = self._key.pseudonym("Redacted", "\n".join(group.members))
        return self._stand_ins[first]

    def _named_edges(self) -> dict[str, str]:
        """Old id of an edge that stays -> new id. An edge of several nodes that became one has
        none: two ids of what is now one edge would contradict each other (PROV-CONSTRAINTS 23-29).
        """
        return {
            edge.id: self._key.pseudonym("edge", edge.id)
            for edge in self._edges
            if edge.id is not None
            and not self._within_group(edge)
            and not self._touches_group(edge)
        }

    def _within_group(self, edge: Edge) -> bool:
        """Whether both ends became one node."""
        group = self._groups.get(edge.effect)
        return self._is_many(edge.effect) and group is self._groups.get(edge.cause)

    def _touches_group(self, edge: Edge) -> bool:
        """Whether an end of the edge stands for several nodes."""
        return self._is_many(edge.effect) or self._is_many(edge.cause)

    def _is_many(self, ident: str) -> bool:
        """Whether a node becomes one node with others."""
        return ident in self._groups and len(self._groups[ident].members) > 1

    def _family(self, ident: str) -> str:
        """The family of the node that stands for a hidden node."""
        if ident in self._groups:
            return self._groups[ident].family
        return self._survey.family(ident)

    def _known_names(self) -> dict[str, str | None]:
        """Every name that has changed, to find it in values."""
        known: dict[str, str | None] = {
            ident: None for ident in (edge.id for edge in self._batch.edges) if ident is not None
        }
        known.update(self._edge_ids)
        for record in self._batch.records:
            if record.bundle is not None:
                known[record.bundle] = self._bundle(record.bundle)
        known.update(self._names)
        return known

    def _bundle(self, ident: str | None) -> str | None:
        """A bundle that is also described has the name of its node, unless that is shared."""
        if ident is None:
            return None
        if self._survey.verbs.get(ident) in {"keep", "pseudonymise", "surrogate"}:
            return self._names[ident]
        return self._key.pseudonym("bundle", ident)

    # --- records -----------------------------------------------------------------------------------

    def _nodes(self) -> Iterator[Node]:
        survey = self._survey
        for node in self._batch.nodes:
            name, verb = self._names[node.id], survey.verbs[node.id]
            if name is None:
                continue
            bundle = self._bundle(node.bundle)
            if verb in _HIDDEN:
                yield Node(
                    id=name,
                    kind=self._family(node.id)
                    if self._is_many(node.id)
                    else kinds.family(node.kind),
                    attributes={"prov:type": REDACTED},
                    bundle=bundle,
                )
                continue
            place = Place(survey.resources[node.id], name)
            label = self._values.label(place, node.label)
            if label is None and verb == "pseudonymise":
                label = pseudonym.label(node.kind, name)
            yield Node(
                id=name,
                kind=node.kind,
                label=label,
                attributes=self._values.attributes(place, node.attributes),
                bundle=bundle,
            )

    def _kept_edges(self) -> Iterator[Edge]:
        for edge in self._edges:
            if self._within_group(edge):
                self._counts["edges"]["keep"] -= 1
                self._counts["edges"]["collapse"] += 1
                continue
            effect, cause = self._names[edge.effect], self._names[edge.cause]
            if effect is None or cause is None:
                continue
            yield Edge(
                relation=edge.relation,
                effect=effect,
                cause=cause,
                attributes=self._edge_attributes(edge, f"{effect} {edge.relation} {cause}"),
                id=None if edge.id is None else self._edge_ids.get(edge.id),
                bundle=self._bundle(edge.bundle),
            )

    def _edge_attributes(self, edge: Edge, record: str) -> dict[str, Value]:
        """Arguments under their new names; of edges between nodes that are shown, also what the
        policy lets leave.
        """
        verbs, relation = self._survey.verbs, edge.relation
        arguments = ref_arguments(relation) & edge.attributes.keys()
        shown: dict[str, Value] = {}
        if not _HIDDEN & {verbs[edge.effect], verbs[edge.cause]}:
            others = {k: v for k, v in edge.attributes.items() if k not in arguments}
            shown = self._values.attributes(Place(relation, record), others)
        for key in sorted(arguments):
            # What several edges became one may have one plan each, but not one activity each.
            if key != "prov:plan" and self._touches_group(edge):
                continue
            found = [self._argument(key, iri) for iri in refs(edge.attributes[key])]
            if named := [Ref(name) for name in found if name is not None]:
                shown[key] = several(named)
        method = edge.attributes.get(terms.METHOD)
        if relation == terms.SAMENESS and method in terms.FOLLOWED_METHODS:
            shown[terms.METHOD] = method
        return shown

    def _argument(self, key: str, iri: str) -> str | None:
        if key in merge.EDGE_ARGUMENTS:
            return self._edge_ids.get(iri)
        if key not in ARGUMENTS:
            return self._bundle(iri)
        # Within a chain that became one of another family there is nothing left to name.
        if self._is_many(iri) and self._family(iri) != ARGUMENTS[key]:
            return None
        return self._names[iri]

    def _prefixes(self, records: Iterable[Record]) -> dict[str, Any]:
        """The short forms of which something that leaves makes use, by bundle."""
        used: dict[str | None, set[str]] = {}
        for record in records:
            used.setdefault(record.bundle, set()).update(_iris(record))
        bundles = {
            name: _used(prefixes, used[name])
            for old, prefixes in sorted(self._batch.bundles.items())
            if (name := self._bundle(old)) in used
        }
        everywhere = set[str]().union(*used.values())
        return {"prefixes": _used(self._batch.prefixes, everywhere), "bundles": bundles}


def _iris(record: Record) -> Iterator[str]:
    yield from named(record)
    for key, value in record.attributes.items():
        yield namespaces.expand(key)
        for item in each(value):
            if isinstance(item, Literal) and item.datatype is not None:
                yield namespaces.expand(item.datatype)


def _used(prefixes: Mapping[str, str], iris: Iterable[str]) -> dict[str, str]:
    ordered = sorted(iris)
    return {
        prefix: namespace
        for prefix, namespace in sorted(prefixes.items())
        if _SHORT.fullmatch(prefix)
        and (at := bisect_left(ordered, namespace)) < len(ordered)
        and ordered[at].startswith(namespace)
    }
