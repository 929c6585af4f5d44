# SPDX-License-Identifier: Apache-2.0
"""The contract of importers: a source goes in, batches come out; no store, no clock, no flags."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from lineage import ids
from lineage.errors import BadInput, InputMissing, LimitExceeded
from lineage.model import kinds, terms
from lineage.model.record import Batch, Edge, Loss, Node, Record

#: Files larger than this are refused unless an importer streams them (bytes).
LARGEST_FILE = 512 * 1024 * 1024

_CONFLICT = re.compile(r"^(?:<{7}|>{7})(?: .*)?$", re.MULTILINE)

#: How many records an importer puts into one batch, where the source does not say.
BATCH_RECORDS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where to read: an address as the user gave it, and what it resolves to on this machine.

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
        """A source for a path, an URL, or ``-`` with its bytes."""
        text = str(address)
        if data is not None:
            return cls(address=text, data=data)
        if "://" in text:
            return cls(address=_without_credentials(text), login=_login(text))
        path = Path(text).expanduser().resolve()
        return cls(address=str(path), path=path)

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it at all: a file, or a pipe, of no bytes."""
        if self.data is not None:
            return not self.data
        return self.path is not None and self.path.is_file() and not self.path.stat().st_size

    def read(self) -> bytes:
        """The bytes of a file source. Raises ``InputMissing``, ``LimitExceeded``."""
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


#: User and password of an URL; tokens by their issuers' prefixes; values under telling names.
_SECRETS = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]{0,20}://)[^/\s@]{1,500}@"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|hf_|sk-|dckr_pat_|pypi-)[\w-]{16,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"
    r"|(?P<name>\b[\w-]{0,40}(?:password|passwd|secret|token|api[_-]?key)[\w-]{0,20}"
    r"(?:=|\s?:\s?(?=[^\s\d]{0,40}\d)))(?![{$<(])[^\s,;&'\"]{6,}",
    re.IGNORECASE,
)


def scrub(text: str) -> str:
    """A text without the credentials in it: addresses, commands and messages carry them.

    >>> scrub("clone https://ana:hunter2@host/x with --token=abcdefgh")
    'clone https://host/x with --token=[scrubbed]'
    >>> scrub("token: rename the field")
    'token: rename the field'
    """
    return (_remembered if len(text) <= _SHORT else _scrub)(text)


def _scrub(text: str) -> str:
    return _SECRETS.sub(_scrubbed, text)


#: Sources say the same short things again and again, and looking costs 150 ns a character.
_SHORT = 1_000
_remembered = lru_cache(maxsize=4096)(_scrub)


def _scrubbed(found: re.Match[str]) -> str:
    return found["scheme"] or f"{found['name'] or ''}[scrubbed]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the caller may choose. ``person_key`` turns e-mails into identifiers (DESIGN section 2);
    ``revisions`` limits history (git range syntax), which makes the import a partial one.
    """

    person_key: bytes = field(default=b"lineage", repr=False)
    revisions: str | None = None


class Importer(Protocol):
    """Reads a source, yields batches; never sees a store, a clock or a flag parser."""

    name: str
    #: One line for ``lineage import --help``.
    summary: str

    def sniffs(self, source: Source) -> bool:
        """Whether the source looks like this importer's; must be quick and never raise."""
        ...

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield what the source says. Raises the errors of ``lineage.errors``, nothing else."""
        ...

    def lasting(self, record: Record) -> bool:
        """Whether a record stays true when the source no longer shows it: a commit that a rebase
        removed was still made. Others are retracted by the next import.
        """
        del record
        return False


class Tally:
    """Counts what did not become a record; keeps the first example of each reason."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], str] = {}

    def lose(self, what: str, reason: str, *, count: int = 1, first: str | None = None) -> None:
        """Count something lost."""
        if count:
            self._counts[what, reason] += count
            if first:
                self._first.setdefault((what, reason), first)

    def losses(self) -> tuple[Loss, ...]:
        """Everything lost, in the order it was met."""
        return tuple(
            Loss(what, count, f"{reason} (first: {first})" if first else reason)
            for (what, reason), count in self._counts.items()
            for first in (self._first.get((what, reason)),)
        )


def demand_merged(text: str, *, where: str, hint: str) -> None:
    """Refuse text in which git left a merge to be resolved. Raises ``BadInput`` with the line."""
    if found := _CONFLICT.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise BadInput(f"git conflict markers at line {line}", where=f"{where}:{line}", hint=hint)


def tie(version: str, bytes_: str) -> tuple[Edge, Edge]:
    """A version and its content (or two digests of the same bytes), tied both ways by digest."""
    by_digest = {terms.METHOD: terms.BY_DIGEST}
    return (
        Edge(relation="alternateOf", effect=version, cause=bytes_, attributes=by_digest),
        Edge(relation="alternateOf", effect=bytes_, cause=version, attributes=by_digest),
    )


def content(
    version: str, algorithm: str, digest: str, size: int | None = None
) -> tuple[Sequence[Node], Sequence[Edge]]:
    """The content node of a version and its ties; nothing for bytes that say nothing."""
    ident = ids.content(algorithm, digest, size)
    if ident is None:
        return (), ()
    node = kinds.Content(
        id=ident, label=f"{algorithm}:{digest[:12]}", digest=f"{algorithm}:{digest}"
    )
    return (node.node(),), tie(version, ident)


def person(name: str, email: str, key: bytes) -> Node:
    """A person as version control knows one: by e-mail, which is marked personal."""
    ident = ids.person(email or name, key)
    return kinds.Person(id=ident, label=name or None, name=name, email=email or None).node()


def batches(
    nodes: Sequence[Node], edges: Sequence[Edge], size: int = BATCH_RECORDS
) -> Iterator[Batch]:
    """Many records as batches of a bounded size: all nodes first, then the edges between them."""
    for start in range(0, len(nodes), size):
        yield Batch(nodes=tuple(nodes[start : start + size]))
    for start in range(0, len(edges), size):
        yield Batch(edges=tuple(edges[start : start + size]))
