# SPDX-License-Identifier: Apache-2.0
"""Backs a store up into one file while others write to it, and makes a store out of such a file."""

from __future__ import annotations

import shlex
from contextlib import closing
from pathlib import Path

from lineage.errors import BadInput, InputMissing, StoreDamaged, StoreFull, Usage
from lineage.ledger.merkle import Frontier
from lineage.paths import put_in_place
from lineage.progress import Progress, silent
from lineage.services.operate.replicate import Replication, copy, log_of
from lineage.store import engines, unfinished
from lineage.store.address import Address
from lineage.store.base import Store
from lineage.store.engines import Options

#: All that is kept beside the ledger goes into a backup, tokens and keys among them.
_EVERYTHING = ("",)


def back_up(store: Store, path: Path, progress: Progress = silent) -> Replication:
    """Write a store as it stands to a new file, which appears whole or not at all; others may write to
    the store meanwhile. It is a store of its own: ``verify`` and every question work on it.

    It holds the keys and tokens of the store, also those that Neo4j keeps sealed, and is made for its
    owner only. Raises ``Usage`` where there is a file of the name, ``InputMissing`` where there is no
    such folder, ``StoreFull``, and ``StoreDamaged`` where the ledger in it is not whole.
    """
    if path.exists():
        raise Usage(f"there is a file {path}", hint="Name a new one: a backup replaces nothing.")
    if not path.parent.is_dir():
        raise InputMissing(f"there is no folder {path.parent}", where=str(path))
    try:
        if not store.snapshot(path):
            _write_replay(store, path, progress)
    except OSError as error:
        raise StoreFull(
            f"the backup cannot be written: {error.strerror}", where=str(path)
        ) from error
    with closing(_opened(path)) as made:
        head = _whole(made, path)
    return Replication(entries=head.size, total=head.size, root=head.root.hex())


def _write_replay(store: Store, path: Path, progress: Progress) -> None:
    part = path.with_name(path.name + ".part")
    try:
        _drop(part)
        with closing(engines.opened(str(part), Options(durability="fast"))) as made:
            copy(store, made, progress, moved=_EVERYTHING, command="backup", arguments=str(path))
        put_in_place(part, path)
    finally:
        _drop(part)


def _drop(part: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        part.with_name(part.name + ending).unlink(missing_ok=True)


def restore(backup: Path, url: str, progress: Progress = silent) -> Replication:
    """Make the store at an address out of a backup: a new file, or an empty database, into which it goes
    on where it was interrupted.

    Raises ``Usage`` where there is a store already, ``StoreDamaged`` where the backup is not whole, and
    the errors of opening both.
    """
    with closing(_opened(backup)) as source:
        unfinished.demand_finished(source, str(backup))
        head = _whole(source, backup)
        address = Address.of(url)
        if address.is_file:
            _restore_file(source, backup, address.path)
            return Replication(entries=head.size, total=head.size, root=head.root.hex())
        command = shlex.join([str(backup), url])
        with closing(engines.opened(url, Options())) as target:
            unfinished.demand_finished(target, url, finishing="restore")
            return copy(
                source, target, progress, moved=_EVERYTHING, command="restore", arguments=command
            )


def _restore_file(source: Store, backup: Path, path: Path) -> None:
    if path.exists():
        hint = "Move it away first, with the files -wal and -shm beside it, or name another place."
        raise Usage(f"there is a store at {path}", hint=hint)
    left = [p for end in ("-wal", "-shm") if (p := path.with_name(path.name + end)).exists()]
    if left:
        hint = "It belongs to a store that was there before: move it away as well."
        raise Usage(f"there is a file {left[0]}", hint=hint)
    if not path.parent.is_dir():
        raise InputMissing(f"there is no folder {path.parent}", where=str(path))
    try:
        if not source.snapshot(path):
            raise BadInput("this is no backup", where=str(backup))
    except OSError as error:
        raise StoreFull(
            f"the store cannot be written: {error.strerror}", where=str(path)
        ) from error


def _opened(path: Path) -> Store:
    if not path.is_file():
        raise InputMissing(f"there is no file {path}", where=str(path))
    return engines.opened(str(path), Options(create=False))


def _whole(store: Store, path: Path) -> Frontier:
    """The log of a backup. Raises ``StoreDamaged`` where the file or its ledger is not whole."""
    hint = "Take another backup; 'lineage --store FILE verify' says what is wrong with this one."
    for fault in store.integrity_faults():
        raise StoreDamaged(f"the backup is damaged: {fault}", where=str(path), hint=hint)
    head = store.head()
    if log_of(store, head.size) != head:
        raise StoreDamaged("the ledger of the backup is not whole", where=str(path), hint=hint)
    return head
