# SPDX-License-Identifier: Apache-2.0
"""Reads what is recorded of a run that it takes to do it again: source, data, environment, command."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineage import ids
from lineage.errors import Usage
from lineage.model import kinds, terms
from lineage.model.record import Edge, Node
from lineage.model.value import each, plain
from lineage.services.as_of import at_one_moment
from lineage.services.context import Context
from lineage.services.read.sides import METRIC, PARAM, digests_of, run_of
from lineage.store.base import Hop, View

_CAUSES = Hop(relations=frozenset({"used"}))
_OUTPUTS = Hop(toward="effects", relations=frozenset({"wasGeneratedBy"}))
_STEPS = Hop(toward="effects", relations=frozenset({"wasInformedBy"}))
_MEMBERS = Hop(relations=frozenset({"hadMember"}))
_BEFORE = Hop(relations=frozenset({"wasDerivedFrom"}))
#: Steps inside of each other that are followed.
_DEEPEST = 5
#: Digests that stand beside the one by which a file is called.
_BESIDE = ("sha1", "git")
_VARIABLE = "env."


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file or folder that a run read or wrote. ``namespace`` says in whose names the path is (``None``: it is only
    called so), ``digests`` are those of its bytes by algorithm, ``members`` the files of a folder, as far as they
    are known.
    """

    id: str
    path: str
    namespace: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None
    members: tuple[File, ...] = ()

    @property
    def absolute(self) -> bool:
        """Whether it is known by where it lies on a machine, and not by its place in a repository."""
        return self.namespace is None or self.namespace.startswith("file://")

    @property
    def leaves(self) -> tuple[File, ...]:
        """The files of a folder, or the file itself."""
        return self.members or (self,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A commit that a run used: in which role, where it was checked out, and the commit of the project's history
    below, where it stands for files that nobody had committed.
    """

    sha: str
    role: str
    root: str | None
    node: Node
    below: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is recorded of a run. ``argv`` are the words of its command as they were (``None``: not known), ``here``
    the folder that it started in, ``modules`` the code that it imported and its commit has not, ``steps`` the
    identifiers of the runs that are parts of it.
    """

    run: Node
    argv: tuple[str, ...] | None
    here: str | None
    sources: tuple[Source, ...] = ()
    inputs: tuple[File, ...] = ()
    modules: tuple[File, ...] = ()
    outputs: tuple[File, ...] = ()
    environments: tuple[tuple[Node, bool], ...] = ()
    machines: tuple[Node, ...] = ()
    steps: tuple[str, ...] = ()

    @property
    def source(self) -> Source | None:
        """The commit that the program itself is of."""
        return next(iter(self.sources), None)

    @property
    def is_captured(self) -> bool:
        """Whether its words are known one by one."""
        return "argv" in self.run.attributes

    @property
    def environment(self) -> Node | None:
        """The environment that was really there, else the one that was declared; ``None`` where none is known, or it is
        not known which of several was there.
        """
        seen = [node for node, observed in self.environments if observed]
        known = seen or [node for node, _ in self.environments]
        return known[0] if len(known) == 1 else None

    @property
    def is_observed(self) -> bool:
        """Whether the environment was seen to be there."""
        return any(observed for _, observed in self.environments)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters of the run."""
        return self._named(PARAM)

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The metrics of the run."""
        return self._named(METRIC)

    @property
    def variables(self) -> Mapping[str, Any]:
        """The variables of its environment whose values are recorded."""
        return self._named(_VARIABLE)

    def _named(self, prefix: str) -> Mapping[str, Any]:
        shown = plain(self.run.attributes)
        return {k.removeprefix(prefix): v for k, v in shown.items() if k.startswith(prefix)}


def recipe(ctx: Context, about: str) -> Recipe:
    """Read the recipe of the run that a reference means, or that made what it means. Raises ``Usage`` where there is
    none, and the errors of references.
    """
    found, _ = at_one_moment(ctx, None, lambda view: _read(ctx, run_of(ctx, about, view), view))
    return found


def _read(ctx: Context, ident: str, view: View) -> Recipe:
    used = [row.edge() for row in ctx.store.edges([ident], _CAUSES, view)]
    runs = _with_steps(ctx, ident, view)
    made = [row.edge() for row in ctx.store.edges(runs, _OUTPUTS, view)]
    stepped = [row.edge() for row in ctx.store.edges(runs[1:], _CAUSES, view)]
    names = {ident, *(e.cause for e in (*used, *stepped)), *(e.effect for e in made)}
    nodes = {name: row.node() for name, row in ctx.store.get(names, view).items()}
    run = nodes[ident]
    if kinds.family(run.kind) != "Activity":
        raise Usage(f"{run.title} is no run")
    files = _Files(ctx, view)
    outputs = files.of(nodes[e.effect] for e in made if e.effect in nodes)
    own = {one.id for one in outputs}
    data = [nodes[e.cause] for e in (*used, *stepped) if e.cause in nodes and e.cause not in own]
    code = {e.cause for e in (*used, *stepped) if terms.is_module(e.attributes)}
    code -= {e.cause for e in (*used, *stepped) if not terms.is_module(e.attributes)}
    data = [node for node in data if node.kind not in _NO_DATA or node.kind == "Machine"]
    here = run.attributes.get("working_directory")
    return Recipe(
        run=run,
        argv=_argv(run),
        here=here if isinstance(here, str) else None,
        sources=tuple(_sources(ctx, used, nodes, view)),
        inputs=files.of(n for n in data if n.id not in code and n.kind != "Machine"),
        modules=files.of(n for n in data if n.id in code),
        outputs=outputs,
        environments=tuple(
            (nodes[e.cause], "installed" in each(e.attributes.get(terms.WITNESS, ())))
            for e in used
            if e.cause in nodes and nodes[e.cause].kind == "Environment"
        ),
        machines=tuple(node for node in data if node.kind == "Machine"),
        steps=tuple(runs[1:]),
    )


#: What a run uses that is no data.
_NO_DATA = frozenset({"Commit", "Environment", "Machine", "Run", "Decision"})


def _with_steps(ctx: Context, ident: str, view: View) -> list[str]:
    """The run, and the steps of it."""
    found, level = [ident], [ident]
    for _ in range(_DEEPEST):
        rows = ctx.store.edges(level, _STEPS, view)
        level = sorted({row.effect for row in rows if row.effect.startswith(f"{ident}/")})
        level = [one for one in level if one not in found]
        found += level
        if not level:
            break
    return found


def _argv(run: Node) -> tuple[str, ...] | None:
    """The words as capture took them; a command that another tracker has is a line for the shell."""
    said, shown = run.attributes.get("argv"), run.attributes.get("command")
    if isinstance(said, str):
        return tuple(map(str, json.loads(said)))
    return ("sh", "-c", shown) if isinstance(shown, str) and shown else None


def _sources(
    ctx: Context, used: Iterable[Edge], nodes: Mapping[str, Node], view: View
) -> list[Source]:
    commits = [
        e
        for e in used
        if e.cause.startswith(ids.REVISION) and e.cause in nodes and terms.ran(e.attributes)
    ]
    below = {
        row.effect: row.cause.removeprefix(ids.REVISION)
        for row in ctx.store.edges([e.cause for e in commits], _BEFORE, view)
        if row.cause.startswith(ids.REVISION)
    }
    found = []
    for edge in commits:
        role, root = edge.attributes.get("prov:role"), edge.attributes.get("root")
        found.append(
            Source(
                sha=edge.cause.removeprefix(ids.REVISION),
                role=role if isinstance(role, str) else "source",
                root=root if isinstance(root, str) else None,
                node=nodes[edge.cause],
                below=below.get(edge.cause),
            )
        )
    return sorted(found, key=lambda one: (one.role != "source", one.root or "", one.sha))


class _Files:
    """Makes files of nodes, with all digests that are known of their bytes."""

    def __init__(self, ctx: Context, view: View) -> None:
        self._ctx, self._view = ctx, view

    def of(self, nodes: Iterable[Node]) -> tuple[File, ...]:
        """The files, each once, by their paths; what lies in one of the folders is left to that."""
        whole = {node.id: node for node in nodes}
        inside = self._members(whole)
        every = {**whole, **{n.id: n for some in inside.values() for n in some}}
        known = digests_of(self._ctx, list(every.values()), self._view)
        within = {n.id for some in inside.values() for n in some}
        found = [
            _file(
                node,
                known[ident],
                tuple(_file(n, known[n.id]) for n in inside.get(ident, ())),
            )
            for ident, node in whole.items()
            if ident not in within
        ]
        return tuple(sorted(found, key=lambda file: (file.path, file.id)))

    def _members(self, whole: Mapping[str, Node]) -> dict[str, list[Node]]:
        rows = self._ctx.store.edges(list(whole), _MEMBERS, self._view)
        nodes = self._ctx.store.get({row.cause for row in rows}, self._view)
        found: dict[str, list[Node]] = {}
        for row in rows:
            if row.cause in nodes:
                found.setdefault(row.effect, []).append(nodes[row.cause].node())
        return found


def _file(node: Node, digests: Iterable[str], members: Sequence[File] = ()) -> File:
    said = node.attributes
    name = said.get("name")
    place = ids.place_of(node.id, name if isinstance(name, str) else None)
    known = dict(text.split(":", 1) for text in sorted(digests))
    known |= {x: str(said[x]) for x in _BESIDE if isinstance(said.get(x), str)}
    size = said.get("size")
    return File(
        id=node.id,
        path=place[1] if place else node.title,
        namespace=place[0] if place else None,
        digests=known,
        size=size if isinstance(size, int) else None,
        members=tuple(sorted(members, key=lambda file: file.path)),
    )
