# SPDX-License-Identifier: Apache-2.0
"""Answers one SPARQL query over one file, in a process that may be ended at any time."""

from __future__ import annotations

import json
import resource
import sys

#: Bytes of address space: a query that needs more ends instead of taking the machine along.
MEMORY = 4 * 1024**3
PREFIXES = {
    "prov": "http://www.w3.org/ns/prov#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "lineage": "urn:lineage:term:",
}


def main() -> None:
    """Read the question on stdin, write the answer on stdout."""
    asked = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        import pyoxigraph
    except ImportError as error:
        json.dump({"missing": error.name}, sys.stdout)
        return
    store = pyoxigraph.Store()
    store.bulk_load(path=asked["data"], format=pyoxigraph.RdfFormat.N_QUADS)
    try:
        found = store.query(asked["query"], use_default_graph_as_union=True, prefixes=PREFIXES)
        json.dump(shown(found, asked["rows"]), sys.stdout)
    except (SyntaxError, ValueError, OSError, RuntimeError) as error:
        json.dump({"error": str(error)}, sys.stdout)


def shown(found: object, rows: int) -> dict[str, object]:
    """An answer as JSON: at most so many rows."""
    import pyoxigraph

    if isinstance(found, pyoxigraph.QueryBoolean):
        return {"boolean": bool(found)}
    if isinstance(found, pyoxigraph.QueryTriples):
        lines = [f"{triple} .\n" for triple, _ in zip(found, range(rows + 1), strict=False)]
        return {"data": "".join(lines[:rows]), "cut": len(lines) > rows}
    assert isinstance(found, pyoxigraph.QuerySolutions)
    names = [variable.value for variable in found.variables]
    answers = []
    for solution, _ in zip(found, range(rows + 1), strict=False):
        bound = {name: term(solution[name]) for name in names if solution[name] is not None}
        answers.append(bound)
    return {"variables": names, "rows": answers[:rows], "cut": len(answers) > rows}


def term(value: object) -> dict[str, str]:
    """A term as SPARQL 1.1 Query Results JSON has it (section 3.2.2)."""
    import pyoxigraph

    if isinstance(value, pyoxigraph.NamedNode):
        return {"type": "uri", "value": value.value}
    if isinstance(value, pyoxigraph.BlankNode):
        return {"type": "bnode", "value": value.value}
    assert isinstance(value, pyoxigraph.Literal)
    text = {"type": "literal", "value": value.value}
    if value.language:
        return {**text, "xml:lang": value.language}
    datatype = value.datatype.value
    return text if datatype == PREFIXES["xsd"] + "string" else {**text, "datatype": datatype}


if __name__ == "__main__":
    main()
