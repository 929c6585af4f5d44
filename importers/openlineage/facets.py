# SPDX-License-Identifier: Apache-2.0
"""Turns facets into attributes: those of the standard member by member, unknown ones as bounded
JSON text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from importers.tally import Tally
from lineage.access.secret_patterns import scrub, scrub_value
from lineage.model.numeric import typed
from lineage.model.value import Value

#: The longest text of one attribute (characters), and the longest JSON text.
LONGEST = 32_768
#: Members by which every facet says where it comes from; schemas are never fetched.
_BASE = ("_producer", "_schemaURL", "_deleted")

#: Facets of the standard that describe the run itself.
RUN = frozenset(
    {
        "errorMessage",
        "externalQuery",
        "extractionError",
        "nominalTime",
        "processing_engine",
        "test",
    }
)
#: Facets of the standard that describe the job, whichever run it is; others may change with every
#: run, so they are the run's where there is one.
JOB = frozenset({"documentation", "jobType"})
#: Facets of the standard that describe the dataset, whoever reads or writes it; others belong to
#: one use of it.
DATASET = frozenset(
    {"catalog", "dataSource", "datasetType", "documentation", "hierarchy", "schema", "storage"}
)
#: Facets of the standard that describe one use of a dataset, or one run of a job.
USE = frozenset(
    {
        "dataQualityAssertions",
        "dataQualityMetrics",
        "inputStatistics",
        "outputStatistics",
        "sourceCode",
        "sql",
        "subset",
    }
)

KNOWN = RUN | JOB | DATASET | USE


def of(holder: Any, key: str, tally: Tally) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The facets that something holds under a key, by name; what is none is counted as lost."""
    found = holder.get(key)
    if found is None:
        return
    if not isinstance(found, dict):
        tally.lose(key, "not an object")
        return
    for name, facet in found.items():
        if not isinstance(facet, dict) or not name.isprintable() or not name:
            tally.lose("facets", "not an object", first=name[:80])
        elif facet.get("_deleted") is True:
            tally.lose(
                "facets", "says that a facet is deleted; what was recorded stays", first=name
            )
        else:
            yield name, facet


def attributes(name: str, facet: Mapping[str, Any], tally: Tally) -> dict[str, Value]:
    """Turn a facet into attributes: ``<facet>.<member>`` for those of the standard, else one JSON
    text under ``facet.<name>``.
    """
    own = {key: value for key, value in facet.items() if key not in _BASE}
    if name not in KNOWN:
        shown = _json(name, own, tally)
        return {} if shown is None else {f"facet.{name}": shown}
    found: dict[str, Value] = {}
    for key, value in own.items():
        if value is None or not key.isprintable():
            continue
        if isinstance(value, bool | int | float):
            found[f"{name}.{key}"] = value
        elif (text := _text(f"{name}.{key}", value, tally)) is not None:
            found[f"{name}.{key}"] = text
    return found


def tags(facet: Mapping[str, Any], tally: Tally) -> dict[str, Value]:
    """Turn tags into ``tag.<key>``, those of a column into ``tag.<column>.<key>``."""
    found: dict[str, Value] = {}
    for tag in listed(facet, "tags", tally):
        key, value = tag.get("key"), tag.get("value")
        if not isinstance(key, str) or not key.isprintable() or not key:
            tally.lose("tags", "no key")
            continue
        column = tag.get("field")
        stem = f"tag.{column}." if isinstance(column, str) and column.isprintable() else "tag."
        found[stem + key] = scrub(value) if isinstance(value, str) else True
    return found


def pairs(prefix: str, entries: Iterator[Mapping[str, Any]], tally: Tally) -> dict[str, Value]:
    """Turn named values (environment variables, parameters) into ``<prefix>.<name>``, secrets
    scrubbed.
    """
    found: dict[str, Value] = {}
    for entry in entries:
        name, value = entry.get("key", entry.get("name")), entry.get("value")
        if not isinstance(name, str) or not name.isprintable() or not name:
            tally.lose(prefix, "no name")
        elif isinstance(value, str):
            # A variable says `NAME=value`, which is a form of secret of its own.
            told = scrub(f"{name}={scrub_value(name, value)}").partition("=")[2]
            kept = cut(told, f"{prefix} values", tally)
            found[f"{prefix}.{name}"] = typed(name, kept) if prefix == "param" else kept
        elif isinstance(value, bool | int | float):
            found[f"{prefix}.{name}"] = value
    return found


def listed(facet: Mapping[str, Any], key: str, tally: Tally) -> Iterator[Mapping[str, Any]]:
    """The objects of a list in a facet; what is none is counted as lost."""
    value = facet.get(key)
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item
        else:
            tally.lose(key, "not an object")


def cut(text: str, what: str, tally: Tally) -> str:
    """Cut a text to a bounded length; what was longer says so."""
    if len(text) <= LONGEST:
        return text
    tally.lose(what, f"longer than {LONGEST} characters, the rest is not kept")
    return f"{text[:LONGEST]}\n[{len(text) - LONGEST} more characters]"


def _text(what: str, value: Any, tally: Tally) -> str | None:
    if isinstance(value, str):
        return cut(scrub(value), what, tally)
    return _json(what, value, tally)


def _json(what: str, value: Any, tally: Tally) -> str | None:
    """Canonical JSON text, so that the same facet is the same attribute; too long a text keeps
    its digest only.
    """
    try:
        data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        tally.lose("facets", "nested too deep, or an integer beyond 64 bits", first=what)
        return None
    if data in (b"{}", b"[]"):
        return None
    if len(data) > LONGEST:
        tally.lose("facets", f"longer than {LONGEST} bytes, only the digest is kept", first=what)
        return f"sha256:{hashlib.sha256(data).hexdigest()}"
    return scrub(data.decode())
