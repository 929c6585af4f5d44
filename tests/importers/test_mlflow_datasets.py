# SPDX-License-Identifier: Apache-2.0
"""Versions of MLflow's datasets: a digest of 32 bits and a default name do not make data equal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lineage.errors import Ambiguous
from tests.importers.mlflow_found import Found
from tests.importers.mlflow_written import READERS, Dataset, Run, Said, written

#: One digest and one name; each differs from the first in one thing.
FRAUD = Dataset()
OTHERS = {
    "source": '{"uri": "/data/b.csv"}',
    "source_type": "http",
    "schema": '{"mlflow_colspec": [{"type": "string", "name": "zip"}]}',
    "profile": '{"num_rows": 9000}',
    "digest": "99999999",
    "name": "churn",
}


def told(reader: str, folder: Path, *datasets: Dataset) -> Found:
    """A run in either experiment for each dataset."""
    runs = [
        Run(
            id=f"{number:032x}", name=f"run{number}", experiment=str(1 + number % 2), datasets=[one]
        )
        for number, one in enumerate(datasets)
    ]
    with written(Said(runs=runs), reader, folder) as address:
        return Found(address)


def used(found: Found, name: str) -> str:
    (version,) = (e.cause for e in found.edges if e.effect == found.labelled(name).id and e.relation == "used")  # fmt: skip
    return version


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("differs", OTHERS)
def test_data_that_differ_in_one_thing_are_two_versions(reader, differs, tmp_path) -> None:
    found = told(reader, tmp_path, FRAUD, replace(FRAUD, **{differs: OTHERS[differs]}), FRAUD)
    assert used(found, "run0") == used(found, "run2")
    assert used(found, "run0") != used(found, "run1")
    assert len(found.of("DatasetVersion")) == 2
    for version in found.of("DatasetVersion"):
        assert not any(isinstance(value, tuple) for value in version.attributes.values())


@pytest.mark.parametrize("reader", READERS)
def test_one_version_in_two_experiments_stays_one(reader, tmp_path) -> None:
    spaced = replace(FRAUD, source='{ "uri":"/data/a.csv" }')
    found = told(reader, tmp_path, FRAUD, spaced, replace(FRAUD, context="test"))
    assert len({used(found, f"run{number}") for number in range(3)}) == 1


def test_every_reader_calls_a_version_the_same(tmp_path) -> None:
    versions = set()
    for reader in READERS:
        (tmp_path / reader).mkdir()
        versions.add(used(told(reader, tmp_path / reader, FRAUD), "run0"))
    assert len(versions) == 1


def test_the_impact_of_a_file_names_the_runs_of_no_other(opened, tmp_path) -> None:
    runs = [
        Run(id=f"{number:032x}", name=name, experiment=str(1 + number),
            datasets=[replace(FRAUD, source=f'{{"uri": "/data/{name}.csv"}}')])
        for number, name in enumerate(("fraud", "churn"))
    ]  # fmt: skip
    with written(Said(runs=runs), "tables", tmp_path) as address:
        opened.load(address)
    found = opened.impact("dataset:/data/fraud.csv")
    assert [node.label for node in found if node.kind == "Run"] == ["fraud"]
    with pytest.raises(Ambiguous):
        opened.impact("dataset:dataset")


def test_what_has_no_name_and_no_place_is_no_version_of_a_common_dataset(tmp_path) -> None:
    memory = replace(FRAUD, source_type="code", source='{"tags": {"mlflow.source.name": "a.py"}}')
    found = told("files", tmp_path, memory, replace(memory, digest="99999999"))
    assert len(found.of("DatasetVersion")) == 2
    assert found.of("Dataset") == []
