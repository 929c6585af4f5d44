# SPDX-License-Identifier: Apache-2.0
"""What the mutants of each importer are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from lineage import formats
from tests.formats.documents import EVERYTHING
from tests.importers.mlflow_written import (
    Dataset,
    Logged,
    Model,
    Run,
    Said,
    Version,
    as_files,
    as_tables,
)
from tests.importers.openlineage_events import RUN

_COLUMNS = {
    "fields": {
        "a": {
            "inputFields": [
                {
                    "namespace": "n",
                    "name": "d",
                    "field": "b",
                    "transformations": [{"type": "DIRECT", "subtype": "IDENTITY", "masking": True}],
                }
            ]
        }
    },
    "dataset": [{"namespace": "n", "name": "d", "field": "b"}],
}
_EVENT = {
    "eventType": "COMPLETE",
    "eventTime": "2026-01-02T03:04:05.5+02:00",
    "producer": "https://producer.example/1.2",
    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
    "run": {
        "runId": RUN,
        "facets": {
            "parent": {"run": {"runId": RUN}, "job": {"namespace": "n", "name": "p"}},
            "nominalTime": {"nominalStartTime": "2026-01-01T00:00:00Z"},
            "errorMessage": {"message": "it failed", "programmingLanguage": "python"},
            "processing_engine": {"version": "3.5", "name": "spark"},
            "environmentVariables": {"environmentVariables": [{"name": "HOME", "value": "/x"}]},
            "tags": {"tags": [{"key": "team", "value": "a", "source": "s"}]},
            "externalQuery": {"externalQueryId": "q", "source": "s"},
        },
    },
    "job": {
        "namespace": "etl",
        "name": "daily.load",
        "facets": {
            "sql": {"query": "SELECT 1", "dialect": "x"},
            "sourceCodeLocation": {"type": "git", "repoUrl": "https://g/x", "version": "a" * 40},
            "ownership": {"owners": [{"name": "team:a", "type": "OWNER"}]},
            "jobType": {"processingType": "BATCH", "integration": "SPARK", "jobType": "JOB"},
            "documentation": {"description": "loads"},
        },
    },
    "inputs": [
        {
            "namespace": "s3://lake",
            "name": "in",
            "facets": {
                "version": {"datasetVersion": "7"},
                "schema": {"fields": [{"name": "a", "type": "int", "fields": []}]},
                "dataSource": {"name": "lake", "uri": "s3://lake"},
                "symlinks": {"identifiers": [{"namespace": "h", "name": "t", "type": "TABLE"}]},
                "storage": {"storageLayer": "delta", "fileFormat": "parquet"},
            },
            "inputFacets": {"dataQualityMetrics": {"rowCount": 7, "columnMetrics": {"a": {}}}},
        }
    ],
    "outputs": [
        {
            "namespace": "postgres://db:5432",
            "name": "out",
            "facets": {
                "columnLineage": _COLUMNS,
                "lifecycleStateChange": {"lifecycleStateChange": "CREATE"},
            },
            "outputFacets": {"outputStatistics": {"rowCount": 7, "size": 100, "fileCount": 1}},
        }
    ],
}
_CRATE = {
    "@context": "https://w3id.org/ro/crate/1.1/context",
    "@graph": [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": "a crate",
            "hasPart": [{"@id": "a.csv"}, {"@id": "m.bin"}],
            "mainEntity": {"@id": "#w"},
            "mentions": {"@id": "#run"},
            "author": {"@id": "https://orcid.org/0000-0002-1825-0097"},
        },
        {"@id": "a.csv", "@type": "File", "sha256": "ab" * 32, "contentSize": "7"},
        {"@id": "m.bin", "@type": ["File", "SoftwareSourceCode"], "dateModified": "2026-01-01"},
        {"@id": "#w", "@type": "SoftwareApplication", "softwareVersion": "1"},
        {
            "@id": "#run",
            "@type": "CreateAction",
            "object": [{"@id": "a.csv"}],
            "result": {"@id": "m.bin"},
            "instrument": {"@id": "#w"},
            "agent": {"@id": "https://orcid.org/0000-0002-1825-0097"},
            "startTime": "2026-01-01T00:00:00Z",
            "endTime": "2026-01-01T00:00:01Z",
            "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
            "containerImage": {"@id": "#image"},
        },
        {"@id": "#image", "@type": "ContainerImage", "name": "docker.io/x:1", "sha256": "cd" * 32},
        {"@id": "https://orcid.org/0000-0002-1825-0097", "@type": "Person", "name": "Ana"},
        {"@id": "#c", "@type": "Collection", "hasPart": {"@id": "a.csv"}, "exampleOfWork": "#p"},
    ],
}
_UV = b"""version = 1
requires-python = ">=3.11"

[[package]]
name = "numpy"
version = "2.3.1"
source = { registry = "https://index.example/simple" }
dependencies = [{ name = "six", marker = "sys_platform == 'win32'" }]
sdist = { url = "https://files.example/numpy.tar.gz", hash = "sha256:%(hash)s", size = 7 }
wheels = [{ url = "https://files.example/numpy.whl", hash = "sha256:%(hash)s" }]

