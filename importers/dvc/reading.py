# SPDX-License-Identifier: Apache-2.0
"""Reads all versions of DVC's files into stages, tracked data and models, each found once."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from importers.dvc import locked
from importers.dvc.files import Files, Sort, Version, named
from importers.dvc.locked import Folder, Import, Item, Key, Stage, Tracked
from importers.dvc.pipeline import UNKNOWN, Pipeline, Roles, Scope
from importers.dvc.places import Place
from importers.dvc.values import load, suffix
from importers.tally import Tally
from lineage import ids
from lineage.errors import BadInput
from lineage.sources import dvc_lock, yaml_reader


@dataclass(kw_only=True, slots=True)
class Run:
    """A locked stage, the commits that brought it in, and what its outputs were for."""

    stage: Stage
    commits: set[str] = field(default_factory=set)
    roles: dict[Place, str] = field(default_factory=dict)
    #: Commits (``None``: the working folder) at which its files may lie in git.
    seen_at: dict[str | None, None] = field(default_factory=dict)
    #: The entries of dvc.lock that lock it, which may say other things besides.
    entries: set[str] = field(default_factory=set)
    #: Whether any dvc.yaml speaks of it, and how many of its paths there are unfilled templates.
    known: bool = False
    unfilled: int = 0


@dataclass(kw_only=True, slots=True)
class Data:
    """Tracked data at one digest."""

    item: Item
    commits: set[str] = field(default_factory=set)
    imports: dict[Import, None] = field(default_factory=dict)
    #: Commits (``None``: the working folder) at which it is tracked.
    seen_at: dict[str | None, None] = field(default_factory=dict)
    descriptions: set[str] = field(default_factory=set)


@dataclass(kw_only=True, slots=True)
class Found:
    """Everything that was locked or tracked, anywhere in the versions read.

    ``outs`` has what each state of a file (path and name, as versions have them) holds;
    ``introduced`` the runs that each version brought in.
    """

    stages: dict[str, Stage] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    data: dict[Key, Data] = field(default_factory=dict)
    models: dict[Place, set[str]] = field(default_factory=dict)
    outs: dict[tuple[str, str], tuple[Item, ...]] = field(default_factory=dict)
    introduced: list[tuple[Version, Stage]] = field(default_factory=list)


class _Use(NamedTuple):
    """A version that has a dvc.lock now, or (``parent``) whose parent had it."""

    version: Version
    yaml: str | None
    is_before: bool


class Reading:
    """One reading of a set of versions."""

    def __init__(self, files: Files, versions: Sequence[Version], tally: Tally) -> None:
        self._files = files
        self._versions = versions
        self._tally = tally
        self._found = Found()
        self._pipelines: dict[str, Pipeline] = {}
        self._values: dict[str, Any] = {}
        self._parsed_values: dict[tuple[str, str], Any] = {}
        self._scopes: dict[tuple[str | None, str], Scope] = {}
        self._stages: dict[tuple[str, str | None, str], tuple[str, Stage] | None] = {}
        self._entries: dict[str, set[str]] = {}
        self._failures: dict[Sort, BadInput] = {}
        self._read: set[Sort] = set()

    def found(self) -> Found:
        """Read what the versions say. Raises ``BadInput`` (or a kind of it) for a file of the
        working folder that cannot be read, and when no version can be.
        """
        self._read_pipelines()
        self._read_locks([v for v in self._versions if v.sort == "dvc.lock"])
        self._read_data([v for v in self._versions if v.sort == "*.dvc"])
        self._read_models()
        self._demand_readable()
        self._report()
        return self._found

    def _demand_readable(self) -> None:
        locks = self._read & {"dvc.lock", "*.dvc"}
        for sort, error in self._failures.items():
            if not locks and (sort != "dvc.yaml" or not self._read):
                raise error

    def _report(self) -> None:
        """Count stages that no dvc.lock ever had, and those of which no dvc.yaml speaks."""
        runs = self._found.runs.values()
        run = {
            stage.address.removesuffix(stage.name) + stage.name.partition("@")[0]
            for stage in (run.stage for run in runs)
        }
        defined = {
            f"{posixpath.join(pipeline.folder, 'dvc.yaml')}:{name}"
            for _, _, pipeline in self._placed()
            for name in pipeline.stages
        }
        never = sorted(defined - run)
        lose = self._tally.lose
        lose("stages", "defined and never run", count=len(never), first=next(iter(never), None))
        for one in runs:
            if not one.known:
                reason = "dvc.yaml does not name the stage: whether they are metrics is not known"
                lose("roles of outputs", reason, first=one.stage.address)

    # --- dvc.yaml ---------------------------------------------------------------------------------

    def _read_pipelines(self) -> None:
        wanted: dict[str, Version] = {}
        for version in self._versions:
            if version.sort == "dvc.yaml":
                wanted[version.name] = version
            if version.sort != "*.dvc":
                for name in (_beside(version), *version.yaml_before):
                    if name is not None:
                        wanted.setdefault(name, version)
        parsed: dict[tuple[str, str], Pipeline | None] = {}
        for name, data in self._files.read(wanted):
            if data is None:
                continue
            key = (ids.sha256(data), wanted[name].folder)
            if key not in parsed:
                parsed[key] = self._parsed(wanted[name], data, "dvc.yaml", _pipeline)
            if (pipeline := parsed[key]) is not None:
                self._pipelines[name] = pipeline
        self._read_values()

    def _read_values(self) -> None:
        """The files that templates take values from, each distinct one once."""
        placed = [one for one in self._placed() if one[2].templated]
        self._read_files(
            (version, path) for version, _, pipeline in placed for path in pipeline.sources()
        )
        self._read_files(
            (version, path)
            for version, yaml, pipeline in placed
            for path in pipeline.inner_sources(self._scope(version.commit, yaml))
        )

    def _read_files(self, wanted: Iterable[tuple[Version, str]]) -> None:
        names = {name: path for v, path in wanted if (name := named(v.commit, path))}
        for name, data in self._files.read(names.keys() - self._values.keys()):
            path = names[name]
            key = (ids.sha256(data or b""), suffix(path))
            if key not in self._parsed_values:
                try:
                    self._parsed_values[key] = load(data, path) if data else None
                except BadInput as error:
                    self._tally.lose("files of parameters", error.what, first=path)
                    self._parsed_values[key] = None
            self._values[name] = self._parsed_values[key]

    def _values_at(self, commit: str | None) -> Callable[[str], Any]:
        return lambda path: self._values.get(named(commit, path) or "")

    def _placed(self) -> Iterator[tuple[Version, str, Pipeline]]:
        """Versions of a pipeline, with the name of the dvc.yaml at the same commit."""
        for version in self._versions:
            name = _beside(version) or ""
            if version.sort != "*.dvc" and name in self._pipelines:
                yield version, name, self._pipelines[name]

    def _scope(self, commit: str | None, yaml: str) -> Scope:
        """What the templates of a dvc.yaml see at a commit."""
        pipeline = self._pipelines[yaml]
        if not pipeline.templated:
            return {}
        if (commit, yaml) not in self._scopes:
            self._scopes[commit, yaml] = pipeline.scope(self._values_at(commit))
        return self._scopes[commit, yaml]

    def _read_models(self) -> None:
        for version, yaml, pipeline in self._placed():
            for name, place in pipeline.models(self._scope(version.commit, yaml)):
                self._found.models.setdefault(place, set()).add(name)

    # --- dvc.lock ---------------------------------------------------------------------------------

    def _read_locks(self, versions: Sequence[Version]) -> None:
        uses: dict[str, list[_Use]] = {}
        for version in reversed(versions):
            uses.setdefault(version.name, []).append(_Use(version, _beside(version), False))
            for name, yaml in _parents(version):
                uses.setdefault(name, []).append(_Use(version, yaml, True))
        now: dict[Version, dict[str, Roles]] = {}
        before: dict[Version, set[str]] = {}
        for name, data in self._files.read(uses):
            # What is wrong with it is told of the oldest commit that has it.
            version = min(uses[name], key=lambda use: use.is_before).version
            said = self._parsed(version, data, "dvc.lock", _lock)
            for use in uses[name] if said is not None else ():
                stages = dict(self._resolved(use, said))
                if use.is_before:
                    before.setdefault(use.version, set()).update(stages)
                else:
                    now[use.version] = stages
        for version in versions:
            self._hold(version, now.get(version, ()))
            for key, roles in now.get(version, {}).items():
                self._meet(key, version, roles, key not in before.get(version, ()))

    def _resolved(
        self, use: _Use, said: Mapping[str, dict[str, Any]]
    ) -> Iterator[tuple[str, Roles]]:
        """The stages of one dvc.lock, as it is read beside one dvc.yaml."""
        version, yaml = use.version, use.yaml or ""
        pipeline = self._pipelines.get(yaml)
        scope = self._scope(version.commit, yaml) if pipeline else {}
        values = self._values_at(version.commit)
        for name, raw in said.items():
            roles = pipeline.roles(name, scope, values) if pipeline else UNKNOWN
            address = f"{posixpath.join(version.folder, 'dvc.yaml')}:{name}"
            found = self._stage(name, raw, address, version, roles.wdir)
            if found is not None:
                entry = dvc_lock.entry(version.folder, name, raw)
                self._entries.setdefault(found[0], set()).add(entry)
                yield found[0], roles

    def _stage(
        self, name: str, raw: Mapping[str, Any], address: str, version: Version, wdir: str | None
    ) -> tuple[str, Stage] | None:
        """A stage and its key; most stages of a dvc.lock are those of the one before."""
        known = (address, wdir, ids.sha256(repr(raw).encode()))
        if known not in self._stages:
            if wdir is None:
                raw = self._without_files(raw, address)
            folder = Folder(version.folder, self._tally, version.shown).within(wdir or "")
            stage = locked.stage(name, raw, address, folder)
            self._stages[known] = None if stage is None else (stage.key, stage)
        found = self._stages[known]
        if found is not None:
            self._found.stages[found[0]] = found[1]
        return found

    def _without_files(self, raw: Mapping[str, Any], address: str) -> dict[str, Any]:
        """A stage whose paths nobody knows from where to read: its command and parameters are."""
        files = {"deps", "outs"}
        count = sum(len(raw[key]) for key in files & raw.keys() if isinstance(raw[key], list))
        reason = "the working folder of their stage is a template that cannot be filled in"
        self._tally.lose("files", reason, count=count, first=address)
        return {key: value for key, value in raw.items() if key not in files}

    def _meet(self, key: str, version: Version, roles: Roles, is_new: bool) -> None:
        """A stage that a version holds, and that (``is_new``) no parent of its commit held."""
        stage = self._found.stages[key]
        run = self._found.runs.setdefault(key, Run(stage=stage))
        run.entries |= self._entries.get(key, set())
        run.known |= roles.known
        run.seen_at[version.commit] = None
        for place, role in roles.outputs.items():
            if run.roles.get(place) != "metric":
                run.roles[place] = role
        if roles.unfilled and not run.unfilled:
            run.unfilled = roles.unfilled
            reason = "the template of a path cannot be filled in"
            self._tally.lose("roles of outputs", reason, count=roles.unfilled, first=stage.address)
        if is_new:
            self._found.introduced.append((version, stage))
        if is_new and version.claims and version.commit is not None:
            run.commits.add(version.commit)

    def _hold(self, version: Version, stages: Iterable[str]) -> None:
        outs = (item for key in stages for item in self._found.stages[key].outs)
        self._found.outs[version.path, version.name] = tuple(outs)

    # --- *.dvc ------------------------------------------------------------------------------------

    def _read_data(self, versions: Sequence[Version]) -> None:
        paths: dict[str, dict[str, Version]] = {}
        for version in reversed(versions):
            paths.setdefault(version.name, {}).setdefault(version.path, version)
        for version in versions:
            for name in filter(None, version.before):
                paths.setdefault(name, {}).setdefault(version.path, version)
        read: dict[tuple[str, str], str | Tracked | None] = {}
        for name, data in self._files.read(paths):
            said = self._parsed(next(iter(paths[name].values())), data, "*.dvc", _tracking)
            for path, version in paths[name].items() if said is not None else ():
                read[name, path] = self._one_file(version, said)
        for version in versions:
            now = read.get((version.name, version.path))
            before = [read.get((name, version.path)) for name in version.before if name]
            if isinstance(now, str):
                self._hold(version, (now,))
                roles = Roles(wdir="", outputs=self._found.stages[now].roles)
                self._meet(now, version, roles, now not in before)
            elif now is not None:
                self._found.outs[version.path, version.name] = now.outs
                self._take(version, now, [x for x in before if isinstance(x, Tracked)])

    def _one_file(self, version: Version, said: Mapping[str, Any]) -> str | Tracked | None:
        """The key of the stage that a file of DVC before 1.0 is, else what it tracks."""
        wdir = said.get("wdir")
        wdir = wdir if isinstance(wdir, str) else ""
        if said.get("cmd"):
            found = self._stage(version.path, said, version.path, version, wdir)
            return found[0] if found else None
        folder = Folder(version.folder, self._tally, version.shown)
        return locked.tracked(said, folder.within(wdir))

    def _take(self, version: Version, now: Tracked, before: Sequence[Tracked]) -> None:
        earlier = {item.key for tracked in before for item in tracked.outs}
        for item in now.outs:
            data = self._found.data.setdefault(item.key, Data(item=item))
            data.imports |= dict.fromkeys(now.imports)
            data.seen_at[version.commit] = None
            data.descriptions |= {now.description} if now.description else set()
            if version.claims and version.commit is not None and item.key not in earlier:
                data.commits.add(version.commit)

    # --- parsing ----------------------------------------------------------------------------------

    def _parsed(
        self,
        version: Version,
        data: bytes | None,
        sort: Sort,
        parse: Callable[[Version, bytes], Any],
    ) -> Any:
        """One file parsed; one of history that cannot be is counted, one of the folder an error."""
        try:
            value = parse(version, _present(version, data))
        except BadInput as error:
            if version.commit is None:
                raise
            self._failures.setdefault(sort, error)
            self._tally.lose(f"versions of {sort}", error.what, first=version.shown)
            return None
        self._read.add(sort)
        return value


def _beside(version: Version) -> str | None:
    """The dvc.yaml next to a dvc.lock."""
    return named(version.commit, posixpath.join(version.folder, "dvc.yaml"))


def _parents(version: Version) -> Iterable[tuple[str, str | None]]:
    """What each parent had of a dvc.lock, with the dvc.yaml it lay beside."""
    yamls = version.yaml_before or tuple(_beside(version) for _ in version.before)
    for name, yaml in zip(version.before, yamls, strict=False):
        if name is not None:
            yield name, yaml


def _present(version: Version, data: bytes | None) -> bytes:
    if data is None:
        message = f"{version.path} is missing, too large, or no plain file"
        raise BadInput(message, where=version.shown)
    return data


def _pipeline(version: Version, data: bytes) -> Pipeline:
    where = posixpath.join(version.folder, "dvc.yaml")
    said = yaml_reader.load(data, where=where) if data.strip() else None
    return Pipeline.of(said, version.folder, where, templated=b"${" in data)


def _lock(version: Version, data: bytes) -> dict[str, dict[str, Any]]:
    return dvc_lock.stages(data, version.shown)


def _tracking(version: Version, data: bytes) -> dict[str, Any]:
    said = yaml_reader.load(data, where=version.shown)
    if not isinstance(said, dict) or not (isinstance(said.get("outs"), list) or said.get("cmd")):
        message = f"this is no {'Dvcfile' if version.path.endswith('Dvcfile') else '.dvc file'}: "
        raise BadInput(f"{message}it lists no outputs", where=version.shown)
    return said
