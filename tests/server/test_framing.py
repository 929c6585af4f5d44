# SPDX-License-Identifier: Apache-2.0
"""A connection is read in one way only: no body is taken for a request, no request for a body."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.server.wire import everything, head, talking

QUERY = b'{"query":"{stats{nodes}}"}'
INNER = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
LAST = INNER.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
JSON = "content-type: application/json"
UPGRADES = ["h2c", "TLS/1.2", "h2c, websocket", "websocket", "WebSocket", "x" * 300]


def upgrade(name):
    return ("connection: Upgrade, HTTP2-Settings", f"upgrade: {name}", "http2-settings: AAMAAABk")


def post(secret, *more, body=QUERY, path="/graphql"):
    return head(secret, "POST", path, JSON, f"content-length: {len(body)}", *more) + body


def chunked(secret, *more, body=QUERY):
    begin = head(secret, "POST", "/graphql", JSON, "transfer-encoding: chunked", *more)
    return begin + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def whole(data):
    return [data]


def headers_apart(data):
    at = data.index(b"\r\n\r\n") + 4
    return [data[:at], data[at:]]


def bytewise(data):
    return [data[n : n + 1] for n in range(len(data))]


def answers(port, *segments):
    """The status of each answer on one connection, which the last request ends."""
    with talking(port, b"") as client:
        for segment in segments:
            client.sendall(segment)
            time.sleep(0.05 if len(segments) < 5 else 0)
        told = everything(client)
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+) ", told)], told


@pytest.mark.parametrize("cut", [whole, headers_apart, bytewise])
@pytest.mark.parametrize("made", [post, chunked])
def test_an_upgrade_that_is_not_made_leaves_the_body_a_body(served, cut, made):
    port, secret = served
    for name in UPGRADES:
        found, told = answers(port, *cut(made(secret, *upgrade(name))), LAST)
        assert found == [200, 200], (name, told)
        assert b'"nodes":0' in told


@pytest.mark.parametrize("cut", [whole, headers_apart])
def test_a_body_that_is_a_request_is_not_answered_as_one(served, cut):
    port, secret = served
    for name in UPGRADES:
        found, told = answers(port, *cut(post(secret, *upgrade(name), body=INNER)), LAST)
        assert found == [400, 200], (name, told)


def test_requests_behind_an_upgrade_in_one_segment_are_answered_in_their_order(served):
    port, secret = served
    several = [post(secret, *upgrade("h2c")), head(secret, "GET", "/metrics", *upgrade("h2c"))]
    found, told = answers(port, b"".join([*several * 3, LAST]))
    assert found == [200] * 7
    assert told.index(b'"nodes":0') < told.index(b"lineage_requests")


def test_no_websocket_opens_before_the_requests_in_front_of_it_are_answered(served):
    port, secret = served
    socket = ("connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13")
    asked = head(secret, "GET", "/graphql", *socket, "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==")
    found, told = answers(port, head(secret, "GET", "/metrics") + asked + LAST)
    assert found == [200, 400, 200], told


def bare(text, *more):
    return "\r\n".join([text, *more, "", ""]).encode()


REFUSED = {
    "no host": bare("GET /healthz HTTP/1.1"),
    "two hosts": bare("GET /healthz HTTP/1.1", "host: a", "host: a"),
    "a tunnel": bare("CONNECT 127.0.0.1:80 HTTP/1.1", "host: 127.0.0.1"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a folded header": bare("GET /healthz HTTP/1.1", "host: 127.0.0.1", "x: a", " b"),
    "lines that end in LF": b"GET /healthz HTTP/1.1\nhost: 127.0.0.1\n\n",
    "a space before the colon": bare("GET /healthz HTTP/1.1", "host : 127.0.0.1"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}
BODIES = {
    "two lengths": ("content-length: 0", f"content-length: {len(INNER)}"),
    "a length and chunks": ("content-length: 5", "transfer-encoding: chunked"),
    "chunks and a length": ("transfer-encoding: chunked", f"content-length: {len(INNER)}"),
    "a coding of another name": ("transfer-encoding: xchunked",),
    "a coding below chunks": ("transfer-encoding: gzip, chunked",),
    "chunks twice": ("transfer-encoding: chunked", "transfer-encoding: chunked"),
    "chunks that are not last": ("transfer-encoding: chunked, identity",),
    "a coding and a space": ("transfer-encoding : chunked",),
    "a length with a sign": ("content-length: +5",),
    "a length in hexadecimal": ("content-length: 0x5",),
    "a length without end": (f"content-length: {'9' * 30}",),
}


def test_what_is_no_request_is_one_problem_and_the_end(served):
    for name, data in REFUSED.items():
        found, told = answers(served[0], data + INNER)
        assert found == [400], name
        assert json.loads(told.partition(b"\r\n\r\n")[2])["code"] == "bad-input"


@pytest.mark.parametrize("upgraded", [(), upgrade("h2c")], ids=["plain", "h2c"])
def test_a_body_that_two_readers_would_end_in_two_places_is_refused(served, upgraded):
    port, secret = served
    for name, lines in BODIES.items():
        begin = head(secret, "POST", "/graphql", JSON, *lines, *upgraded)
        assert answers(port, begin + b"0\r\n\r\n" + INNER)[0] == [400], name


def test_http_1_0_has_no_chunks_and_expects_no_continue(served):
    port, secret = served
    assert answers(port, chunked(secret).replace(b"HTTP/1.1", b"HTTP/1.0") + INNER)[0] == [400]
    told = answers(port, post(secret, "expect: 100-continue").replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert told[0] == [200]
    assert answers(port, b"GET /healthz HTTP/1.0\r\n\r\n" + INNER)[0] == [200]


def test_what_stands_in_front_of_what_cannot_be_read_is_answered(served):
    port, secret = served
    assert (
        answers(port, head(secret, "GET", "/metrics") * 3 + b"\0\r\n\r\n" + INNER)[0] == [200] * 3
    )
    broken = head(secret, "POST", "/graphql", JSON, "transfer-encoding: chunked") + b"zz\r\n"
    assert answers(port, head(secret, "GET", "/metrics") + broken + INNER)[0] == [200, 400]


def test_whoever_expects_to_go_on_is_told_to_or_refused_and_then_cut_off(served):
    port, secret = served
    begin, body = headers_apart(post(secret, "expect: 100-continue"))
    assert answers(port, begin, body, LAST)[0] == [100, 200, 200]
    for token, more in (("wrong", ()), (secret, ("content-length: 9999999",))):
        begin = head(token, "POST", "/graphql", JSON, "expect: 100-continue", *more)
        assert answers(port, begin, INNER)[0] in ([401], [413])


def program(name, *, needed_in_ci=True):
    found = shutil.which(name)
    if found is None:
        fails = needed_in_ci and os.environ.get("CI")
        (pytest.fail if fails else pytest.skip)(f"no {name} on this machine")
    return found


@pytest.mark.parametrize("served", [10], indirect=True)
def test_curl_that_offers_http_2_is_answered(served):
    port, secret = served
    command = [program("curl"), "-s", "--http2", "-H", f"authorization: Bearer {secret}"]
    command += ["-H", JSON, "-d", QUERY.decode(), f"http://127.0.0.1:{port}/graphql"]
    told = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    assert json.loads(told)["data"] == {"stats": {"nodes": 0}}


@pytest.fixture(scope="module")
def java(tmp_path_factory):
    """A program that posts with Java's own client; a JDK is too much to ask of every machine."""
    folder = tmp_path_factory.mktemp("java")
    source = Path(__file__).with_name("Post.java")
    command = [program("javac", needed_in_ci=False), "-d", str(folder), str(source)]
    subprocess.run(command, check=True, timeout=120)
    return [program("java", needed_in_ci=False), "-cp", str(folder), "Post"]


@pytest.mark.parametrize("served", [10], indirect=True)
@pytest.mark.parametrize(
    ("path", "media", "body", "status"),
    [
        ("/graphql", "application/json", QUERY.decode(), 200),
        ("/sparql", "application/sparql-query", "ASK {?a ?b ?c}", 200),
        ("/api/v1/lineage", "application/json", "{}", 422),
    ],
)
def test_javas_client_is_answered_in_both_versions_that_it_speaks(
    served, java, path, media, body, status
):
    port, secret = served
    command = [*java, f"http://127.0.0.1:{port}", secret, path, media, body]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert told.splitlines() == [f"{v} {status}" for v in ("HTTP_1_1", "HTTP_2") for _ in range(2)]
