# SPDX-License-Identifier: Apache-2.0
"""Shared by all commands: opening the store, reading and writing files, JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from lineage.cli import terminal
from lineage.errors import Stopped

C = TypeVar("C", bound=Callable[..., Any])


class Option(Protocol):
    """What adds an option to a command."""

    def __call__(self, command: C, /) -> C:
        """The same command, which takes the option."""
        ...


as_json: Option = click.option(
    "--json", "as_json", is_flag=True, help="Answer in JSON (docs/reference/answers.md)."
)


def split(names: str | None) -> list[str] | None:
    """Split names at commas."""
    return [name.strip() for name in names.split(",") if name.strip()] if names else None


@contextmanager
def opened(ctx: click.Context, *, create: bool = False) -> Iterator[Any]:
    """Open the store of this call, and close it afterwards."""
    import lineage

    store = lineage.open(ctx.obj["store"] or "", create=create)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def opened_or_none(ctx: click.Context) -> Iterator[Any]:
    """Open the store of this call, and close it afterwards; ``None`` where none is named and none is found."""
    import lineage
    from lineage.errors import StoreMissing

    try:
        store = lineage.open(ctx.obj["store"] or "")
    except StoreMissing:
        if ctx.obj["store"]:
            raise
        yield None
        return
    try:
        yield store
    finally:
        store.close()


def read(path: str) -> bytes:
    """Read the bytes of a file. Raises ``InputMissing``."""
    from lineage.errors import InputMissing

    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputMissing(error.strerror or "cannot be read", where=path) from error


#: ``--context``, of commands that read documents.
with_contexts: Option = click.option(
    "--context",
    "contexts",
    multiple=True,
    metavar="URL=FILE",
    callback=lambda _ctx, _param, given: dict(map(_context, given)),
    help="A context of JSON-LD that a document names: nothing is ever fetched.",
)


def _context(given: str) -> tuple[str, bytes]:
    address, equals, file = given.rpartition("=")
    if not (address and equals and file):
        raise click.BadParameter(f"{given!r} is no URL=FILE")
    return address, read(file)


def write(path: str | None, pieces: Iterable[bytes], *, hint: str = "Name another place.") -> None:
    """Write a file, whole or not at all, or stdout; pipes and devices are written to as they are, a terminal
    without what it would obey.

    Raises ``Usage`` with the hint where it cannot be written.
    """
    from lineage.errors import Usage

    try:
        if path is None and sys.stdout.isatty():
            shown = b"".join(pieces).decode(errors="replace")
            terminal.echo(shown, nl=False, several_lines=True)
        elif path is None:
            sys.stdout.buffer.writelines(pieces)
            sys.stdout.buffer.flush()
        else:
            _write(Path(path), pieces)
    except BrokenPipeError:
        raise
    except OSError as error:
        message = f"cannot write: {error.strerror}"
        raise Usage(message, where=path or "stdout", hint=hint) from error


def _write(target: Path, pieces: Iterable[bytes]) -> None:
    if target.exists() and not target.is_file():
        with target.open("wb") as device:
            device.writelines(pieces)
        return
    target = target.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.writelines(pieces)
        if target.exists():
            # Whoever may read the file that stood there may read this one, and nobody else.
            part.chmod(target.stat().st_mode & 0o7777)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def saying_what_is_in(store: Any) -> Iterator[None]:
    """Where the work is stopped, say how much of it is in the store."""
    begun = store.store.head().size
    try:
        yield
    except KeyboardInterrupt:
        new = store.store.head().size - begun
        held = f"entries written before stay in: {new:,}" if new else "nothing was written"
        hint = "Run the same command again: it reads everything and writes what is missing."
        raise Stopped(f"stopped; {held}", hint=hint) from None


def emit(value: Any) -> None:
    """Print one JSON document on stdout."""
    import orjson

    emit_pieces([orjson.dumps(value, option=orjson.OPT_INDENT_2)])


def emit_pieces(pieces: Iterable[bytes]) -> None:
    """Print one JSON document that comes in pieces, each of whole characters, on stdout."""
    for piece in pieces:
        terminal.echo_json(piece.decode(), nl=False)
    click.echo()
