# SPDX-License-Identifier: Apache-2.0
"""Says what can still be had of a run, part by part: where from, and how that is known."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias

from importers.captured import environment as captured
from lineage import ids
from lineage.access.secret_patterns import SCRUBBED
from lineage.capture.command import interpreter_of
from lineage.capture.found import Budget
from lineage.capture.probes import machine, packages, source
from lineage.errors import LineageError, NotFound
from lineage.model.record import Edge, Node
from lineage.model.value import each
from lineage.paths import cache_folder, is_folder
from lineage.services.context import Context
from lineage.services.operate.project import Project, has, relative
from lineage.services.read.recipe import File, Recipe, Source
from lineage.services.read.requirements import Requirements, of_records, requirements
from lineage.services.read.sides import MODIFIED
from lineage.services.summary import counted, listed
from lineage.services.write.commits import CommitsRequest
from lineage.services.write.import_source import environment_of
from lineage.sources import installed
from lineage.sources.git.reader import GitReader

#: ``unknown``: what is recorded does not say whether it can be had. ``differs`` is told of machines only.
State: TypeAlias = Literal["there", "missing", "unknown", "differs"]
#: Facts of a machine that are compared, and packages that are named.
_COMPARED = re.compile(r"processor|cores|memory|os\..*|cpu\.(?:architecture|models.*)|gpus\..*")
_NAMED = 20
#: What capture missed of a source by which other files may have run than the commit has.
_NOT_ALL = re.compile(
    r"source: (?:commit and work tree|work tree|kept state|tree|untracked files"
    r"|(?:submodule|nested) repository) "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a run: what it is, whether it can be had, where from, and by what that is known (``note``)."""

    part: str
    what: str
    state: State
    where: str | None = None
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """The interpreter that the command would start here, its environment, and how that differs from the recorded."""

    executable: Path | None
    environment: str | None
    differences: tuple[str, ...] = ()


def parts(ctx: Context, recipe: Recipe, project: Project | None, here: Here) -> tuple[Part, ...]:
    """All parts of a run, in the order in which they are needed."""
    return (
        *_source(ctx, recipe, project),
        *(part for file in recipe.modules for part in _data(file, project, "source")),
        *(part for file in recipe.inputs for part in _data(file, project)),
        *_environment(ctx, recipe, here),
        *_command(recipe),
        *_machine(recipe),
    )


def _source(ctx: Context, recipe: Recipe, project: Project | None) -> Iterator[Part]:
    if recipe.source is None:
        yield Part(
            part="source",
            what="the files of the program",
            state="missing",
            note="no commit is recorded of the run: the program was in no repository",
        )
        return
    first, *others = recipe.sources
    unseen = [*map(str, each(recipe.run.attributes.get(MODIFIED, ())))]
    unseen += [
        said.removeprefix("source: ")
        for said in map(str, each(recipe.run.attributes.get("not_observed", ())))
        if _NOT_ALL.match(said)
    ]
    withheld = [str(one) for one in each(first.node.attributes.get("withheld", ()))]
    if project is None or not project.holds:
        yield Part(
            part="source",
            what=first.node.title,
            state="missing",
            where=None if project is None else str(project.root),
            note="; ".join(_gone(ctx, first, project)),
        )
    elif withheld or first.node.attributes.get("complete") is False:
        yield Part(
            part="source",
            what=first.node.title,
            state="missing",
            where=str(project.root),
            note=f"the commit is there, but not all files that ran are in it: {_named(withheld)}",
        )
    elif unseen:
        yield Part(
            part="source",
            what=first.node.title,
            state="unknown",
            where=str(project.root),
            note=f"the commit is there, but other files may have run than it has: {_named(unseen)}",
        )
    else:
        yield Part(
            part="source",
            what=first.node.title,
            state="there",
            where=str(project.root),
            note=_kept(project, first.sha),
        )
    for other in others:
        at = None if project is None or other.root is None else project.moved(other.root)
        yield Part(
            part="source",
            what=f"{other.node.title} of {other.root or 'another repository'}",
            state="there" if at is not None and _is_in(at, other.sha) else "missing",
            where=None if at is None else str(at),
            note="a repository of its own in the project"
            if _is_inner(other, first)
            else "a package was installed out of it: --run takes its files as they are there now",
        )


