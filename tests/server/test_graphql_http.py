# SPDX-License-Identifier: Apache-2.0
"""The letter of GraphQL over HTTP, by the audit of graphql-http."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.graphql_schema.cases import small
from tests.server.conftest import application, listening

AUDIT = Path(__file__).resolve().parents[2] / "tools" / "graphql-http"


def missing(reason):
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def node():
    """Node, with what the audit needs installed on first use."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        missing("no node and npm for graphql-http's audit")
    if not (AUDIT / "node_modules" / "graphql-http").is_dir():
        command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=AUDIT, capture_output=True, text=True, check=False)
        if done.returncode:
            missing("npm could not install graphql-http: is there a registry?")
    return program


def test_every_audit_of_graphql_http_holds(node):
    with small() as store:
        app = application(store)
        with listening(app) as address:
            done = subprocess.run(
                [node, "audit.mjs", f"{address}/graphql"],
                cwd=AUDIT,
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            )
        app.state.runtime.close()
    found = json.loads(done.stdout)
    failed = [(result["name"], result["reason"]) for result in found if result["status"] != "ok"]
    assert not failed
    assert len(found) == 61


def test_no_lockfile_names_a_registry():
    locked = json.loads((AUDIT / "package-lock.json").read_text("utf-8"))
    assert not [name for name, held in locked["packages"].items() if "resolved" in held]
