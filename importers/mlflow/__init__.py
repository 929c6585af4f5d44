# SPDX-License-Identifier: Apache-2.0
"""MLflow: runs, the data they used, the models they made, from its files, its tables or its server.

Nothing of MLflow is imported or loaded. A store is named by what it holds (the id and creation time
of its earliest experiment), so a copy, a move, an upgrade and a migration from files to SQL keep
every identifier. A PostgreSQL database or server is named by its address, ``host[:port]/path``,
except on loopback, which is another machine everywhere: there by what it holds, as the file that
the server reads is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from importers.base import Importer, Options, Source
from importers.batching import BATCH_RECORDS
from importers.mlflow.artifacts import ArtifactFolders, File
from importers.mlflow.database import Database, PostgresDatabase, SqliteDatabase
from importers.mlflow.entities import TrackingStore
from importers.mlflow.files import FileStore, looks_like_store
from importers.mlflow.origins import runs_of
from importers.mlflow.records import Mapper
from importers.mlflow.sql import SqlStore
from importers.mlflow.values import Tally, is_loopback, split_url
from lineage.errors import BadInput, InputMissing, LineageError
from lineage.model.record import Batch, Edge, Node, Record
from lineage.progress import Progress, told

_SQL_SCHEMES = ("postgresql://", "postgres://", "postgresql+psycopg2://", "postgresql+psycopg://")
_WEB_SCHEMES = ("http://", "https://")
_LOCAL_SCHEMES = ("sqlite:///", "file://")
_DATABASE, _FOLDER = "mlflow.db", "mlruns"
#: Enough of an SQLite file to find the names of its first tables, when it cannot be opened.
_SNIFFED = 1024 * 1024


class MlflowImporter(Importer):
    """Reads a tracking store: ``mlflow.db``, ``mlruns``, ``postgresql://`` or ``http://``."""

    name = "mlflow"
    summary = "MLflow: mlflow.db, mlruns/, postgresql:// or the http:// address of a server"

    def sniffs(self, source: Source) -> bool:
        """A store, or a folder with one in it. Of web addresses only those that say so, because
        looking would be a request.
        """
        if source.data is not None:
            return False
        if source.path is None:
            if source.address.startswith(_WEB_SCHEMES):
                return "mlflow" in source.address or not urlsplit(source.address).path.strip("/")
            return source.address.startswith((*_SQL_SCHEMES, *_LOCAL_SCHEMES))
        try:
            return any(True for _ in _stores_at(source.path))
        except OSError:
            return False

    def places(self, source: Source) -> Sequence[Path]:
        """The stores in a folder, or the one that an address on this machine names."""
        path = source.path
        if path is None and source.address.startswith(_LOCAL_SCHEMES):
            path = _local(source.address)
        return () if path is None else tuple(_stores_at(path))

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield runs and what they used and made, then models; the last batch of a store has its
        counts.
        """
        try:
            for open_store, shelves in _opened(source):
                tally = Tally()
                with closing(open_store(tally)) as store:
                    mapper = Mapper(store.instance, tally, options.environment)
                    folders = shelves(tally) if shelves else None
                    name = f"{store.door}/{store.instance}"
                    for batch in _batches(store, mapper, folders, tally, options.progress):
                        yield replace(batch, source=name)
        except OSError as error:
            where = str(error.filename or source.address)
            raise InputMissing(f"cannot read it: {error.strerror}", where=where) from error


IMPORTER = MlflowImporter()

_Opener = Callable[[Tally], TrackingStore]
_Shelving = Callable[[Tally], ArtifactFolders]


def _opened(source: Source) -> Iterator[tuple[_Opener, _Shelving | None]]:
    """The ways to open what a source names, one per store there."""
    address, login = source.address, source.login
    if source.data is not None:
        raise BadInput("MLflow is read from a folder, a file or an address", where=address)
    if address.startswith(_SQL_SCHEMES):
        if "password=" in address:
            message = "a password in the query would be stored with the address"
            hint = "Write it before the host: postgresql://user:password@host/database"
            raise BadInput(message, where=address.partition("?")[0], hint=hint)
        instance = _by_address(address)
        yield lambda tally: _in_tables(PostgresDatabase(address, login), tally, instance), None
        return
    if address.startswith(_WEB_SCHEMES):
        # The HTTP client of the standard library costs more to load than all else here.
        from importers.mlflow.rest import RestStore
        from importers.mlflow.server import Server

        instance = _by_address(address)
        yield lambda tally: RestStore(Server(address, login), tally, instance), None
        return
    path = source.path or _local(address)
    if not path.exists():
        raise InputMissing(f"there is no {path}", where=address)
    stores = [path] if path.is_file() else list(_stores_at(path))
    if not stores:
        message = f"neither an MLflow store nor a folder with {_DATABASE} or {_FOLDER}"
        raise BadInput(message, where=address)
    for found in stores:
        yield _on_disk(found)


def _on_disk(path: Path) -> tuple[_Opener, _Shelving]:
    if path.is_dir():
        return (
            lambda tally: FileStore(path, tally),
            lambda tally: ArtifactFolders(path, (path, path / ".trash"), tally),
        )
    beside = path.parent
    return (
        lambda tally: _in_tables(SqliteDatabase(path), tally),
        lambda tally: ArtifactFolders(beside, (beside / _FOLDER, beside / "mlartifacts"), tally),
    )


def _in_tables(database: Database, tally: Tally, instance: str | None = None) -> SqlStore:
    try:
        return SqlStore(database, tally, instance)
    except LineageError:
        database.close()
        raise


def _local(address: str) -> Path:
    """The path in a ``sqlite:///`` or ``file://`` address, as MLFLOW_TRACKING_URI has it."""
    if address.startswith("sqlite:///"):
        return Path(address.removeprefix("sqlite:///")).resolve()
    if address.startswith("file://"):
        return Path(unquote(urlsplit(address).path)).resolve()
    hint = "Give a path, postgresql://..., http://... or https://..."
    raise BadInput("not an address of an MLflow store", where=address, hint=hint)


