# SPDX-License-Identifier: Apache-2.0
"""docs/reference/relations.md: every relation, out of ``lineage.model.terms``."""

from __future__ import annotations

from lineage.formats.prov_o.words import WORDS
from lineage.model import namespaces, terms
from lineage.model.relation import OWN, Argument, Relation
from tools.reference.markdown import HEAD, table

_ABOUT = """\
# Relations

Every edge of a store has one relation. It points from the *effect* to its *cause*, as the relations of PROV do: `wasGeneratedBy` points from the
entity that was made to the activity that made it.

- *section* is that of [PROV-DM](https://www.w3.org/TR/prov-dm/), or of the W3C Note that is named.
- *back* is the name of the way back, from the cause to its effects.
- *walks* says whether `trace`, `impact`, `why`, `produced` and the walks of a [selection](selection.md) follow the relation when nobody names
  relations. *by digest* means: only where the edge says `method` `digest`, so that the two ends have the same bytes. All other claims that two
  things are the same are shown and not followed. With `--via` (in Python `via=`) a walk follows the relations that are named and no other, not
  even those that narrow them.
- *narrows* is the relation of PROV that a relation is a sub-property of. A format that knows only PROV writes that relation, with the `prov:type`
  that is given here.
"""
_FORMATS = """\
## Names in formats and in Neo4j

The keys are those of PROV-JSON for the effect and the cause. PROV-O writes a plain property from the effect to the cause; what else is said of an
edge stands at a node of the class, to which the qualified property leads.
"""
_ARGUMENTS = """\
## Arguments

What a relation may say beside its two ends. `ref` names a thing of the family given, `time` is an ISO 8601 time, `set` a set of keys of
PROV-Dictionary, `any` any value. Every relation may have `prov:role`, `prov:label`, `prov:type`, `prov:location` and any other attribute as well.
"""
_IMPLIED = """\
## Implied relations

An edge with the argument below makes a second edge, so that walks find what the argument names. The second edge is never written into
documents: the first one says it already.
"""


def page() -> str:
    """The page as Markdown."""
    told = (
        "relation", "section", "effect", "cause", "back", "walks", "narrows",
    )  # fmt: skip
    formats = (
        "relation", "Neo4j type", "key of the effect", "key of the cause", "PROV-O property",
        "qualified property", "class",
    )  # fmt: skip
    arguments = [(row, argument) for row in terms.TABLE for argument in row.arguments]
    implied = [row for row in terms.TABLE if row.implied_by]
    return "\n".join(
        [
            HEAD,
            _ABOUT,
            table(told, map(_row, terms.TABLE)),
            _FORMATS,
            table(formats, map(_in_formats, terms.TABLE)),
            _ARGUMENTS,
            table(
                ("relation", "key", "holds", "what it says"),
                (_argument(row, argument) for row, argument in arguments),
            ),
            _IMPLIED,
            table(("an edge of", "with", "makes an edge of"), map(_implication, implied)),
        ]
    )


def _row(row: Relation) -> tuple[str, ...]:
    ends = ("any", "any") if row.any_ends else (row.effect, row.cause)
    narrows = f"`{row.base}` with `{row.base_type}`" if row.base else ""
    return (f"`{row.name}`", row.section, *ends, f"`{row.inverse}`", _walks(row), narrows)


def _walks(row: Relation) -> str:
    if row.name in terms.SAMENESSES:
        return "by digest"
    return "yes" if row.follow else "no"


def _in_formats(row: Relation) -> tuple[str, ...]:
    named = (f"`{row.name}`", f"`{row.cypher}`")
    words = WORDS.get(row.name)
    if words is None:
        return (*named, *["never written"] * 5)
    return (
        *named,
        f"`{row.effect_key}`",
        f"`{row.cause_key}`",
        _names(words.plain),
        _names((words.qualified,)),
        _names(words.classes),
    )


def _names(iris: tuple[str, ...]) -> str:
    short = (namespaces.compact(iri) for iri in iris)
    return ", ".join(f"`{name if ':' in name else OWN + name}`" for name in short)


def _argument(row: Relation, argument: Argument) -> tuple[str, ...]:
    holds = f"{argument.holds}, {argument.family}" if argument.family else argument.holds
    return (f"`{row.name}`", f"`{argument.key}`", holds, argument.says)


def _implication(row: Relation) -> tuple[str, ...]:
    root, key = row.implied_by or ("", "")
    names = [one.name for one in terms.TABLE if one.root == root]
    return (", ".join(f"`{name}`" for name in names), f"`{key}`", f"`{row.name}`")
