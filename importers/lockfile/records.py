# SPDX-License-Identifier: Apache-2.0
"""Turns resolved environments into records: the environment, its packages, the file that says so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from importers.lockfile.pinned import MOST_UNPINNED, Pinned, Resolved
from importers.tally import Tally
from lineage import ids
from lineage.model import kinds
from lineage.model.identity import content
from lineage.model.record import Edge, Node, Record
from lineage.model.value import clean
from lineage.sources.git.objects import visible

#: The platform of an environment that was solved, or built, for all of them.
ANY = "any"


def environment_id(found: Resolved) -> str:
    """What an environment is (DESIGN section 2): interpreter, platform and package URLs, and the
    requirements that are left open, where there are any. Hashes are not part of it.
    """
    said = {
        "python": found.python or "",
        "platform": found.platform or ANY,
        "packages": sorted({package.purl for package in found.packages}),
    }
    if found.unpinned:
        said["unpinned"] = sorted(set(found.unpinned))
    return ids.environment_id(said)


def records(found: Resolved, files: Iterable[str], tally: Tally) -> Iterator[Record]:
    """Make the records of one environment with its packages, and of the files that were written
    from it.
    """
    ident = environment_id(found)
    members = merged(found.packages)
    tally.lose("packages", "are listed more than once", count=len(found.packages) - len(members))
    yield _environment(ident, found, len(members), tally)
    for package in members:
        yield kinds.Package(
            id=package.purl,
            label=visible(f"{package.name} {package.version or ''}"),
            name=package.name,
            version=package.version,
        ).node()
    for package in members:
        yield _membership(ident, package)
    for file in files:
        # The file is the resolved set written down: whoever used the file used the packages.
        attributes = {"prov:role": "lockfile"}
        yield Edge(relation="wasDerivedFrom", effect=file, cause=ident, attributes=attributes)


def merged(packages: Sequence[Pinned]) -> list[Pinned]:
    """Merge packages: each once, with all that is said of how it belongs."""
    same: dict[str, list[Pinned]] = {}
    for package in packages:
        same.setdefault(package.purl, []).append(package)
    return [_merged(same[purl]) for purl in sorted(same)]


def _merged(same: Sequence[Pinned]) -> Pinned:
    if len(same) == 1:
        return same[0]
    markers = sorted({package.marker or "" for package in same})
    return Pinned(
        purl=same[0].purl,
        name=same[0].name,
        version=same[0].version,
        hashes=tuple(sorted({x for package in same for x in package.hashes})),
        files=tuple(sorted({x for package in same for x in package.files})),
        requires=tuple(sorted({x for package in same for x in package.requires})),
        groups=tuple(sorted({x for package in same for x in package.groups})),
        extras=tuple(sorted({x for package in same for x in package.extras})),
        marker=None if "" in markers else " or ".join(f"({x})" for x in markers),
        installer=same[0].installer,
        record=same[0].record,
    )


def _environment(ident: str, found: Resolved, size: int, tally: Tally) -> Node:
    unpinned = sorted(set(found.unpinned))
    total = size + len(unpinned)
    reason = f"{len(unpinned)} of {total} requirements are not pinned to one version"
    tally.lose(
        "requirements",
        "are not pinned: the environment is marked as not reproducible",
        count=len(unpinned),
        first=next(iter(unpinned), None),
    )
    python = f"Python {found.python}, " if found.python else ""
    return kinds.Environment(
        id=ident,
        label=", ".join([f"{python}{size} packages", *found.chosen]),
        python=found.python,
        platform=found.platform or ANY,
        packages=size,
        more=clean(
            {
                "reproducible": False if unpinned else None,
                "reason": reason if unpinned else None,
                "unpinned": unpinned[:MOST_UNPINNED],
                "chosen": found.chosen,
            }
        ),
    ).node()


def _membership(ident: str, package: Pinned) -> Edge:
    attributes = clean(
        {
            "hash": package.hashes,
            "file": package.files,
            "requires": package.requires,
            "group": package.groups,
            "extra": package.extras,
            "marker": package.marker,
            "installer": package.installer,
            "record": package.record,
        }
    )
    return Edge(relation="hadMember", effect=ident, cause=package.purl, attributes=attributes)


def file(namespace: str, path: str, data: bytes) -> tuple[str, list[Record]]:
    """Make a version of a lock file by its bytes: its identifier, and its records."""
    digest, md5 = ids.sha256(data), hashlib.md5(data, usedforsecurity=False).hexdigest()
    ident = ids.dataset_version_id(namespace, path, "sha256", digest)
    node = kinds.Artifact(
        id=ident,
        label=f"{visible(path)}@{digest[:8]}",
        name=path,
        digest=f"sha256:{digest}",
        size=len(data),
    )
    said: list[Record] = [node.node()]
    # By md5 it meets what DVC knows of the same file.
    for algorithm, known in (("sha256", digest), ("md5", md5)):
        nodes, ties = content(ident, algorithm, known, len(data))
        said += [*nodes, *ties]
    return ident, said
