# SPDX-License-Identifier: Apache-2.0
"""A source that changed after it was imported is said to have, beside every answer."""

from __future__ import annotations

import shutil

import pytest

import lineage
from tests.services.test_joins import BIG, LOCK, Project

TRACKED = "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  path: {name}\n"
EVENT = (
    '{"eventType":"COMPLETE","eventTime":"2026-05-01T12:00:00Z","producer":"https://e.example/p",'
    '"run":{"runId":"01a21795-a796-785d-9b9c-a08e65315710"},"job":{"namespace":"n","name":"j"}}\n'
)


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "churn")
    made.commit(
        **{
            "data/train.csv": BIG,
            "model.bin.dvc": TRACKED.format(name="model.bin"),
            "uv.lock": LOCK.format(numpy="2.3.1"),
            "events.ndjson": EVENT,
            "mlruns/0/meta.yaml": "artifact_location: a\nexperiment_id: '0'\nname: Default\n",
        }
    )
    return made


def changed(store):
    gaps = store.impact("data/train.csv").certificate.gaps
    return [(gap.example, gap.command) for gap in gaps if gap.code == "source-changed"]


WRITTEN = {
    "model.bin.dvc": TRACKED.format(name="another.bin"),
    "other.bin.dvc": TRACKED.format(name="other.bin"),
    "uv.lock": LOCK.format(numpy="2.3.2") + "\n",
    f"mlruns/0/{32 * 'a'}/meta.yaml": f"run_id: {32 * 'a'}\nexperiment_id: '0'\nstatus: 3\n",
    "events.ndjson": EVENT * 2,
    "a commit": "",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_was_written_since_is_told_with_the_command_that_brings_it(project, name):
    with lineage.open("memory:") as store:
        store.load(project.root)
        if name == "a commit":
            project.git("commit", "-q", "--allow-empty", "-m", "more")
        else:
            (project.root / name).parent.mkdir(exist_ok=True)
            (project.root / name).write_text(WRITTEN[name])
        source = project.root / name if name == "events.ndjson" else project.root
        assert changed(store) == [(str(source), f"lineage import {source}")]
        store.load(project.root)
        assert changed(store) == []


def test_what_is_no_longer_there_has_not_changed(project):
    with lineage.open("memory:") as store:
        store.load(project.root)
        shutil.rmtree(project.root)
        assert changed(store) == []