def _by_address(address: str) -> str | None:
    parts = split_url(address)
    if parts is None or not parts.netloc:
        hint = "It looks like http://host:5000 or postgresql://host/database."
        raise BadInput("the address is not complete", where=address, hint=hint)
    if is_loopback(parts.hostname):
        return None
    return parts.netloc.rpartition("@")[2].lower() + parts.path.rstrip("/")


def _stores_at(path: Path) -> Iterator[Path]:
    """The stores that a path is or holds: the same folder may have an old and a new one."""
    if path.is_file():
        if _is_database(path):
            yield path
        return
    if looks_like_store(path):
        yield path
        return
    if looks_like_store(path / _FOLDER):
        yield path / _FOLDER
    if _is_database(path / _DATABASE):
        yield path / _DATABASE


def _is_database(path: Path) -> bool:
    """Whether an SQLite file holds MLflow's tables; of one that is locked or cut, as it seems."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
        if not start.startswith(b"SQLite format 3\0"):
            return False
        database = SqliteDatabase(path, busy_timeout=0.0)
    except (OSError, LineageError):
        return False
    try:
        names = {row[0] for row in database.rows("SELECT name FROM sqlite_master")}
    except LineageError:
        with path.open("rb") as file:
            start = file.read(_SNIFFED)
        return b"alembic_version" in start and b"lifecycle_stage" in start
    finally:
        database.close()
    return {"experiments", "runs", "metrics", "params"} <= names


# --- a store as batches --------------------------------------------------------------------------


def _batches(
    store: TrackingStore,
    mapper: Mapper,
    shelves: ArtifactFolders | None,
    tally: Tally,
    progress: Progress,
) -> Iterator[Batch]:
    nodes: list[Node] = []
    edges: list[Edge] = []
    for record in _records(store, mapper, shelves, tally, progress):
        if isinstance(record, Node):
            nodes.append(record)
        else:
            edges.append(record)
        if len(nodes) + len(edges) >= BATCH_RECORDS:
            yield Batch(nodes=tuple(nodes), edges=tuple(edges))
            nodes, edges = [], []
    yield Batch(
        nodes=tuple(nodes), edges=tuple(edges), seen=dict(tally.seen), losses=tally.losses()
    )


def _records(
    store: TrackingStore,
    mapper: Mapper,
    shelves: ArtifactFolders | None,
    tally: Tally,
    progress: Progress,
) -> Iterator[Record]:
    registry = list(store.registered_models())
    registered = {
        run for model in registry for version in model.versions for run in runs_of(version)
    }
    for logged in told(store.logged_models(), progress, "reading logged models"):
        tally.seen["logged models"] += 1
        yield from mapper.logged_model(logged)
        tail = (logged.experiment.id, "models", logged.id, "artifacts")
        found = list(_files(shelves, logged.artifacts, tail, tally))
        yield from mapper.files_of_model(logged, found)
    files: dict[str, Sequence[File]] = {}
    for run in told(store.runs(), progress, "reading runs"):
        tally.seen["runs"] += 1
        tally.seen["dataset inputs"] += len(run.datasets)
        yield from mapper.run(run)
        at = (run.experiment.id, run.id, "artifacts")
        found = list(_files(shelves, run.artifacts, at, tally))
        yield from mapper.files_of_run(run.id, found)
        if run.id in registered:
            files[run.id] = found
    shelf = mapper.registry(registry, files)
    for model in registry:
        yield from shelf.registered(model)


def _files(
    shelves: ArtifactFolders | None, recorded: str | None, tail: Sequence[str], tally: Tally
) -> Iterator[File]:
    if shelves is not None:
        yield from shelves.files(recorded, tail)
    elif recorded:
        reason = "the files of a server are not read; import a copy of its store for them"
        tally.lose("artifact folders", reason)
