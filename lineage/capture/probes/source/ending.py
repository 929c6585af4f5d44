# SPDX-License-Identifier: Apache-2.0
"""What became of the source while the program ran: HEAD moved, commits were made, files were edited."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from lineage.access.secret_patterns import scrub
from lineage.capture.found import Budget, Found, Json
from lineage.capture.probes.source.capturing import Capturing
from lineage.capture.probes.source.files import Allowance
from lineage.capture.probes.source.places import Spot, opened
from lineage.errors import LineageError

#: What git notes in HEAD's log when a command makes a commit, rather than goes to one that there is.
_MAKING = (
    *("commit", "cherry-pick", "revert", "am:", "rebase (pick)", "rebase (reword)"),
    *("rebase (squash)", "rebase (fixup)", "rebase (continue)"),
)
_MERGING = "Merge made by"
#: Bytes of HEAD's log that are read, and commits that are named.
_LOG, _MOST = 1 << 20, 1_000
#: What the end repeats of a repository's facts.
_REPEATED = ("root", "head", "branch", "tree", "state", "dirty", "complete", "withheld")


def ended(before: Found, found: Found, *, budget: Budget, largest: int) -> None:
    """Look at the repositories of ``before`` again, and write down what is different."""
    was = {str(x["root"]): x for x in _repositories(before)}
    since = {root: tree for root, x in was.items() if (tree := _kept_tree(x))}
    capturing = Capturing(found, budget, Allowance(largest, budget), keep=False, since=since)
    ends: list[Json] = []
    for root, facts in was.items():
        try:
            spot = opened(Path(root))
        except (LineageError, OSError) as error:
            found.miss(f"repository at {root}", scrub(str(error)))
            continue
        after = capturing.take(spot).facts
        end: dict[str, Json] = {key: after.get(key) for key in _REPEATED}
        end["moved"] = moved = after.get("head") != facts.get("head")
        end["commits"] = _commits(spot, facts, found) if moved else []
        end["commit"] = after.get("commit") if moved else None
        end["changed"] = _changed(after, facts)
        if end["changed"] is None:
            found.miss(
                f"changes in {root} during the run", "the state before or after is not known"
            )
        ends.append(end)
    found.facts["repositories"] = ends


def _repositories(before: Found) -> Iterator[dict[str, Json]]:
    listed = before.facts.get("repositories")
    for facts in listed if isinstance(listed, list) else ():
        if isinstance(facts, dict):
            yield facts


def _kept_tree(facts: Mapping[str, Json]) -> str | None:
    """The tree of a former look, where the repository still has all of it."""
    tree = facts.get("tree")
    there = facts.get("kept") is not None or facts.get("dirty") is False
    return tree if isinstance(tree, str) and there else None


def _changed(after: Mapping[str, Json], before: Mapping[str, Json]) -> Json:
    """What differs, without files of which nothing is known because they were withheld then or now."""
    changed = after.get("changed")
    if not isinstance(changed, list):
        return None
    withheld = {*_paths(before.get("withheld")), *_paths(after.get("withheld"))}
    return [x for x in changed if isinstance(x, dict) and x.get("path") not in withheld]


def _paths(listed: Json) -> Iterator[Json]:
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict):
            yield one.get("path")


def _commits(spot: Spot, before: Mapping[str, Json], found: Found) -> Json:
    """The commits that were made while the program ran, in their order, going by HEAD's log."""
    what = f"commits made during the run in {spot.root}"
    start = before.get("head_log")
    if not isinstance(start, int):
        start = 0 if before.get("head") is None else None
    try:
        with (spot.layout.gitdir / "logs" / "HEAD").open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            if start is not None and start <= size <= start + _LOG:
                log.seek(start)
                return [*_made(os.fsdecode(log.read(_LOG)))][:_MOST]
    except OSError as error:
        found.miss(what, f"HEAD's log cannot be read: {error.strerror or error}")
    else:
        found.miss(what, "HEAD's log does not tell what was added to it")
    return None


def _made(log: str) -> Iterator[Json]:
    for line in log.splitlines():
        who, _, message = line.partition("\t")
        words = who.split(" ")
        if len(words) > 2 and (message.startswith(_MAKING) or _MERGING in message):
            yield {"sha": words[1], "by": scrub(message.partition(":")[0])}
