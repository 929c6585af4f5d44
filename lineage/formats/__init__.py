# SPDX-License-Identifier: Apache-2.0
"""The table of document formats; a name here and a file beside it is all that a new one needs."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from lineage.errors import UnknownFormat
from lineage.model import check
from lineage.model.record import Batch

#: Name -> module; the order is the order of sniffing.
BUILTIN: dict[str, str] = {"json": "lineage.formats.prov_json"}

__all__ = ["BUILTIN", "Format", "convert", "for_suffix", "named", "sniff", "validate"]


class Format(Protocol):
    """Turns bytes into a batch and back: same batch, same bytes."""

    name: str
    media_types: tuple[str, ...]
    suffixes: tuple[str, ...]

    def sniffs(self, data: bytes) -> bool:
        """Whether the bytes look like this format; quick, never raises."""
        ...

    def loads(self, data: bytes, where: str = "document") -> Batch:
        """Read a document. Raises the errors of ``lineage.errors`` under ``BadInput``."""
        ...

    def dumps(self, batch: Batch) -> bytes:
        """Write a document."""
        ...


def named(name: str) -> Format:
    """The format of this name. Raises ``UnknownFormat`` listing the names there are."""
    if name not in BUILTIN:
        known = ", ".join(BUILTIN)
        raise UnknownFormat(f"no format is called {name!r}", hint=f"There are: {known}.")
    known_format: Format = import_module(BUILTIN[name]).FORMAT
    return known_format


def for_suffix(suffix: str) -> Format | None:
    """The format whose files end so, if there is one."""
    return next((f for f in map(named, BUILTIN) if suffix.lower() in f.suffixes), None)


def sniff(data: bytes) -> Format | None:
    """The first format that recognises the bytes."""
    return next((f for f in map(named, BUILTIN) if f.sniffs(data)), None)


def convert(data: bytes, from_: str, to: str) -> bytes:
    """A document of one format written in another."""
    return named(to).dumps(named(from_).loads(data))


def validate(data: bytes, format: str) -> list[check.Finding]:  # noqa: A002 - the public word
    """What is wrong with a document, as findings with a severity."""
    return check.check(named(format).loads(data))
