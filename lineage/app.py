# SPDX-License-Identifier: Apache-2.0
"""The composition root: it opens stores by their addresses and hands out verbs."""

from __future__ import annotations

import getpass
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lineage import config, descriptors
from lineage.closeable import Closeable
from lineage.errors import StoreMissing, Usage
from lineage.progress import Progress, silent
from lineage.services import context, operate, write
from lineage.services.context import Context
from lineage.services.read import known_gaps
from lineage.services.request import Request
from lineage.store import engines, unfinished
from lineage.store.address import Address
from lineage.store.base import Store
from lineage.store.engines import Options
from lineage.store.kept import PERSON_KEY, remembered
from lineage.store.newer import readable
from lineage.verbs import Verbs

if TYPE_CHECKING:
    # A module is an attribute of its package for who reads types when somebody imports it.
    import lineage.services.operate.backup
    import lineage.services.write.folder
    import lineage.services.write.import_source
    import lineage.services.write.join  # noqa: F401
    from lineage.client.remote import Remote
    from lineage.model.record import Batch
    from lineage.server.runtime import Runtime
    from lineage.services.exchange.admit import Admitted
    from lineage.services.operate.replicate import Replication
    from lineage.services.write.ingest import Report

R = TypeVar("R")

#: Where ``lineage init`` puts the store of a project.
FOLDER, FILE = ".lineage", "store.db"
SERVERS = ("http", "https")


def find_store(start: Path | None = None) -> str:
    """The store meant when none is named: the one that is configured (``lineage.config``), else the
    ``.lineage/store.db`` found upwards from the working folder. Raises ``StoreMissing``.
    """
    if named := config.value("store", start=start).value:
        return named
    if (found := config.found_upwards(FILE, start)) is not None:
        return str(found)
    here = (start or Path.cwd()).resolve()
    raise StoreMissing(f"no {FOLDER}/{FILE} here or above", where=str(here))


def project_store(root: Path) -> Path:
    """The file of the store of a project, in a folder that is made where there is none: only its owner
    looks into it, and it keeps itself out of version control.
    """
    return config.make_folder(root / FOLDER) / FILE


def home(url: str, start: Path | None = None) -> Path | None:
    """The folder in which keys, policies and the trust file of a store lie: the one that holds its
    file; for a database, the ``.lineage`` found upwards from the working folder, if there is one.
    """
    address = Address.of(url)
    if address.is_file:
        return address.path.resolve().parent
    here = (start or Path.cwd()).resolve()
    folders = (folder / FOLDER for folder in (here, *here.parents))
    return next((folder for folder in folders if folder.is_dir()), None)


def open_store(
    url: str,
    *,
    create: bool = True,
    durability: str = "full",
    busy_timeout: int | None = None,
    finishing: str | None = None,
    served: bool = False,
) -> Store:
    """The engine behind an address: ``memory:``, ``sqlite:///path``, a bare path, ``neo4j://``,
    ``neo4j+s://``, ``bolt://``.

    ``busy_timeout`` is how long a writer waits for another (milliseconds); ``finishing`` the command
    that goes on with work on the whole store that has not ended; ``served`` says that a server opens it
    (``engines.Options``). Raises ``Usage`` for an
    address of no engine here, ``StoreUnfinished``, and the errors of opening one.
    """
    if Address.of(url).scheme in SERVERS:
        from lineage.client.remote import Remote, needs_store

        raise needs_store(Remote(url).url)
    descriptors.demand(descriptors.NEEDED)
    store = engines.opened(url, Options(create, durability, busy_timeout, served))
    try:
        unfinished.demand_finished(store, url, finishing=finishing)
        return readable(store)
    except BaseException:
        store.close()
        raise


def open(  # noqa: A001 - the public word
    url: str | os.PathLike[str] = "",
    *,
    create: bool = True,
    actor: str | None = None,
    clock: Callable[[], datetime] = context.now,
    durability: str = "full",
    person_key: bytes | None = None,
    token: str | None = None,
) -> Lineage | Remote:
    """Open a store by address (see ``open_store``); without one, the project's (``find_store``).

    ``actor`` is written on every entry (default: ``LINEAGE_ACTOR``, else the user's name);
    ``person_key`` (32 bytes) is kept with a new store and names people in it. Raises the errors
    of ``lineage.errors``.

    ``https://host`` is a server: what it gives back has the verbs that read, and ``ingest``
    (``client.remote.Remote``). ``token`` is for servers only (default: ``LINEAGE_TOKEN``); who acts,
    when, and under which key is for the server to say.

    >>> with open("memory:") as store:
    ...     store.ingest(Batch()).added
    0
    """
    place = os.fspath(url) or find_store()
    if Address.of(place).scheme in SERVERS:
        if actor or person_key or clock is not context.now or durability != "full":
            raise Usage(
                "actor, clock, durability and person_key are the server's own",
                hint="Open a server with its address and a token.",
            )
        from lineage.client.remote import Remote

        return Remote(place, token=token)
    if token is not None:
        raise Usage("a token is for a server", hint="Open https://host, or leave the token out.")
    return open_here(
        place,
        create=create,
        actor=actor,
        clock=clock,
        durability=durability,
        person_key=person_key,
    )


def open_here(
    url: str,
    *,
    create: bool = True,
    actor: str | None = None,
    clock: Callable[[], datetime] = context.now,
    durability: str = "full",
    person_key: bytes | None = None,
) -> Lineage:
    """Open a store by the address of its file or database, as ``open`` does where it is no server."""
    store = open_store(url, create=create, durability=durability)
    try:
        fresh = (person_key or secrets.token_bytes(32)).hex()
        key = remembered(store, PERSON_KEY, fresh.encode()).decode()
        known_gaps.begin(store)
    except BaseException:
        store.close()
        raise
    return Lineage(
        Context(
            store=store,
            actor=config.value("actor", actor).value or _user(),
            person_key=bytes.fromhex(key),
            clock=clock,
            home=home(url),
            scratch=_scratch,
        )
    )


