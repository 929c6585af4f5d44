# SPDX-License-Identifier: Apache-2.0
"""Turns a repository's history into records, and counts what of it is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from importers.base import Options
from importers.git.rewritten import Rewritten, rewritten
from importers.tally import Tally
from lineage import ids
from lineage.access.secret_patterns import scrub
from lineage.errors import BadInput
from lineage.model import kinds
from lineage.model.identity import committer
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Value, clean
from lineage.sources.git.branches import LONGEST_BRANCH, bases
from lineage.sources.git.diff import Change, Diff, files_of, paths_digest
from lineage.sources.git.objects import CommitObject, Identity
from lineage.sources.git.reader import GitReader, Unreadable
from lineage.sources.git.repository import BACKUPS, CAPTURED

#: Commits per batch: with parents and people about four records each.
_AT_ONCE = 1_000
#: Branches that are compared with where they began at once.
_BRANCHES_AT_ONCE = 200
_LONGEST_SUBJECT = 500
#: Characters of a part of the brief of a change.
_LONGEST = 2_000
_LABEL = 60
#: References that only keep commits from being collected: no name that people know.
_KEPT = ("refs/jj/", BACKUPS)
#: What depends on where branches are when the repository is read.
POSITION = frozenset({"refs", "range_patch_id", "range_base"})


class History:
    """One reading of a repository: its commits as batches, then the report."""

    def __init__(self, repository: GitReader, options: Options) -> None:
        self._repo = repository
        self._options = options
        self._tally = Tally()
        self._agents: dict[Identity, str] = {}
        self._agent_ids: set[str] = set()
        self._commits = 0
        self._rewritten: Rewritten = {}

    def batches(self) -> Iterator[Batch]:
        """Yield commits, newest first; the last batch carries the counts and the losses."""
        self._demand_commits()
        partial = self._options.revisions is not None
        tell = self._options.progress
        tell("listing commits", 0, None)
        shas = self._repo.revisions(self._options.revisions)
        names = _names(self._repo)
        tips = frozenset(self._repo.tips).intersection(shas)
        tell(f"finding where {len(tips):,} branches began", 0, None)
        ranges = self._ranges(tips)
        tell("looking for rewritten commits", 0, None)
        self._rewritten = rewritten(self._repo, shas, self._tally)
        for start in range(0, len(shas), _AT_ONCE):
            chunk = shas[start : start + _AT_ONCE]
            tell("reading commits", start, len(shas))
            yield self._batch(chunk, names, ranges, partial=partial)
        self._report()
        seen = {
            "commits": self._commits,
            "refs": len(self._repo.refs),
            "people": len(self._agent_ids),
        }
        yield Batch(seen=seen, losses=self._tally.losses(), partial=partial)

    def _demand_commits(self) -> None:
        """Refuse a repository of which nothing can be read: it is not an empty one."""
        broken = self._repo.broken_refs
        if broken and not self._repo.tips:
            message = f"none of its {len(broken)} references leads to a commit"
            hint = "Run 'git fsck' in the repository, or import another clone."
            raise BadInput(message, where=self._repo.layout.where, hint=hint)

    def _batch(
        self,
        shas: Sequence[str],
        names: Mapping[str, Sequence[str]],
        ranges: Mapping[str, Mapping[str, str]],
        *,
        partial: bool,
    ) -> Batch:
        commits = list(self._readable(shas))
        paths, patches = self._changes([(c.sha,) for c in commits if not c.is_merge])
        nodes = self._meet(commits)
        edges: list[Edge] = []
        for commit in commits:
            found = {"patch_id": patches.get(commit.sha), "paths": paths.get(commit.sha)}
            nodes.append(_node(commit, found, self._repo.layout.algorithm))
            position = clean({"refs": names.get(commit.sha), **ranges.get(commit.sha, {})})
            if position:
                # A statement of its own: it ends when the branch moves, the commit's does not.
                nodes.append(Node(id=ids.commit_id(commit.sha), kind="Commit", attributes=position))
            if before := self._rewritten.get(commit.sha):
                said = clean(before)
                nodes.append(Node(id=ids.commit_id(commit.sha), kind="Commit", attributes=said))
            edges += self._edges(commit)
        return Batch(nodes=tuple(nodes), edges=tuple(edges), partial=partial)

    def _readable(self, shas: Iterable[str]) -> Iterator[CommitObject]:
        for commit in self._repo.commits(shas):
            self._commits += 1
            if isinstance(commit, Unreadable):
                self._tally.lose("commits", commit.reason, first=commit.sha)
                continue
            self._count(commit)
            yield commit

    def _count(self, commit: CommitObject) -> None:
        """Count what a commit says that its record does not."""
        sha, lose = commit.sha, self._tally.lose
        if sha in self._repo.layout.shallow and commit.parents:
            lose(
                "parents of shallow commits",
                "history is shallow: git fetch --unshallow completes it",
                first=sha,
            )
        if commit.has_body:
            lose("message bodies", "only the first line of a message is kept")
        if commit.signed:
            lose("signatures", "not verified, so not kept")
        if commit.authored is None or commit.committed is None:
            lose("dates", "absent, or no date that a calendar has", first=sha)
        if commit.author is None or commit.committer is None:
            lose("authors and committers", "absent, or neither name nor e-mail", first=sha)

    # --- changes ----------------------------------------------------------------------------------

    def _changes(self, diffs: Sequence[Diff]) -> tuple[dict[str, str], dict[str, str]]:
        """Digest of the touched paths, and patch-id, of each commit that has them."""
        touched: dict[str, tuple[Change, ...]] = {}
        for sha, changes in self._repo.changes(diffs):
            if changes is None and sha not in self._repo.layout.shallow:
                self._tally.lose("patch-ids", "git cannot list what the commit touched", first=sha)
            elif changes:
                touched[sha] = changes
                self._note_submodules(changes)
        left_out = self._left_out(touched, "patch-ids")
        wanted = [diff for diff in diffs if diff[0] in touched and diff[0] not in left_out]
        patches = self._repo.patch_ids(wanted)
        if self._repo.has_patch_ids:
            for diff in wanted:
                if diff[0] not in patches:
                    self._tally.lose("patch-ids", "git cannot compare the files", first=diff[0])
        return {sha: paths_digest(changes) for sha, changes in touched.items()}, patches

    def _note_submodules(self, changes: Iterable[Change]) -> None:
        reason = "submodules are not entered: import them on their own"
        for change in changes:
            if change.submodule:
                self._tally.lose("changes of submodules", reason, first=change.path)

    def _left_out(self, touched: Mapping[str, tuple[Change, ...]], what: str) -> frozenset[str]:
        """Commits whose files a partial clone left out: they are not fetched, but said."""
        if not self._repo.layout.partial:
            return frozenset()
        files = {sha: files_of(changes) for sha, changes in touched.items()}
        missing = self._repo.missing(oid for oids in files.values() for oid in oids)
        lost = frozenset(sha for sha, oids in files.items() if not missing.isdisjoint(oids))
        reason = "the clone is partial: git fetch --refetch --no-filter brings the files"
        self._tally.lose(what, reason, count=len(lost), first=min(lost, default=None))
        return lost

    def _ranges(self, wanted: frozenset[str]) -> dict[str, dict[str, str]]:
        """Tip of an unmerged branch -> where it left the default one, and the patch-id since."""
        found, too_long = bases(self._repo, wanted)
        what = "patch-ids of branches"
        reason = f"over {LONGEST_BRANCH:,} commits away from the default branch"
        self._tally.lose(what, reason, count=too_long)
        diffs: list[Diff] = sorted(found.items())
        patches: dict[str, str] = {}
        for start in range(0, len(diffs), _BRANCHES_AT_ONCE):
            self._options.progress("comparing branches", start, len(diffs))
            chunk = diffs[start : start + _BRANCHES_AT_ONCE]
            touched = {sha: changes for sha, changes in self._repo.changes(chunk) if changes}
            left_out = self._left_out(touched, what)
            patches |= self._repo.patch_ids(
                [diff for diff in chunk if diff[0] in touched and diff[0] not in left_out]
            )
        return {
            tip: {"range_patch_id": patches[tip], "range_base": base}
            for tip, base in found.items()
            if tip in patches
        }

    # --- people -----------------------------------------------------------------------------------

    def _meet(self, commits: Iterable[CommitObject]) -> list[Node]:
        """The people who were not met before, after the mailmap."""
        new = list(
            dict.fromkeys(
                identity
                for commit in commits
                for identity in (commit.author, commit.committer, *commit.coauthors)
                if identity and identity not in self._agents
            )
        )
        corrected = self._repo.mailmap(new)
        nodes: list[Node] = []
        for identity in new:
            node = committer(*corrected.get(identity, identity), self._options.person_key)
            self._agents[identity] = node.id
            if node.id not in self._agent_ids:
                self._agent_ids.add(node.id)
                nodes.append(node)
        return nodes

    def _edges(self, commit: CommitObject) -> Iterator[Edge]:
        effect = ids.commit_id(commit.sha)
        for number, parent in enumerate(commit.parents, 1):
            # The first parent is the branch that was merged into: git's ~1.
            attributes: dict[str, Value] = {"number": number} if number > 1 else {}
            cause = ids.commit_id(parent)
            yield Edge(relation="parent", effect=effect, cause=cause, attributes=attributes)
        roles = [("author", commit.author), ("committer", commit.committer)]
        roles += [("co-author", coauthor) for coauthor in commit.coauthors]
        met = ((role, self._agents[who]) for role, who in roles if who)
        for role, agent in dict.fromkeys(met):
            yield Edge(
                relation="wasAttributedTo",
                effect=effect,
                cause=agent,
                attributes={"prov:role": role},
            )

    # --- the report -------------------------------------------------------------------------------

    def _report(self) -> None:
        repo, lose = self._repo, self._tally.lose
        if not repo.tips:
            lose("history", "no commits yet: nothing to record")
        if not repo.has_patch_ids:
            lose("patch-ids", "this git is too old: 2.39 or newer computes them")
        broken = repo.broken_refs
        aside = [name for name in repo.refs_aside if not name.startswith(CAPTURED)]
        lose("refs", "lead to no commit here", count=len(broken), first=next(iter(broken), None))
        reason = "stashes, notes, replacements and DVC's queue are no history"
        lose("refs", reason, count=len(aside))
        lose("tag messages", "tags are kept as names only", count=repo.annotated_tags)
        lose("grafts", "ignored: parents are those the commits name", count=repo.layout.grafts)
        programs = repo.layout.programs
        lose(
            "settings that run programs",
            "not obeyed while reading",
            count=len(programs),
            first=next(iter(programs), None),
        )
        if repo.layout.shallow:
            named = "its origin" if repo.origin else "its oldest commit here"
            lose("root commit", f"history is shallow: the repository is named after {named}")


def _names(repository: GitReader) -> dict[str, list[str]]:
    """Commit -> the short names of branches and tags that point at it, and HEAD."""
    names: dict[str, list[str]] = {}
    for name, sha in repository.refs.items():
        if name.startswith(_KEPT):
            continue
        short = name.removeprefix("refs/")
        for prefix in ("heads/", "tags/", "remotes/"):
            short = short.removeprefix(prefix)
        names.setdefault(sha, []).append(scrub(short))
    if repository.head:
        names.setdefault(repository.head, []).append("HEAD")
    return names


def _node(commit: CommitObject, found: Mapping[str, str | None], algorithm: str) -> Node:
    subject = scrub(commit.subject)[:_LONGEST_SUBJECT]
    known = {key: value for key, value in found.items() if value is not None}
    return kinds.Commit(
        id=ids.commit_id(commit.sha),
        label=f"{commit.sha[:12]} {_short(subject)}".rstrip(),
        message=subject,
        committed=commit.committed,
        authored=commit.authored,
        # SWHIDs are defined over SHA-1 trees (ISO/IEC 18670).
        tree=f"swh:1:dir:{commit.tree}" if algorithm == "sha1" else commit.tree,
        change_id=commit.change_id,
        more=clean({**known, **_said(commit)}),
    ).node()


def _said(commit: CommitObject) -> dict[str, Any]:
    """What the message says of the change besides: its decisions, what it is for and at what price."""
    brief = {f"brief.{part}": scrub(text)[:_LONGEST] for part, text in commit.brief.items()}
    return {"decision": [scrub(text)[:_LONGEST_SUBJECT] for text in commit.decisions], **brief}


def _short(subject: str) -> str:
    return subject if len(subject) <= _LABEL else f"{subject[: _LABEL - 3].rstrip()}..."
