# SPDX-License-Identifier: Apache-2.0
"""Lays out a run in a fresh folder: the exact source, the data at its places, the environment, the command.

Only bytes are written whose digests are those that the run had. What lies outside of the project is never written
to, and no program of the repository is run.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lineage.access.secret_patterns import SCRUBBED
from lineage.errors import BadInput, LineageError, NotReproducible, Usage
from lineage.services.context import Context
from lineage.services.operate.project import Place, Project, is_same
from lineage.services.read.recipe import File, Recipe
from lineage.services.read.requirements import requirements, written
from lineage.services.summary import counted
from lineage.sources import git_lfs
from lineage.sources.git import layout
from lineage.sources.git.checkout import Checkout
from lineage.sources.git.objects import CommitObject
from lineage.sources.git.reader import GitReader
from lineage.sources.git.working_tree import checked_out

#: Copies a file without its bytes where the file system can (ioctl_ficlone(2)).
_FICLONE = 0x40049409
#: Repositories inside of each other that are laid out.
_DEEPEST = 5
REQUIREMENTS, README, SCRIPT = "requirements.txt", "README.md", "run.sh"


@dataclass(slots=True, kw_only=True)
class Workspace:
    """A run laid out: ``folder`` is all of it, ``project`` the root of its files, ``start`` the folder that its
    command starts in, ``argv`` the words (``None``: not known, or a secret is missing in them), ``redirected`` those
    that named the old folder, and ``notes`` what is not as it was. ``is_apart`` says that it has no repositories, which
    would need those that are here.
    """

    folder: Path
    project: Path
    start: Path
    argv: tuple[str, ...] | None = None
    redirected: tuple[str, ...] = ()
    is_apart: bool = False
    notes: list[str] = field(default_factory=list)


def lay_out(
    ctx: Context, recipe: Recipe, project: Project | None, folder: Path, *, apart: bool = False
) -> Workspace:
    """Lay a run out in a folder, which is made where there is none; ``apart`` from this machine: files alone. Raises ``Usage`` where it is not empty,
    ``NotReproducible`` where the source cannot be had, ``BadInput`` where what was written is not what it should be.
    """
    if project is None or project.commit is None:
        raise NotReproducible(
            "the source of the run cannot be had: its commit is in no repository here"
        )
    folder = _fresh(folder)
    root = folder / "project"
    made = Workspace(folder=folder, project=root, start=root, is_apart=apart)
    made.project.mkdir()
    _check_out(project.reader, project.root, project.commit, made, made.project)
    _fill_lfs(project, made)
    for file in (*recipe.modules, *recipe.inputs):
        for one in file.leaves:
            _bring(one, project, made)
    _command(recipe, project, made)
    _write_beside(ctx, recipe, made)
    return made


def _fresh(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if next(folder.iterdir(), None) is not None:
            hint = "Name a folder that is not there yet, or an empty one."
            raise Usage("the folder is not empty", where=str(folder), hint=hint)
    except OSError as error:
        message = f"no folder can be made there: {error.strerror}"
        raise Usage(message, where=str(folder), hint="Name another place.") from error
    return folder.resolve()


# --- source ---------------------------------------------------------------------------------------


def _check_out(
    reader: GitReader,
    root: Path,
    commit: CommitObject,
    made: Workspace,
    target: Path,
    depth: int = 0,
) -> None:
    """Write the files of a commit, then those of the repositories inside, each a repository of its own."""
    with Checkout(reader.layout) as checkout:
        checkout.lay_out(commit.tree, target)
        for path, sha in checkout.links(commit.tree):
            inner = root / os.fsdecode(path)
            reason = _inside(inner, sha, made, target / os.fsdecode(path), depth + 1)
            if reason:
                made.notes.append(
                    f"the repository inside at {os.fsdecode(path)} is empty: {reason}"
                )
        if converted := checkout.converted():
            shown = f"{converted[0]}{' and others' if len(converted) > 1 else ''}"
            made.notes.append(
                f"{counted(len(converted), 'file')} ({shown}) as git keeps them: no filter is run, no line end changed"
            )
        if not made.is_apart:
            checkout.make_repository(target, checked_out(commit))


def _inside(inner: Path, sha: str, made: Workspace, target: Path, depth: int) -> str | None:
    """Write a repository inside; why not, where it cannot be had."""
    if depth > _DEEPEST:
        return "there are too many inside of each other"
    if not layout.looks(inner):
        return f"there is none at {inner}"
    try:
        with GitReader.open(inner) as reader:
            [commit] = reader.commits([sha])
            if not isinstance(commit, CommitObject):
                return f"its commit {sha[:12]} is not there"
            _check_out(reader, inner, commit, made, target, depth)
    except LineageError as error:
        return str(error)
    return None


def _fill_lfs(project: Project, made: Workspace) -> None:
    """Put the objects of Git LFS where their pointers are, as far as they are here."""
    objects = project.reader.layout.common / "lfs" / "objects"
    for path in project.files:
        target = made.project / path
        if target.is_symlink() or not target.is_file() or target.stat().st_size >= git_lfs.LONGEST:
            continue
        found = git_lfs.pointer(target.read_bytes())
        if found is None:
            continue
        kept = objects / found.sha256[:2] / found.sha256[2:4] / found.sha256
        object_ = File(id="", path=path, digests={"sha256": found.sha256}, size=found.size)
        if is_same(kept, object_):
            target.unlink()
            _copied(kept, target)
        else:
            made.notes.append(f"{path} is a pointer of Git LFS, and its object is not here")


# --- data -----------------------------------------------------------------------------------------


def _bring(file: File, project: Project, made: Workspace) -> None:
    """Put a file at its place, unless it is there with the source."""
    inner = project.inside(file)
    place = project.place(file)
    if inner is None:
        lies = place is not None and place.origin == "path"
        state = (
            "is read there" if lies else "cannot be had: the command would not find it as it was"
        )
        made.notes.append(f"{file.path} lies outside of the project and {state}")
        return
    if place is None:
        made.notes.append(f"{inner} cannot be had")
        return
    target = made.project / inner
    if is_same(target, file):
        return
    if not target.parent.resolve().is_relative_to(made.project):
        made.notes.append(f"{inner} lies behind a link that leads out of the project")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    _written(place, project, target)
    if not is_same(target, file):
        raise BadInput("its bytes changed while they were copied", where=str(place.path or target))


def _written(place: Place, project: Project, target: Path) -> None:
    if place.path is not None:
        _copied(place.path, target)
    else:
        target.write_bytes(project.reader.cat(place.oid or ""))


def _copied(source: Path, target: Path) -> None:
    """Copy a file with its mode; sharing its blocks where the file system does that."""
    with source.open("rb") as old, target.open("xb") as new:
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            shutil.copyfileobj(old, new, 1 << 20)
    # What a cache keeps from being written is a file of the project here.
    target.chmod(source.stat().st_mode & 0o777 | 0o600)


# --- command --------------------------------------------------------------------------------------


def _command(recipe: Recipe, project: Project, made: Workspace) -> None:
    here = recipe.here or project.was
    inner = os.path.relpath(here, project.was)
    if inner.startswith(".."):
        made.notes.append(f"the command started in {here}, outside of the project")
    else:
        made.start = made.project / inner
        made.start.mkdir(parents=True, exist_ok=True)
    if recipe.argv is None or any(SCRUBBED in word for word in recipe.argv):
        return
    words = [redirected(word, project.was, made.project) for word in recipe.argv[1:]]
    made.argv = (recipe.argv[0], *words)
    made.redirected = tuple(
        new for old, new in zip(recipe.argv[1:], words, strict=True) if old != new
    )


def redirected(word: str, was: str, now: Path) -> str:
    """A word of a command in which paths in the old folder of the project are those in the new one.

    >>> redirected("--out=/home/ana/x/model.bin", "/home/ana/x", Path("/tmp/y"))
    '--out=/tmp/y/model.bin'
    """
    if was.count("/") < 2:
        return word
    return re.sub(rf"(?<![\w./]){re.escape(was)}(?![\w.-])", lambda _: str(now), word)


def _write_beside(ctx: Context, recipe: Recipe, made: Workspace) -> None:
    if recipe.environment is not None:
        text = written(requirements(ctx, recipe.environment), "requirements").text
        (made.folder / REQUIREMENTS).write_text(text, "utf-8")
    if made.argv is not None:
        script = made.folder / SCRIPT
        start = shlex.quote(made.start.relative_to(made.folder).as_posix())
        lines = [
            "#!/bin/sh",
            f'cd "$(dirname "$0")"/{start} || exit',
            f"exec {shlex.join(made.argv)}",
        ]
        script.write_bytes(os.fsencode("\n".join([*lines, ""])))
        script.chmod(0o755)
    (made.folder / README).write_text("\n".join(_told(recipe, made)), "utf-8", "backslashreplace")


def _told(recipe: Recipe, made: Workspace) -> Iterator[str]:
    source = recipe.source
    yield f"# {recipe.run.title}"
    yield ""
    yield f"What it takes to do the run `{recipe.run.id}` again."
    yield ""
    if source is not None:
        yield f"- `project/`: the files of the commit `{source.sha}`, compared with its tree after they were written."
        if not made.is_apart:
            yield "  Its `.git` borrows the objects of the repository that they come from: keep that one."
    if (made.folder / REQUIREMENTS).exists():
        yield f"- `{REQUIREMENTS}`: the packages that were there."
    if made.argv is not None:
        yield f"- `{SCRIPT}`: the command. What it wrote then, it writes below `project/`."
    else:
        yield "- The command is not known, or held a secret: it is not written here."
    for note in made.notes:
        yield f"- Not as it was: {note}."
    yield ""
