# SPDX-License-Identifier: Apache-2.0
"""Nobody gets in without a token, whatever route, spelling, host or page they try."""

from __future__ import annotations

import base64
import io
import random
from datetime import timedelta
from urllib.parse import quote

import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from lineage.access.tokens import Role
from lineage.server import app as application
from lineage.server.access import access_of, undeclared
from lineage.services.operate import tokens

PUBLIC = {"/healthz", "/readyz"}


def concrete(route):
    return route.path.replace("{id:path}", "urn:m")


def test_every_route_declares_its_role_and_refuses_whoever_brings_no_token(site):
    assert undeclared(site.app.routes) == []
    assert {r.path for r in site.app.routes if access_of(r).role is None} == PUBLIC
    for route in site.app.routes:
        for method in getattr(route, "methods", None) or ():
            status = site.client.request(method, concrete(route)).status_code
            assert (status == 200) == (route.path in PUBLIC), (method, route.path)
            if route.path not in PUBLIC:
                assert status == 401


def test_a_route_or_socket_that_declares_nothing_is_refused_even_to_an_admin(site, monkeypatch):
    forgotten = APIRouter()
    calls = []
    forgotten.get("/forgotten")(lambda: calls.append("http"))

    @forgotten.websocket("/forgotten-socket")
    async def socket(websocket):
        calls.append("socket")

    monkeypatch.setattr(application, "ROUTERS", (*application.ROUTERS, lambda _: forgotten))
    app = application.create_app(site.runtime, stream=io.StringIO())
    assert undeclared(app.routes) == ["/forgotten", "/forgotten-socket"]
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.get("/forgotten", headers=site.bearer("admin")).status_code == 403
        for headers in ({}, site.bearer("admin")):
            with (
                pytest.raises(WebSocketDisconnect),
                client.websocket_connect("/forgotten-socket", headers=headers),
            ):
                pass
    assert calls == []


def mangled(rng, path):
    """A spelling that some server, proxy or filter somewhere took for another."""
    tricks = (
        lambda p: p.replace("/", "//", 1),
        lambda p: p.replace("/", "/./"),
        lambda p: "/healthz/.." + p,
        lambda p: "/healthz/..;" + p,
        lambda p: "/healthz;" + p,
        lambda p: p + ";/healthz",
        lambda p: p + "/../healthz",
        lambda p: p + "%2f..%2fhealthz",
        lambda p: p + "%00",
        lambda p: p + "\x00healthz",
        lambda p: p + "?/healthz",
        lambda p: p + "#/healthz",
        lambda p: p + "/",
        lambda p: p.upper(),
        lambda p: p.swapcase(),
        lambda p: p.replace("/", "%2f"),
        lambda p: p.replace("/", "%252e%252f"),
        lambda p: p.replace("/", "\\"),
        lambda p: "/%2e%2e" + p,
        lambda p: "".join(f"%{ord(c):02x}" if rng.random() < 0.3 else c for c in p),
        lambda p: quote(p, safe="/") + "%20",
        lambda p: p + "\u2024\u2024/healthz",
    )
    for _ in range(rng.randint(1, 3)):
        path = rng.choice(tricks)(path)
    return path


