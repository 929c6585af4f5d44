# SPDX-License-Identifier: Apache-2.0
"""What is in the tables that a run read and wrote: columns, rows, numbers, and no value that is somebody's."""

from __future__ import annotations

import json
import random
import shutil
import time
from contextlib import suppress
from pathlib import Path

import pytest

from lineage.capture.found import Budget
from lineage.capture.probes import profiles
from lineage.cli import main
from lineage.errors import LineageError
from lineage.sources import parquet
from tests.capture.launched import run, stored

#: Written by the libraries that they are called after: pyarrow 25.0.1 in two parts, Polars 2.1.0, DuckDB 2.0.1.
TABLES = Path(__file__).parent / "tables"
AGE = {"name": "age", "type": "int64", "nulls": 1, "min": 34, "max": 80}
FARE = {"name": "fare", "type": "double", "nulls": 0, "min": -3.0, "max": 2.5}
TOLD = {
    "pyarrow": [
        AGE,
        FARE,
        {"name": "name", "type": "string", "nulls": 1},
        {"name": "small", "type": "uint8", "nulls": 0, "min": 1, "max": 250},
        {"name": "when", "type": "timestamp", "nulls": 0},
        {"name": "ok", "type": "boolean", "nulls": 1},
        {"name": "tags.list.element", "type": "string", "nulls": 2},
        {"name": "where.lat", "type": "double", "nulls": 0, "min": 1.0, "max": 1.0},
        # Numbers that may be somebody's, and what is called as a secret.
        {"name": "phone", "type": "int64", "nulls": 0},
        {"name": "api_token", "type": "int64", "nulls": 0},
    ],
    "polars": [AGE, FARE, {"name": "name", "type": "string", "nulls": 1}],
    "duckdb": [
        {"name": "age", "type": "int32", "nulls": 0, "min": 0, "max": 9},
        {"name": "fare", "type": "double", "nulls": 0, "min": 0.0, "max": 4.5},
        {"name": "name", "type": "string", "nulls": 0},
    ],
}
PEOPLE = "age;city;zip;fare;empty\n" + "".join(
    f'{age};"Porto; {age}";0{age};{age / 4};\n' for age in range(20, 60)
)


def told(*paths, seconds=10.0):
    found = profiles.probe([str(path) for path in paths], Budget(seconds))
    return found.facts["tables"], found.unseen


@pytest.mark.parametrize("name", TOLD)
def test_a_parquet_file_is_told_by_its_footer_whoever_wrote_it(name):
    [table], unseen = told(TABLES / f"{name}.parquet")
    assert (table["columns"], unseen) == (TOLD[name], {})
    assert table["rows"] == (10 if name == "duckdb" else 4)


def test_a_damaged_footer_is_refused_and_nothing_else_happens(tmp_path):
    chance, good = random.Random(7), (TABLES / "pyarrow.parquet").read_bytes()
    for _ in range(400):
        data = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data) - 3_500, len(data))] = chance.randrange(256)
        place = tmp_path / "damaged.parquet"
        place.write_bytes(data[: chance.choice((len(data), chance.randrange(len(data))))])
        with suppress(LineageError):
            parquet.read(place, lambda: False)


def test_a_csv_file_is_told_without_a_value_of_its_texts(tmp_path):
    (tmp_path / "people.csv").write_text(PEOPLE)
    [table], unseen = told(tmp_path / "people.csv")
    assert (table["rows"], unseen) == (40, {})
    age = {"name": "age", "type": "integer", "nulls": 0, "min": 20, "max": 59}
    fare = {"name": "fare", "type": "number", "nulls": 0, "min": 5.0, "max": 14.75}
    assert table["columns"] == [
        age | {"q1": 30, "median": 40, "q3": 49},
        {"name": "city", "type": "string", "nulls": 0, "shortest": 9, "longest": 9},
        {"name": "zip", "type": "string", "nulls": 0, "shortest": 3, "longest": 3},
        fare | {"q1": 7.5, "median": 10.0, "q3": 12.25},
        {"name": "empty", "type": "unknown", "nulls": 40},
    ]
    assert "Porto" not in json.dumps(table)


def test_what_cannot_be_told_of_a_table_is_said(tmp_path):
    (tmp_path / "names.csv").write_text("Ana,Porto\nRui,Faro\n")
    (tmp_path / "bytes.csv").write_bytes(b"\0\1\2,\n" * 9)
    (tmp_path / "encrypted.parquet").write_bytes(b"PARE" * 9)
    (tmp_path / "long.csv").write_text("a,b\n" + "1,2\n" * 2_000_000)
    # Names of people are no names of columns.
    [table], unseen = told(tmp_path / "names.csv")
    assert [column["name"] for column in table["columns"]] == ["column 1", "column 2"]
    assert "rows" not in table
    assert "whether the first line has them" in str(unseen)
    tables, unseen = told(
        *(tmp_path / name for name in ("bytes.csv", "encrypted.parquet", "no.csv"))
    )
    assert (tables, len(unseen)) == ([], 3)
    began = time.monotonic()
    [table], unseen = told(tmp_path / "long.csv", seconds=0.2)
    assert time.monotonic() - began < 1
    assert table["looked_at"] < 2_000_000
    assert f"all but the first {table['looked_at']:,} rows" in str(unseen)


def test_what_changed_in_a_table_between_two_runs_is_named(workspace, capsys):
    (workspace / "people.csv").write_text(PEOPLE)
    shutil.copy(TABLES / "polars.parquet", workspace)
    reads = ["sh", "-c", "cat people.csv polars.parquet > /dev/null; head -3 people.csv > few.csv"]
    assert run(*reads, options=["--name", "first", "--in", "people.csv"]).returncode == 0
    fewer = PEOPLE.replace("fare;", "price;").splitlines()[:31]
    (workspace / "people.csv").write_text("\n".join(fewer) + "\n")
    assert run(*reads, options=["--name", "second", "--in", "people.csv"]).returncode == 0
    with pytest.raises(SystemExit):
        main(["compare", "run:first", "run:second"])
    shown = [line.strip().partition(": ")[2] for line in capsys.readouterr().out.splitlines()]
    assert [line.rpartition("people.csv: ")[2] for line in shown if "people.csv: " in line][
        1:6
    ] == [
        "column fare: number -> absent",
        "column price: absent -> number",
        "rows: 40 -> 30  (-10, -25.0%)",
        "age.max: 59 -> 49  (-10, -16.9%)",
        "age.median: 40 -> 34  (-6, -15.0%)",
    ]
    with stored(workspace) as opened:
        asked = {
            query: {node.attributes["name"].rpartition("/")[2] for node in opened.ask(query).nodes}
            for query in ('columns:"price"', "kind:artifact and rows < 5", "rows >= 40")
        }
    assert asked == {
        'columns:"price"': {"people.csv", "few.csv"},
        "kind:artifact and rows < 5": {"few.csv", "polars.parquet"},
        "rows >= 40": {"people.csv"},
    }