[[package]]
name = "six"
version = "1.17.0"
source = { registry = "https://index.example/simple" }
""".replace(b"%(hash)s", b"ab" * 32)
_POETRY = b"""[[package]]
name = "torch"
version = "2.2.0"
description = ""
optional = false
python-versions = ">=3.8"
files = [{file = "torch.whl", hash = "sha256:%b"}]

[metadata]
lock-version = "2.0"
python-versions = "^3.11"
content-hash = "x"
""" % (b"cd" * 32)
_CONDA = b"""version: 1
metadata:
  channels: [{url: conda-forge}]
  platforms: [linux-64]
package:
- name: numpy
  version: 1.26.0
  manager: conda
  platform: linux-64
  dependencies: {python: '>=3.11'}
  url: https://conda.example/linux-64/numpy-1.26.0-0.conda
  hash: {md5: 0123456789abcdef0123456789abcdef, sha256: %b}
""" % (b"ab" * 32)
_ENVIRONMENT = b"""name: e
channels: [conda-forge]
dependencies:
- python=3.11
- numpy>=1.26
- pip:
  - torch==2.2.0
"""
_REQUIREMENTS = (
    b"numpy==1.26.0 --hash=sha256:"
    + b"ab" * 32
    + b"\n-r other.txt\ntorch>=2 ; python_version<'4'\n"
    b"git+https://g.example/x@0123456789abcdef0123456789abcdef01234567#egg=x\n-e .\n"
)
_PIPFILE = json.dumps(
    {
        "_meta": {"hash": {"sha256": "ab" * 32}, "pipfile-spec": 6, "sources": []},
        "default": {"six": {"version": "==1.17.0", "hashes": ["sha256:" + "ab" * 32]}},
        "develop": {},
    }
).encode()
_RENV = json.dumps(
    {
        "R": {
            "Version": "4.4.0",
            "Repositories": [{"Name": "CRAN", "URL": "https://cran.example"}],
        },
        "Packages": {"dplyr": {"Package": "dplyr", "Version": "1.1.4", "Source": "Repository"}},
    }
).encode()

#: Samples by importer.
OF: Mapping[str, tuple[bytes, ...]] = {
    "openlineage": (json.dumps(_EVENT).encode(), json.dumps([_EVENT, _EVENT]).encode()),
    "rocrate": (json.dumps(_CRATE).encode(),),
    "lockfile": (_UV, _POETRY, _CONDA, _ENVIRONMENT, _REQUIREMENTS, _PIPFILE, _RENV),
    "document": tuple(
        formats.named(name).dumps(EVERYTHING)
        for name in ("json", "jsonld", "provn", "xml", "turtle")
    ),
}

#: Files of DVC by their place in a repository.
DVC: Mapping[str, bytes] = {
    "dvc.lock": b"""schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - {path: data/a.csv, md5: 0123456789abcdef0123456789abcdef, size: 7, hash: md5}
    params: {params.yaml: {rate: 0.1}}
    outs:
    - {path: model.bin, md5: 1123456789abcdef0123456789abcdef.dir, size: 9, nfiles: 2}
""",
    "dvc.yaml": b"""vars: [params.yaml]
stages:
  train:
    cmd: python train.py ${rate}
    deps: [data/a.csv]
    params: [rate]
    outs: [model.bin]
    metrics: [{metrics.json: {cache: false}}]
    foreach: [a, b]
    do: {cmd: echo ${item}}
""",
    "data/a.csv.dvc": b"outs:\n- {md5: 0123456789abcdef0123456789abcdef, size: 7, path: a.csv}\n",
    "params.yaml": b"rate: 0.1\nnested: {a: 1}\n",
    "metrics.json": b'{"auc": 0.5, "by": {"a": 1}}',
    ".dvc/config": b"[core]\n    remote = s\n['remote \"s\"']\n    url = s3://bucket/dvc\n",
    "uv.lock": _UV,
}

_SAID = Said(
    traces=1,
    runs=(
        Run(
            id="a" * 32,
            name="train",
            artifacts="/x/artifacts",
            source_version="b" * 40,
            tags={"mlflow.source.git.commit": "b" * 40, "mlflow.user": "ana", "note": "n"},
            datasets=(Dataset(), Dataset(name="other", source_type="s3")),
        ),
        Run(id="c" * 32, name="gone", deleted=True),
        *(Run(id=f"{n:032x}", name=f"r{n}", tags={"k": "v"}) for n in range(8)),
    ),
    logged=(Logged(id="m-1", run="a" * 32),),
    models=(
        Model(
            name="churn",
            versions=(Version(version="1", source=f"runs:/{'a' * 32}/model", run="a" * 32),),
            aliases={"champion": "1"},
            tags={"t": "v"},
        ),
    ),
)


def mlflow_tables(folder: Path) -> Path:
    """A store of MLflow in one SQLite file."""
    as_tables(_SAID, folder / "first.db")
    return folder / "first.db"


def mlflow_files(folder: Path) -> Path:
    """A store of MLflow in files."""
    as_files(_SAID, folder / "mlruns")
    return folder