async def ask(app, path, method="GET", headers=()):
    """A request straight into the application, with the path as no client would normalise it."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, send)
    return sent[0]["status"]


def test_two_thousand_mangled_paths_reach_nothing_without_a_token(site):
    import asyncio
    from urllib.parse import unquote

    rng = random.Random(7)
    paths = [concrete(route) for route in site.app.routes if route.path not in PUBLIC]
    tried = [mangled(rng, rng.choice(paths)) for _ in range(2000)]

    async def every():
        for path in tried:
            for spelling in {path, unquote(path), path.partition("?")[0].partition("#")[0]}:
                method = rng.choice(("GET", "POST", "HEAD", "OPTIONS", "TRACE"))
                status = await ask(site.app, spelling, method)
                assert status == 401, (method, spelling)

    asyncio.run(every())


@pytest.mark.parametrize("role", [role.name for role in Role])
def test_a_token_opens_what_its_role_may(site, role):
    assert site.client.get("/metrics", headers=site.bearer(role)).status_code == 200
    login = base64.b64encode(f"anybody:{site.secrets[role]}".encode()).decode()
    assert site.client.get("/", headers={"authorization": f"Basic {login}"}).status_code == 200


def test_a_refusal_tells_a_browser_to_ask_for_the_token(site):
    answer = site.client.get("/")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s[:-1],
        lambda s: s[:-1] + ("a" if s[-1] != "a" else "b"),
        lambda s: s[:12] + ("a" if s[12] != "a" else "b") + s[13:],
        lambda s: s.swapcase(),
        lambda s: s + "=",
        lambda s: s + "\u00e9",
        lambda s: "lin_" + "0" * 8 + "_" + "0" * 49,
        lambda _: "",
        lambda _: "null",
        lambda _: "x" * 10_000,
    ],
)
def test_what_is_nearly_a_token_opens_nothing(site, spoil):
    secret = spoil(site.secrets["admin"]).encode()
    for value in (b"Bearer " + secret, b"Basic " + base64.b64encode(b"x:" + secret), secret):
        assert site.client.get("/", headers={"authorization": value}).status_code == 401


def test_a_revoked_token_opens_nothing_at_once_and_another_process_knows_soon(serving, tmp_path):
    here = serving(str(tmp_path / "s.db"), token_refresh=0.05)
    assert here.client.get("/", headers=here.bearer()).status_code == 200
    elsewhere = tokens.Keyring()
    elsewhere.revoke(here.runtime.writing, here.ids["viewer"])
    import time

    deadline = time.monotonic() + 20
    while here.client.get("/", headers=here.bearer()).status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert here.client.get("/", headers=here.bearer("admin")).status_code == 200


def test_revoking_in_one_process_needs_no_refresh(site):
    keyring = tokens.Keyring()
    ctx = site.runtime.writing
    keyring.refresh(ctx)
    secret = site.secrets["viewer"]
    assert keyring.authenticate(secret, ctx.clock()).name == "viewer"
    keyring.revoke(ctx, site.ids["viewer"])
    assert keyring.authenticate(secret, ctx.clock()) is None
    keyring.refresh(ctx)
    assert keyring.authenticate(secret, ctx.clock()) is None


def test_tokens_expire_and_a_table_that_cannot_be_read_again_opens_nothing(site):
    now = [0.0]
    keyring = tokens.Keyring(lambda: now[0])
    ctx = site.runtime.writing
    secret = site.secrets["admin"]
    with pytest.raises(tokens.StoreUnreachable):
        keyring.authenticate(secret, ctx.clock())
    keyring.refresh(ctx)
    assert keyring.authenticate(secret, ctx.clock() + timedelta(days=89))
    assert keyring.authenticate(secret, ctx.clock() + timedelta(days=91)) is None
    now[0] = tokens.STALE + 1
    with pytest.raises(tokens.StoreUnreachable):
        keyring.authenticate(secret, ctx.clock())


def test_no_secret_is_kept(site):
    kept = str(site.runtime.writing.store.values_under(""))
    assert all(secret not in kept and secret[13:] not in kept for secret in site.secrets.values())


OURS, THEIRS = "http://127.0.0.1", "https://evil.example"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:8123"}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "[::1]:80"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"host": "[::1"}, 421),
        ({"host": ""}, 421),
        ({"origin": OURS}, 200),
        ({"origin": THEIRS}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:9"}, 403),
        ({"origin": "http://[bad"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 200),
        ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, 200),
    ],
)
def test_other_hosts_and_pages_of_other_sites_are_refused(site, headers, status):
    answer = site.client.get("/metrics", headers={**site.bearer(), **headers})
    assert answer.status_code == status


def test_hosts_and_sites_can_be_allowed_by_name(serving):
    site = serving(hosts=frozenset({"lab.example"}), origins=frozenset({THEIRS}))
    allowed = {**site.bearer(), "host": "lab.example:8000", "origin": THEIRS}
    answer = site.client.get("/metrics", headers=allowed)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, THEIRS)
    assert site.client.get("/metrics", headers={**site.bearer()}).status_code == 421
