# SPDX-License-Identifier: Apache-2.0
"""Reads a repository's own files (config, references, shallow) as plain data, without git."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lineage.errors import BadInput, InputMissing, InputTooNew

#: Extensions of the repository format that change nothing for a reader (git help config).
_HARMLESS = frozenset(
    {"noop", "noop-v1", "preciousobjects", "worktreeconfig", "partialclone", "objectformat"}
    | {"relativeworktrees", "compatobjectformat", "refstorage"}
)
#: Settings by which a repository makes a careless reader run programs.
_RUNS_PROGRAMS = re.compile(
    r"core\.(fsmonitor|sshcommand|hookspath|pager|editor|askpass|gitproxy|alternaterefscommand)"
    r"|diff\.external|diff\..*\.(command|textconv)|filter\..*\.(clean|smudge|process)|alias\..*"
    r"|gpg\.(.*\.)?program|include(if\..*)?\.path|uploadpack\.packobjectshook|credential\.(.*\.)?helper"
    r"|remote\..*\.(uploadpack|vcs)|sequence\.editor|pager\..*|interactive\.difffilter"
)
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|[/.]$")
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SECTION = re.compile(r'\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\](.*)')
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"|((?:\\.|[^"\\#;])+)')
#: The folder of references that are ours.
OURS = "lineage"
_SMALL, _LARGE = 1 << 16, 1 << 27
_MOST_REFS = 1_000_000
_MOST_ALTERNATES = 100
_MOST_WORK_TREES = 1_000
_DEEPEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where a repository keeps its parts, and what its config says that matters to a reader."""

    where: str
    gitdir: Path
    common: Path
    algorithm: str
    settings: Mapping[str, str]
    shallow: frozenset[str]
    partial: bool
    grafts: int

    @property
    def objects(self) -> Path:
        """The folder of objects."""
        return self.common / "objects"

    @property
    def programs(self) -> tuple[str, ...]:
        """Settings that name programs to run, none of which is obeyed."""
        return tuple(
            key
            for key, value in sorted(self.settings.items())
            if _RUNS_PROGRAMS.fullmatch(key) and value not in {"true", "false", ""}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Names and what they point at, unpeeled; ``broken`` are those that name no object.

    A commit that only a linked work tree has checked out is named as git names it
    (``worktrees/<name>/HEAD``, and ``main-worktree/HEAD`` for the main one, gitrevisions).
    """

    names: Mapping[str, str]
    head: str | None
    head_name: str | None
    default_name: str | None
    broken: tuple[str, ...]


def looks(path: Path) -> bool:
    """Whether there is a repository at a path; never raises."""
    try:
        return (path / ".git").exists() or _is_gitdir(path)
    except OSError:
        return False


def around(path: Path) -> Path | None:
    """The nearest repository that a file or folder lies in, or is; ``None`` where there is none."""
    return next((above for above in (path, *path.parents) if looks(above)), None)


def is_bare(path: Path) -> bool:
    """Whether a folder holds git's own files and no work tree; never raises."""
    try:
        return _is_gitdir(path) and not (path / ".git").exists()
    except OSError:
        return False


def _is_gitdir(path: Path) -> bool:
    return (
        (path / "HEAD").is_file()
        and ((path / "objects").is_dir() or (path / "commondir").is_file())
        and ((path / "refs").is_dir() or (path / "commondir").is_file())
    )


def submodules(path: Path) -> tuple[str, ...]:
    """Paths of the submodules that a work tree names, those that leave it left out."""
    said = _settings(plain_text(path / ".gitmodules") or "")
    paths = (v for k, v in said.items() if k.startswith("submodule.") and k.endswith(".path"))
    found = (PurePosixPath(path) for path in paths if path and "\0" not in path)
    return tuple(str(x) for x in found if not x.is_absolute() and ".." not in x.parts)


def locate(path: Path) -> Layout:
    """Find the repository at a path: a work tree, a linked one, a bare one or a ``.git`` folder.

    Raises ``InputMissing``, ``BadInput``, ``InputTooNew``.
    """
    where = str(path)
    gitdir, common = folders(path)
    if not (common / "objects").is_dir():
        raise BadInput(f"{where} is a repository without objects", where=where)
    settings = _settings(plain_text(common / "config", _LARGE) or "")
    algorithm = _format(settings, where)
    _demand_alternates(common / "objects", where)
    shallow = plain_text(common / "shallow", _LARGE) or ""
    return Layout(
        where=where,
        gitdir=gitdir,
        common=common,
        algorithm=algorithm,
        settings=settings,
        shallow=frozenset(x for x in shallow.split() if _OID.fullmatch(x)),
        partial=_is_partial(common, settings),
        grafts=len((plain_text(common / "info" / "grafts", _LARGE) or "").splitlines()),
    )


def folders(path: Path) -> tuple[Path, Path]:
    """Where the repository at a path keeps what is its own, and what its work trees share.

    Raises ``InputMissing``, ``BadInput``.
    """
    where = str(path)
    try:
        gitdir = _gitdir(path, where)
    except OSError as error:
        raise InputMissing(f"cannot read {where}: {error.strerror}", where=where) from error
    said = plain_text(gitdir / "commondir")
    return gitdir, Path(os.path.normpath(gitdir / said.strip())) if said else gitdir


def _gitdir(path: Path, where: str) -> Path:
    if not path.exists():
        raise InputMissing(f"there is no folder {where}", where=where)
    inner = path / ".git"
    if inner.is_dir():
        return inner
    if said := plain_text(inner) or (plain_text(path) if path.is_file() else None):
        if said.startswith("gitdir:"):
            target = Path(os.path.normpath(inner.parent / said.removeprefix("gitdir:").strip()))
            if _is_gitdir(target):
                return target
            raise BadInput(
                f"{where} is a work tree whose repository {target} is not there",
                where=where,
                hint="Run 'git worktree repair' in the main work tree, or import that one.",
            )
    elif _is_gitdir(path):
        return path
    above = next((x for x in path.parents if looks(x)), None)
    hint = (
        f"The repository is {above}: import that."
        if above
        else "Run 'git init', or check the path."
    )
    raise BadInput(f"{where} is not a git repository", where=where, hint=hint)


def _format(settings: Mapping[str, str], where: str) -> str:
    """The hash a repository uses. Raises ``InputTooNew`` for what this reader does not know."""
    version = settings.get("core.repositoryformatversion", "0")
    names = {k.removeprefix("extensions.") for k in settings if k.startswith("extensions.")}
    odd = sorted(names - _HARMLESS) if version != "0" else []
    if version not in {"0", "1"} or odd:
        what = f"extension {odd[0]}" if odd else f"version {version[:20]}"
        raise InputTooNew(f"{where} has a repository format ({what}) unknown here", where=where)
    if settings.get("extensions.refstorage", "files").lower() != "files":
        raise InputTooNew(
            f"{where} keeps its references in a reftable, which is not read here",
            where=where,
            hint="Run 'git refs migrate --ref-format=files', or import a clone.",
        )
    algorithm = settings.get("extensions.objectformat", "sha1").lower()
    if algorithm not in {"sha1", "sha256"}:
        raise InputTooNew(f"{where} names its objects by {algorithm[:20]}", where=where)
    return algorithm


def _is_partial(common: Path, settings: Mapping[str, str]) -> bool:
    """Whether files may be missing because a clone left them out (git help partial-clone)."""
    if any(k.endswith(".promisor") or k == "extensions.partialclone" for k in settings):
        return True
    return any((common / "objects" / "pack").glob("*.promisor"))


def _demand_alternates(objects: Path, where: str) -> None:
    """Refuse borrowed-object lists that git would hang on; say which borrowed folder is gone."""
    todo, seen = [objects], {objects}
    while todo:
        folder = todo.pop()
        listed = folder / "info" / "alternates"
        if not os.path.lexists(listed):
            continue
        text = plain_text(listed)
        if text is None or len(seen) > _MOST_ALTERNATES:
            raise BadInput(f"{listed} is not a list of folders that git can follow", where=where)
        for line in text.splitlines():
            if not line or line.startswith(("#", '"')):
                continue
            borrowed = Path(os.path.normpath(folder / line))
            if not borrowed.is_dir():
                raise BadInput(
                    f"the repository borrows objects from {borrowed}, which is not there",
                    where=where,
                    hint="Bring that folder back, or import the repository it was cloned from.",
                )
            if borrowed not in seen:
                seen.add(borrowed)
                todo.append(borrowed)


def references(layout: Layout, *, ours: bool = True) -> References:
    """Read branches, tags and the rest: packed ones, then loose ones over them. Those of ours, one for each
    state that was kept, may be left out.
    """
    names = dict(_packed(plain_text(layout.common / "packed-refs", _LARGE) or ""))
    if not ours:
        names = {name: sha for name, sha in names.items() if not name.startswith(f"refs/{OURS}/")}
    symbolic: dict[str, str] = {}
    broken: set[str] = set()
    for name, text in _loose(layout.common, "" if ours else OURS):
        if _BAD_REF.search(name) or not _is_utf8(name):
            broken.add(name.encode("utf-8", "backslashreplace").decode())
        elif text.startswith("ref:"):
            symbolic[name] = text.removeprefix("ref:").strip()
        elif _OID.fullmatch(text):
            names[name] = text
        else:
            broken.add(name)
    for name, target in symbolic.items():
        if (sha := _follow(target, names, symbolic)) is not None:
            names[name] = sha
    names.update(_checked_out(layout))
    head = (plain_text(layout.gitdir / "HEAD") or "").strip()
    head_name = head.removeprefix("ref:").strip() if head.startswith("ref:") else None
    sha = _follow(head_name, names, symbolic) if head_name else head
    return References(
        names=dict(sorted(names.items())),
        head=sha if sha and _OID.fullmatch(sha) else None,
        head_name=head_name,
        default_name=symbolic.get("refs/remotes/origin/HEAD"),
        broken=tuple(sorted(broken)),
    )


def _checked_out(layout: Layout) -> Iterator[tuple[str, str]]:
    """What the other work trees of the repository have checked out and no branch names."""
    folders = {"main-worktree": layout.common}
    linked = layout.common / "worktrees"
    if linked.is_dir():
        found = sorted(linked.iterdir())[:_MOST_WORK_TREES]
        folders |= {f"worktrees/{folder.name}": folder for folder in found}
    for name, folder in folders.items():
        head = (plain_text(folder / "HEAD") or "").strip()
        usable = not _BAD_REF.search(name) and _is_utf8(name)
        if folder != layout.gitdir and usable and _OID.fullmatch(head):
            yield f"{name}/HEAD", head


def _follow(name: str, names: Mapping[str, str], symbolic: Mapping[str, str]) -> str | None:
    for _ in range(_DEEPEST):
        if name not in symbolic:
            break
        name = symbolic[name]
    return names.get(name)


def _packed(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        sha, _, name = line.partition(" ")
        if _OID.fullmatch(sha) and name.startswith("refs/") and not _BAD_REF.search(name):
            yield name, sha


def _loose(common: Path, without: str) -> Iterator[tuple[str, str]]:
    """Every reference that is a file of its own; links to folders are not entered."""
    count = 0
    top = common / "refs"
    for folder, inner, files in os.walk(top):
        inner[:] = sorted(x for x in inner if x != without or Path(folder) != top)
        for file in sorted(files):
            count += 1
            if count > _MOST_REFS:
                return
            path = Path(folder, file)
            yield path.relative_to(common).as_posix(), (plain_text(path) or "").strip()


def is_oid(text: str) -> bool:
    """Whether a text is the whole name of an object."""
    return bool(_OID.fullmatch(text))


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain_text(path: Path, limit: int = _SMALL) -> str | None:
    """A small regular file as text; ``None`` for anything else, never waiting on a pipe."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError):
        return None
    with os.fdopen(handle, "rb") as file:
        try:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode) or about.st_size > limit:
                return None
            return file.read(limit).decode("utf-8", "surrogateescape")
        except OSError:
            return None


def _settings(text: str) -> dict[str, str]:
    """``section.subsection.key`` to its last value; includes are not read."""
    return dict(settings_in(text))


def settings_in(text: str) -> Iterator[tuple[str, str]]:
    """``section.subsection.key`` and value of every line of a config file (git help config, Syntax)."""
    section = ""
    for raw in re.sub(r"\\\r?\n", "", text.removeprefix("\ufeff")).splitlines():
        line = raw.strip()
        if found := _SECTION.match(line):
            subsection = re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else None
            section = found[1].lower() + (f".{subsection}" if subsection is not None else "")
            line = found[3].strip()
        if not line or line[0] in "#;":
            continue
        key, equals, value = line.partition("=")
        yield f"{section}.{key.strip().lower()}", _unquoted(value) if equals else "true"


def _unquoted(value: str) -> str:
    """A config value without quotes and comment."""
    parts: list[str] = []
    at = 0
    while found := _VALUE.match(value, at):
        parts.append(re.sub(r"\\(.)", r"\1", found[1] if found[1] is not None else found[2]))
        at = found.end()
    return "".join(parts).strip()


_SCP = re.compile(r"(?:[^@/:]+@)?([\w.-]+):(?!//)(.*)")
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://(?:[^/@]*@)?([^/]*)/*(.*)", re.IGNORECASE | re.DOTALL)


def normalised(url: str) -> str:
    """Normalise an origin, so that every way to write it is one: host and path, no scheme, no
    credentials.

    >>> normalised("git@github.com:Lab/paper.git"), normalised("https://u:p@GitHub.com/Lab/paper/")
    ('github.com/Lab/paper', 'github.com/Lab/paper')
    """
    text = url.strip()
    if found := _URL.fullmatch(text):
        host, path = re.sub(r":\d+$", "", found[2].rsplit("@", 1)[-1].lower()), found[3]
    elif (found := _SCP.fullmatch(text)) and len(found[1]) > 1:
        host, path = found[1].lower(), found[2]
    else:
        host, path = "", os.path.normpath(text)
    path = path.split("?", 1)[0].split("#", 1)[0].strip("/").removesuffix(".git").rstrip("/")
    return f"{host}/{path}"
