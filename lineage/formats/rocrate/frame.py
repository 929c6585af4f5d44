# SPDX-License-Identifier: Apache-2.0
"""What every crate of ours has, whatever its batch says: descriptor, root, profile, records, seal."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from lineage import ids
from lineage.formats import names
from lineage.formats.rocrate import words
from lineage.formats.rocrate.document import Listed
from lineage.model.record import Batch
from lineage.model.value import Attributes, Literal, each

#: A time as crates have it.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?")
#: What no document can leave out stands here when a batch says no time at all.
_NO_TIME = "1970-01-01T00:00:00Z"


def entities(
    sidecar: bytes, actions: Collection[str], things: int, published: str
) -> dict[str, dict[str, Any]]:
    """What every crate has: descriptor, root, profile, and the file with the records.

    ``actions`` are the identifiers of what the crate says happened, ``things`` how many it describes in
    all; ``published`` is the moment of its publication.
    """
    numbers = f"{len(actions)} actions, {things} things in all"
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "name": "Lineage",
        "description": f"Provenance exported by lineagedb: {numbers}.",
        "datePublished": published,
        "license": {"@id": "#license-not-stated"},
        "conformsTo": {"@id": words.PROFILE},
        "hasPart": [{"@id": words.SIDECAR}],
    }
    if actions:
        root["mentions"] = refs(actions)
    fixed: list[dict[str, Any]] = [
        root,
        {
            "@id": words.METADATA,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": words.SPECIFICATION},
        },
        {
            "@id": words.PROFILE,
            "@type": "CreativeWork",
            "name": "Process Run Crate",
            "version": "0.5",
        },
        {
            "@id": "#license-not-stated",
            "@type": "CreativeWork",
            "name": "No licence stated",
            "description": "Nobody stated a licence for this crate: ask before you use it.",
        },
        {
            "@id": words.SIDECAR,
            "@type": "File",
            "name": "The exact records, as PROV-JSON",
            "encodingFormat": "application/json",
            "contentSize": str(len(sidecar)),
            "sha256": ids.sha256(sidecar),
            "conformsTo": {"@id": words.SIDECAR_FORM},
        },
        {"@id": words.SIDECAR_FORM, "@type": "CreativeWork", "name": "PROV-JSON"},
    ]
    return {entity["@id"]: entity for entity in fixed}


def files(listed: Iterable[Listed]) -> dict[str, dict[str, Any]]:
    """The files in the folder of a crate, by their names in it."""
    entities = (
        {
            "@id": quote(os.fsencode(file.path)),
            "@type": "File",
            "name": file.path.rpartition("/")[2].encode("utf-8", "replace").decode(),
            "contentSize": str(file.size),
            "sha256": file.digests["sha256"],
        }
        for file in listed
    )
    return {entity["@id"]: entity for entity in entities}


def described(graph: Iterable[Mapping[str, Any]]) -> str:
    """The digest of what the metadata say beside the file with the records. When it is another
    than was written, somebody changed the crate. Raises ``ValueError`` for what we never write.
    """
    others = [entity for entity in graph if entity.get("@id") != words.SIDECAR]
    return ids.sha256(ids.canonical(sorted(others, key=_ident)))


def _ident(entity: Mapping[str, Any]) -> str:
    return str(entity.get("@id"))


def name(ident: str) -> str:
    """An identifier as an ``@id``: itself where it is an absolute IRI, else held by one of ours."""
    odd = ids.iri_fault(ident) is not None or ident.startswith(names.ODD_IRI)
    return names.ODD_IRI + names.quoted(ident) if odd else ident


def refs(idents: Iterable[str]) -> Any:
    """References to some things; one stands alone, as readers expect."""
    found = [{"@id": name} for name in sorted(map(name, idents))]
    return found[0] if len(found) == 1 else found


def newest(batch: Batch) -> str:
    """The newest time that a batch speaks of."""
    found = [
        (moment, text)
        for record in batch.records
        for text in _texts(record.attributes)
        if TIME.fullmatch(text) and (moment := _moment(text)) is not None
    ]
    return max(found)[1] if found else _NO_TIME


def _texts(attributes: Attributes) -> Iterable[str]:
    for value in attributes.values():
        for item in each(value):
            if isinstance(item, str):
                yield item
            elif isinstance(item, Literal):
                yield item.value


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
