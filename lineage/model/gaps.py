# SPDX-License-Identifier: Apache-2.0
"""What an answer could not use, or what is not recorded: said beside the answer, with what closes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

#: Code -> what it means.
CODES: Mapping[str, str] = {
    "environment-unknown": "Runs of which no environment is recorded.",
    "package-conditional": "Packages that an environment holds only on a condition: on some platforms or "
    "Pythons (a marker), or with a group or an extra.",
    "commit-unknown": "Runs of which no commit is recorded.",
    "digest-unknown": "Data that runs used, of which no digest is recorded, or only a short one that "
    "does not tell bytes apart.",
    "data-unjoined": "Runs that name a file, by an address that is joined with no version of one.",
    "claim-not-followed": "Claims about things of the answer that are not sure enough, or of a sort, "
    "that walks follow.",
    "versions-left-out": "Versions of the name that was asked about, with which the walk did not begin.",
    "values-not-compared": "Values that a condition did not compare, because they are of another type.",
    "files-not-compared": "Commits that were compared: which files differ is in their repository only.",
    "order-unknown": "Runs that a sequence leaves out, because no time of them is recorded.",
    "invalidated": "Things of the answer that were retracted or revoked.",
    "import-unfinished": "Imports that are being written in several transactions, or were when they were "
    "broken off (Neo4j, above 40,000 records).",
    "join-pending": "Entries that came in without an import since runs were last joined with files, data "
    "and environments.",
    "source-changed": "Sources on this machine that have changed since they were imported.",
    "owner-unknown": "Things that depend on it of which nothing says who answers for them.",
    "owner-nobody": "Things that depend on it of which it is said that nobody answers for them.",
    "owner-unreachable": "Things that depend on it whose owner is not known here, or is a team of which no "
    "member is known.",
    "owners-left-out": "Things that depend on it for which it was not looked up who answers: 10,000 are.",
    "nothing-matches": "A part of the question that nothing in the store meets.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One sort of gap in an answer: its code (``CODES``), how many there are, a sentence, one of them,
    and the command that closes it or shows more (``None``: there is none).
    """

    code: str
    count: int
    message: str
    example: str | None = None
    command: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)
