# SPDX-License-Identifier: Apache-2.0
"""What MLflow wrote down beside a model is an environment of its run."""

from __future__ import annotations

import pytest

import lineage

RUN = "ab" * 16
EXPERIMENT = "artifact_location: mlruns/1\nexperiment_id: '1'\nlifecycle_stage: active\nname: lab\n"
META = (
    "artifact_uri: mlruns/1/{run}/artifacts\nend_time: 1700000001000\nexperiment_id: '1'\n"
    "lifecycle_stage: active\nrun_id: {run}\nrun_uuid: {run}\nrun_name: baseline\n"
    "start_time: 1700000000000\nstatus: 3\nuser_id: ana\n"
)
REQUIREMENTS = "mlflow==2.9.2\nscikit-learn==1.5.0\n"
PYTHON = "python: 3.11.7\nbuild_dependencies:\n- pip==23.2\ndependencies:\n- -r requirements.txt\n"


def project(root, **files):
    place = root / "mlruns" / "1"
    (place / RUN / "artifacts" / "model").mkdir(parents=True)
    (place / "meta.yaml").write_text(EXPERIMENT)
    (place / RUN / "meta.yaml").write_text(META.format(run=RUN))
    for folder in ("params", "metrics", "tags"):
        (place / RUN / folder).mkdir()
    for name, text in files.items():
        path = place / RUN / "artifacts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def runs(answer):
    return {node.title for node in answer if node.kind == "Run"}


@pytest.fixture
def store():
    with lineage.open("memory:") as opened:
        yield opened


def test_a_run_used_what_its_model_was_logged_with(store, tmp_path):
    store.load(
        project(
            tmp_path,
            **{
                "model/MLmodel": "flavors: {}\n",
                "model/requirements.txt": REQUIREMENTS,
                "model/python_env.yaml": PYTHON,
            },
        )
    )
    assert runs(store.ask('kind:run and package:"scikit-learn==1.5.0"')) == {"baseline"}
    assert runs(store.impact("pkg:pypi/scikit-learn@1.5.0")) == {"baseline"}
    (environment,) = store.ask("kind:environment")
    assert environment.attributes["python"] == "3.11.7"
    (used,) = (e for e in store.show("run:baseline").edges if e.cause == environment.id)
    assert used.attributes["method"] == "logged"
    gaps = {gap.code for gap in store.trace("run:baseline").certificate.gaps}
    assert "environment-unknown" not in gaps


def test_requirements_that_are_no_model_s_are_an_artifact_like_others(store, tmp_path):
    store.load(project(tmp_path, **{"requirements.txt": REQUIREMENTS}))
    assert runs(store.ask('kind:run and package:"scikit-learn"')) == set()
    gaps = {gap.code for gap in store.trace("run:baseline").certificate.gaps}
    assert "environment-unknown" in gaps


def test_what_cannot_be_read_beside_a_model_is_no_environment(store, tmp_path):
    files = {"model/MLmodel": "flavors: {}\n", "model/conda.yaml": "- [\n"}
    store.load(project(tmp_path, **files))
    assert not store.ask("kind:environment").nodes


def test_the_image_that_a_project_was_run_in_is_the_environment_of_its_runs(store, tmp_path):
    project(tmp_path)
    tags = tmp_path / "mlruns" / "1" / RUN / "tags"
    (tags / "mlflow.docker.image.uri").write_text("registry.example/churn:3")
    (tags / "mlflow.docker.image.id").write_text("sha256:" + "0f" * 32)
    store.load(tmp_path)
    (environment,) = store.ask("kind:environment")
    assert environment.title == "registry.example/churn:3"
    assert environment.attributes["digest"] == "sha256:" + "0f" * 32
    assert "environment-unknown" not in {
        g.code for g in store.trace("run:baseline").certificate.gaps
    }
    assert runs(store.impact(environment.id)) == {"baseline"}
