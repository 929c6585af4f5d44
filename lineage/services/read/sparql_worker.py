# SPDX-License-Identifier: Apache-2.0
"""Answers one SPARQL query over one document, in a process that may be ended at any time.

The engine can speak HTTP, for SERVICE. Two things keep it from doing so: queries that hold the word
are refused, and where the system knows limits of processes, this one can open no socket.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterable
from typing import Any

try:
    import resource
except ImportError:  # Windows has no limits of processes
    resource = None  # type: ignore[assignment]

PREFIXES = {
    "prov": "http://www.w3.org/ns/prov#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "lineage": "urn:lineage:term:",
}
#: Characters of what the parser says is wrong.
_SAID = 200
#: What the parser could go on with, if that is little enough to help.
_EXPECTED = re.compile(r"error at (\d+):(\d+): expected (.*)")
_EXPECTED_MOST = 80
#: An update, behind prefixes and comments.
_UPDATE = re.compile(
    r"(?i)(?:\s|#[^\n]*\n|(?:base\s*|prefix\s+[^\s:]*:\s*)<[^>]*>)*+"
    r"(insert|delete|load|clear|drop|create|copy|move|add|with)\b"
)


def main() -> None:
    """Read the question, a line of JSON, and N-Quads behind it on stdin; write the answer."""
    asked = json.loads(sys.stdin.buffer.readline())
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(ValueError, OSError):  # not every system bounds memory
            resource.setrlimit(resource.RLIMIT_AS, (asked["memory"],) * 2)
    try:
        answer = answered(asked["query"], asked["rows"], asked["bytes"])
    except ImportError as error:
        answer = {"missing": error.name}
    except MemoryError:
        answer = {"memory": True}
    json.dump(answer, sys.stdout)


def answered(query: str, rows: int, size: int) -> dict[str, Any]:
    """Answer a query over what stdin holds, with at most so many rows and bytes."""
    import pyoxigraph

    if resource is not None:
        # What is open stays so; nothing is opened any more, no file and no socket.
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    refused = forbidden(query)
    if refused is not None:
        return refused
    store = pyoxigraph.Store()
    store.bulk_load(sys.stdin.buffer, format=pyoxigraph.RdfFormat.N_QUADS)
    try:
        return shown(asked_of(store, query), rows, size)
    except (SyntaxError, ValueError, OSError, RuntimeError) as error:
        return {"error": said(error)}


def asked_of(store: Any, query: str) -> Any:
    """Put the query to the engine. The default graph is all graphs together."""
    return store.query(query, use_default_graph_as_union=True, prefixes=PREFIXES)


def forbidden(query: str) -> dict[str, str] | None:
    """What to answer to a query that would ask elsewhere, or change something, or is none; ``None``
    for one that may be asked.

    What is a keyword, and what part of a text, name or comment, only the parser knows. So it is
    asked: a query that is SPARQL without the word has it in none of its keywords. One that has is
    never put to the engine, not even over nothing.
    """
    for word in ("SERVICE", "FROM"):
        without, times = re.subn(spelled(word), "x" * len(word), query)
        wrong = fault(without) if times else None
        if wrong is not None:
            keyword = re.search(rf"(?<![?$:@\w]){spelled(word)}(?![\w:])", query)
            return {"refused": word} if keyword else {"error": wrong}
    begun = _UPDATE.match(query)
    return {"refused": begun[1].upper()} if begun else None


def spelled(word: str) -> str:
    """A pattern of a word in any case, each letter as itself or as a codepoint escape (SPARQL 1.1,
    19.2).
    """
    letters = (f"(?:{c}|{c.lower()}|{escaped(c)}|{escaped(c.lower())})" for c in word)
    return "".join(letters)


def escaped(letter: str) -> str:
    """A pattern of the codepoint escapes of a letter."""
    return rf"\\(?:u00|U000000)(?i:{ord(letter):02x})"


def fault(query: str) -> str | None:
    """Why a query is not SPARQL, if it is not; it is put to a store that holds nothing."""
    import pyoxigraph

    try:
        asked_of(pyoxigraph.Store(), query)
    except (SyntaxError, ValueError) as error:
        return said(error)
    return None


def said(error: Exception) -> str:
    """What the engine says is wrong, in one line: where, not all that its grammar could go on with."""
    text = str(error).split("\n", 1)[0]
    expected = _EXPECTED.fullmatch(text)
    if expected is None:
        return text[:_SAID]
    line, column, what = expected.groups()
    if "Prefix not found" in what:
        what = "a prefix that is declared"
    elif len(what) > _EXPECTED_MOST:
        what = "something else, or more"
    return f"line {line}, column {column}: expected {what}"


def shown(found: Any, rows: int, size: int) -> dict[str, Any]:
    """An answer as JSON."""
    import pyoxigraph

    if isinstance(found, pyoxigraph.QueryBoolean):
        return {"boolean": bool(found)}
    if isinstance(found, pyoxigraph.QueryTriples):
        return graph(found, rows, size)
    kept: list[Any] = []
    names = [variable.value for variable in found.variables]
    for solution in found:
        kept.append({name: term(solution[name]) for name in names if solution[name] is not None})
        size -= len(str(kept[-1]))
        if size < 0 or len(kept) > rows:
            return {"variables": names, "rows": kept[:-1], "cut": True}
    return {"variables": names, "rows": kept}


def graph(triples: Iterable[Any], rows: int, size: int) -> dict[str, Any]:
    """A graph as N-Triples: a set, however often the query makes one of them."""
    kept: dict[str, None] = {}
    for triple in triples:
        text = f"{triple} .\n"
        if text in kept:
            continue
        size -= len(text)
        if size < 0 or len(kept) == rows:
            return {"data": "".join(kept), "cut": True}
        kept[text] = None
    return {"data": "".join(kept)}


def term(value: Any) -> dict[str, Any]:
    """A term as SPARQL Query Results JSON has it (section 3.2.2; triple terms as in 1.2)."""
    import pyoxigraph

    if isinstance(value, pyoxigraph.NamedNode):
        return {"type": "uri", "value": value.value}
    if isinstance(value, pyoxigraph.BlankNode):
        return {"type": "bnode", "value": value.value}
    if isinstance(value, pyoxigraph.Triple):
        parts = ("subject", "predicate", "object")
        return {"type": "triple", "value": {part: term(getattr(value, part)) for part in parts}}
    text = {"type": "literal", "value": value.value}
    if value.language:
        return {**text, "xml:lang": value.language}
    datatype = value.datatype.value
    return text if datatype == PREFIXES["xsd"] + "string" else {**text, "datatype": datatype}


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
