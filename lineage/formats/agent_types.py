# SPDX-License-Identifier: Apache-2.0
"""The three types that PROV-DM has for agents (section 5.3.1), which are kinds of ours by the same names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lineage.model import kinds, namespaces
from lineage.model.value import Literal, Ref, Scalar

#: Type -> kind. Of an agent with several, the first here is its kind: whom it may concern in person is
#: kept as people are.
KINDS: dict[str, str] = {
    namespaces.PROV + name: name for name in ("Person", "Organization", "SoftwareAgent")
}
_RANK = {kind: rank for rank, kind in enumerate(KINDS.values())}
#: Early writers had the types of PROV as texts.
_TEXTS = {f"prov:{name}": name for name in KINDS.values()} | KINDS
#: Says that an agent is kept as no more than one, whatever its types say.
PLAIN = Ref(namespaces.LINEAGE + "Agent")


def _marks(kind: str) -> tuple[Ref, ...]:
    if kind in kinds.PLAIN:
        return ()
    own = Ref(namespaces.LINEAGE + kind)
    return (own, Ref(namespaces.PROV + kind)) if kind in _RANK else (own,)


_MARKS: Mapping[str, tuple[Ref, ...]] = {kind: _marks(kind) for kind in kinds.KINDS}


def said(types: Iterable[Scalar]) -> list[str]:
    """The kinds that the types of an agent say, the one that counts first."""
    found = {kind for item in types if (kind := _kind(item)) is not None}
    return sorted(found, key=_RANK.__getitem__)


def _kind(item: Scalar) -> str | None:
    if isinstance(item, Ref):
        return KINDS.get(item.iri)
    text = item.value if isinstance(item, Literal) else item
    return _TEXTS.get(text) if isinstance(text, str) else None


def marks(kind: str, types: Iterable[Scalar]) -> tuple[Ref, ...]:
    """The types with which a node leaves beside its own, so that every reader sees of what kind it
    is and ours reads back the same: of a kind that PROV has too, both names; none where its own
    types say it.
    """
    if kind not in _RANK and kind != "Agent":
        return _MARKS[kind]
    stated = said(types)
    if not stated:
        return _MARKS[kind]
    if kind == "Agent":
        return (PLAIN,)
    return () if stated[0] == kind else _MARKS[kind][:1]
