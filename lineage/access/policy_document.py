# SPDX-License-Identifier: Apache-2.0
"""The document of a policy: what leaves as it is, under another name, or not at all.

A steward writes it as YAML. Each rule is one sentence, the verb first; of each list the first rule
that fits decides. A whole example::

    partner: b-institute
    nodes:        # the first rule that fits decides
      - cut: {id: "urn:lineage:dataset:hr/*"}
      - keep: {kind: [Dataset, Model, ModelVersion], project: fraud}
      - keep: {kind: [DatasetVersion, Content], attribute: {visibility: public}}
      - keep: {kind: Package}
      - pseudonymise: {kind: [Run, Commit, Person]}
      - collapse: {project: "scratch-*"}
      - otherwise: surrogate
    edges:
      - cut: {relation: wasAttributedTo}
    attributes:   # of what is shown; the label is one of them
      - keep: {kind: ModelVersion, name: [label, version, stage]}
      - keep: {name: [license, size, "metric.*"]}
      - keep: {relation: used, name: "prov:role"}
      - generalise: {name: [started, ended, "prov:time"], to: month}
      - generalise: {kind: Artifact, name: name, to: basename}
      - generalise: {name: host, to: {word: gpu-node}}
      - pseudonymise: {name: experiment}
      - seal: {name: "param.*"}
      - otherwise: drop
    digests: hmac
    k: 5

*Nodes.* ``keep``: under its own name. ``pseudonymise``: under a name only this partner is given.
``surrogate``: a nameless node of the same PROV family in its place, without attributes, with its
edges. ``collapse``: the same, and chains of such nodes become one. ``cut``: gone with its edges;
the export then says that it is incomplete. Without a rule: ``surrogate``.

*Attributes* of the nodes that are kept or pseudonymised, and of edges between them; the label is
the attribute ``label``. ``keep``; ``generalise`` to the month, to the last part of a path, or to a
word; ``pseudonymise`` the value; ``seal`` it (a commitment that can be opened later); ``drop``.
Without a rule: ``drop``.

*Edges* are kept unless a rule cuts their relation.

*Digests* of bytes, which are names too: whoever holds a file can confirm one. ``share`` lets the
partner join on content, ``hmac`` lets them join only what we sent them, ``drop`` (without a word)
nothing.

Names, ids, projects and attribute values may hold ``*`` and ``?``. A project is the attribute
``project``, or the namespace of the id. All that a rule says must hold; of a list, one item must.

Two things no wildcard releases. Facts about people: a node of kind Person or Agent keeps its name
only by a rule that names its kind, else it is pseudonymised, and an attribute of one leaves only by
a rule that names both kind and attribute. Free text (labels, descriptions, commit messages, command
lines, environment values, anything long): only by a rule that names the attribute.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from lineage import ids
from lineage.access.policy import PROJECT, Globs, K, Policy, Rule
from lineage.errors import BadInput
from lineage.model import kinds, terms

NODE_VERBS = ("keep", "pseudonymise", "surrogate", "collapse", "cut")
EDGE_VERBS = ("keep", "cut")
ATTRIBUTE_VERBS = ("keep", "generalise", "pseudonymise", "seal", "drop")
DIGESTS = ("share", "hmac", "drop")
#: Rules that one list may hold.
MOST_RULES = 1_000

_PARTNER = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")
_OTHERWISE = "otherwise"


def read(value: Any, *, where: str = "policy") -> Policy:
    """Read a policy out of the mapping that its YAML holds.

    Raises ``BadInput`` for the first thing that is wrong, with its pointer.
    """
    return _Reader(where).policy(value)


class _Reader:
    """A mapping as a policy; the first thing that is wrong is named with its pointer."""

    def __init__(self, where: str) -> None:
        self._where = where

    def policy(self, value: Any) -> Policy:
        said = self._mapping(value, "", ("partner", "nodes", "edges", "attributes", "digests", "k"))
        partner = said.get("partner")
        if not isinstance(partner, str) or not _PARTNER.fullmatch(partner):
            why = f"the partner is {partner!r}, not one word of a-z, 0-9, dots and dashes"
            raise self._wrong("/partner", why)
        k = said.get("k", K)
        if type(k) is not int or not 2 <= k <= 1_000:
            raise self._wrong("/k", f"k is {k!r}, not a number from 2 to 1000")
        conditions = ("kind", PROJECT, "id")
        return Policy(
            partner=partner,
            nodes=self._rules(said, "nodes", NODE_VERBS, (*conditions, "attribute")),
            edges=self._rules(said, "edges", EDGE_VERBS, ("relation",)),
            attributes=self._rules(
                said, "attributes", ATTRIBUTE_VERBS, ("name", *conditions, "relation", "to")
            ),
            digests=self._one_of(said.get("digests", "drop"), DIGESTS, "/digests"),
            k=k,
            digest=ids.sha256(ids.canonical(said)),
        )

    def _rules(
        self, said: Mapping[str, Any], key: str, verbs: tuple[str, ...], may: tuple[str, ...]
    ) -> tuple[Rule, ...]:
        listed = said.get(key, [])
        if not isinstance(listed, list) or len(listed) > MOST_RULES:
            raise self._wrong(f"/{key}", f"{key} is not a list of at most {MOST_RULES} rules")
        rules = []
        for at, item in enumerate(listed):
            pointer = f"/{key}/{at}"
            if not isinstance(item, dict) or len(item) != 1:
                raise self._wrong(pointer, "a rule is one verb with what it is about")
            ((verb, about),) = item.items()
            if verb == _OTHERWISE:
                if at != len(listed) - 1:
                    raise self._wrong(pointer, "otherwise is not the last rule: no later one fits")
                may_be = tuple(v for v in verbs if v != "generalise")
                rules.append(Rule(verb=self._one_of(about, may_be, f"{pointer}/{_OTHERWISE}")))
                continue
            verb = self._one_of(verb, (*verbs, _OTHERWISE), pointer)
            rules.append(self._rule(verb, about, may, f"{pointer}/{verb}"))
        return tuple(rules)

    def _rule(self, verb: str, about: Any, may: tuple[str, ...], pointer: str) -> Rule:
        said = self._mapping(about, pointer, may)
        if not said:
            raise self._wrong(pointer, f"{verb} says of nothing what it is about")
        if "name" in may and "name" not in said:
            raise self._wrong(pointer, f"{verb} names no attribute; name: '*' means all")
        if "relation" in said and said.keys() & {"kind", "project", "id"}:
            why = "a rule is about nodes (kind, project, id) or about edges (relation)"
            raise self._wrong(f"{pointer}/relation", why)
        if ("to" in said) != (verb == "generalise"):
            why = "generalise, and only it, says to: month, basename or {word: ...}"
            raise self._wrong(f"{pointer}/to", why)
        to, word = self._to(said["to"], f"{pointer}/to") if "to" in said else (None, None)
        return Rule(
            verb=verb,
            kind=self._known(said, "kind", kinds.KINDS, pointer),
            project=self._globs(said, PROJECT, pointer),
            id=self._globs(said, "id", pointer),
            attribute=self._attribute(said, pointer),
            relation=self._known(said, "relation", terms.RELATIONS, pointer),
            name=self._globs(said, "name", pointer),
            to=to,
            word=word,
        )

    def _attribute(self, said: Mapping[str, Any], pointer: str) -> Mapping[str, Globs] | None:
        if "attribute" not in said:
            return None
        pointer = f"{pointer}/attribute"
        value = said["attribute"]
        if not isinstance(value, dict) or not value or not all(isinstance(k, str) for k in value):
            raise self._wrong(pointer, "attribute is not a mapping of names to values")
        return {key: Globs.of(self._listed(value[key], f"{pointer}/{key}")) for key in value}

    def _to(self, value: Any, pointer: str) -> tuple[str, str | None]:
        if isinstance(value, dict):
            word = self._mapping(value, pointer, ("word",)).get("word")
            if not isinstance(word, str) or not word:
                raise self._wrong(f"{pointer}/word", f"the word is {word!r}, not text")
            return "word", word
        return self._one_of(value, ("month", "basename"), pointer), None

    def _known(
        self, said: Mapping[str, Any], key: str, table: Mapping[str, Any], pointer: str
    ) -> frozenset[str] | None:
        if key not in said:
            return None
        names = self._listed(said[key], f"{pointer}/{key}")
        return frozenset(self._one_of(name, tuple(table), f"{pointer}/{key}") for name in names)

    def _globs(self, said: Mapping[str, Any], key: str, pointer: str) -> Globs | None:
        return Globs.of(self._listed(said[key], f"{pointer}/{key}")) if key in said else None

    def _listed(self, value: Any, pointer: str) -> tuple[str, ...]:
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(item, str) and item for item in values):
            raise self._wrong(pointer, f"{str(value)[:80]!r} is not text, or a list of texts")
        return tuple(values)

    def _mapping(self, value: Any, pointer: str, may: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(pointer, f"{str(value)[:80]!r} is not a mapping")
        for key in value:
            self._one_of(key, may, pointer)
        return value

    def _one_of(self, value: Any, may: tuple[str, ...], pointer: str) -> str:
        if isinstance(value, str) and value in may:
            return value
        near = get_close_matches(str(value), may, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        shown = ", ".join(may) if len(may) <= 8 else "those there are"
        raise self._wrong(pointer, f"{str(value)[:80]!r} is none of {shown}{meant}")

    def _wrong(self, pointer: str, why: str) -> BadInput:
        hint = "docs/reference/exchange.md shows a whole policy; nothing was exported."
        return BadInput(why, where=f"{self._where}#{pointer}", hint=hint)
