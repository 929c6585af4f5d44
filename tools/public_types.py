# SPDX-License-Identifier: Apache-2.0
"""Finds public names whose type editors and checkers of our users do not know (``make lint``).

``basedpyright --verifytypes`` looks, types of other packages left out: what of them is unknown is
theirs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: What we cannot type: neomodel makes the base of its nodes at run time.
UNKNOWN = frozenset({"lineage.store.neo4j.labels.Node"})


def main() -> int:
    """Print each name without a type, and why; 1 where there are any."""
    folder = Path(sys.executable).parent
    command = [folder / "basedpyright", "--verifytypes", "lineage", "--ignoreexternal"]
    # It looks for packages in the environment of the first Python on the path.
    path = os.pathsep.join((str(folder), os.environ.get("PATH", "")))
    done = subprocess.run(
        [*command, "--outputjson"],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)["typeCompleteness"]
    untyped = [
        symbol
        for symbol in found["symbols"]
        if symbol["isExported"] and not symbol["isTypeKnown"] and symbol["name"] not in UNKNOWN
    ]
    for symbol in untyped:
        print(symbol["name"], *(said["message"] for said in symbol["diagnostics"]), sep="\n  ")
    known = found["exportedSymbolCounts"]["withKnownType"]
    print(f"{known} public names have types, {len(untyped)} have none")
    return 1 if untyped or not known else 0


if __name__ == "__main__":
    sys.exit(main())
