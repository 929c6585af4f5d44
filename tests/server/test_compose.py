# SPDX-License-Identifier: Apache-2.0
"""What `docker compose up` would start, read without Docker: commands that exist, nobody root."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from click.testing import CliRunner

from lineage.cli import cli

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def test_the_server_waits_for_its_store_and_listens_on_this_machine_only():
    server, neo4j = COMPOSE["services"]["server"], COMPOSE["services"]["neo4j"]
    assert server["depends_on"]["neo4j"]["condition"] == "service_healthy"
    assert neo4j["healthcheck"]["test"]
    for service in (server, neo4j):
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert server["environment"]["LINEAGE_STORE"] == "neo4j://neo4j:7687"


def test_no_password_is_written_down():
    for service in COMPOSE["services"].values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD|AUTH", name):
                assert "${LINEAGE_NEO4J_PASSWORD:?" in value


def test_no_password_is_an_argument_that_every_user_of_the_machine_sees():
    for service in COMPOSE["services"].values():
        shown = " ".join(map(str, (service.get("command", ""), service.get("healthcheck", ""))))
        assert not re.search(r"(?:-p|--password)[ =]", shown)


def test_every_lineage_command_in_it_is_one_of_ours_with_its_options():
    shell = COMPOSE["services"]["server"]["command"][2]
    commands = re.findall(r"\blineage ((?:token )?[a-z]+)([^|\n]*)", shell)
    assert {verb for verb, _ in commands} == {"token list", "token add", "serve"}
    for verb, rest in commands:
        told = CliRunner().invoke(cli, [*verb.split(), "--help"]).output
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in told


def test_the_image_runs_as_nobody_special_and_checks_its_own_health():
    assert re.search(r"^USER lineage$", DOCKERFILE, re.MULTILINE)
    assert "/readyz" in DOCKERFILE
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for path in " ".join(copied).split():
        assert (ROOT / path).exists()
        assert f"!{path}" in ignored
