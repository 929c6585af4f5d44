# SPDX-License-Identifier: Apache-2.0
"""What is remembered of imports beside the graph: where each source lies on this machine, and how it
looked when it was read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import orjson

from lineage.services.context import Context
from lineage.services.read import known_gaps
from lineage.services.read.recent import Recent
from lineage.sources.file_names import governing_rank, is_of_dvc
from lineage.store.base import NOW
from lineage.store.paging import values_under

#: Names of the values kept of sources begin so.
PREFIX = "source/"
#: Those of imports that are not finished.
UNFINISHED = PREFIX + "unfinished/"
#: Sources that are looked at to see whether they changed, and files of one of them.
MOST = 100
#: Who makes entries that leave nothing to join: what was joined, what people decided, what was sent, history, and
#: captured runs, which know themselves what they had, that one of them reproduces another, and who answers for what.
_OF_NO_RUNS = frozenset(
    {"join", "steward", "export", "git", "lockfile", "captured", "reproduce", "decisions"}
    | {"codeowners", "backstage", "owners"}
)
#: Who reads what runs are joined with.
_JOINED_WITH = frozenset({"git", "dvc", "lockfile"})
#: Entries that are looked through for runs that are not joined yet.
_MOST_ENTRIES = 1_000
#: Files whose time says that a repository has new commits.
_GIT = (".git/HEAD", ".git/logs/HEAD", ".git/packed-refs", "HEAD", "packed-refs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was seen of sources: the places of those that changed, and how many entries came by
    another way than an import since runs were last joined, with the source of the first, and whether
    there are more than were looked through; what is being written in parts, or was when that was
    broken off, with the command that does it again.
    """

    changed: tuple[str, ...]
    pending: int
    first: str | None
    more: bool = False
    unfinished: tuple[tuple[str, str], ...] = ()


_LOOKED: Recent[Looked] = Recent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A source that was imported: its name, who read it, where it lies, and how it looked."""

    name: str
    importer: str
    path: str
    looked: str


def remember(ctx: Context, name: str, importer: str, path: Path) -> None:
    """Remember where a source lies, and how it looks now."""
    key = _key(name)
    held = Imported(name=name, importer=importer, path=str(path), looked=look(path, importer))
    value = orjson.dumps(asdict(held))
    if ctx.store.values([key]).get(key) != value:
        ctx.store.keep({key: value})
    look_again(ctx)


def held(ctx: Context, name: str) -> Imported | None:
    """What is remembered of a source."""
    value = ctx.store.values([_key(name)]).get(_key(name))
    return None if value is None else Imported(**orjson.loads(value))


def forget(ctx: Context, name: str) -> None:
    """Forget a source that no longer lies where it did."""
    ctx.store.keep({_key(name): None})
    look_again(ctx)


def begin(ctx: Context, what: str, command: str) -> None:
    """Note that something is being written in several transactions, and the command that does it again."""
    ctx.store.keep({_unfinished(what): orjson.dumps([what, command])})
    look_again(ctx)


def end(ctx: Context, what: str) -> None:
    """Note that it is all written, where it was noted that it had begun."""
    name = _unfinished(what)
    if name in ctx.store.values([name]):
        ctx.store.keep({name: None})
    look_again(ctx)


def _unfinished(what: str) -> str:
    return UNFINISHED + hashlib.sha256(what.encode()).hexdigest()[:32]


def look_again(ctx: Context) -> None:
    """Let the next answer look anew: something was written."""
    _LOOKED.forget(ctx.store)


def _key(name: str) -> str:
    return PREFIX + hashlib.sha256(name.encode()).hexdigest()[:32]


def look(path: Path, importer: str) -> str:
    """How a source looks to whoever reads it with an importer: sizes and times of the files that change
    when it has something new, of no contents; empty for what is not there.
    """
    try:
        if path.is_file():
            places = [path, path.with_name(path.name + "-wal")]
        else:
            places = [*(path / sign for sign in _GIT), *_signs(path, importer)]
        shown = [_time(place) for place in places]
    except OSError:
        return ""
    return hashlib.sha256(orjson.dumps(shown)).hexdigest()[:32] if any(shown) else ""


def _signs(path: Path, importer: str) -> list[Path]:
    """What changes in a folder with what an importer reads there, beside new commits."""
    if importer == "dvc":
        return [file for file in sorted(path.iterdir()) if is_of_dvc(file.name)][:MOST]
    if importer == "lockfile":
        return [file for file in sorted(path.iterdir()) if governing_rank(file.name) is not None]
    if importer == "mlflow":
        stores = sorted(path.glob("*.db"))[:MOST]
        stores += [file.with_name(file.name + "-wal") for file in stores]
        folders = [path / "mlruns", *sorted((path / "mlruns").glob("*"))[:MOST]]
        own = [file for file in sorted(path.iterdir())[:MOST] if (file / "meta.yaml").exists()]
        return [*stores, *folders, *own]
    return []


def _time(place: Path) -> list[int] | None:
    try:
        status = place.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def every(ctx: Context) -> Iterator[Imported]:
    """All sources that are remembered."""
    yield from _sources(values_under(ctx.store, PREFIX))


def _sources(kept: Iterable[tuple[str, bytes]]) -> Iterator[Imported]:
    for name, value in kept:
        if not name.startswith(UNFINISHED):
            yield Imported(**orjson.loads(value))


def repositories(ctx: Context) -> Iterator[Path]:
    """The git repositories that were imported and still lie where they did."""
    for held in every(ctx):
        if held.importer == "git" and (path := Path(held.path)).exists():
            yield path


def looked(ctx: Context) -> Looked:
    """What is to be seen of sources, looked at once a second at most: where those lie that do not look as
    they did, of the first ``MOST`` (one that is no longer there is not said to have changed), and what
    is not joined yet.
    """

    def look() -> Looked:
        kept = list(values_under(ctx.store, PREFIX))
        sources = list(islice(_sources(kept), MOST))
        pending, more = _pending(ctx, sources)
        return Looked(
            changed=tuple(_changed(sources)),
            pending=len(pending),
            first=pending[0] if pending else None,
            more=more,
            unfinished=tuple(_begun(v) for name, v in kept if name.startswith(UNFINISHED)),
        )

    return _LOOKED.of(ctx.store, look)


def _begun(value: bytes) -> tuple[str, str]:
    what, command = orjson.loads(value)
    return what, command


def _changed(sources: Iterable[Imported]) -> Mapping[str, None]:
    found: dict[str, None] = {}
    for held in sources:
        now = look(Path(held.path), held.importer)
        if now and now != held.looked:
            found[held.path] = None
    return found


def _pending(ctx: Context, sources: Iterable[Imported]) -> tuple[Sequence[str], bool]:
    """Entries of runs or data since runs were last joined, where there is anything to join them with."""
    if not any(held.importer in _JOINED_WITH for held in sources):
        return (), False
    joined = known_gaps.read(ctx)
    return of_runs_since(ctx, 0 if joined is None else joined.entry)


def of_runs_since(ctx: Context, entry: int) -> tuple[Sequence[str], bool]:
    """The sources of the entries behind one that may speak of runs and data, an item an entry, and
    whether there are entries behind those that were looked through.
    """
    behind = ctx.store.head().size - entry
    if behind <= 0:
        return (), False
    found = [
        header.source
        for header in ctx.store.headers(entry, _MOST_ENTRIES, NOW)
        if header.added and header.importer not in _OF_NO_RUNS
    ]
    return found, behind > _MOST_ENTRIES
