# SPDX-License-Identifier: Apache-2.0
"""The validator as the scorer calls it: ``--validator tests.conformance.subject:valid``."""

from __future__ import annotations

import io
import json
import warnings
from xml.etree import ElementTree

from lineage import formats
from lineage.model import constraints
from lineage.model.record import Batch

_PROV = "{http://www.w3.org/ns/prov#}"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def valid(data: bytes, fmt: str) -> bool:
    """Whether PROV-CONSTRAINTS calls a document valid; raises for what cannot be read."""
    return constraints.inspect(read(data, fmt)).valid


def read(data: bytes, fmt: str) -> Batch:
    """A document as a batch."""
    if fmt == "provn":
        data = _from_prov_n(data)
    elif fmt == "xml":
        data = _from_prov_xml(data)
    return formats.named("json").loads(data)


def _from_prov_n(data: bytes) -> bytes:
    from prov.model import ProvDocument

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document = ProvDocument.deserialize(io.StringIO(data.decode()), format="provn")
    return document.serialize(format="json").encode()


def _from_prov_xml(data: bytes) -> bytes:
    """PROV-XML as PROV-JSON: the prov library reads it only with lxml, which is not ours."""
    found = ElementTree.iterparse(io.BytesIO(data), events=("start-ns", "end"))
    prefixes = {prefix or "default": iri for event, (prefix, iri) in _namespaces(found)}
    root = ElementTree.fromstring(data)
    document = _container(root, {iri: prefix for prefix, iri in prefixes.items()})
    return json.dumps({"prefix": prefixes, **document}).encode()


def _namespaces(found):
    return [(event, value) for event, value in found if event == "start-ns"]


def _container(element, prefixes):
    document: dict[str, dict] = {}
    for number, record in enumerate(element):
        word = record.tag.removeprefix(_PROV)
        name = record.get(_PROV + "id", f"_:n{number}")
        if word in {"bundle", "bundleContent"}:
            document.setdefault("bundle", {})[name] = _container(record, prefixes)
        else:
            document.setdefault(word, {}).setdefault(name, []).append(_body(record, prefixes))
    return document


def _body(record, prefixes):
    body: dict[str, list] = {}
    for part in record:
        namespace, _, local = part.tag[1:].partition("}")
        value = part.get(_PROV + "ref") or part.text or ""
        if part.get(_TYPE):
            value = {"$": value, "type": part.get(_TYPE)}
        body.setdefault(f"{prefixes[namespace]}:{local}", []).append(value)
    return {key: values if len(values) > 1 else values[0] for key, values in body.items()}
