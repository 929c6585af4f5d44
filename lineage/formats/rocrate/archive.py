# SPDX-License-Identifier: Apache-2.0
"""Crates as zip files: written with the same bytes everywhere, read without trusting a name in them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from zipfile import ZipFile, ZipInfo

from lineage.errors import BadInput, LimitExceeded
from lineage.formats.rocrate.words import METADATA_NAMES
from lineage.sources.zip_reader import demand_plain, readable

#: A zip file starts with one of these; the second is of one without entries.
MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
MOST_ENTRIES = 10_000
#: Bytes of content to bytes in the zip file; plain text reaches 20, a bomb a thousand.
MOST_RATIO = 100
#: Small files may be of one letter only; what they unpack to does no harm (bytes).
HARMLESS = 1024 * 1024
#: Bytes that all entries together may unpack to.
MOST_BYTES = 4 * 1024**3
#: Bytes that a file which is read into memory may have.
MOST_READ = 512 * 1024**2


class Archive:
    """A zip file whose names and sizes were checked; ``files`` holds the names below its crate."""

    def __init__(self, archive: ZipFile, where: str) -> None:
        self._archive = archive
        self._where = where
        infos = archive.infolist()
        self._check(infos)
        names = {info.filename: info for info in infos if not info.is_dir()}
        root = self._root(names)
        self.files: dict[str, ZipInfo] = {
            n[len(root) :]: i for n, i in names.items() if n.startswith(root)
        }

    @property
    def metadata(self) -> bytes:
        """The bytes of the metadata file."""
        return self.read(next(name for name in METADATA_NAMES if name in self.files))

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises ``LimitExceeded``, and ``BadInput`` where they are damaged."""
        if self.files[name].file_size > MOST_READ:
            message = f"{name} has more than {MOST_READ} bytes"
            raise LimitExceeded(message, where=self._where)
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of a file, a piece at a time."""
        with readable(self._where), self._archive.open(self.files[name]) as stream:
            while piece := stream.read(HARMLESS):
                yield piece

    def _check(self, infos: list[ZipInfo]) -> None:
        if len(infos) > MOST_ENTRIES:
            message = f"the zip file has {len(infos)} entries, more than {MOST_ENTRIES}"
            raise LimitExceeded(message, where=self._where)
        demand_plain(infos, self._where)
        total = 0
        for info in infos:
            name = info.orig_filename
            total += info.file_size
            large = info.file_size > HARMLESS
            if total > MOST_BYTES or (large and info.file_size > MOST_RATIO * info.compress_size):
                message = f"entry {name!r} expands to {info.file_size} bytes"
                raise LimitExceeded(f"{message} from {info.compress_size}", where=self._where)

    def _root(self, names: Mapping[str, ZipInfo]) -> str:
        """The folder of the crate: the top, or the only one at the top that holds the metadata."""
        if any(name in names for name in METADATA_NAMES):
            return ""
        folders = {n.split("/")[0] + "/" for n in names if n.partition("/")[2] in METADATA_NAMES}
        if len(folders) != 1:
            found = "no" if not folders else "more than one"
            raise BadInput(f"the zip file holds {found} {METADATA_NAMES[0]}", where=self._where)
        return folders.pop()


@contextmanager
def opened(data: bytes, where: str) -> Iterator[Archive]:
    """A zip file in memory, checked. Raises ``BadInput`` and ``LimitExceeded``."""
    if data.count(b"PK\x01\x02") > 4 * MOST_ENTRIES:
        raise LimitExceeded(f"the zip file has more than {MOST_ENTRIES} entries", where=where)
    with readable(where):
        archive = ZipFile(io.BytesIO(data))
    with archive:
        yield Archive(archive, where)
