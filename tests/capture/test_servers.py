# SPDX-License-Identifier: Apache-2.0
"""Runs that are delivered to a server: by whoever has a token, under their own name."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace

import pytest

import lineage
from lineage.access.tokens import Role
from lineage.errors import BadInput, Denied
from lineage.services.context import now
from lineage.services.operate import tokens
from lineage.sources import run_file
from lineage.store.base import NOW
from tests.capture.launched import LINEAGE, run, runs, spooled, stored
from tests.server.sites import running


@pytest.fixture
def server(workspace):
    """A server over the workspace's store, and a token for each role, by its name."""
    with stored(workspace) as opened:
        context = replace(opened.context, clock=now)
        secrets = {role.name: tokens.add(context, role.name, role)[1] for role in Role}
    with running(workspace / ".lineage" / "store.db") as served:
        yield served.address, secrets


def environ(server, role="contributor", **more):
    url, secrets = server
    return {**os.environ, "LINEAGE_STORE": url, "LINEAGE_TOKEN": secrets[role], **more}


def test_a_run_goes_to_the_server_and_its_end_replaces_its_beginning(workspace, server):
    done = run("sh", "-c", "sleep 3; exit 2", options=["--name", "far"], env=environ(server))
    assert (done.returncode, done.stderr) == (2, "")
    assert spooled(workspace) == []
    with stored(workspace) as opened:
        [found] = opened.ask("kind:run").nodes
        written = [header.source for header in opened.store.headers(0, 100, NOW)]
    assert (found.attributes["status"], found.attributes["name"]) == ("failed", "far")
    # While it ran, and when it had ended.
    assert [source.partition("/")[0] for source in written if "captured" in source] == [
        "captured:contributor"
    ] * 2


def test_without_a_server_or_a_token_that_may_it_waits_and_is_pushed_later(workspace, server):
    for refused in (environ(server, "viewer"), environ(server, LINEAGE_STORE="http://127.0.0.1:9")):
        done = run("true", options=["--name", "late"], env=refused)
        assert done.returncode == 0
        assert len(done.stderr.splitlines()) == 1
        assert "'lineage push' delivers it" in done.stderr
    assert len(spooled(workspace)) == 2
    for _ in range(2):
        subprocess.run([*LINEAGE, "push"], env=environ(server), capture_output=True, check=True)
    assert spooled(workspace) == []
    assert len(runs(workspace)) == 2


def test_nobody_says_anew_what_the_run_of_another_was(workspace, server, monkeypatch):
    url, secrets = server
    run("true", options=["--name", "mine"], env=environ(server, LINEAGE_STORE="http://127.0.0.1:9"))
    [file] = spooled(workspace)
    data = file.read_bytes()
    with lineage.open(url, token=secrets["contributor"]) as mine:
        mine.take_run(data)
    events = [{**event, "name": "theirs"} for event in run_file.parse(data).events]
    with lineage.open(url, token=secrets["steward"]) as theirs:
        [report] = theirs.take_run(b"".join(map(run_file.line, events)))
        assert report.source.startswith("captured:steward/")
        with pytest.raises(BadInput):
            theirs.take_run(b"nothing of the kind")
    with lineage.open(url, token=secrets["viewer"]) as reader, pytest.raises(Denied):
        reader.take_run(data)
    with stored(workspace) as opened:
        [found] = opened.ask("kind:run").nodes
        said = {each.source for each in opened.show(found.id).evidence}
    assert found.label == "mine"
    assert len(said) == 2
