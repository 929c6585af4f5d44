# SPDX-License-Identifier: Apache-2.0
"""GraphQL as Apollo, urql and graphql-ws ask, in Node, and as Relay reads the schema."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import lineage
from graphql_schema import make
from tests.server.sites import DEMO, running

CLIENTS = Path(__file__).resolve().parents[2] / "tools" / "graphql-clients"


def missing(why):
    (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """What the clients were answered by a real server; they are installed on first use."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing("no node and npm for the clients of GraphQL")
    if not (CLIENTS / "node_modules" / "graphql-ws").is_dir():
        command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=CLIENTS, capture_output=True, text=True, check=False)
        if done.returncode:
            missing("npm could not install the clients of GraphQL: is there a registry?")
    path = tmp_path_factory.mktemp("clients") / "s.db"
    with lineage.open(path) as store:
        store.ingest(DEMO)
    with running(path) as served:
        done = subprocess.run(
            [node, "clients.mjs", served.address, served.secret],
            cwd=CLIENTS,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "name",
    [
        "apollo persisted, get false",
        "apollo persisted, get true",
        "urql persisted, get false",
        "urql persisted, get true",
        "graphql-ws, token in the handshake",
        "graphql-ws, token in connection_init",
    ],
)
def test_a_client_that_people_use_is_answered(answered, name):
    assert answered[name] == 3


def test_graphql_ws_is_told_that_its_token_is_wrong(answered):
    assert answered["graphql-ws, wrong token"]["code"] == 4403


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_digest_without_its_query_is_the_error_that_clients_know(client, method, accept):
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
    if method == "GET":
        options = {"params": {"extensions": json.dumps(persisted)}}
    else:
        options = {"json": {"extensions": persisted, "operationName": "Held", "variables": {}}}
    answer = client.request(method, "/graphql", headers={"accept": accept}, **options)
    assert answer.status_code == (200 if accept == "application/json" else 400)
    (error,) = answer.json()["errors"]
    assert error["message"] == "PersistedQueryNotSupported"
    assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_SUPPORTED"
    whole = {"query": "{stats{nodes}}", "extensions": persisted}
    assert client.post("/graphql", json=whole).json()["data"]["stats"]["nodes"] == 13


def test_relay_finds_the_node_field_that_refetching_needs():
    schema = make()._schema
    node = schema.query_type.fields["node"]
    assert str(node.type) == "Node"
    assert {name: str(given.type) for name, given in node.args.items()} == {"id": "ID!"}
    assert str(schema.type_map["Node"].fields["id"].type) == "ID!"


def test_no_lockfile_names_a_registry():
    locked = json.loads((CLIENTS / "package-lock.json").read_text("utf-8"))
    assert not [name for name, held in locked["packages"].items() if "resolved" in held]
