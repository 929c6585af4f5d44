# SPDX-License-Identifier: Apache-2.0
"""What an action made where its result is a whole (a collection, a folder, the crate): the parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from lineage.model import terms
from lineage.model.record import Edge
from lineage.model.value import Attributes, Ref

#: How it is known that an action made a part: it made the whole, and nothing says otherwise.
METHOD = "part of result"


class Crate(NamedTuple):
    """What the parts of a result are told apart by: the crate's root, everything that is no result
    of anything (programs, metadata), and the folders with the things below them.
    """

    root: str
    given: Collection[str]
    below: Mapping[str, Collection[str]]


def made(edges: Iterable[Edge], crate: Crate) -> tuple[list[Edge], int]:
    """That actions generated the parts of what they generated; and the number of wholes of which
    nobody knows which of several actions made which part.

    A part with an action of its own has no other, and what an action used it did not make. Of the
    crate as a whole, what any action used was given.
    """
    parts: dict[str, dict[str, None]] = defaultdict(dict)
    makers: dict[str, list[str]] = defaultdict(list)
    used: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        if edge.relation == "hadMember" and "prov:role" not in edge.attributes:
            parts[edge.effect][edge.cause] = None
        elif edge.relation == "wasGeneratedBy":
            makers[edge.effect].append(edge.cause)
        elif edge.relation == "used":
            used[edge.effect].add(edge.cause)
        elif isinstance(plan := edge.attributes.get("prov:plan"), Ref):
            used[edge.effect].add(plan.iri)
    for folder, inside in crate.below.items():
        parts[folder].update(dict.fromkeys(inside))
    given = set(crate.given).union(*used.values())
    found, unclear = [], 0
    for whole, actions in makers.items():
        # The parts of a program are its own, whoever wrote it down as a result.
        if not parts.get(whole) or (whole in crate.given and whole != crate.root):
            continue
        if len(set(actions)) > 1:
            unclear += 1
            continue
        spared = given if whole == crate.root else used[actions[0]]
        found += [_generated(part, actions[0]) for part in _inside(whole, parts, makers, spared)]
    return found, unclear


def _generated(part: str, action: str) -> Edge:
    told: Attributes = {terms.METHOD: METHOD}
    return Edge(relation="wasGeneratedBy", effect=part, cause=action, attributes=told)


def below(
    idents: Collection[str], root: str, folders: Collection[str] = ()
) -> dict[str, list[str]]:
    """The folders of a crate, with what stands right below each by its path. A folder ends with a slash,
    or is one by its type: the specification asks for the slash and lets it be missing.
    """
    called = {
        ident.rstrip("/") + "/": ident
        for ident in idents
        if ident != root and (ident.endswith("/") or ident in folders)
    }
    found: dict[str, list[str]] = {ident: [] for ident in called.values()}
    for ident in idents:
        folder = called.get(ident.rstrip("/").rpartition("/")[0] + "/")
        if folder is not None:
            found[folder].append(ident)
    return found


def _inside(
    whole: str,
    parts: Mapping[str, Collection[str]],
    makers: Mapping[str, Collection[str]],
    spared: Collection[str],
) -> Iterator[str]:
    """The parts of a whole and their parts, without those that others made or that were there."""
    met, left = {whole}, [whole]
    while left:
        for part in parts.get(left.pop(), ()):
            if part not in met and part not in makers and part not in spared:
                met.add(part)
                left.append(part)
                yield part
