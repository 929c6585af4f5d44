# SPDX-License-Identifier: Apache-2.0
"""Checks the messages of commits before they are merged: what each does, and what it is for (R39, R68)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lineage.errors import InputMissing
from lineage.model.findings import Finding, Severity
from lineage.services.summary import counted
from lineage.sources.git import layout, messages
from lineage.sources.git.objects import CommitObject
from lineage.sources.git.reader import GitReader, Unreadable

#: Commits that are named of those that say not what they are for.
_MOST = 20
_UNREAD = (
    "'git fetch --unshallow' brings what a shallow clone lacks; 'git fsck' says what is damaged."
)
_WHY = (
    "Name a decision in a trailer ('Decision: dec-…'), or say what it is for in one ('Outcome: …') or in a sentence "
    "below the first line."
)


def check_commits(here: Path, revisions: str) -> tuple[int, list[Finding]]:
    """How many commits of a range in git's syntax are judged (merges are not), and what their messages lack. Raises
    ``InputMissing`` where there is no repository around a folder, ``BadReference`` for a range that names nothing.
    """
    root = layout.around(here.resolve())
    if root is None:
        hint = "Run it in the repository whose commits are meant."
        raise InputMissing(f"there is no repository around {here}", where=str(here), hint=hint)
    judged, found, unexplained = 0, list[Finding](), list[CommitObject]()
    with GitReader.open(root) as repository:
        for commit in repository.commits(repository.revisions(revisions)):
            if isinstance(commit, Unreadable):
                message = f"it cannot be read, and was not judged: {commit.reason}"
                found.append(_finding("commit-unread", "warning", commit.sha, message, _UNREAD))
                continue
            if commit.is_merge:
                continue
            judged += 1
            found += _message(commit)
            if not (commit.decisions or commit.brief or commit.has_body):
                unexplained.append(commit)
    found += [
        _finding(
            "commit-reason", "note", one.sha, f"{one.subject!r} does not say what it is for", _WHY
        )
        for one in unexplained[:_MOST]
    ]
    if left := unexplained[_MOST:]:
        what = f"{counted(len(left), 'more commit')} {'does' if len(left) == 1 else 'do'} not say what they are for"
        found.append(_finding("commit-reason", "note", left[0].sha, what, _WHY))
    return judged, found


def _message(commit: CommitObject) -> Iterator[Finding]:
    if (lack := messages.lack(commit.subject)) is not None:
        message = f"the first line of its message: {lack}"
        hint = "Say in a line what the commit does: 'git commit --amend', or 'git rebase -i' for an older one."
        yield _finding("commit-message", "warning", commit.sha, message, hint)


def _finding(code: str, severity: Severity, sha: str, message: str, hint: str) -> Finding:
    return Finding(
        code=code,
        severity=severity,
        subject=f"commit:{sha[:12]}",
        message=message,
        responsible="author",
        hint=hint,
    )
