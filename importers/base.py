# SPDX-License-Identifier: Apache-2.0
"""The contract of importers: a source goes in, batches come out; no store, no clock, no flags."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol

from lineage.errors import InputMissing, LimitExceeded
from lineage.model.record import Batch, Record
from lineage.paths import expanded
from lineage.progress import Progress, silent

#: Files larger than this are refused unless an importer streams them (bytes).
LARGEST_FILE = 512 * 1024 * 1024
#: Bytes by which a file is recognised.
HEAD = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What to read: an address as the user gave it, and what it resolves to on this machine.

    ``data`` holds the bytes when they came through a pipe. The address, without credentials and
    with the path made absolute, is part of the identity of what is asserted; ``login`` is the user
    and password that an URL was given with, for connecting only.
    """

    address: str
    path: Path | None = None
    data: bytes | None = None
    login: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, address: str | Path, data: bytes | None = None) -> Source:
        """Make a source of a path, an URL, or ``-`` with its bytes."""
        text = str(address)
        if data is not None:
            return cls(address=text, data=data)
        if "://" in text:
            return cls(address=_without_credentials(text), login=_login(text))
        path = expanded(text).resolve()
        return cls(address=str(path), path=path)

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it at all: a file, or a pipe, of no bytes."""
        if self.data is not None:
            return not self.data
        return self.path is not None and self.path.is_file() and not self.path.stat().st_size

    def open(self) -> BinaryIO:
        """Open a file source, for reading it more than once. Raises ``InputMissing``."""
        if self.data is not None:
            return BytesIO(self.data)
        if self.path is None or not self.path.is_file():
            raise InputMissing(f"there is no file {self.address}", where=self.address)
        try:
            return self.path.open("rb")
        except OSError as error:
            raise InputMissing(f"cannot read it: {error.strerror}", where=self.address) from error

    def head(self) -> bytes:
        """Read the first ``HEAD`` bytes of a file source. Raises ``InputMissing``."""
        with self.open() as file:
            return file.read(HEAD)

    def read(self) -> bytes:
        """Read the bytes of a file source. Raises ``InputMissing``, ``LimitExceeded``."""
        if self.data is not None:
            return self.data
        if self.path is None or not self.path.is_file():
            raise InputMissing(f"there is no file {self.address}", where=self.address)
        if (size := self.path.stat().st_size) > LARGEST_FILE:
            message = f"{self.address} has {size} bytes, more than {LARGEST_FILE}"
            raise LimitExceeded(message, where=self.address)
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise InputMissing(f"cannot read it: {error.strerror}", where=self.address) from error


def _login(url: str) -> str | None:
    before, at, _ = url.partition("://")[2].partition("/")[0].rpartition("@")
    return before if at else None


def _without_credentials(url: str) -> str:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rsplit('@', 1)[-1]}{slash}{path}"


EnvironmentReader = Callable[[Mapping[str, bytes]], tuple[str, Sequence[Record]] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of an import. ``person_key`` turns e-mails into identifiers (DESIGN section 2);
    ``revisions`` limits history (git range syntax), which makes the import a partial one.
    """

    person_key: bytes = field(default=b"lineage", repr=False)
    #: Contexts of JSON-LD by their addresses, as JSON: what a document names is never fetched.
    contexts: Mapping[str, bytes] = field(default_factory=dict)
    #: Reads the files that describe an environment inside another tool's source, given by name: its
    #: identifier and records; ``None`` where they describe none. Importers do not know each other.
    environment: EnvironmentReader | None = field(default=None, repr=False)
    #: Told what is being read, and how far it is.
    progress: Progress = field(default=silent, repr=False)
    revisions: str | None = None


class Importer(Protocol):
    """Reads a source, yields batches; never sees a store, a clock or a flag parser."""

    name: str
    #: One line for ``lineage import --help``.
    summary: str
    #: Whether what it reads holds only as long as it lies there, such as who answers for a folder: it is taken
    #: back when it is gone. Of other things it stays true that they were.
    of_now: bool = False

    def sniffs(self, source: Source) -> bool:
        """Whether the source looks like this importer's; must be quick and never raise."""
        ...

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield what the source says. Raises the errors of ``lineage.errors``, nothing else."""
        ...

    def places(self, source: Source) -> Sequence[Path]:
        """The files or folders in which what it reads of a source lies; by them two copies of one store
        are told apart.
        """
        return () if source.path is None else (source.path,)

    def reads_one_file(self, source: Source) -> bool:
        """Whether all that it reads of a source are the bytes of the file that it is: the same bytes then
        give the same records.
        """
        del source
        return False

    def lasting(self, record: Record) -> bool:
        """Whether a record stays true when the source no longer shows it: a commit that a rebase
        removed was still made. Others are retracted by the next import.
        """
        del record
        return False
