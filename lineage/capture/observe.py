# SPDX-License-Identifier: Apache-2.0
"""Sees which files a program opens, and which remote objects it reads and writes. An audit hook (PEP 578) sees whatever a Python opens, in this process and in those
forked from it; what a library opens by itself, such as Arrow, and other programs are seen from beside them, by
``inotify`` or ``strace``.

Each file is written down when it is first opened, so that nothing is lost where a process dies. Its bytes are read
when the run ends: as long as size, times and inode are those of the moment of its opening, they are what was read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from lineage.capture import inotify, modules, seeds, versions, watch
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


def observed(
    record: Record, seen: Seen, aside: Collection[str] = (), step: str | None = None
) -> Found:
    """What all processes of the run opened, with the bytes that they read and wrote, and what ``seen`` has besides:
    files as ``files.probe`` tells them, ``{"inputs": [...], "outputs": [...]}``, each with its ``witness``es. The
    files ``aside`` are others', whoever opened them. Versions of remote objects are among them, as ``versions`` tells
    them; ``objects_complete`` says whether all are. With ``step`` it is what the processes of that one opened.
    """
    found, budget = Found(unseen={**seen.unseen}), Budget(_SECONDS)
    own = _own(record, step, "opened")
    beside = _beside(record, seen, step, found)
    if len(own) >= watch.MOST:
        found.miss("more files", f"only the first {watch.MOST:,} that were opened are told")
    began = _began(record, step)
    told = [*({**each, "by": WITNESS} for each in own), *beside]
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
        if first[path] or (path in written and about and _is_still(path, about, began)):
            continue  # its own: it was written before it was read
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
    declared = _declared(record, step)
    unread = [] if found.unseen else [*_unread(declared, first, seen.roots)]
    undeclared = [*_undeclared(declared, inputs)]
    remote = versions.observed(_own(record, step, "object", "objects_cut"))
    if not remote.is_complete:
        found.miss("more objects", f"of each process only the first {MOST:,} are told")
    found.facts = {
        "inputs": [*inputs, *remote.inputs],
        "outputs": [*outputs, *remote.outputs],
        "objects_complete": remote.is_complete,
        "unread": [*unread],
        "undeclared": [*undeclared],
        "modules": modules.imported(record, _own(record, step, "imported"), found, budget),
    }
    return found


def _own(record: Record, step: str | None, *names: str) -> list[dict[str, Any]]:
    """What the processes of the run saw of themselves, or those of a step of it."""
    events, mark = record.events(*names), f"{record.run}/{step}"
    return events if step is None else [one for one in events if one.get("step") == mark]


def project(record: Record, here: Path) -> Path:
    """The folder of the project that a run is in, for a step of it that starts in the folder ``here``."""
    begun = next(iter(record.events("started")), {})
    source = begun.get("facts", {}).get("source", {})
    roots = [one["root"] for one in source.get("repositories") or () if one.get("root")]
    places = [*roots, *([begun["here"]] if "here" in begun else [])]
    return next((Path(place) for place in places if here.is_relative_to(place)), here)


def _beside(record: Record, seen: Seen, step: str | None, found: Found) -> Sequence[dict[str, Any]]:
    """What was seen from beside and can be told to be of the run, or of a step of it."""
    events = record.events("step", "ended")
    if step is None:
        # Whoever launches a step looks at the bytes of what is declared for it, which is no reading of the step's.
        ours = {path for event in events for path in _looked_at(event)}
        ours -= {file.get("path") for note in _of_steps(record) for file in note["inputs"]}
        return [
            each
            for each in seen.files
            if each["writes"] or each["by"] != inotify.WITNESS or each["path"] not in ours
        ]
    if not seen.files or seen.files[0]["by"] != inotify.WITNESS or not _overlap(events, step):
        return seen.files
    count = f"{len(seen.files):,} {'file' if len(seen.files) == 1 else 'files'}"
    found.miss(
        f"who opened {count}",
        "other steps of the run went on at the same time, and inotify tells them not apart",
    )
    return ()


def _of_steps(record: Record) -> list[dict[str, Any]]:
    """What was seen of the files of the steps that were launched."""
    return [e for e in record.events("noted") if "unread" in e and e.get("step") is not None]


def _looked_at(event: Mapping[str, Any]) -> Iterator[str]:
    facts = event.get("facts") or {}
    for name in ("inputs", "outputs"):
        for file in (facts.get(name) or {}).get("files") or ():
            if "path" in file:
                yield file["path"]
                yield from (f"{file['path']}/{inner['path']}" for inner in file.get("files") or ())


def _overlap(events: Sequence[Mapping[str, Any]], step: str) -> bool:
    """Whether another step went on at any time since a step began: none that it is inside of, or that is inside of it."""
    inside = {event["step"]: event.get("inside") for event in events if event["event"] == "step"}

    def within(one: str | None, other: str) -> bool:
        while one is not None and one != other:
            one = inside.get(one)
        return one is not None

    open_ = set[str]()
    for event in events:
        other = event.get("step")
        if other is None:
            continue
        if event["event"] == "step":
            open_.add(other)
        elif step not in open_:
            open_.discard(other)
    return any(not within(step, other) and not within(other, step) for other in open_)


def _declared(record: Record, step: str | None) -> list[dict[str, Any]]:
    """The files and folders that were declared as inputs, before the run, or a step of it, and by the program itself.
    Those of the steps that were launched are their own.
    """
    name = "started" if step is None else "step"
    begun = [event for event in record.events(name) if event.get("step") == step]
    listed = [e["facts"]["inputs"]["files"] for e in begun if "inputs" in e.get("facts", {})]
    noted = [event for event in record.events("noted") if "unread" not in event]
    if step is not None:
        noted = [event for event in noted if event.get("step") == step]
    listed += [event["inputs"] for event in noted if "inputs" in event]
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


def _began(record: Record, step: str | None) -> int:
    """When the run, or a step of it, began (nanoseconds since the epoch): what has not changed since was there before."""
    name = "started" if step is None else "step"
    begun = [event for event in record.events(name) if event.get("step") == step]
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
