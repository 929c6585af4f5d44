# SPDX-License-Identifier: Apache-2.0
"""Listens to what SQLite, and who moves its files, do to the disk, and makes the disks that a power cut may leave.

The methods of SQLite's own file system layer are replaced in the library that Python's ``sqlite3`` uses, so that
the store is the genuine one, unchanged.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

#: What a disk writes in one piece.
SECTOR = 512


class Event(NamedTuple):
    """One act on the file of a name: ``open``, ``write`` (offset, bytes), ``truncate`` (size), ``sync``, ``delete``,
    ``rename`` (to), ``sync folder``, and ``told``: what somebody was told by then.
    """

    kind: str
    name: str = ""
    at: int = 0
    data: Any = b""


class _Vfs(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int) for name in ("version", "size", "longest")),
        *((name, ctypes.c_void_p) for name in ("next", "name", "data", "open", "delete")),
    )


class _Methods(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        *((name, ctypes.c_void_p) for name in ("close", "read", "write", "truncate", "sync")),
        ("others", ctypes.c_void_p * 13),
    )


_OPEN = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p
)
_DELETE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_WRITE = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
)
_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
#: Flags of SQLite: a journal of any sort, and that it is made.
_JOURNAL, _CREATE = 0x800 | 0x4000 | 0x80000, 0x4
#: What SQLite may still call when nobody listens any more.
_kept: list[Any] = []


@contextmanager
def recorded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Event]]:
    """All that happens to the files of a folder, in the order in which it happens."""
    try:
        library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    except (OSError, AttributeError):
        pytest.skip("this Python's SQLite has no names to listen at")
    events: list[Event] = []
    vfs = library.sqlite3_vfs_find(None).contents
    before = vfs.open, vfs.delete
    with monkeypatch.context() as patch:
        _listen_to_files(folder, patch, events)
        _listen_to_sqlite(vfs, folder, events)
        try:
            yield events
        finally:
            vfs.open, vfs.delete = before


def _listen_to_sqlite(vfs: _Vfs, folder: Path, events: list[Event]) -> None:
    names: dict[int, str] = {}
    fresh: set[str] = set()
    copies: dict[int, _Methods] = {}
    really_open, really_delete = _OPEN(vfs.open), _DELETE(vfs.delete)

    def opened(at: int, path: int, file: int, flags: int, out: int) -> int:
        done = really_open(at, path, file, flags, out)
        place = Path(os.fsdecode(ctypes.string_at(path) if path else b""))
        methods = ctypes.cast(file, ctypes.POINTER(ctypes.c_void_p)).contents
        if done == 0 and methods.value and place.parent == folder:
            names[file] = place.name
            events.append(Event("open", place.name))
            if flags & _JOURNAL and flags & _CREATE:
                fresh.add(place.name)
            if methods.value not in copies:
                copies[methods.value] = _listening(methods.value, names, fresh, events)
            methods.value = ctypes.addressof(copies[methods.value])
        return done

    def deleted(at: int, path: int, is_synced: int) -> int:
        done = really_delete(at, path, is_synced)
        place = Path(os.fsdecode(ctypes.string_at(path)))
        if done == 0 and place.parent == folder:
            events.append(Event("delete", place.name))
            events.extend([Event("sync folder")] if is_synced else [])
        return done

    hooks = _OPEN(opened), _DELETE(deleted)
    _kept.extend((*hooks, copies))
    vfs.open, vfs.delete = (ctypes.cast(hook, ctypes.c_void_p).value for hook in hooks)


def _listening(
    address: int, names: dict[int, str], fresh: set[str], events: list[Event]
) -> _Methods:
    methods = _Methods.from_buffer_copy(_Methods.from_address(address))
    really = _WRITE(methods.write), _TRUNCATE(methods.truncate), _SYNC(methods.sync)

    def write(file: int, data: int, size: int, at: int) -> int:
        events.append(Event("write", names[file], at, ctypes.string_at(data, size)))
        return really[0](file, data, size, at)

    def truncate(file: int, size: int) -> int:
        events.append(Event("truncate", names[file], size))
        return really[1](file, size)

    def sync(file: int, flags: int) -> int:
        done = really[2](file, flags)
        events.append(Event("sync", names[file]))
        if names[file] in fresh:
            # The first time it writes the name of the journal as well (``unixSync`` of SQLite's os_unix.c).
            fresh.remove(names[file])
            events.append(Event("sync folder"))
        return done

    hooks = _WRITE(write), _TRUNCATE(truncate), _SYNC(sync)
    _kept.extend(hooks)
    methods.write, methods.truncate, methods.sync = (
        ctypes.cast(hook, ctypes.c_void_p).value for hook in hooks
    )
    return methods


def _listen_to_files(folder: Path, patch: pytest.MonkeyPatch, events: list[Event]) -> None:
    """What Python itself does to them."""
    replace, fsync = Path.replace, os.fsync

    def replaced(path: Path, target: Path) -> Path:
        events.append(Event("rename", path.name, data=Path(target).name))
        return replace(path, target)

    def synced(number: int) -> None:
        fsync(number)
        place = Path(f"/proc/self/fd/{number}").resolve()
        if place == folder:
            events.append(Event("sync folder"))
        elif place.parent == folder:
            events.append(Event("sync", place.name))

    patch.setattr(Path, "replace", replaced)
    patch.setattr(os, "fsync", synced)


class Disk:
    """A folder as far as it is on the disk for certain, and what is not: the bytes of its files, and under which
    names they are.
    """

    def __init__(self) -> None:
        self._files: list[bytearray] = []
        self._waiting: defaultdict[int, list[Event]] = defaultdict(list)
        #: Name -> number of the file: for certain, and as each act since then made it.
        self._folders: list[dict[str, int]] = [{}]

    def happen(self, event: Event) -> None:
        """Something happens to it."""
        folder = dict(self._folders[-1])
        match event.kind:
            case "sync folder":
                self._folders = [folder]
            case "rename":
                self._folders.append(folder | {event.data: folder[event.name]})
                del self._folders[-1][event.name]
            case "delete" if event.name in folder:
                del folder[event.name]
                self._folders.append(folder)
            case "open" if event.name not in folder:
                self._folders.append(folder | {event.name: len(self._files)})
                self._files.append(bytearray())
            case "write" | "truncate":
                self._waiting[folder[event.name]].append(event)
            case "sync":
                for waiting in self._waiting.pop(folder[event.name], ()):
                    _apply(self._files[folder[event.name]], waiting)

    def cut(self, random: Random) -> dict[str, bytes]:
        """The files that a power cut leaves: of what is not certain any part, in sectors and in any order."""
        kept = random.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        left = {}
        for name, number in random.choice(self._folders).items():
            left[name] = bytearray(self._files[number])
            for event in _pieces(self._waiting.get(number, ())):
                if random.random() < kept:
                    _apply(left[name], event)
        return {name: bytes(data) for name, data in left.items()}


def _pieces(events: Sequence[Event]) -> Iterator[Event]:
    """Writes in the pieces that a disk writes."""
    for event in events:
        if event.kind != "write":
            yield event
            continue
        start = event.at
        while start < event.at + len(event.data):
            end = min((start // SECTOR + 1) * SECTOR, event.at + len(event.data))
            yield event._replace(at=start, data=event.data[start - event.at : end - event.at])
            start = end


def _apply(file: bytearray, event: Event) -> None:
    end = event.at + len(event.data)
    if event.kind == "truncate":
        del file[event.at :]
        end = event.at
    file.extend(bytes(max(0, end - len(file))))
    if event.kind == "write":
        file[event.at : end] = event.data


def cuts(
    events: Sequence[Event], number: int, random: Random
) -> Iterator[tuple[dict[str, bytes], list[Any]]]:
    """The files that so many power cuts at any moment leave, and what had been told by then."""
    moments = sorted(random.randrange(len(events) + 1) for _ in range(number - 1))
    disk, told, done = Disk(), list[Any](), 0
    for moment in (*moments, len(events)):
        for event in events[done:moment]:
            disk.happen(event)
            if event.kind == "told":
                told.append(event.data)
        done = moment
        yield disk.cut(random), list(told)
