# SPDX-License-Identifier: Apache-2.0
"""Reads zip files into memory, without trusting anything in them."""

from __future__ import annotations

import io
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lineage.errors import BadInput, InputTruncated, LimitExceeded

#: How every zip file with something in it begins.
MAGIC = b"PK\x03\x04"

_LONGEST_NAME = 1_000
_ENCRYPTED = 0x1
_PLAIN = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_KINDS = frozenset({0, stat.S_IFREG, stat.S_IFDIR})
_DRIVE = re.compile(r"[A-Za-z]:")
#: Bytes of a local header, its name and extra field left out.
_HEADER = 30
#: Bytes of the record that ends a zip, without a comment; and most of one entry in its directory.
_END, _LARGEST_MEMBER = 22, 4_096
#: Control characters, and what Windows reads as a drive, a stream or a separator.
_NO_NAME = re.compile(r"[\x00-\x1f\x7f\\:*?\"<>|\ud800-\udfff]")
_DEVICES = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)")
_DAMAGE = (
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OverflowError,
    IndexError,
)


@contextmanager
def readable(where: str) -> Iterator[None]:
    """Turn everything that the zip library raises for a damaged file into one error."""
    try:
        yield
    except zipfile.BadZipFile as error:
        kind = InputTruncated if "not a zip file" in str(error) else BadInput
        raise kind(f"the zip file is damaged: {error}", where=where) from error
    except _DAMAGE as error:
        raise BadInput(f"the zip file is damaged: {error}", where=where) from error


def demand_plain(members: Sequence[zipfile.ZipInfo], where: str) -> None:
    """Refuse entries that lead elsewhere, are no files, cannot be read, or are one on some systems.

    Raises ``BadInput``.
    """
    seen: dict[str, str] = {}
    for member in members:
        # The library cuts a name at its first NUL and keeps what it was cut from.
        name = member.orig_filename
        if fault := _fault(member):
            raise BadInput(f"the zip entry {name[:200]!r} {fault}", where=where)
        folded = unicodedata.normalize("NFC", name.casefold()).rstrip("/")
        other = seen.setdefault(folded, name)
        if other is not name:
            what = "is there twice" if other == name else f"differs from {other!r} in case only"
            raise BadInput(f"the zip entry {name[:200]!r} {what}", where=where)


def _fault(member: zipfile.ZipInfo) -> str | None:
    """What is wrong with an entry, in words."""
    name = member.orig_filename
    parts = name.removesuffix("/").split("/")
    if "\\" in name or "\0" in name or not name.isprintable():
        return "holds a character that no path has"
    if name.startswith("/") or _DRIVE.match(name):
        return "is an absolute path"
    if any(part in ("", ".", "..") for part in parts):
        return "leads out of the zip"
    if stat.S_IFMT(member.external_attr >> 16) not in _KINDS:
        return "is a link or a device"
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in _PLAIN:
        return f"is compressed by method {member.compress_type}, and not stored or deflated"
    return None


def read(data: bytes, *, most_bytes: int, most_files: int, where: str) -> dict[str, bytes]:
    """Read the files of a zip by name; folders are left out, and nothing touches the disk.

    ``most_bytes`` bounds what all of them hold unpacked, ``most_files`` how many there are. Names
    are relative, stay inside, and differ on every file system. Raises ``BadInput`` (no zip, damaged,
    encrypted, links, names that lead elsewhere, a name twice) and ``LimitExceeded``.
    """
    if not data.startswith(MAGIC):
        raise BadInput("this is no zip file", where=where)
    _demand_directory(data, most_files, where)
    with readable(where), zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        _demand_shape(members, len(data), most_bytes, most_files, where)
        return _unpacked(archive, members, most_bytes, where)


def _unpacked(
    archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], left: int, where: str
) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for member in members:
        if member.is_dir():
            continue
        # What the directory says of sizes is the sender's word: count what comes out.
        with archive.open(member) as stream:
            content = stream.read(left + 1)
        left -= len(content)
        if left < 0:
            raise LimitExceeded("the zip file unpacks to more than is let in", where=where)
        files[member.filename] = content
    return files


def _demand_directory(data: bytes, most_files: int, where: str) -> None:
    """Look at the size of the directory before anything is made of its entries."""
    end = data[-_END:]
    if not end.startswith(b"PK\x05\x06") or not end.endswith(b"\0\0"):
        raise BadInput("the zip file is cut short, or has something behind its end", where=where)
    if int.from_bytes(end[12:16], "little") > most_files * _LARGEST_MEMBER:
        raise LimitExceeded(f"more than {most_files} files in a zip", where=where)


def _demand_shape(
    members: Sequence[zipfile.ZipInfo], size: int, most_bytes: int, most_files: int, where: str
) -> None:
    if len(members) > most_files:
        raise LimitExceeded(f"{len(members)} files in a zip, more than {most_files}", where=where)
    total = sum(member.file_size for member in members)
    if total > most_bytes:
        raise LimitExceeded(
            f"the zip unpacks to {total} bytes, more than {most_bytes}", where=where
        )
    demand_plain(members, where)
    for member in members:
        _demand_portable(member, where)
    _demand_apart(members, size, where)


def _demand_portable(member: zipfile.ZipInfo, where: str) -> None:
    """Names of a package are the same file on every system."""
    name, shown = member.orig_filename, repr(member.orig_filename[:200])
    parts = name.removesuffix("/").split("/")
    if len(name) > _LONGEST_NAME or _NO_NAME.search(name) or name != member.filename:
        raise BadInput(f"the zip entry {shown} is no plain name", where=where)
    if any(_DEVICES.match(part) or part != part.rstrip(". ") for part in parts):
        raise BadInput(f"the zip entry {shown} is another file on Windows", where=where)
    if not unicodedata.is_normalized("NFC", name):
        raise BadInput(f"the zip entry {shown} is not in Unicode normal form C", where=where)


def _demand_apart(members: Sequence[zipfile.ZipInfo], size: int, where: str) -> None:
    """Entries that share bytes are how a small zip unpacks to a large one within every ratio."""
    ordered = sorted(members, key=lambda member: member.header_offset)
    ends = [member.header_offset for member in ordered[1:]] + [size]
    for member, end in zip(ordered, ends, strict=True):
        if member.header_offset + _HEADER + member.compress_size > end:
            shown = repr(member.filename[:200])
            raise BadInput(f"the zip entry {shown} overlaps with another", where=where)
