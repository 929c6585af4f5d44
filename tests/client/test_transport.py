# SPDX-License-Identifier: Apache-2.0
"""What a client does with servers that are ill, gone, foreign or hostile."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import lineage
from lineage import Batch
from lineage.client.remote import Remote
from lineage.errors import (
    LimitExceeded,
    Rejected,
    ServerError,
    StoreBusy,
    StoreMissing,
    StoreUnreachable,
    TimedOut,
    Unauthenticated,
    Usage,
)

STATS = {"nodes": 1, "edges": 2, "entries": 3, "root": "ab", "kinds": {"Run": 1}}


def http(body, status="200 OK", media="application/json", **headers):
    """The bytes of a response."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    shown = {"Content_Type": media, "Content_Length": len(data), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in shown.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + data


FINE = http({"data": {"answer": STATS}})


@contextmanager
def scripted(*connections, tls=None):
    """A server that gives each connection its responses and closes it; its address, and the
    requests it read. ``None`` stands for saying nothing until the client has left.
    """
    seen, scheme = [], "https" if tls else "http"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            for responses in connections:
                peer = listener.accept()[0]
                try:
                    peer = tls.wrap_socket(peer, server_side=True) if tls else peer
                except ssl.SSLError:
                    continue
                with peer, peer.makefile("rb") as stream:
                    for response in responses:
                        seen.append(request(stream))
                        if response is None:
                            stream.read(1)
                        else:
                            peer.sendall(response)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", seen
        thread.join(20)
        assert not thread.is_alive()


def request(stream):
    first, headers = stream.readline().decode().strip(), {}
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return first, headers, body


def test_questions_share_a_connection_and_carry_the_token():
    with scripted([FINE, FINE]) as (url, seen), lineage.open(url + "/lab/", token="lin_x") as store:
        assert store.stats().to_dict() == store.stats().to_dict() == STATS
    for first, headers, body in seen:
        assert first == "POST /lab/graphql HTTP/1.1"
        assert headers["authorization"] == "Bearer lin_x"
        assert json.loads(body)["query"].startswith("query stats")


def test_the_token_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("LINEAGE_TOKEN", "lin_env\n")
    with scripted([FINE]) as (url, seen), lineage.open(url) as store:
        store.stats()
        assert "lin_env" not in repr(store) + repr(vars(store))
    assert seen[0][1]["authorization"] == "Bearer lin_env"


def test_a_connection_that_was_closed_meanwhile_is_opened_again():
    with scripted([FINE], [FINE]) as (url, seen), lineage.open(url) as store:
        assert store.stats() == store.stats()
    assert len(seen) == 2


def test_what_writes_is_sent_once():
    with scripted([FINE], [b""]) as (url, seen), lineage.open(url) as store:
        store.stats()
        with pytest.raises(StoreUnreachable, match="cannot be reached"):
            store.ingest(Batch())
    assert len(seen) == 2


def test_a_closed_client_opens_again_when_it_is_asked():
    with scripted([FINE], [FINE]) as (url, _):
        store = lineage.open(url)
        store.stats()
        store.close()
        store.close()
        store.stats()
        store.close()


PROBLEM = {"code": "rejected", "message": "no", "hint": "mend it", "where": "urn:x"}
PROBLEM |= {"status": 422, "retry_after": None}
DETAIL = {"status": 503, "code": "store-busy", "detail": "it is busy", "hint": "wait"}


