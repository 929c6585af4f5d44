# SPDX-License-Identifier: Apache-2.0
"""Sees which files a program opens, and which remote objects it reads and writes. An audit hook (PEP 578) sees whatever a Python opens, in this process and in those
forked from it; what a library opens by itself, such as Arrow, and other programs are seen from beside them, by
``inotify`` or ``strace``.

Each file is written down when it is first opened, so that nothing is lost where a process dies. Its bytes are read
when the run ends: as long as size, times and inode are those of the moment of its opening, they are what was read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from lineage.capture import seeds, versions, watch
from lineage.capture.found import Budget, Found, Json
from lineage.capture.inotify import Folders, Seen
from lineage.capture.loads import loads
from lineage.capture.objects import MOST, objects
from lineage.capture.probes import files
from lineage.capture.record import Record

#: The layer's name, as a witness.
WITNESS = "opened"
#: Seconds in which their bytes are read at the end.
_SECONDS = 60.0


def start(record: Record) -> None:
    """Write down from now on, for a run, which files this process opens, which remote objects it reads and writes, and
    by what it is seeded.
    """
    watch.watch().start(record.see)
    seeds.seeds().start(record.see, loads())
    objects().start(record.see, loads())


def folders(record: Record, places: Sequence[Path]) -> Folders | None:
    """Watch what is opened below some folders, by whichever process; ``None`` where nothing is recorded."""
    if record.path is None:
        return None
    return Folders(places, record.path.parent, record.path.name, record.others)


def stop() -> None:
    """Watch no longer."""
    watch.watch().stop()
    seeds.seeds().finish()
    objects().stop()


def observed(record: Record, seen: Seen, aside: Collection[str] = ()) -> Found:
    """What all processes of the run opened, with the bytes that they read and wrote, and what ``seen`` has besides:
    files as ``files.probe`` tells them, ``{"inputs": [...], "outputs": [...]}``, each with its ``witness``es. The
    files ``aside`` are others', whoever opened them. Versions of remote objects are among them, as ``versions`` tells
    them; ``objects_complete`` says whether all are.
    """
    found, budget = Found(unseen={**seen.unseen}), Budget(_SECONDS)
    own = record.events("opened")
    if len(own) >= watch.MOST:
        found.miss("more files", f"only the first {watch.MOST:,} that were opened are told")
    began = _began(record)
    told = [*({**each, "by": WITNESS} for each in own), *seen.files]
    told = [each for each in told if each["path"] not in aside]
    for each in told:
        # What was opened for writing, and not written to, was read.
        if each["writes"] and "was" not in each and _is_still(each["path"], None, began):
            each.update(writes=False, about=None)
    moved = {each["was"] for each in told if "was" in each}
    read = {each["path"]: each["about"] for each in reversed(told) if not each["writes"]}
    written = dict.fromkeys(each["path"] for each in told if each["writes"])
    first = {each["path"]: each["writes"] for each in reversed(told)}
    witnesses: dict[tuple[str, bool], dict[str, None]] = {}
    for each in told:
        witnesses.setdefault((each["path"], each["writes"]), {})[each["by"]] = None
    inputs, outputs = list[Json](), list[Json]()
    for path, about in read.items():
        if first[path]:
            continue  # its own
        alone = witnesses[path, False].keys() == {WITNESS}
        if path not in written and alone and about is not None and about[-1] >= began:
            # A part of the run may have written it, as stages do what DVC reads to lock it, or somebody else: only
            # who looks from beside would know.
            found.miss(f"who wrote {path}", "it was written while the run went on")
        elif path not in written and _is_still(path, about, began):
            inputs += _bytes(path, witnesses[path, False], found, budget)
        else:
            found.miss(f"bytes of {path}", "it was written to, or is gone, since it was read")
    for path in written:
        if path not in moved:
            outputs += _bytes(path, witnesses[path, True], found, budget)
    declared = _declared(record)
    unread = [] if found.unseen else [*_unread(declared, first, seen.roots)]
    undeclared = [*_undeclared(declared, inputs)]
    remote = versions.observed(record.events("object", "objects_cut"))
    if not remote.is_complete:
        found.miss("more objects", f"of each process only the first {MOST:,} are told")
    found.facts = {
        "inputs": [*inputs, *remote.inputs],
        "outputs": [*outputs, *remote.outputs],
        "objects_complete": remote.is_complete,
        "unread": [*unread],
        "undeclared": [*undeclared],
    }
    return found


def _declared(record: Record) -> list[dict[str, Any]]:
    """The files and folders that were declared as inputs, before the run and by the program itself."""
    listed = [
        e["facts"]["inputs"]["files"] for e in record.events("started") if "inputs" in e["facts"]
    ]
    listed += [event["inputs"] for event in record.events("noted") if "inputs" in event]
    return [file for files_ in listed for file in files_ if "path" in file]


def _unread(
    declared: Iterable[dict[str, Any]], opened: Collection[str], roots: Sequence[str]
) -> Iterator[str]:
    """The declared files that nobody opened, of those whose opening would have been seen: no folders, no code, nothing
    that is reached by a link, nothing outside of the folders that were watched.
    """
    for file in declared:
        path = file["path"]
        is_link = file.get("target", path) != path
        is_watched = any(path.startswith(f"{root.rstrip('/')}/") for root in roots)
        is_data = not path.endswith(watch.CODE) and watch.ASIDE.isdisjoint(path.split("/"))
        if is_watched and is_data and not is_link and "folder" not in file and path not in opened:
            yield path


def _undeclared(declared: Sequence[dict[str, Any]], inputs: Iterable[Json]) -> Iterator[str]:
    """What was read besides what was declared, where anything was."""
    names = {file[name] for file in declared for name in ("path", "target") if name in file}
    for file in inputs if names else ():
        path = str(file["path"]) if isinstance(file, dict) else ""
        above = {path, *map(str, Path(path).parents)}
        if names.isdisjoint(above):
            yield path


def _began(record: Record) -> int:
    """When the run began (nanoseconds since the epoch): what has not changed since was there before."""
    begun = record.events("started")
    return int(datetime.fromisoformat(begun[0]["at"]).timestamp() * 1e9) if begun else 0


def _bytes(path: str, witnesses: Iterable[str], found: Found, budget: Budget) -> list[Json]:
    seen = files.probe([path], Path("/"), budget)
    found.unseen |= seen.unseen
    listed = seen.facts["files"]
    assert isinstance(listed, list)
    return [
        {**file, "witness": [*witnesses]}
        for file in listed
        if isinstance(file, dict) and "missing" not in file
    ]


def _is_still(path: str, about: Any, began: int) -> bool:
    """Whether a file is the one that was opened, as it was; or, where nobody looked then, as it was before."""
    with suppress(OSError):
        now = Path(path).stat()
        return now.st_ctime_ns < began if about is None else bool(watch.marks(now) == about)
    return False
