# SPDX-License-Identifier: Apache-2.0
"""Joins runs with the files, data and environments that other tools recorded of the same commit."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from importers.lockfile import PARSERS
from importers.mlflow.artifacts import DESCRIBE_ENVIRONMENT
from importers.tally import Tally
from lineage.model import terms
from lineage.model.record import Edge, Node, Record
from lineage.model.value import Value
from lineage.services.context import Context
from lineage.services.write.joins import places
from lineage.services.write.joins.captured import CapturedRuns
from lineage.services.write.joins.commits import CommitFiles, HeldFile
from lineage.services.write.joins.places import Place, Project
from lineage.services.write.joins.runs import RunRecord, members
from lineage.store.base import NOW, Filter, Hop
from lineage.store.paging import find_pages
from lineage.store.rows import EdgeRow, NodeRow, edge_order

#: How sure it is that the lock file nearest to the program is what it ran with: where the program is
#: known, and where the one at the root of the project is taken for want of a better one.
NEAREST_LOCK, ROOT_LOCK = 0.9, 0.8
_DERIVED = Hop(toward="effects", relations=frozenset({"wasDerivedFrom"}))
_TIES = Hop(relations=frozenset({terms.SAMENESS}), followed=True)
_TIED = Hop(toward="effects", relations=frozenset({terms.SAMENESS}), followed=True)
_ENVIRONMENTS = Filter(kinds=frozenset({"Environment"}))
#: Names of files that MLflow writes beside every model, whatever the project has under them.
_OF_MLFLOW = DESCRIBE_ENVIRONMENT | {"MLmodel"}


class Evidence(NamedTuple):
    """How a claim was found, what shows it, and how sure it is (0 to 1)."""

    method: str
    says: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unjoined:
    """Data that a run names and that is joined with no file: which, and why."""

    run: NodeRow
    thing: NodeRow
    address: str
    reason: str


@dataclass(slots=True)
class Meeting:
    """A thing that runs used, and what its address means at the commits of these runs."""

    thing: NodeRow
    address: str
    found: dict[str, tuple[Place, HeldFile]] = field(default_factory=dict)
    uses: list[tuple[RunRecord, str | None, str, str]] = field(default_factory=list)
    whole: bool = True


class Joins:
    """The claims that follow from runs and from what repositories hold at their commits."""

    def __init__(
        self,
        ctx: Context,
        repositories: Sequence[CommitFiles],
        standing: Iterable[Record],
        tally: Tally,
        captured: CapturedRuns,
    ) -> None:
        self._ctx, self._tally, self._captured = ctx, tally, captured
        #: What earlier joins found of data: of runs whose repository is not at hand it still holds.
        self._standing = frozenset(
            edge.effect
            for edge in standing
            if isinstance(edge, Edge) and edge.attributes.get(terms.METHOD) == terms.BY_PATH
        )
        self._by_commit = {sha: held for held in repositories for sha in held.commits}
        self._locks = dict(_lock_versions(ctx))
        self._environments: dict[tuple[str, str], tuple[str | None, list[Record]]] = {}
        self._members: dict[str, Mapping[str, str]] = {}
        self._meetings: dict[str, Meeting] = {}
        self._files: dict[str, tuple[str, HeldFile]] = {}
        self.unjoined: list[Unjoined] = []
        #: How many runs there are, and of how many something is not known, each with an example.
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, NodeRow] = {}
        #: Effects of claims that were looked at: what no longer is claimed of them is taken back.
        self.looked_at: set[str] = set()

    @property
    def files(self) -> Mapping[CommitFiles, list[HeldFile]]:
        """The files of git that claims name, by the repository that holds them."""
        found: dict[CommitFiles, list[HeldFile]] = {}
        for commit, file in self._files.values():
            found.setdefault(self._by_commit[commit], []).append(file)
        return found

    def of_runs(self, runs: Iterable[RunRecord]) -> Iterator[Record]:
        """What is claimed of each run alone."""
        for run in runs:
            self.counts["runs"] += 1
            held = [(sha, self._by_commit[sha]) for sha in run.commits if sha in self._by_commit]
            if held or not run.commits:
                self.looked_at.add(run.row.id)
            environments = list(self._environment(run, held))
            yield from environments
            said = environments or run.environments or run.logged
            if not said and run.within.isdisjoint(self._captured.equipped):
                self.without("environment", run)
            if not run.commits and run.within.isdisjoint(self._captured.coded):
                self.without("commit", run)
            if len(held) == 1:
                sha, files = held[0]
                self._data(run, sha, files, self._project(run, sha, files))
                yield from self._modified(run, sha, files)
            else:
                self._not_placed(run)

    def without(self, what: str, run: RunRecord) -> None:
        """Count a run of which something is not known."""
        self.counts[what] += 1
        self.examples.setdefault(what, run.row)

    def _not_placed(self, run: RunRecord) -> None:
        """Note the data of a run whose files at its commit are not known."""
        if run.row.id in self._standing:
            return
        if not run.commits:
            reason = "the run names no commit"
        elif len(run.commits) > 1:
            reason = "the run names several commits"
        else:
            reason = f"no repository at hand has the commit {run.commits[0][:12]}"
        for _, thing in run.used:
            address = _address(thing)
            if address is None or thing.id in self._standing or places.local(address) is None:
                continue
            if thing.kind == "Dataset":
                # Its name is the address already: nothing hides which file it is.
                continue
            self.unjoined.append(Unjoined(run=run.row, thing=thing, address=address, reason=reason))

    # --- environments -----------------------------------------------------------------------------

    def _environment(
        self, run: RunRecord, held: Sequence[tuple[str, CommitFiles]]
    ) -> Iterator[Record]:
        """The environment of a run: what its tracker says; else the lock file that it read; else the
        one that its commit has.
        """
        if run.environments:
            return
        read = {(self._locks[t.id], t.title) for _, t in run.used if t.id in self._locks}
        if read:
            for environment, lock in sorted(read):
                found = Evidence(terms.BY_LOCKFILE, f"it read {lock}", 1.0)
                yield _claim("used", run.row.id, environment, found)
            return
        declared: dict[str, tuple[Evidence, list[Record]]] = {}
        for sha, files in held:
            for environment, file, sure, said in self._declared(run, sha, files):
                shows = Evidence(terms.BY_COMMIT_LOCK, f"{file.path} at {sha[:12]}", sure)
                declared.setdefault(environment, (shows, said))
        if len(declared) > 1:
            reason = "its commits declare different ones"
            self._tally.lose("environments of runs", reason, first=run.row.title)
            return
        for environment, (shows, said) in declared.items():
            yield from said
            yield _claim("used", run.row.id, environment, shows)

    def _declared(
        self, run: RunRecord, sha: str, files: CommitFiles
    ) -> Iterator[tuple[str, HeldFile, float, list[Record]]]:
        folder, sure = run.stage_folder, NEAREST_LOCK
        if folder is None and run.source:
            folder = files.folder_of(sha, run.source)
        if folder is None and run.program:
            _, folder = places.root_of(run.program, lambda path: files.holds(sha, path))
        if folder is None:
            # Where the program lies is not known: only a lock file that is alone can be meant.
            folders = files.lock_folders(sha)
            if not folders or ("" not in folders and len(folders) > 1):
                return
            folder, sure = "" if "" in folders else next(iter(folders)), ROOT_LOCK
        lock = files.governing_lock(sha, folder)
        if lock is None:
            return
        # What may name other files describes another environment where these are others.
        key = (lock.id, "" if posixpath.basename(lock.path) in PARSERS else sha)
        if key not in self._environments:
            self._environments[key] = files.environment(sha, lock)
        environment, said = self._environments[key]
        if environment is not None:
            self._files.setdefault(lock.id, (sha, lock))
            yield environment, lock, sure, said

    # --- data -------------------------------------------------------------------------------------

    def _project(self, run: RunRecord, sha: str, files: CommitFiles) -> Project:
        def holds(path: str) -> bool:
            return files.holds(sha, path)

        root, script = None, run.stage_folder
        if run.program:
            root, script = places.root_of(run.program, holds)
        roots = [found for found in (files.root, root) if found]
        return Project(holds=holds, roots=roots, names=files.names, script=script)

    def _data(self, run: RunRecord, sha: str, files: CommitFiles, project: Project) -> None:
        """Note what the addresses of a run's data mean at its commit."""
        for role, thing in run.used:
            address = _address(thing)
            if address is None or places.local(address) is None:
                continue
            meeting = self._meetings.setdefault(thing.id, Meeting(thing, address))
            found = places.placed(address, project)
            if len(found) != 1:
                meeting.whole = False
                meant = " or ".join(place.path for place in found)
                reason = f"it may be {meant}" if found else f"no such file at {sha[:12]}"
                self.unjoined.append(
                    Unjoined(run=run.row, thing=thing, address=address, reason=reason)
                )
                continue
            held = files.held(sha, found[0].path)
            if held is None or held.id == thing.id:
                continue
            if held.contains is not None:
                held = self._member(held)
            if found[0].confidence < terms.SURE:
                reason = f"that it is {found[0].path} is not sure enough"
                self.unjoined.append(
                    Unjoined(run=run.row, thing=thing, address=address, reason=reason)
                )
            meeting.found.setdefault(held.id, (found[0], held))
            meeting.uses.append((run, role, held.id, sha))
            if held.oid is not None:
                self._files.setdefault(held.id, (sha, held))

    def _member(self, folder: HeldFile) -> HeldFile:
        """The version of a file inside a folder that DVC tracks, where the folder's list is known."""
        if folder.id not in self._members:
            self._members[folder.id] = members(self._ctx, folder.id)
        inside = self._members[folder.id].get(folder.contains or "")
        if inside is None:
            return folder
        return HeldFile(id=inside, path=folder.contains or "")

    def of_data(self) -> Iterator[Record]:
        """What is claimed of the data that runs used, once all runs were seen: a version that means
        one file wherever it was used is that file; where it does not, each run used its own.
        """
        tied = set()
        for ident, meeting in sorted(self._meetings.items()):
            if meeting.uses:
                self.looked_at.add(ident)
            same = meeting.whole and len(meeting.found) == 1
            held_inside = any(held.contains is not None for _, held in meeting.found.values())
            if same and not held_inside and meeting.thing.kind in ("DatasetVersion", "Artifact"):
                [(file, (place, _))] = meeting.found.items()
                if place.confidence >= terms.SURE:
                    tied.add(ident)
                run, _, _, sha = meeting.uses[0]
                says = f"{meeting.address} of {run.row.title} at {sha[:12]}"
                shows = Evidence(terms.BY_PATH, says, place.confidence)
                yield _claim(terms.SAMENESS, ident, file, shows)
                yield _claim(terms.SAMENESS, file, ident, shows)
                continue
            for run, role, file, sha in meeting.uses:
                place, held = meeting.found[file]
                inside = f", in {held.path}" if held.contains is not None else ""
                says = f"{meeting.address} at {sha[:12]}{inside}"
                shows = Evidence(terms.BY_PATH, says, place.confidence)
                yield _claim("used", run.row.id, file, shows, role)
        self.unjoined = [one for one in self.unjoined if one.thing.id not in tied]
        yield from self._left()

    def _left(self) -> Iterator[Record]:
        """The addresses of data of each run that are joined with no file."""
        addresses: dict[str, set[str]] = {}
        for one in self.unjoined:
            addresses.setdefault(one.run.id, set()).add(one.address)
        for run, named in sorted(addresses.items()):
            attributes: dict[str, Value] = {"unjoined": tuple(sorted(named))}
            yield Node(id=run, kind="Run", attributes=attributes)

    # --- modified files ---------------------------------------------------------------------------

    def _modified(self, run: RunRecord, sha: str, files: CommitFiles) -> Iterator[Record]:
        """Files of the project that a run logged with other bytes than its commit has: the working
        folder held changes that were not committed.
        """
        logged = [(n, d, f) for n, d, f in self._logged(run, sha, files) if f.oid is not None]
        files.digests(file.oid for _, _, file in logged if file.oid is not None)
        changed = []
        for name, (algorithm, _, digest), file in logged:
            self._files.setdefault(file.id, (sha, file))
            if files.differs(file.oid or "", algorithm, digest):
                changed.append(name)
        if changed:
            attributes: dict[str, Value] = {"modified_files": tuple(sorted(changed))}
            yield Node(id=run.row.id, kind="Run", attributes=attributes)

    def _logged(
        self, run: RunRecord, sha: str, files: CommitFiles
    ) -> Iterator[tuple[str, tuple[str, str, str], HeldFile]]:
        """Name, digest and the commit's own version of the files of the project that a run logged."""
        for thing in run.made:
            held = thing.node().attributes
            name, digest = held.get("name"), held.get("digest")
            if not isinstance(name, str) or not isinstance(digest, str):
                continue
            if posixpath.basename(name) in _OF_MLFLOW:
                continue
            if (file := files.held(sha, name)) is not None:
                yield name, digest.partition(":"), file