@pytest.mark.parametrize(
    ("response", "error", "says"),
    [
        (http(b"<html>", "502 Bad Gateway", "text/html"), StoreUnreachable, "answered 502"),
        (http(b"", "301 Moved", Location="https://evil.example/"), StoreUnreachable, "elsewhere"),
        (http(b"", "401 Unauthorized", "text/plain"), Unauthenticated, "answered 401"),
        (http(b"", "404 Not Found", "text/plain"), StoreMissing, "answered 404"),
        (http(b"", "504 Gateway Timeout", "text/plain"), TimedOut, "answered 504"),
        (http(b"{"), StoreUnreachable, "not as a lineage server"),
        (http([]), StoreUnreachable, "not as a lineage server"),
        (http({"data": None}), StoreUnreachable, "not as a lineage server"),
        (http(b"[" * 100_000), StoreUnreachable, "not as a lineage server"),
        (http({"errors": ["x"]}), StoreUnreachable, "not as a lineage server"),
        (http({"data": {"answer": {"nodes": 1}}}), StoreUnreachable, "does not read"),
        (http({"data": {"answer": None}}), StoreUnreachable, "does not read"),
        (
            http({"errors": [{"message": "m", "extensions": PROBLEM | {"message": "m"}}]}),
            Rejected,
            "m",
        ),
        (
            http({"errors": [{"message": "m", "extensions": {"code": "new"}}]}),
            ServerError,
            "m",
        ),
        (http(DETAIL, "503 Busy", "application/problem+json"), StoreBusy, "it is busy"),
        (FINE[:-5], StoreUnreachable, "ends early"),
        (b"SSH-2.0-OpenSSH\r\n", StoreUnreachable, "cannot be reached"),
        (b"", StoreUnreachable, "cannot be reached"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_an_answer_that_is_none_is_an_error_that_says_so(response, error, says):
    with (
        scripted([response]) as (url, _),
        lineage.open(url) as store,
        pytest.raises(error, match=says) as caught,
    ):
        store.stats()
    assert caught.value.hint
    assert "evil" not in str(caught.value.to_dict())


def test_why_a_batch_was_refused_is_raised():
    answer = {"receipt": None, "problems": [PROBLEM]}
    with (
        scripted([http({"data": {"answer": answer}})]) as (url, _),
        lineage.open(url) as store,
        pytest.raises(Rejected) as caught,
    ):
        store.ingest(Batch())
    assert caught.value.to_dict() == PROBLEM


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_an_answer_without_end_is_not_read(monkeypatch, chunked):
    monkeypatch.setattr("lineage.client.transport.RECEIVED", 10_000)
    if chunked:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        response = (
            head + b"1000\r\n" + b" " * 4096 + b"\r\n1000\r\n" + b" " * 4096 + b"\r\n1000\r\n"
        )
        response += b" " * 4096 + b"\r\n"
    else:
        response = http(b"", Content_Length=10**12)
    with (
        scripted([response]) as (url, _),
        lineage.open(url) as store,
        pytest.raises(LimitExceeded, match="over the limit of 10,000 bytes"),
    ):
        store.stats()


def test_a_question_larger_than_servers_take_is_not_sent():
    with Remote("http://127.0.0.1:9") as store, pytest.raises(LimitExceeded, match="a question of"):
        store.ask("x" * 2_000_000)


def test_silence_ends():
    with (
        scripted([None]) as (url, _),
        Remote(url, timeout=0.2) as store,
        pytest.raises(StoreUnreachable, match=r"did not answer within 0\.2 s"),
    ):
        store.stats()


def test_a_server_that_is_not_there_is_named():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with lineage.open(url) as store, pytest.raises(StoreUnreachable, match=url):
        store.stats()


def certified(folder):
    """A certificate of 127.0.0.1 that nobody signed but itself, and a context that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


def test_a_certificate_is_verified_and_may_be_named(tmp_path, monkeypatch):
    certificate, context = certified(tmp_path)
    with scripted([], [FINE], tls=context) as (url, seen):
        with lineage.open(url) as store:
            with pytest.raises(StoreUnreachable, match="not to be trusted") as caught:
                store.stats()
            assert "SSL_CERT_FILE" in caught.value.hint
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with lineage.open(url, token="lin_x") as store:
            assert store.stats().nodes == 1
    assert len(seen) == 1


def test_what_speaks_no_tls_is_not_spoken_to():
    with (
        scripted([]) as (url, _),
        lineage.open(url.replace("http", "https")) as store,
        pytest.raises(StoreUnreachable, match="cannot be reached"),
    ):
        store.stats()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://", "names no server"),
        ("https:///path", "names no server"),
        ("http://host:99999", "is none"),
        ("http://ana:secret@host", "carries credentials"),
        ("https://host/?token=secret", "carries a query"),
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_secrets(url, says):
    with pytest.raises(Usage, match=says) as caught:
        lineage.open(url)
    assert "secret" not in str(caught.value.to_dict())


def test_a_token_is_never_part_of_a_message():
    with pytest.raises(Usage) as caught:
        lineage.open("https://host", token="lin_a\r\nX-Evil: 1")
    assert "lin_a" not in str(caught.value.to_dict())
    with pytest.warns(UserWarning, match="unencrypted") as warned:
        lineage.open("http://lineage.example", token="lin_a")
    assert "lin_a" not in str(warned[0].message)


def test_options_of_one_sort_of_store_are_refused_for_the_other():
    with pytest.raises(Usage, match="a token is for a server"):
        lineage.open("memory:", token="lin_a")
    with pytest.raises(Usage, match="are the server's own"):
        lineage.open("https://host", actor="ana")


def test_a_proxy_of_the_environment_is_used_and_loopback_never_goes_there(monkeypatch):
    with scripted([FINE], [http(b"", "403 Forbidden")], [FINE]) as (url, seen):
        proxy = url.replace("http://", "http://ana:p%40ss@")
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.setenv("no_proxy", "direct.example")
        with lineage.open("http://lineage.example:8000/x") as store:
            store.stats()
        with (
            lineage.open("https://lineage.example", token="lin_a") as store,
            pytest.raises(StoreUnreachable, match="Tunnel connection failed"),
        ):
            store.stats()
        with lineage.open(url) as store:
            store.stats()
    assert [first.rpartition(" ")[0] for first, _, _ in seen] == [
        "POST http://lineage.example:8000/x/graphql",
        "CONNECT lineage.example:443",
        "POST /graphql",
    ]
    basic = "Basic YW5hOnBAc3M="
    assert [headers.get("proxy-authorization") for _, headers, _ in seen] == [basic, basic, None]
    assert "lin_a" not in str(seen)
