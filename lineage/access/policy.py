# SPDX-License-Identifier: Apache-2.0
"""A partner's policy: which parts of a store leave as they are, under another name, or not at all.

``policy_document`` says what each rule means, and reads the YAML that a steward writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any

from lineage.access import sensitive
from lineage.model import namespaces
from lineage.model.value import Attributes, Literal, Ref, Value, each

#: A class of nodes smaller than this is named by ``disclosure_of``, where the policy says nothing.
K = 5

_OURS = ("urn:lineage:", "swh:")
#: The attribute that says which project something belongs to.
PROJECT = "project"


@dataclass(frozen=True, slots=True)
class Globs:
    """Patterns in which ``*`` and ``?`` stand for any text and any character."""

    texts: tuple[str, ...]
    _fits: Callable[[str], Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, texts: tuple[str, ...]) -> Globs:
        """Make patterns out of their texts."""
        # Brackets are common in ids and rare in what people mean: they stand for themselves.
        plain = (text.replace("[", "[[]") for text in texts)
        return cls(texts, re.compile("|".join(map(translate, plain))).match)

    def fit(self, text: str) -> bool:
        """Whether one of the patterns matches the whole text; case matters."""
        return self._fits(text) is not None

    def name(self, text: str) -> bool:
        """Whether one of the patterns is exactly this text."""
        return text in self.texts


@dataclass(frozen=True, slots=True)
class Resource:
    """A node as rules look at it: all that its sources say of it."""

    id: str
    kind: str
    attributes: Attributes = field(default_factory=dict)

    @property
    def projects(self) -> Iterator[str]:
        """The attribute ``project``; the namespace of the id, whole and without its system."""
        yield from _texts(self.attributes.get(PROJECT, ()))
        namespace = _namespace(self.id)
        if namespace:
            yield namespace
            yield namespace.rpartition(":")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a policy. A condition that is ``None`` always holds."""

    verb: str
    kind: frozenset[str] | None = None
    project: Globs | None = None
    id: Globs | None = None
    attribute: Mapping[str, Globs] | None = None
    relation: frozenset[str] | None = None
    name: Globs | None = None
    to: str | None = None
    word: str | None = None

    @property
    def narrow(self) -> bool:
        """Whether the rule has any condition."""
        asked = (self.kind, self.project, self.id, self.attribute, self.relation, self.name)
        return any(condition is not None for condition in asked)

    @property
    def reveals(self) -> bool:
        """Whether the rule lets a part of a value itself leave."""
        return self.verb == "keep" or (self.verb == "generalise" and self.to != "word")

    def fits(self, resource: Resource) -> bool:
        """Whether the rule applies to a node."""
        return (
            self.relation is None
            and (self.kind is None or resource.kind in self.kind)
            and (self.project is None or any(map(self.project.fit, resource.projects)))
            and (self.id is None or self.id.fit(resource.id))
            and (self.attribute is None or self._says(resource.attributes))
        )

    def _says(self, attributes: Attributes) -> bool:
        return all(
            any(map(globs.fit, _texts(attributes.get(key, ()))))
            for key, globs in (self.attribute or {}).items()
        )

    def fits_edge(self, relation: str) -> bool:
        """Whether the rule applies to edges of this relation."""
        if self.relation is not None:
            return relation in self.relation
        return self.kind is None and self.project is None and self.id is None

    def releases(self, owner: Resource | str, name: str, value: Value) -> bool:
        """Whether the rule is specific enough to let a sensitive value leave."""
        named = self.name is not None and self.name.name(name)
        if isinstance(owner, Resource) and sensitive.personal(owner.kind):
            return named and self.kind is not None
        return named or not sensitive.free_text(name, value)


_DROP = Rule(verb="drop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The policy for one partner. ``digest`` names the policy in what is signed."""

    partner: str
    nodes: tuple[Rule, ...] = ()
    edges: tuple[Rule, ...] = ()
    attributes: tuple[Rule, ...] = ()
    digests: str = "drop"
    k: int = K
    digest: str = ""

    def node(self, resource: Resource) -> str:
        """The verb that the policy has for a node."""
        for rule in self.nodes:
            if rule.fits(resource):
                named = rule.kind is not None
                return _guarded(rule.verb, resource.kind, named=named)
        return "surrogate"

    def edge(self, relation: str) -> str:
        """The verb that the policy has for edges of a relation."""
        return next((rule.verb for rule in self.edges if rule.fits_edge(relation)), "keep")

    def lets(self, iri: str) -> bool:
        """Whether an IRI that the batch does not describe may stand in a value that leaves: IRIs of
        vocabularies may, our own names only where a rule on ids or projects keeps them.
        """
        resource = Resource(iri, "Entity")
        for rule in self.nodes:
            about_ids = rule.id is not None or rule.project is not None
            if about_ids and rule.kind is None and rule.attribute is None and rule.fits(resource):
                return rule.verb == "keep"
        return iri.startswith(namespaces.LINEAGE) or not iri.startswith(_OURS)

    def attribute(self, owner: Resource | str, name: str, value: Value) -> Rule:
        """The rule for an attribute of a node, or of an edge of the relation ``owner``.

        A rule that would reveal something delicate without naming it does not fit.
        """
        for rule in self.attributes:
            if rule.name is not None and not rule.name.fit(name):
                continue
            fits = rule.fits(owner) if isinstance(owner, Resource) else rule.fits_edge(owner)
            if fits and (not rule.reveals or rule.releases(owner, name, value)):
                return rule
        return _DROP


def _guarded(verb: str, kind: str, *, named: bool) -> str:
    return "pseudonymise" if verb == "keep" and sensitive.personal(kind) and not named else verb


def _texts(value: Value) -> Iterator[str]:
    for item in each(value):
        if isinstance(item, Ref):
            yield item.iri
        else:
            yield item.value if isinstance(item, Literal) else str(item)


def _namespace(ident: str) -> str:
    """The first segment of an id's name: ``lab`` of ``urn:lineage:dataset:lab/x``, ``p`` of
    ``https://host/p/x``; empty where an id has no segments.
    """
    scheme, _, rest = ident.partition("://")
    if rest:
        return rest.partition("/")[2].partition("/")[0]
    if ident.startswith("urn:lineage:"):
        rest = ident.removeprefix("urn:lineage:").partition(":")[2]
    else:
        rest = scheme.partition(":")[2]
    name, slash, _ = rest.partition("/")
    return name if slash else ""
