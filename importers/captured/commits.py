# SPDX-License-Identifier: Apache-2.0
"""The source of a run: the commit that was checked out, and the state of the files where that was another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lineage import ids
from lineage.access.secret_patterns import scrub
from lineage.model import kinds
from lineage.model.identity import person
from lineage.model.record import Edge, Node, Record
from lineage.model.value import Value, clean
from lineage.sources.git.objects import visible

Facts = Mapping[str, Any]
_LONGEST_SUBJECT, _LABEL = 500, 60


def records(repository: Facts, key: bytes) -> tuple[Sequence[Record], Sequence[str]]:
    """The records of the source that a run had in a repository, and the commits that it used: the one that was
    checked out, and that of the working state where it was kept as one of its own.
    """
    head = repository.get("head")
    if not head:
        return (), ()
    said: list[Record] = []
    commit = repository.get("commit") or {}
    ident = ids.commit_id(head)
    said.append(_commit(ident, head, commit))
    for parent in commit.get("parents") or ():
        said.append(Edge(relation="parent", effect=ident, cause=ids.commit_id(parent)))
        said.append(Node(id=ids.commit_id(parent), kind="Commit"))
    author = commit.get("author") or {}
    if author.get("name") or author.get("email"):
        who = person(author.get("name") or "", author.get("email") or "", key)
        role: dict[str, Value] = {"prov:role": "author"}
        said += [who, Edge(relation="wasAttributedTo", effect=ident, cause=who.id, attributes=role)]
    kept = repository.get("kept")
    if not kept or kept == head:
        return said, [ident]
    state = ids.commit_id(kept)
    said.append(_state(state, head, repository))
    said.append(Edge(relation="wasDerivedFrom", effect=state, cause=ident))
    return said, [state, ident]


def _commit(ident: str, sha: str, commit: Facts) -> Node:
    """As the importer of git says it, as far as capture looked."""
    subject = scrub(str(commit.get("subject") or ""))[:_LONGEST_SUBJECT]
    short = subject if len(subject) <= _LABEL else f"{subject[: _LABEL - 3].rstrip()}..."
    if not commit:
        return Node(id=ident, kind="Commit")
    found = ("patch_id", "paths", "range_patch_id", "range_base")
    return kinds.Commit(
        id=ident,
        label=f"{sha[:12]} {short}".rstrip(),
        message=subject,
        committed=commit.get("committed"),
        authored=commit.get("authored"),
        tree=_tree(commit.get("tree")),
        change_id=commit.get("change_id"),
        more=clean({name: commit.get(name) for name in found}),
    ).node()


def _state(ident: str, head: str, repository: Facts) -> Node:
    changes = repository.get("changes") or ()
    return kinds.Commit(
        id=ident,
        label=f"{head[:12]} with {len(changes)} files changed",
        message="The files as they were when the run started.",
        tree=_tree(repository.get("tree")),
        more=clean(
            {
                "complete": repository.get("complete"),
                "changed": sorted(f"{one['state']}: {visible(one['path'])}" for one in changes),
                "withheld": sorted(
                    f"{visible(one['path'])}: {one['reason']}"
                    for one in repository.get("withheld") or ()
                ),
            }
        ),
    ).node()


def _tree(oid: str | None) -> str | None:
    # SWHIDs are defined over SHA-1 trees (ISO/IEC 18670).
    return f"swh:1:dir:{oid}" if oid and len(oid) == 40 else oid
