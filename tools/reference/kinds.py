# SPDX-License-Identifier: Apache-2.0
"""docs/reference/kinds.md: every kind of node, out of ``lineage.model.kinds``."""

from __future__ import annotations

from lineage.model import kinds
from lineage.model.noun import PERSONAL, Noun, fields_of
from tools.reference.markdown import HEAD, table

_ABOUT = """\
# Kinds

Every node of a store has one kind. A kind belongs to a family of PROV: it is an entity, an activity or an agent. What a source knows of a node
beside the attributes below is kept too, under a name of its own: a parameter as `param.seed`, a metric as `metric.auc`, an attribute of PROV as
`prov:role`, any other under its full IRI. All attributes may be absent.

- *group* is the group in which answers list nodes of the kind ([answers.md](answers.md)).
- *plural* is the GraphQL field that lists nodes of the kind.
- *references* are the words that a reference to it begins with, as in `run:ab12`. Where a word may mean several kinds, the kind with the
  lowest rank is preferred: see [the words of references](#words-of-references).
- *line* are the attributes that are shown where there is only one line for a node.
- *personal* marks what identifies a person: policies and redaction treat it so.
"""
_HEAD = ("kind", "family", "group", "plural", "references", "line")


def page() -> str:
    """The page as Markdown."""
    parts = [HEAD, _ABOUT, table(_HEAD, map(_row, kinds.KINDS.values()))]
    parts += map(_section, kinds.KINDS.values())
    parts += [_groups(), _words()]
    return "\n".join(parts)


def _row(declared: type[Noun]) -> tuple[str, ...]:
    name = declared.__name__
    return (
        f"[`{name}`](#{name.lower()})",
        declared.family,
        f"`{declared.group}`",
        f"`{declared.plural}`",
        ", ".join(f"`{word}:`" for word in declared.words),
        ", ".join(f"`{attribute}`" for attribute in declared.summary),
    )


def _section(declared: type[Noun]) -> str:
    name = declared.__name__
    said = kinds.describe(name).replace("``", "`")
    text = f"## {name}\n\n{said}\n"
    if declared.version_of:
        kind = declared.version_of
        text += f"\nIts nodes are the versions of a [`{kind}`](#{kind.lower()}).\n"
    rows = [
        (
            f"`{field.name}`",
            str(field.type).removesuffix(" | None"),
            field.metadata["description"],
            "yes" if field.metadata[PERSONAL] else "",
        )
        for field in fields_of(name)
    ]
    if not rows:
        return text + "\nIt declares no attributes.\n"
    return text + "\n" + table(("attribute", "type", "what it says", "personal"), rows)


def _groups() -> str:
    rows = [
        (f"`{group}`", ", ".join(f"`{kind}`" for kind in members))
        for group, members in kinds.GROUPS.items()
    ]
    return "## Groups of answers\n\nIn the order in which answers show them.\n\n" + table(
        ("group", "kinds"), rows
    )


def _words() -> str:
    rows = [
        (
            f"`{word}:`",
            ", ".join(f"`{kind}` ({kinds.KINDS[kind].words[word]})" for kind in meant),
        )
        for word, meant in sorted(kinds.WORDS.items())
    ]
    about = "## Words of references\n\nThe kinds that a word may mean, the preferred one first, each with its rank.\n\n"
    return about + table(("word", "kinds"), rows)
