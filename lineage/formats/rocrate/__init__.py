# SPDX-License-Identifier: Apache-2.0
"""RO-Crate 1.1 with the Process Run Crate profile 0.5 written, and every run profile read.

A crate of ours is a zip file with two files: the metadata, which say in schema.org's words what
those words can say, and the exact records as PROV-JSON. The metadata hold the digests of both. As
long as these are right, reading takes the records; a crate that somebody changed is read by its
metadata like anybody's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lineage import ids
from lineage.formats import json_marks, prov_json, prov_jsonld, zip_writer
from lineage.formats.rocrate import archive, words
from lineage.formats.rocrate.document import Document, Listed, document, listed_files
from lineage.formats.rocrate.frame import described
from lineage.formats.rocrate.read import Reader
from lineage.formats.rocrate.write import Writer
from lineage.model.record import Batch, Loss

_CHANGED = "the metadata or the records were changed after they were written; the metadata count"


class RoCrate:
    """The RO-Crate format."""

    name = "rocrate"

    def sniffs(self, data: bytes) -> bool:
        """A zip file that names crate metadata, or JSON-LD that describes them."""
        if data.startswith(archive.MAGIC):
            return words.METADATA.encode() in data
        head = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
        if head[:1] != b"{" or b'"@graph"' not in data or not json_marks.describes_crate(data):
            return False
        # What was a crate may have become PROV-JSONLD: its context says so.
        return not prov_jsonld.is_stated(data)

    def loads(self, data: bytes, where: str = "document") -> Batch:
        """Read a crate: a zip file, or the bytes of ``ro-crate-metadata.json`` alone."""
        if not data.startswith(archive.MAGIC):
            return read(data, where=where)
        with archive.opened(data, where) as crate:
            records = crate.read(words.SIDECAR) if words.SIDECAR in crate.files else None
            return read(crate.metadata, records, where=where)

    def dumps(self, batch: Batch) -> bytes:
        """Write a zip file: same batch, same bytes."""
        records = prov_json.FORMAT.dumps(batch)
        metadata = Writer(batch).metadata(records)
        return zip_writer.write({words.METADATA: metadata, words.SIDECAR: records})

    def losses(self, batch: Batch) -> tuple[Loss, ...]:
        """List what readers of the metadata alone do not see. Reading the crate here loses nothing."""
        return Writer(batch).losses()


def folder(batch: Batch, files: Sequence[Listed], title: str) -> Mapping[str, bytes]:
    """What makes a folder with ``files`` a crate of a batch: the metadata and the exact records, by their names. A thing
    that has the digest of a file is encoded by that one.
    """
    records = prov_json.FORMAT.dumps(batch)
    metadata = Writer(batch, files).metadata(records, title)
    return {words.METADATA: metadata, words.SIDECAR: records}


def read(
    metadata: bytes, records: bytes | None = None, *, where: str, parts: bool = False
) -> Batch:
    """What the metadata of a crate say; of a crate of ours the exact ``records`` beside them. With
    ``parts`` also what follows for the parts of results, each with its method.

    Raises the errors of ``lineage.errors`` under ``BadInput``.
    """
    source = document(metadata, where)
    if records is None:
        return Reader(source, where).batch(parts=parts)
    if _untouched(source, records):
        exact = prov_json.FORMAT.loads(records, f"{where}/{words.SIDECAR}")
        return replace(exact, seen=Reader(source, where).seen())
    batch = Reader(source, where).batch(parts=parts)
    if any(entity["@id"] == words.SIDECAR for entity in source.entities):
        batch = replace(batch, losses=(*batch.losses, Loss(words.SIDECAR, 1, _CHANGED)))
    return batch


def listed(metadata: bytes, *, where: str) -> Iterator[Listed]:
    """The files that a crate says it holds, by path. Raises as ``read``."""
    return listed_files(document(metadata, where))


def _untouched(source: Document, records: bytes) -> bool:
    """Whether metadata and records are as they were written together."""
    stated = next((e for e in source.entities if e["@id"] == words.SIDECAR), {})
    if stated.get("sha256") != ids.sha256(records):
        return False
    try:
        return stated.get("described") == described(source.entities)
    except ValueError:
        return False


FORMAT = RoCrate()

__all__ = ["FORMAT", "Listed", "RoCrate", "folder", "listed", "read"]
