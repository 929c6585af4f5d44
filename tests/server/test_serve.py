# SPDX-License-Identifier: Apache-2.0
"""``lineage serve`` as people run it: real processes, real sockets, signals and stalled clients."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

import lineage
from lineage.store.base import NOW
from tests.server.sites import DEMO, running


def get(address, path, secret=None):
    request = urllib.request.Request(address + path)
    if secret:
        request.add_header("authorization", f"Bearer {secret}")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.status, answer.read()


def run(*words):
    command = [sys.executable, "-c", "from lineage.cli import main; main()", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "s.db"
    with lineage.open(path) as opened:
        opened.ingest(DEMO)
    return path


def stall(port, count, secret):
    """Clients that connect and say nothing, half a request line, headers without end, or a body
    that never comes.
    """
    beginnings = (
        b"",
        b"GET /he",
        b"POST /prov/x HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ",
        b"POST /prov/x HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n"
        b"authorization: Bearer " + secret.encode() + b"\r\n\r\nhalf",
    )
    made = []
    for number in range(count):
        made.append(socket.create_connection(("127.0.0.1", port), timeout=10))
        made[-1].sendall(beginnings[number % len(beginnings)])
    return made


def test_sigterm_among_stalled_clients_ends_in_time_and_loses_nothing(store):
    with running(store) as served:
        stalled = stall(served.port, 30, served.secret)
        assert get(served.address, "/prov/urn:m", served.secret)[0] == 200
        code, seconds, err = served.stop(signal.SIGTERM)
        for client in stalled:
            client.close()
    assert code == 0, err
    assert seconds <= 10
    assert b"Traceback" not in err
    assert all(json.loads(line) for line in err.splitlines())
    assert run("--store", store, "verify").returncode == 0


def test_what_was_acknowledged_before_sigterm_is_in_the_store(store):
    acknowledged = []

    def send(address, secret):
        for number in range(100_000):
            told = {"eventType": "START", "eventTime": "2026-01-01T00:00:00Z", "producer": "urn:p"}
            told |= {"run": {"runId": f"r{number}"}, "job": {"namespace": "n", "name": "j"}}
            request = urllib.request.Request(
                address + "/api/v1/lineage",
                data=json.dumps(told).encode(),
                headers={"authorization": f"Bearer {secret}", "content-type": "application/json"},
            )
            try:
                with urllib.request.urlopen(request, timeout=20):
                    acknowledged.append(f"urn:lineage:run:openlineage/r{number}")
            except OSError:
                return

    with running(store) as served:
        sender = threading.Thread(target=send, args=(served.address, served.secret))
        sender.start()
        deadline = time.monotonic() + 20
        while len(acknowledged) < 20:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        code, _, err = served.stop(signal.SIGTERM)
        sender.join(20)
    assert code == 0, err
    with lineage.open(store) as opened:
        assert opened.store.get(acknowledged, NOW).keys() == set(acknowledged)
        assert opened.verify().state == "intact"


def test_a_log_that_nobody_reads_holds_no_request_up_and_says_what_it_lost(store):
    with running(store) as served:
        pipe = served.popen.stderr.fileno()
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 8192)
        for _ in range(200):
            assert get(served.address, "/prov/urn:m", served.secret)[0] == 200
        kept = os.read(pipe, 65536)
        while b"dropped" not in kept:
            assert get(served.address, "/prov/urn:m", served.secret)[0] == 200
            kept += os.read(pipe, 65536)
        code, _, err = served.stop(signal.SIGTERM)
    assert code == 0
    # A line is written after its answer: the next ones may follow the line that tells of the loss.
    lines = [json.loads(line) for line in (kept + err).splitlines()]
    assert sum(line.get("dropped", 0) for line in lines) >= 200 - len(lines) > 0


def test_a_log_whose_reader_has_gone_holds_no_request_up(store):
    with running(store) as served:
        served.popen.stderr.close()
        for _ in range(3):
            assert get(served.address, "/prov/urn:m", served.secret)[0] == 200
        assert served.stop(signal.SIGTERM)[0] == 0


def test_the_first_token_is_printed_once_and_opens_the_server(store):
    with running(store) as served:
        assert get(served.address, "/", served.secret)[0] == 200
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(served.address, "/")
        caught.value.close()
        assert caught.value.code == 401
        assert served.stop(signal.SIGINT)[0] == 0
    with running(store) as again:
        assert again.secret is None
        assert get(again.address, "/healthz")[0] == 200


def test_a_network_is_not_served_without_tokens(store):
    done = run("--store", store, "serve", "--host", "0.0.0.0", "--port", "0")
    assert (done.returncode, done.stdout) == (2, "")
    assert "lineage token add" in done.stderr
    assert run("--store", store, "token", "add", "x", "--role", "viewer").returncode == 0
    with running(store, "--host", "0.0.0.0") as served:
        assert get(f"http://127.0.0.1:{served.port}", "/healthz")[0] == 200


def test_a_port_in_use_is_one_error_with_a_next_step(store):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("--store", store, "serve", "--port", taken.getsockname()[1])
    assert (done.returncode, "--port" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_without_the_extra_the_command_to_install_it_is_named(store):
    script = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from lineage.cli import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", script, "--store", str(store), "serve"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'pip install "lineagedb[server]"' in done.stderr


def test_tokens_are_added_listed_and_revoked(store):
    made = run("--store", store, "token", "add", "airflow", "--role", "contributor", "--json")
    token = json.loads(made.stdout)
    assert token["secret"].startswith(f"lin_{token['id']}_")
    listed = json.loads(run("--store", store, "token", "list", "--json").stdout)["tokens"]
    assert [(t["name"], t["role"], t["state"]) for t in listed] == [
        ("airflow", "contributor", "valid")
    ]
    assert token["secret"] not in json.dumps(listed)
    assert run("--store", store, "token", "revoke", token["id"]).returncode == 0
    assert "revoked" in run("--store", store, "token", "list").stdout
    assert run("--store", store, "token", "revoke", "nobody").returncode == 3
    assert run("--store", store, "token", "add", " ", "--role", "viewer").returncode == 2


def test_a_store_in_memory_is_served_too():
    with running("memory:") as served:
        assert get(served.address, "/readyz")[0] == 200
        assert served.stop(signal.SIGTERM)[0] == 0


def test_clients_that_leave_before_their_answer_do_not_end_the_server(store):
    request = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    with running(store) as process:
        port = int(process.address.rpartition(":")[2])
        for _ in range(40):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(request * 100)
        assert get(process.address, "/healthz")[0] == 200
