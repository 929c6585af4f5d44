# SPDX-License-Identifier: Apache-2.0
"""Zip files from anywhere read into memory, and written with the same bytes for the same files."""

from __future__ import annotations

import io
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping, Sequence

from lineage.errors import BadInput, LimitExceeded

#: How every zip file with something in it begins.
MAGIC = b"PK\x03\x04"

_LONGEST_NAME = 1_000
_ENCRYPTED = 0x1
_PLAIN = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_KINDS = frozenset({0, stat.S_IFREG, stat.S_IFDIR})
#: Bytes of a local header, its name and extra field left out.
_HEADER = 30
#: Bytes of the record that ends a zip, without a comment; and most of one entry in its directory.
_END, _LARGEST_MEMBER = 22, 4_096
#: Control characters, and what Windows reads as a drive, a stream or a separator.
_NO_NAME = re.compile(r"[\x00-\x1f\x7f\\:*?\"<>|\ud800-\udfff]")
_DEVICES = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)")
#: The earliest time that a zip file can hold: files of ours tell nothing of when they were packed.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def read(data: bytes, *, most_bytes: int, most_files: int, where: str) -> dict[str, bytes]:
    """The files of a zip by name; folders are left out, and nothing touches the disk.

    ``most_bytes`` bounds what all of them hold unpacked, ``most_files`` how many there are. Names
    are relative, stay inside, and differ on every file system. Raises ``BadInput`` (no zip, damaged,
    encrypted, links, names that lead elsewhere, a name twice) and ``LimitExceeded``.
    """
    if not data.startswith(MAGIC):
        raise BadInput("this is no zip file", where=where)
    _demand_directory(data, most_files, where)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _demand_shape(members, len(data), most_bytes, most_files, where)
            return _unpacked(archive, members, most_bytes, where)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise BadInput(f"the zip file is damaged: {error}", where=where) from error
    except (ValueError, UnicodeError, RuntimeError, IndexError) as error:
        raise BadInput("the zip file is damaged", where=where) from error


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
    seen: dict[str, str] = {}
    for member in members:
        _demand_member(member, where)
        name = member.filename.rstrip("/")
        folded = unicodedata.normalize("NFC", name.casefold())
        if folded in seen:
            shown = name if seen[folded] == name else f"{seen[folded]} and {name}"
            raise BadInput(f"the zip holds {shown[:200]!r} twice", where=where)
        seen[folded] = name
    _demand_apart(members, size, where)


def _demand_member(member: zipfile.ZipInfo, where: str) -> None:
    # The library cuts a name at its first NUL and keeps what it was cut from.
    name, shown = member.orig_filename, repr(member.orig_filename[:200])
    parts = name.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise BadInput(f"the zip entry {shown} leads out of the zip", where=where)
    if len(name) > _LONGEST_NAME or _NO_NAME.search(name) or name != member.filename:
        raise BadInput(f"the zip entry {shown} is no plain name", where=where)
    if any(_DEVICES.match(part) or part != part.rstrip(". ") for part in parts):
        raise BadInput(f"the zip entry {shown} is another file on Windows", where=where)
    if not unicodedata.is_normalized("NFC", name):
        raise BadInput(f"the zip entry {shown} is not in Unicode normal form C", where=where)
    if member.flag_bits & _ENCRYPTED:
        raise BadInput(f"the zip entry {shown} is encrypted", where=where)
    if member.compress_type not in _PLAIN:
        raise BadInput(f"the zip entry {shown} is neither stored nor deflated", where=where)
    if stat.S_IFMT(member.external_attr >> 16) not in _KINDS:
        raise BadInput(f"the zip entry {shown} is a link or a device", where=where)


def _demand_apart(members: Sequence[zipfile.ZipInfo], size: int, where: str) -> None:
    """Entries that share bytes are how a small zip unpacks to a large one within every ratio."""
    ordered = sorted(members, key=lambda member: member.header_offset)
    ends = [member.header_offset for member in ordered[1:]] + [size]
    for member, end in zip(ordered, ends, strict=True):
        if member.header_offset + _HEADER + member.compress_size > end:
            shown = repr(member.filename[:200])
            raise BadInput(f"the zip entry {shown} overlaps with another", where=where)


def write(files: Mapping[str, bytes]) -> bytes:
    """A zip of some files, in the order of their names: same files, same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(files.items()):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(member, content)
    return target.getvalue()
