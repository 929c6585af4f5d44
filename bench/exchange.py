# SPDX-License-Identifier: Apache-2.0
"""Documents of 100,000 records beside the ``prov`` library: written, read, validated, in how much memory.

Each operation runs in a process of its own, which says its CPU seconds, and by how much its memory
grew from before it opened its file; both sides read the same files. ``python -m bench.exchange`` prints the rows.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from bench.alone import peak
from bench.measure import Row, at_most, rate, say, table

RECORDS = 100_000
#: How often ours is measured; the rival's runs take half a minute each, once must do.
REPEAT = 3
_RECORDS_A_RUN = 10


def measure(folder: Path) -> Iterator[Row]:
    """Rates of ours and of ``prov`` in the same run, then memory, then validation."""
    say("exchange: a document of prov's own")
    theirs = {"json": folder / "their.json", "trig": folder / "their.trig"}
    _child("make", folder, RECORDS)
    for name, kind, bound in (
        ("PROV-O (TriG) written", "trig", 50.0),
        ("PROV-O (TriG) read", "trig", 20.0),
        ("PROV-JSON written", "json", 3.0),
        ("PROV-JSON read", "json", 3.0),
    ):
        word = "dump" if name.endswith("written") else "load"
        say(f"exchange: {name}")
        runs = [
            _child(f"our-{word}", theirs["json" if word == "dump" else kind], kind)
            for _ in range(REPEAT)
        ]
        ours = median(run["seconds"] for run in runs)
        memory = median(run["memory"] for run in runs)
        rival = _child(f"their-{word}", theirs["json" if word == "dump" else kind], kind)
        count = runs[0]["records"]
        yield rate(f"{name}, records", count / ours, count / rival["seconds"], bound)
        yield at_most(f"{name}, memory", memory, rival["memory"], 0.25, "MiB")
    checks = [_child("validate", theirs["json"], "json") for _ in range(REPEAT)]
    ours = median(check["seconds"] for check in checks)
    parsed = median(check["parse"] for check in checks)
    yield at_most("read and validated, beside a plain JSON parse", ours, parsed, 20, "s")


def document(records: int) -> Any:
    """A ``prov`` document like a tracker's: runs with parameters, three inputs, two outputs."""
    from prov.model import ProvDocument

    made = ProvDocument()
    made.add_namespace("ex", "http://example.org/")
    start, minute = dt.datetime(2026, 1, 1), dt.timedelta(minutes=1)  # noqa: DTZ001
    made.agent("ex:ana")
    for number in range(1_000):
        made.entity(f"ex:data{number}")
    for number in range(records // _RECORDS_A_RUN - 100):
        run, begun = f"ex:run{number}", start + number * minute
        named = {"ex:lr": 0.01 * number, "ex:epochs": number, "prov:label": f"run {number}"}
        made.activity(run, begun, begun + minute, named)
        for used in range(3):
            data = f"ex:data{(number * 3 + used) % 1_000}"
            made.used(run, data, begun, other_attributes={"prov:role": "train"})
        for output in range(2):
            model = f"ex:model{number}_{output}"
            made.entity(model, {"prov:type": "model", "ex:sha": "ab" * 20})
            made.wasGeneratedBy(model, run, begun + minute)
        made.wasAssociatedWith(run, "ex:ana")
        made.wasDerivedFrom(f"ex:model{number}_0", f"ex:data{number * 3 % 1_000}", run)
    return made


def _child(what: str, place: Path, value: object) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "bench.exchange", what, str(place), str(value)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _measured(work: Callable[[], Any]) -> dict[str, Any]:
    """CPU seconds of one call."""
    begun = time.process_time()
    result = work()
    return {"seconds": time.process_time() - begun, "result": result}


def _make(folder: Path, records: int) -> dict[str, Any]:
    made = document(records)
    (folder / "their.json").write_text(made.serialize(format="json"))
    (folder / "their.trig").write_text(made.serialize(format="rdf", rdf_format="trig"))
    return {}


def _ours(word: str, place: Path, kind: str) -> dict[str, Any]:
    from lineage import formats

    data, written = place.read_bytes(), formats.named(kind)
    if word == "load":
        done = _measured(lambda: written.loads(data))
        count = len(done.pop("result"))
        return {**done, "records": count}
    batch = formats.named("json").loads(data)
    done = _measured(lambda: written.dumps(batch))
    done.pop("result")
    return {**done, "records": len(batch)}


def _theirs(word: str, place: Path, kind: str) -> dict[str, Any]:
    from prov.model import ProvDocument

    options = {"format": "json"} if kind == "json" else {"format": "rdf", "rdf_format": kind}
    text = place.read_text()
    if word == "load":
        done = _measured(lambda: ProvDocument.deserialize(content=text, **options))
    else:
        made = ProvDocument.deserialize(content=text, format="json")
        done = _measured(lambda: made.serialize(**options))
    done.pop("result")
    return done


def _validate(place: Path) -> dict[str, Any]:
    from lineage import formats
    from lineage.services.read import validate

    data = place.read_bytes()
    formats.named("json").loads(b"{}")
    parse = _measured(lambda: json.loads(data))
    parse.pop("result")
    done = _measured(lambda: validate.document(data, format="json"))
    assert done.pop("result").valid
    return {**done, "parse": parse["seconds"]}


def main(what: str, place: Path, value: str) -> dict[str, Any]:
    """One operation in this process, and what it took, from the file to the end."""
    side, _, word = what.partition("-")
    importlib.import_module(
        "lineage.formats.prov_o" if side == "our" else "prov.serializers.provrdf"
    )
    before = peak()
    if what == "make":
        return _make(place, int(value))
    if what == "validate":
        return _validate(place)
    done = _ours(word, place, value) if side == "our" else _theirs(word, place, value)
    return {**done, "memory": peak() - before}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])))
    else:
        with tempfile.TemporaryDirectory(prefix="lineage-bench-") as made_here:
            print(table(list(measure(Path(made_here)))))
