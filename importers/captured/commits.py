# SPDX-License-Identifier: Apache-2.0
"""The source of a run: the commit that was checked out, and the state of the files where that was another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lineage import ids
from lineage.model import kinds
from lineage.model.identity import committer
from lineage.model.record import Edge, Node, Record
from lineage.model.value import Value, clean
from lineage.sources.git.objects import visible

Facts = Mapping[str, Any]
_LABEL = 60


def records(repository: Facts, key: bytes) -> tuple[Sequence[Record], str | None]:
    """The records of the source that a run had in a repository, and the commit that it used: the one that was checked
    out, or the one that stands for its files where they were others.
    """
    head, state = repository.get("head"), repository.get("state")
    said: list[Record] = []
    commit = repository.get("commit") or {}
    if head:
        said += _commit(ids.commit_id(head), head, commit)
        said += _people(ids.commit_id(head), commit, key)
    if not state:
        # What could not be written down: the commit is known, the files that ran are not.
        return said, ids.commit_id(head) if head else None
    if state == head:
        return said, ids.commit_id(head)
    ident = ids.commit_id(state)
    said.append(_state(ident, head, repository))
    if head:
        said.append(Edge(relation="wasDerivedFrom", effect=ident, cause=ids.commit_id(head)))
    return said, ident


def made(repository: Facts, run: str, key: bytes) -> Iterator[Record]:
    """The commits that a run made in a repository while it went on."""
    for one in repository.get("commits") or ():
        ident = ids.commit_id(one["sha"])
        yield Node(id=ident, kind="Commit")
        yield Edge(relation="wasGeneratedBy", effect=ident, cause=run)
    commit = repository.get("commit") or {}
    if commit.get("sha"):
        yield from _commit(ids.commit_id(commit["sha"]), commit["sha"], commit)
        yield from _people(ids.commit_id(commit["sha"]), commit, key)


def _commit(ident: str, sha: str, commit: Facts) -> Iterator[Record]:
    """As the importer of git says it, as far as capture looked."""
    if not commit:
        yield Node(id=ident, kind="Commit")
        return
    subject = str(commit.get("message") or "")
    short = subject if len(subject) <= _LABEL else f"{subject[: _LABEL - 3].rstrip()}..."
    found = ("patch_id", "paths")
    yield kinds.Commit(
        id=ident,
        label=f"{sha[:12]} {short}".rstrip(),
        message=subject,
        committed=commit.get("committed"),
        authored=commit.get("authored"),
        tree=_tree(commit.get("tree")),
        change_id=commit.get("change_id"),
        more=clean({name: commit.get(name) for name in found}),
    ).node()
    branch = clean({name: commit.get(name) for name in ("range_patch_id", "range_base")})
    if branch:
        yield Node(id=ident, kind="Commit", attributes=branch)
    for number, parent in enumerate(commit.get("parents") or (), 1):
        cause = ids.commit_id(parent)
        attributes: dict[str, Value] = {"number": number} if number > 1 else {}
        yield Node(id=cause, kind="Commit")
        yield Edge(relation="parent", effect=ident, cause=cause, attributes=attributes)


def _people(ident: str, commit: Facts, key: bytes) -> Iterator[Record]:
    roles = [("author", commit.get("author")), ("committer", commit.get("committer"))]
    roles += [("co-author", one) for one in commit.get("coauthors") or ()]
    for role, who in roles:
        if who:
            node = committer(who.get("name") or "", who.get("email") or "", key)
            yield node
            said: dict[str, Value] = {"prov:role": role}
            yield Edge(relation="wasAttributedTo", effect=ident, cause=node.id, attributes=said)


def _state(ident: str, head: str | None, repository: Facts) -> Node:
    """The commit that stands for the files as they were: not one of the project's history."""
    total = repository.get("changes_total") or 0
    changes = repository.get("changes") or ()
    above = f"{head[:12]} with" if head else "no commit, and"
    return kinds.Commit(
        id=ident,
        label=f"{above} {total} {'file' if total == 1 else 'files'} changed",
        message="The files as they were when the run started.",
        tree=_tree(repository.get("tree")),
        more=clean(
            {
                "complete": repository.get("complete"),
                "changed": [f"{one['state']}: {visible(one['path'])}" for one in changes],
                "withheld": [
                    f"{visible(one['path'])}: {one['reason']}"
                    for one in repository.get("withheld") or ()
                ],
                "kept_ref": repository.get("kept_ref"),
            }
        ),
    ).node()


def _tree(oid: str | None) -> str | None:
    # SWHIDs are defined over SHA-1 trees (ISO/IEC 18670).
    return f"swh:1:dir:{oid}" if oid and len(oid) == 40 else oid
