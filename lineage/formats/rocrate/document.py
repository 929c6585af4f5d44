# SPDX-License-Identifier: Apache-2.0
"""The metadata file of a crate as JSON: its entities, its root, and the files that it lists."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from lineage.errors import BadInput
from lineage.formats.rocrate import words
from lineage.formats.rocrate.words import Context, listed
from lineage.sources import json_reader

NAMELESS = 'no "@id": read, but nothing can refer to it'

_HEX = re.compile(r"[0-9a-fA-F]+")
_DIGITS = re.compile(r"0|[1-9][0-9]{0,14}")
_LARGEST = 10**15


class Document(NamedTuple):
    """The entities of a crate as it lists them, and where its root is."""

    entities: tuple[dict[str, Any], ...]
    context: Context
    root: str
    digest: str
    #: Keys of the document beside ``@context`` and ``@graph``.
    others: tuple[str, ...]
    #: What of the graph is no entity, or has no ``@id``: why, and where.
    faults: tuple[tuple[str, str], ...]


def document(data: bytes, where: str) -> Document:
    """The metadata of a crate as JSON. Raises ``BadInput`` for what is none."""
    value = json_reader.loads(data, where=where)
    if not isinstance(value, dict):
        raise BadInput("the metadata of a crate are an object", where=where)
    graph = value.get("@graph")
    if not isinstance(graph, list):
        raise BadInput('the metadata have no "@graph" that is a list', where=where)
    context = Context(value.get("@context"), where)
    entities: dict[str, dict[str, Any]] = {}
    faults: list[tuple[str, str]] = []
    for number, entity in enumerate(graph):
        place = f"{where}#/@graph/{number}"
        if not isinstance(entity, dict):
            faults.append(("not an object", f"/@graph/{number}"))
            continue
        ident = entity.get("@id")
        if not isinstance(ident, str) or not ident:
            faults.append((NAMELESS, f"/@graph/{number}, {named(entity)}"))
            # A node without an identifier, as JSON-LD has it: it says what it says.
            ident = entity["@id"] = f"_:graph-{number}"
        if entities.setdefault(ident, entity) != entity:
            message = f'two entities have "@id" {ident!r} and say different things'
            raise BadInput(message, where=place)
    root = _root(entities, where)
    digest = hashlib.sha256(data).hexdigest()
    others = tuple(sorted(value.keys() - {"@context", "@graph"}))
    return Document(tuple(entities.values()), context, root, digest, others, tuple(faults))


def named(entity: Mapping[str, Any]) -> str:
    """What a loss calls an entity that has no ``@id``: by its name and type, and by ``id``, which
    some writers take for it.
    """
    said = [repr(entity[key]) for key in ("name", "@type") if entity.get(key)]
    if isinstance(ident := entity.get("id"), str):
        said.append(f'with "id" {ident!r}')
    return " ".join(said)[:200] or "nameless"


def _root(entities: Mapping[str, dict[str, Any]], where: str) -> str:
    """The ``@id`` of the root, which the descriptor of the metadata file is about."""
    found = [name for name in entities if name.endswith(words.METADATA_NAMES)]
    # A crate may list the metadata of crates inside it.
    for name in sorted(found, key=lambda name: name.removeprefix("./") not in words.METADATA_NAMES):
        entity = entities[name]
        if "about" in entity:
            about = entity["about"]
            root = about.get("@id") if isinstance(about, dict) else about
            if isinstance(root, str) and root in entities:
                return root
            message = f"the crate's root {root!r} is not described"
            raise BadInput(message, where=where)
    raise BadInput(f"no entity says that it is {words.METADATA}", where=where)


class Listed(NamedTuple):
    """A file that a crate lists at a path of its own: its digests (hex, by algorithm) and size."""

    path: str
    digests: Mapping[str, str]
    size: int | None


def listed_files(source: Document) -> Iterator[Listed]:
    """The files that a crate says it holds; those on the web are not among them."""
    term = source.context.term
    for entity in source.entities:
        ident = entity["@id"]
        types = [term(item) for item in listed(entity.get("@type", [])) if isinstance(item, str)]
        if "File" not in types or words.absolute(ident) or ident.startswith(("#", "_:")):
            continue
        stated = {term(key): value for key, value in entity.items() if not key.startswith("@")}
        found = {key: digests(key, listed(stated.get(key))) for key in words.DIGESTS}
        one = {key: hexes[0] for key, hexes in found.items() if len(hexes) == 1}
        path = unquote(ident.partition("#")[0].removeprefix("./"))
        yield Listed(path, one, size({"contentSize": listed(stated.get("contentSize"))}))


def size(found: Mapping[str, list[Any]]) -> int | None:
    """The size that some properties state, where it is a whole number of bytes."""
    match found.get("contentSize"):
        case [int(size)] if 0 <= size < _LARGEST and not isinstance(size, bool):
            return size
        case [str(text)] if _DIGITS.fullmatch(text):
            return int(text)
    return None


def digests(algorithm: str, values: list[Any]) -> list[str]:
    """The digests in some values, in lower case; none where one of the values is no digest."""
    length = words.DIGESTS[algorithm]
    hexes = [v.lower() for v in values if isinstance(v, str) and _HEX.fullmatch(v)]
    return hexes if len(hexes) == len(values) and all(len(h) == length for h in hexes) else []