@contextmanager
def _scratch() -> Iterator[Store]:
    """An empty store, gone afterwards."""
    import tempfile

    with (
        tempfile.TemporaryDirectory(prefix="lineage-") as folder,
        closing(open_store(str(Path(folder) / FILE), durability="fast")) as store,
    ):
        yield store


@contextmanager
def served(
    url: str | os.PathLike[str] = "", *, budget: float | None = None, durability: str = "full"
) -> Iterator[Runtime]:
    """A store to be served, made where there is none: reads and writes on threads of their own,
    over connections of their own where the engine's readers need not wait for a commit. ``budget`` is how
    many seconds one walk may take. Everything is closed behind it. Raises as ``open``.
    """
    from lineage.server.runtime import Runtime

    address = os.fspath(url) or find_store()
    with ExitStack() as stack:
        writer = stack.enter_context(open_here(address, durability=durability)).context
        caps, readers = writer.store.caps, [writer.store]
        if caps.readers > 1:
            readers = [
                stack.enter_context(closing(open_store(address, create=False, served=True)))
                for _ in range(caps.readers)
            ]
        reading, *extra_readers = [
            replace(writer, store=reader, budget=budget) for reader in readers
        ]
        runtime = Runtime(
            reading,
            writer,
            extra_readers=extra_readers,
            threads=caps.threads,
            apart=caps.persistent,
        )
        stack.callback(runtime.close)
        yield runtime


def _user() -> str:
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return "unknown"


class Lineage(Verbs, Closeable):
    """An open store and its verbs. Use it in a ``with``."""

    def __init__(self, ctx: Context) -> None:
        self.context = ctx

    @property
    def home(self) -> Path | None:
        """The folder in which keys, policies and the trust file lie (``app.home``)."""
        return self.context.home

    @property
    def store(self) -> Store:
        """The engine underneath."""
        return self.context.store

    def ingest(self, batches: Iterable[Batch] | Batch, *, source: str = "python") -> Report:
        """Assert batches, each in a transaction of its own."""
        return write.ingest.ingest(self.context, batches, source=source)

    def load(  # noqa: PLR0913 - a source and how to read it, an option each
        self,
        source: str | os.PathLike[str],
        *,
        named: str | None = None,
        revisions: str | None = None,
        data: bytes | None = None,
        progress: Progress = silent,
        joined: bool = True,
        runs: Iterable[str] = (),
        submodules: bool = False,
        contexts: Mapping[str, bytes] | None = None,
    ) -> tuple[Report, ...]:
        """Import a source: a path, an URL, or ``data`` that came from elsewhere; of a folder, everything
        that is found in it, in repositories inside it with ``submodules``. One report for each importer
        that reads it; then, where anything is joined or could not be, one of that
        (``join``). Without ``joined`` that is left for later. ``runs`` are references to runs that used
        the environment which the source, a lock file, describes; ``contexts`` those that a document of
        JSON-LD names, by their addresses: nothing is ever fetched.
        """
        from importers.base import Source

        descriptors.demand(descriptors.OF_WORK)
        place = Source.of(os.fspath(source), data)
        if named is None and place.path is not None and place.path.is_dir():
            if contexts:
                raise Usage(
                    "contexts are of one document, and this is a folder", where=place.address
                )
            reports = write.folder.import_folder(
                self.context,
                place.path,
                revisions=revisions,
                submodules=submodules,
                runs=tuple(runs),
                progress=progress,
            ).told
        else:
            reports = write.import_source.import_source(
                self.context,
                place,
                named=named,
                revisions=revisions,
                runs=tuple(runs),
                contexts=contexts,
                progress=progress,
            )
        return (
            (*reports, *write.join.after_import(self.context, reports, progress))
            if joined
            else reports
        )

    def take_run(self, data: bytes) -> tuple[Report, ...]:
        """Take in the bytes of a run file, which capture has written; twice is once."""
        return write.push.taken(self.context, data)

    def answer(self, request: Request[R]) -> R:
        """See ``Verbs.answer``."""
        return request.answer(self.context)

    def admit(
        self,
        data: bytes,
        trust: bytes | None = None,
        *,
        accept_gap: bool = False,
        where: str = "package",
    ) -> Admitted:
        """Take in a partner's package under a trust file, which is YAML (default: ``trust.yaml``
        beside the store; ``services.exchange.admit.admit``). ``accept_gap``: packages may be missing
        before it; ``where`` names the package in errors.
        """
        from lineage.services.exchange import admit, files
        from lineage.services.exchange.trust import Trust

        pinned = files.trust(self.home) if trust is None else Trust.of(trust)
        return admit.admit(self.context, data, pinned, accept_gap=accept_gap, where=where)

    def backup(self, path: str | os.PathLike[str], progress: Progress = silent) -> Replication:
        """Write the whole store to a new file (``services.operate.backup.back_up``)."""
        descriptors.demand(descriptors.OF_WORK)
        return operate.backup.back_up(self.store, Path(path), progress)

    def rebuild(self, progress: Progress = silent) -> Replication:
        """Draw the graph anew from the ledger (``services.operate.replicate.rebuild``)."""
        return operate.replicate.rebuild(self.context, progress)

    def close(self) -> None:
        """Release the store; calling twice is harmless."""
        self.store.close()