def _is_inner(other: Source, first: Source) -> bool:
    return bool(other.root and first.root and relative(other.root, first.root))


def changed_beside(recipe: Recipe) -> tuple[str, ...]:
    """What of the repositories that packages are installed out of has other files now than the run used."""
    found = []
    for other in recipe.sources[1:]:
        if other.root is None or _is_inner(other, recipe.sources[0]):
            continue
        seen = source.probe([(Path(other.root), "module")], budget=Budget(30), keep=False)
        held = seen.facts.get("repositories")
        now = (
            [x.get("state") for x in held if isinstance(x, dict)] if isinstance(held, list) else []
        )
        if other.sha not in now:
            found.append(f"the files of {other.root}: others than then")
    return tuple(found)


def _is_in(root: Path, sha: str) -> bool:
    try:
        with GitReader.open(root) as reader:
            return has(reader, sha)
    except (LineageError, OSError):
        return False


def _kept(project: Project, sha: str) -> str:
    """By what a commit is there, and whether anything keeps it."""
    name = f"refs/lineage/keep/{sha}"
    if name in project.reader.refs_aside:
        return f"the tree {project.tree[:12]}, kept under {name}"
    leads = (x for x, tip in _tips(project.reader) if project.reader.merge_base(sha, tip) == sha)
    by = next((f"in the history of {x}" for x in leads), "kept by no name that was looked at")
    return f"the tree {project.tree[:12]}, {by}"


def _tips(reader: GitReader) -> Iterator[tuple[str, str]]:
    """The names that mostly lead to a commit, those of one that was checked out lately first."""
    if reader.head is not None:
        yield "HEAD", reader.head
    if reader.default_branch is not None:
        yield reader.default_name or "HEAD", reader.default_branch
    yield from islice(reader.refs.items(), _NAMED)


def _gone(ctx: Context, first: Source, project: Project | None) -> Iterator[str]:
    """Why a commit cannot be had, and where its change is today: which is another commit, and is only said."""
    yield "no repository of it is here" if project is None else "the commit is not in it"
    if first.below is not None:
        yield f"what nobody had committed on {first.below[:12]} is gone with it"
    try:
        found = CommitsRequest(reference=ids.commit_id(first.below or first.sha)).answer(ctx)
    except NotFound:
        return
    for one in found:
        for match in one.matches:
            if match.method == "sha":
                yield f"{match.sha[:12]} was on a branch when history was imported last"
            else:
                yield f"same change now in {match.sha[:12]} ({match.method})"


def _data(file: File, project: Project | None, part: str = "data") -> Iterator[Part]:
    if not file.digests:
        yield Part(
            part=part, what=file.path, state="unknown", note="no digest of its bytes is recorded"
        )
        return
    missing = []
    place = None
    for one in file.leaves:
        place = None if project is None else project.place(one)
        if place is None:
            missing.append(one.path)
    if not missing:
        whole = counted(len(file.members), "file") if file.members else None
        yield Part(
            part=part,
            what=file.path,
            state="there",
            where=place.where if place is not None and not file.members else whole,
            note=f"the same bytes by {_strongest(file)}",
        )
        return
    path = None if project is None else project.path_of(file)
    lies = path is not None and os.path.lexists(path)
    reason = f"other bytes are at {path} now" if lies else f"nothing is at {path or file.path} now"
    some = f"{len(missing)} of {counted(len(file.members), 'file')}: {_named(missing)}; "
    yield Part(
        part=part,
        what=file.path,
        state="missing",
        note=f"{some if file.members else ''}{reason}, and no cache and no object of git has them "
        f"({_strongest(file)})",
    )


def _strongest(file: File) -> str:
    name = next((x for x in ("sha256", "md5", "git") if x in file.digests), None)
    name = name or next(iter(sorted(file.digests)))
    return f"{name} {file.digests[name][:12]}"


def _environment(ctx: Context, recipe: Recipe, here: Here) -> Iterator[Part]:
    node = recipe.environment
    if node is None:
        yield Part(
            part="environment",
            what="packages",
            state="unknown",
            note=f"{len(recipe.environments)} were declared, and none was seen to be there"
            if recipe.environments
            else "no environment is recorded of the run",
        )
        return
    told = requirements(ctx, node)
    if here.environment == node.id:
        yield Part(
            part="environment",
            what=node.title,
            state="there",
            where=str(here.executable),
            note="the same packages are installed for it",
        )
        return
    yield Part(
        part="environment",
        what=node.title,
        state="missing" if told.cannot_be_had else "there",
        where=None
        if told.cannot_be_had
        else f"the {'captured' if recipe.is_observed else 'declared'} set, as requirements",
        note=f"not in an index: {_named(told.cannot_be_had)}"
        if told.cannot_be_had
        else "by names and versions: whether an index still has them was not asked",
    )


