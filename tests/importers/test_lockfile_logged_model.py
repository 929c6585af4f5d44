# SPDX-License-Identifier: Apache-2.0
"""The three files that MLflow writes beside a logged model are one environment."""

from __future__ import annotations

import pytest

from importers.lockfile import environment_of_model, environments_in
from importers.lockfile.records import environment_id
from importers.tally import Tally

#: As MLflow 2.9.2 and 3.17.2 write them.
MLFLOW_2 = {
    "requirements.txt": b"mlflow==2.9.2\ncloudpickle==2.2.1\nnumpy==1.24.3\nscikit-learn==1.3.2",
    "python_env.yaml": b"""python: 3.10.12
build_dependencies:
- pip==23.1.2
- setuptools==65.5.0
- wheel==0.41.1
dependencies:
- -r requirements.txt
""",
    "conda.yaml": b"""channels:
- conda-forge
dependencies:
- python=3.10.12
- pip<=23.1.2
- pip:
  - mlflow==2.9.2
  - cloudpickle==2.2.1
  - numpy==1.24.3
  - scikit-learn==1.3.2
name: mlflow-env
""",
}
MLFLOW_3 = {
    "requirements.txt": b"mlflow==3.17.2\ncloudpickle==3.1.2\nnumpy==2.3.5\npsutil==7.1.3\nskops==0.13.0\n",
    "python_env.yaml": b"""python: 3.11.7
build_dependencies:
- pip==23.2.1
- setuptools==65.5.0
- wheel
dependencies:
- -r requirements.txt
""",
    "conda.yaml": b"""channels:
- conda-forge
dependencies:
- python=3.11.7
- pip<=23.2.1
- pip:
  - mlflow==3.17.2
  - cloudpickle==3.1.2
  - numpy==2.3.5
  - psutil==7.1.3
  - skops==0.13.0
name: mlflow-env
""",
}
SAMPLES = {"2.x": (MLFLOW_2, "3.10.12", 4), "3.x": (MLFLOW_3, "3.11.7", 5)}


@pytest.mark.parametrize("version", SAMPLES)
def test_it_is_the_same_environment_whichever_of_the_files_were_kept(version):
    files, python, packages = SAMPLES[version]
    tally = Tally()
    whole = environment_of_model(files, tally)
    assert (whole.python, len(whole.packages), whole.unpinned) == (python, packages, [])
    assert tally.losses() == ()
    for kept in (
        {"requirements.txt", "python_env.yaml"},
        {"requirements.txt", "conda.yaml"},
        {"conda.yaml"},
        {"conda.yaml", "python_env.yaml"},
    ):
        some = environment_of_model({k: files[k] for k in kept}, Tally())
        assert environment_id(some) == environment_id(whole), kept


def test_without_an_interpreter_it_is_not_known_and_without_files_there_is_no_environment():
    alone = environment_of_model({"requirements.txt": MLFLOW_3["requirements.txt"]}, Tally())
    assert alone.python is None and len(alone.packages) == 5
    [same] = environments_in("requirements.txt", MLFLOW_3["requirements.txt"], Tally(), {}.get)
    assert environment_id(alone) == environment_id(same)
    bare = environment_of_model({"python_env.yaml": MLFLOW_3["python_env.yaml"]}, Tally())
    assert (bare.python, bare.packages) == ("3.11.7", [])
    assert environment_of_model({}, Tally()) is None
    assert environment_of_model({"MLmodel": b"run_id: 1\n"}, Tally()) is None


def test_what_is_open_stays_open_and_secrets_stay_out():
    files = {
        **MLFLOW_2,
        "requirements.txt": b"--extra-index-url https://ana:hunter2@packages.example/simple\n"
        b"mlflow\n-c constraints.txt\n-r more.txt\nmine @ https://ana:hunter2@host.example/mine.zip\n",
        "more.txt": b"numpy==1.24.3\n",
    }
    tally = Tally()
    found = environment_of_model(files, tally)
    assert [x.purl for x in found.packages] == ["pkg:pypi/numpy@1.24.3"]
    assert found.unpinned == ["mlflow", "mine @ https://host.example/mine.zip"]
    assert "hunter2" not in repr((found, tally.losses()))


def test_an_environment_that_somebody_gave_to_conda_keeps_what_conda_was_asked_for():
    conda = b"""name: mine
channels: [pytorch]
dependencies:
- python=3.9
- pip
- pytorch::pytorch=1.11.0=py3.9_cpu_0
- cudatoolkit>=11
- pip:
  - mlflow==1.30.0
"""
    only = environment_of_model({"conda.yaml": conda}, Tally())
    assert only.python == "3.9"
    assert {x.purl.partition("?")[0] for x in only.packages} == {
        "pkg:conda/pytorch@1.11.0",
        "pkg:pypi/mlflow@1.30.0",
    }
    assert only.unpinned == ["cudatoolkit>=11"]
    tally = Tally()
    beside = environment_of_model(
        {"conda.yaml": conda, "requirements.txt": b"mlflow==1.30.0\n"}, tally
    )
    assert [x.purl for x in beside.packages] == ["pkg:pypi/mlflow@1.30.0"]
    assert [(loss.what, loss.number) for loss in tally.losses()] == [("packages", 1)]


BROKEN = {
    "requirements.txt": b'{"a": 1}\n',
    "python_env.yaml": b"python: [3\n",
    "conda.yaml": b"- a\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_broken_file_costs_what_only_it_says(name):
    tally = Tally()
    found = environment_of_model({**MLFLOW_2, name: BROKEN[name]}, tally)
    whole = environment_of_model(MLFLOW_2, Tally())
    assert environment_id(found) == environment_id(whole)
    assert [x.what for x in tally.losses() if x.what != "lines"] == ["environment files"]
    assert name in tally.losses()[-1].reason or name in tally.losses()[0].reason


def test_files_that_disagree_about_python_say_so():
    tally = Tally()
    files = {**MLFLOW_2, "python_env.yaml": b"python: 3.12.1\n"}
    assert environment_of_model(files, tally).python == "3.12.1"
    assert [(x.what, x.number) for x in tally.losses()] == [("versions of Python", 1)]


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"python": "3.11.7"}'])
def test_captured_facts_that_are_none_are_counted_and_the_other_files_describe_it(data):
    tally = Tally()
    found = environment_of_model({**MLFLOW_3, "installed.json": data}, tally)
    assert environment_id(found) == environment_id(environment_of_model(MLFLOW_3, Tally()))
    assert [loss.what for loss in tally.losses()] == ["environment files"]


def test_what_was_seen_installed_is_believed_before_what_was_asked_for():
    facts = b"""{"python": "3.12.1", "distributions": [
        {"path": "/x/numpy-2.0.0.dist-info", "name": "numpy", "version": "2.0.0", "tags": 5},
        {"path": "/x/odd-1.dist-info", "name": ["odd"], "version": "1"}, "no table"]}"""
    found = environment_of_model({**MLFLOW_3, "installed.json": facts}, Tally())
    assert found.python == "3.12.1"
    assert [x.purl for x in found.packages] == ["pkg:pypi/numpy@2.0.0"]