def _claim(
    relation: str, effect: str, cause: str, found: Evidence, role: str | None = None
) -> Edge:
    attributes: dict[str, Value] = {
        terms.METHOD: found.method,
        terms.EVIDENCE: found.says,
        terms.CONFIDENCE: found.confidence,
    }
    if role:
        attributes["prov:role"] = role
    return Edge(relation=relation, effect=effect, cause=cause, attributes=attributes)


def _address(thing: NodeRow) -> str | None:
    """The address by which a tracker names data: its ``uri``, or the name of a file."""
    held = thing.node().attributes
    uri = held.get("uri")
    if isinstance(uri, str):
        return uri
    namespace, name = held.get("namespace"), held.get("name")
    if namespace == "file" and isinstance(name, str):
        return name
    return None


def _in_order(ctx: Context, idents: Sequence[str], hop: Hop) -> list[EdgeRow]:
    return sorted(ctx.store.edges(idents, hop, NOW), key=edge_order)


def _lock_versions(ctx: Context) -> Iterator[tuple[str, str]]:
    """(file version, environment) of the lock files of every environment, under all names of their
    bytes.
    """
    for found in find_pages(ctx.store, _ENVIRONMENTS):
        rows = _in_order(ctx, [row.id for row in found], _DERIVED)
        of = {row.effect: row.cause for row in rows}
        yield from of.items()
        bytes_ = {row.cause: of[row.effect] for row in _in_order(ctx, list(of), _TIES)}
        for row in _in_order(ctx, list(bytes_), _TIED):
            yield row.effect, bytes_[row.cause]