def _command(recipe: Recipe) -> Iterator[Part]:
    if recipe.argv is None:
        yield Part(part="command", what="command", state="missing", note="none is recorded")
        return
    shown = str(recipe.run.attributes.get("command") or recipe.argv[0])
    hidden = [n for n, word in enumerate(recipe.argv) if SCRUBBED in word]
    if hidden:
        words = ", ".join(str(n) for n in hidden)
        note = f"word {words} held a secret, which is not kept: it cannot be run"
        yield Part(part="command", what=shown, state="missing", note=note)
    else:
        note = "word by word" if recipe.is_captured else "as a line for the shell"
        yield Part(part="command", what=shown, state="there", note=note)
    if recipe.parameters:
        said = _named([f"{name}={value}" for name, value in sorted(recipe.parameters.items())])
        yield Part(part="parameters", what=said, state="there", note="as they were recorded")


def _machine(recipe: Recipe) -> Iterator[Part]:
    for was in recipe.machines:
        seen = machine.probe(environ=os.environ, budget=Budget(5))
        now = next(captured.machine(seen.facts, socket.gethostname()), None)
        if now is None:
            yield Part(
                part="machine", what=was.title, state="unknown", note="nothing is known of this one"
            )
            continue
        differs = [*_differences(was, now)]
        yield Part(
            part="machine",
            what=was.title,
            state="differs" if differs else "there",
            where=now.title,
            note="; ".join(differs[:_NAMED]) or "equal in system, processors, memory, accelerators",
        )


def _differences(was: Node, now: Node) -> Iterator[str]:
    names = {x for x in (*was.attributes, *now.attributes) if _COMPARED.fullmatch(x)}
    for name in sorted(names):
        a, b = was.attributes.get(name), now.attributes.get(name)
        if a != b:
            yield f"{name}: {_said(a)} -> {_said(b)}"


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return _named([str(one) for one in value])
    return "absent" if value is None else str(value)


def installed_here(ctx: Context, recipe: Recipe, environ: Mapping[str, str], folder: Path) -> Here:
    """The environment that the command of a run would find here, compared with the one that is recorded."""
    if recipe.argv is None or recipe.environment is None:
        return Here(executable=None, environment=None)
    # A Python that is named from the project's folder is sought in the old one.
    start = Path(recipe.here) if recipe.here and is_folder(Path(recipe.here)) else folder
    executable = interpreter_of(recipe.argv, environ.get("PATH"), start, environ)
    if executable is None:
        return Here(executable=None, environment=None)
    seen = packages.probe(
        executable,
        budget=Budget(30),
        cache=cache_folder(environ) / "packages",
        environ=environ,
    )
    described = environment_of({installed.FACTS: json.dumps(seen.facts).encode()})
    if described is None:
        return Here(executable=executable, environment=None)
    ident, records = described
    node = next(x for x in records if isinstance(x, Node) and x.id == ident)
    now = of_records(
        node, [x for x in records if isinstance(x, Edge) and x.relation == "hadMember"]
    )
    was = requirements(ctx, recipe.environment)
    return Here(executable=executable, environment=ident, differences=tuple(_drift(was, now)))


def _drift(was: Requirements, now: Requirements) -> Iterator[str]:
    """What differs between the packages of two environments."""
    if was.python != now.python:
        yield f"Python: {_said(was.python)} -> {_said(now.python)}"
    for name in sorted({*was.packages, *now.packages}):
        a, b = was.packages.get(name), now.packages.get(name)
        if a != b:
            yield f"{name}: {_said(a)} -> {_said(b)}"
    for one in sorted({*was.cannot_be_had} ^ {*now.cannot_be_had}):
        yield f"{one}: only {'then' if one in was.cannot_be_had else 'now'}"


def _named(texts: Sequence[str]) -> str:
    return listed(texts, _NAMED) if texts else "which ones is not said"
