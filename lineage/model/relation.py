# SPDX-License-Identifier: Apache-2.0
"""How a relation is declared: its ends, its arguments, and what every format calls it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from lineage.model.namespaces import LINEAGE, PROV

Family = Literal["Entity", "Activity", "Agent"]
#: How the types of our own sub-properties begin.
OWN = "lineage:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An optional argument of a relation: the key PROV-JSON writes it under, what it holds, and what
    it says. ``family`` is that of the thing it names, where it names one.
    """

    key: str
    says: str
    holds: Literal["time", "ref", "any", "set"] = "ref"
    family: Family | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One PROV relation, from effect to cause.

    ``code`` is stored by engines and never changes. ``inverse`` is the name of the way back
    (PROV-O appendix B, ours where it has none). ``base`` names the PROV relation that a
    sub-property is written as in formats that know only PROV, together with ``prov:type``; a type
    in our namespace makes it one of ours. Every relation beyond PROV is such a sub-property
    (``narrower``), of ``wasInfluencedBy`` where nothing closer fits.
    """

    code: int
    name: str
    effect: Family
    cause: Family
    effect_key: str
    cause_key: str
    inverse: str
    any_ends: bool = False
    follow: bool = True
    arguments: tuple[Argument, ...] = ()
    base: str | None = None
    base_type: str | None = None
    implied_by: tuple[str, str] | None = None
    qualified: str | None = None
    section: str = ""

    @property
    def cypher(self) -> str:
        """The relationship type in Neo4j: WAS_GENERATED_BY."""
        return cypher_type(self.name)

    @property
    def root(self) -> str:
        """The relation of PROV that this one is, or is a sub-property of."""
        return self.base or self.name

    @property
    def ours(self) -> bool:
        """Whether it is a sub-property that PROV does not have."""
        return self.base_type is not None and self.base_type.startswith(OWN)

    @property
    def iri(self) -> str:
        """The PROV-O property, or ours."""
        return (LINEAGE if self.ours else PROV) + self.name


def narrower(  # noqa: PLR0913 - what a sub-property is, one parameter each
    base: Relation,
    *,
    code: int,
    name: str,
    inverse: str,
    base_type: str | None = None,
    follow: bool | None = None,
    qualified: str | None = None,
    section: str = "",
) -> Relation:
    """A sub-property of a relation of PROV: it has the ends and arguments of its base, walks follow
    it where they follow the base (unless ``follow`` says otherwise), and formats that know only PROV
    write it as the base with ``base_type``. ``qualified`` is the class that PROV-O has for it.
    """
    return replace(
        base,
        code=code,
        name=name,
        inverse=inverse,
        base=base.name,
        base_type=base_type or OWN + name,
        follow=base.follow if follow is None else follow,
        qualified=qualified,
        section=section,
    )


def cypher_type(name: str) -> str:
    """The relationship type of a relation.

    >>> cypher_type("wasGeneratedBy")
    'WAS_GENERATED_BY'
    """
    return re.sub("([A-Z])", r"_\1", name).upper()


def of_cypher_type(type_: str) -> str:
    """The relation of a relationship type.

    >>> of_cypher_type("WAS_GENERATED_BY")
    'wasGeneratedBy'
    """
    first, *rest = type_.split("_")
    return first.lower() + "".join(part.capitalize() for part in rest)
