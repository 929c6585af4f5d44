# SPDX-License-Identifier: Apache-2.0
"""The page to ask from, in a real Chromium: login, keys, answers as text, nothing foreign."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import threading

import pytest
import uvicorn
from fastapi import APIRouter, Request

from lineage import app as root
from lineage.access.tokens import Role
from lineage.server import app as application
from lineage.server.access import needs
from lineage.server.serve import address_of, bind
from lineage.services.operate import tokens
from tests.server import browser

HOSTILE = "<img src=x onerror=document.title='owned'>"
ANSWER = {
    "data": {
        "trace": {
            "nodes": [
                {"id": "urn:m", "kind": "ModelVersion", "label": HOSTILE, "attributes": {}},
                {"id": "urn:r", "kind": "Run", "label": "train", "attributes": {}},
            ],
            "edges": [
                {"type": "wasGeneratedBy", "effect": "urn:m", "cause": "urn:r", "attributes": {}}
            ],
            "certificate": {
                "complete": False,
                "cut": {"reason": "limit", "left": 7},
                "as_of": 41,
                "root": "5f" * 32,
            },
        }
    }
}


@pytest.fixture
def asked(monkeypatch):
    """What the page sends to a /graphql that always gives one answer."""
    router, sent = APIRouter(), []

    @router.post("/graphql")
    @needs(Role.viewer)
    async def graphql(request: Request) -> dict:
        sent.append(await request.json())
        return ANSWER

    monkeypatch.setattr(application, "ROUTERS", (lambda _: router, *application.ROUTERS))
    return sent


@pytest.fixture
def address(asked):
    """The server on a thread; its address with the token as HTTP Basic."""
    with root.served("memory:") as runtime, bind("127.0.0.1", 0) as bound:
        _, secret = tokens.add(runtime.writing, "reader", Role.viewer)
        app = application.create_app(runtime, stream=io.StringIO())
        config = uvicorn.Config(app, log_config=None, lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server._serve([bound])))
        thread.start()
        yield address_of(bound).replace("//", f"//me:{secret}@")
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def page(address, tmp_path):
    with browser.browsing(tmp_path / "profile") as opened:
        opened.open(address)
        yield opened


def test_a_question_is_asked_with_the_keyboard_and_answered_as_text(page, asked, tmp_path):
    assert page.evaluate("document.activeElement.id") == "query"
    page.press("Enter", 13, modifiers=2)
    page.wait("document.querySelectorAll('#things td').length > 0")
    assert asked[0]["variables"] == {"ref": "model:fraud@v3"}
    assert "trace(ref: $ref)" in asked[0]["query"]
    told = page.evaluate("document.getElementById('certificate').textContent")
    assert told.startswith("trace: not complete, because it holds more than the limit asked for")
    assert "7 things are known to lie beyond. 2 things, 1 link, as of entry 41" in told
    assert HOSTILE in page.evaluate("document.getElementById('things').textContent")
    assert page.evaluate("document.querySelectorAll('#things img').length") == 0
    page.evaluate("document.getElementById('tab-json').click()")
    shown = page.evaluate("document.getElementById('json').textContent")
    assert json.loads(shown) == ANSWER
    assert page.evaluate("document.title") == "Ask the lineage"
    origin = page.evaluate("location.origin")
    assert all(url.startswith((origin, "http://me:")) for url in page.requested), page.requested
    assert page.complaints == []
    page.evaluate("document.getElementById('tab-things').click()")
    page.picture(tmp_path / "light.png")
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    page.call("Emulation.setEmulatedMedia", features=dark)
    page.picture(tmp_path / "dark.png")


def test_bad_variables_are_said_and_not_sent(page, asked):
    page.evaluate("document.getElementById('variables').value = '{'")
    page.evaluate("document.getElementById('run').click()")
    page.wait("document.getElementById('certificate').textContent.includes('not JSON')")
    assert asked == []


def test_the_same_request_runs_as_python_and_curl(page, asked, address):
    body = {"query": "{ a }", "variables": {"s": 'it\'s "quoted" \\ $HOME `x` \u00e9'}}
    secret = address.partition("me:")[2].partition("@")[0]
    origin = page.evaluate("location.origin")
    for name, command in (("python", [sys.executable, "-c"]), ("curl", ["sh", "-c"])):
        script = page.evaluate(
            f"import('/static/words.js').then(w => w.{name}({json.dumps(origin + '/graphql')}, "
            f"{json.dumps(body)}))"
        )
        environ = {**os.environ, "LINEAGE_TOKEN": secret}
        done = subprocess.run([*command, script], capture_output=True, env=environ, check=True)
        assert json.loads(done.stdout) == ANSWER
        assert asked[-1] == body


def test_every_example_is_answered_by_the_real_server(page, monkeypatch, serving):
    monkeypatch.setattr(application, "ROUTERS", application.ROUTERS[1:])
    site = serving()
    found = page.evaluate("import('/static/examples.js').then(m => m.EXAMPLES)")
    assert len(found) == 6
    names = {
        "query": "*",
        "after": None,
        "ref": "urn:m",
        "a": "urn:m",
        "b": "urn:d",
        "text": "fraud",
    }
    for example in found:
        variables = {name: names[name] for name in example["variables"]}
        if "compare" in example["query"]:
            variables = {"a": "urn:r", "b": "urn:r"}
        asked = {"query": example["query"], "variables": variables}
        told = site.client.post("/graphql", json=asked, headers=site.bearer()).json()
        assert "errors" not in told, (example["name"], told)
        (answer,) = told["data"].values()
        assert "fair" in answer or answer["nodes"]
        assert answer["certificate"]["complete"] is True
