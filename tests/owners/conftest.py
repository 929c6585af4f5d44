# SPDX-License-Identifier: Apache-2.0
"""A project whose data DVC tracks, with a CODEOWNERS, and runs of MLflow's kind that made models of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.decisions.conftest import command, folder  # noqa: F401 - fixtures
from tests.importers.conftest import Repository, new_repository  # noqa: F401 - a fixture


def digest_of(path: str) -> str:
    """What DVC would know a file by."""
    return hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()


def tracked(path: str) -> str:
    """What DVC writes beside a file that it tracks."""
    name = path.rpartition("/")[2]
    return f"outs:\n- md5: {digest_of(path)}\n  size: 1000\n  hash: md5\n  path: {name}\n"


@pytest.fixture
def project(new_repository) -> Callable[..., Repository]:  # noqa: F811 - the fixture
    """A repository with these data sets, these files and this CODEOWNERS."""

    def make(
        owners: str | None,
        *data: str,
        at: str = ".github/CODEOWNERS",
        files: Mapping[str, str] = {},
        name: str = "project",
    ) -> Repository:
        made: Repository = new_repository(name)
        said = {} if owners is None else {at: owners}
        made.commit("Data", {**{f"{path}.dvc": tracked(path) for path in data}, **said, **files})
        return made

    return make


def owners_of(store: Any) -> dict[str, list[str]]:
    """Each data set with those who answer for it, or with nobody, and what says so."""
    found: dict[str, list[str]] = {}
    for node in store.find(kinds=["Dataset"]):
        said = store.trace(node.id, depth=1, via=["wasAttributedTo"], limit=100)
        called = {one.id: one.label or one.attributes.get("email") for one in said}
        found[node.title] = sorted(
            f"{called[edge.cause]} {edge.attributes.get('evidence', 'stated')}"
            for edge in said.edges
            if edge.effect == node.id
        )
        if node.attributes.get("owner") == "nobody":
            found[node.title] += [f"nobody {node.attributes['owner_evidence']}"]
    return found
