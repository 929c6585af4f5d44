# SPDX-License-Identifier: Apache-2.0
"""What every answer of the server is like: problems, sizes, times, headers, the log."""

from __future__ import annotations

import asyncio
import io
import json
import logging

import pytest
from fastapi import APIRouter

from lineage import formats
from lineage.access.tokens import Role
from lineage.server import app as application
from lineage.server import log
from lineage.server.access import needs
from lineage.server.prov import negotiate
from lineage.services.read import stats
from tests.server.sites import BEGUN


@pytest.fixture
def extra(monkeypatch):
    """Routes of the test's own beside the real ones."""
    router = APIRouter()
    monkeypatch.setattr(application, "ROUTERS", (*application.ROUTERS, lambda _: router))
    return router


def test_health_is_public_and_readiness_is_the_stores(site, monkeypatch):
    assert site.client.get("/healthz").json() == {"status": "ok"}
    assert site.client.get("/readyz").json() == {"status": "ready"}
    monkeypatch.setattr("lineage.server.health.SILENT", -1.0)
    answer = site.client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "store-unreachable")


def test_a_thing_is_a_prov_document_with_its_certificate(site):
    answer = site.client.get("/prov/urn:r", headers=site.bearer())
    assert answer.headers["content-type"] == "application/json"
    told = formats.named("json").loads(answer.content)
    assert {(e.relation, e.effect, e.cause) for e in told.edges} == {
        ("wasGeneratedBy", "urn:m", "urn:r"),
        ("used", "urn:r", "urn:d"),
    }
    assert {node.id: node.kind for node in told.nodes} == {
        "urn:d": "Entity",
        "urn:m": "ModelVersion",
        "urn:r": "Run",
    }
    certificate = json.loads(answer.headers["lineage-certificate"])
    assert (certificate["complete"], certificate["as_of"]) == (True, BEGUN)
    assert site.client.get("/prov/model:fraud@v3", headers=site.bearer()).status_code == 200


@pytest.mark.parametrize(
    ("path", "accept", "status", "code"),
    [
        ("/prov/urn:nothing", "*/*", 404, "not-found"),
        ("/prov/urn:m?at=someday", "*/*", 400, "usage"),
        ("/prov/urn:m", "image/png", 406, "not-acceptable"),
        ("/prov/urn:m", "application/json;q=0", 406, "not-acceptable"),
        ("/prov/model:", "*/*", 400, "bad-reference"),
        ("/prov/" + "x" * 5000, "*/*", 422, "rejected"),
        ("/nowhere", "*/*", 404, "not-found"),
        ("/prov", "*/*", 404, "not-found"),
    ],
)
def test_what_goes_wrong_is_a_problem_with_a_code_and_a_next_step(site, path, accept, status, code):
    answer = site.client.get(path, headers={**site.bearer(), "accept": accept})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:lineage:problem:{code}"
    assert answer.json()["hint"]


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        ("text/turtle", 501, "application/problem+json"),
        ("text/turtle, application/json;q=0.1", 200, "application/json"),
        ("text/*", 200, "text/provenance-notation"),
    ],
)
def test_a_format_that_is_not_installed_is_missed_only_by_those_who_take_no_other(
    serving, monkeypatch, accept, status, kind
):
    absent = formats.BUILTIN["turtle"]._replace(module="absent_package")
    monkeypatch.setitem(formats.BUILTIN, "turtle", absent)
    site = serving()
    answer = site.client.get("/prov/urn:m", headers={**site.bearer(), "accept": accept})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (status, kind)
    if status == 501:
        assert (answer.json()["code"], answer.json()["hint"]) == (
            "missing-extra",
            'pip install "lineagedb[rdf]"',
        )


def test_a_method_that_a_route_has_not_is_refused_with_those_it_has(site):
    answer = site.client.post("/healthz")
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/provenance+json", "application/provenance+json"),
        ("application/json;q=0.2, application/provenance+json", "application/provenance+json"),
        ("text/html, */*;q=0.1", "application/json"),
        ("application/json;q=0, */*;q=0.5", "application/provenance+json"),
        ("application/json;q=nan, */*", "application/provenance+json"),
    ],
)
def test_the_client_gets_the_format_it_likes_best(accept, chosen):
    assert negotiate(accept)[1] == chosen


def test_every_answer_keeps_browsers_from_running_or_framing_anything_foreign(site):
    for path in ("/", "/healthz", "/nowhere", "/prov/urn:m", "/static/page.js"):
        for headers in ({}, site.bearer()):
            answer = site.client.get(path, headers=headers)
            assert "default-src 'self'" in answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["x-request-id"]


def test_bodies_are_counted_as_they_come_whatever_their_header_says(serving, extra):
    @extra.post("/small")
    @needs(Role.viewer, body=1000)
    async def small(body: dict) -> dict:
        return body

    site = serving()
    fits, large = json.dumps({"a": "x" * 900}), json.dumps({"a": "x" * 1000})
    headers = {**site.bearer(), "content-type": "application/json"}

    def chunks(text):
        yield from (text[place : place + 100].encode() for place in range(0, len(text), 100))

    for content in (fits, chunks(fits)):
        assert site.client.post("/small", content=content, headers=headers).status_code == 200
    for content in (large, chunks(large), iter([b"x" * 10_000_000])):
        answer = site.client.post("/small", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "limit-exceeded")
    liar = {**headers, "content-length": "-1"}
    assert site.client.post("/small", content=fits, headers=liar).status_code == 413
    site.client.post("/small", content=large, headers={"authorization": "Bearer no"})


def test_a_request_that_takes_too_long_is_ended_with_a_problem(serving, extra):
    @extra.get("/slow")
    @needs(Role.viewer)
    async def slow() -> None:
        await asyncio.Event().wait()

    site = serving(response_timeout=0.05)
    answer = site.client.get("/slow", headers=site.bearer())
    assert (answer.status_code, answer.json()["code"]) == (503, "timed-out")
    assert answer.headers["retry-after"]


def test_a_defect_of_ours_is_masked_and_logged_without_its_values(serving, extra):
    @extra.get("/defect")
    @needs(Role.viewer)
    async def defect() -> None:
        raise RuntimeError("password=hunter2")

    site = serving()
    answer = site.client.get("/defect", headers={**site.bearer(), "x-request-id": "given-by-proxy"})
    assert (answer.status_code, answer.json()["code"]) == (500, "failed")
    assert "given-by-proxy" in answer.json()["hint"]
    line = next(line for line in site.lines() if line["event"] == "defect")
    assert (line["id"], line["error"]) == ("given-by-proxy", "RuntimeError")
    assert line["at"].startswith("test_http.py:")
    assert "hunter2" not in answer.text + site.log.getvalue()


def test_the_log_has_one_line_a_request_and_no_value_or_query(site):
    site.client.get("/prov/model:canary-1?at=canary-2", headers=site.bearer())
    site.client.post("/prov/x", content=b"canary-3" * 9, headers=site.bearer())
    site.client.get("/canary-4")
    site.client.get("/prov/urn:m", headers=site.bearer())
    assert "canary" not in site.log.getvalue()
    first, second, third, last = site.lines()
    assert (first["route"], first["status"], first["viewer"]) == ("/prov/{id:path}", 400, "viewer")
    assert (second["bytes"], len(second["sha256"])) == (72, 16)
    assert (third["route"], third["viewer"]) == ("(none)", None)
    assert last["status"] == 200
    assert set(last) >= {"event", "id", "method", "ms", "level", "timestamp"}


def test_a_flood_of_requests_is_not_a_flood_of_log(serving):
    site = serving(log_lines_per_second=5)
    for _ in range(200):
        site.client.get("/healthz")
    assert len(site.lines()) < 60
    assert site.lines()[-1]["status"] == 200
    dropped = sum(line.get("dropped", 0) for line in site.lines())
    assert dropped + len(site.lines()) <= 200


def test_measures_count_by_route_and_never_by_what_was_asked(site):
    site.client.get("/prov/urn:m", headers=site.bearer())
    site.client.get("/prov/urn:canary", headers=site.bearer())
    text = site.client.get("/metrics", headers=site.bearer()).text
    assert 'lineage_requests_total{method="GET",route="/prov/{id:path}",status="200"} 1.0' in text
    assert f"lineage_ledger_entries {BEGUN}.0" in text
    assert "canary" not in text


def test_openapi_describes_every_route_and_its_problems(site):
    shown = site.client.get("/openapi.json", headers=site.bearer()).json()
    assert shown["openapi"].startswith("3.1")
    for path, methods in shown["paths"].items():
        for method, told in methods.items():
            assert told["description"], (method, path)
            if path not in ("/healthz", "/readyz"):
                problems = told["responses"]["401"]["content"]
                assert "application/problem+json" in problems
    assert shown["security"] == [{"token": []}, {"browser": []}]


def test_the_page_loads_nothing_that_is_not_ours(site):
    page = site.client.get("/", headers=site.bearer())
    assert page.headers["content-type"].startswith("text/html")
    for path in application.page.FILES:
        answer = site.client.get(path, headers=site.bearer())
        assert answer.status_code == 200
        known = {**site.bearer(), "if-none-match": answer.headers["etag"]}
        assert site.client.get(path, headers=known).status_code == 304
        text = answer.text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text
        assert "innerHTML" not in text
        assert "style=" not in text
        assert "onclick" not in text


@pytest.mark.parametrize(
    "path",
    [
        "/healthz",
        "/readyz",
        "/",
        "/static/page.js",
        "/metrics",
        "/openapi.json",
        "/prov/urn:m",
        "/prov/nothing",
        "/sparql",
        "/sparql?query=ASK%7B%3Fa%20%3Fb%20%3Fc%7D",
        "/graphql?query=%7Bstats%7Bnodes%7D%7D",
        "/nowhere",
    ],
)
def test_head_answers_what_get_answers_without_the_body(site, path):
    for headers in ({}, site.bearer()):
        got, headed = (
            site.client.get(path, headers=headers),
            site.client.head(path, headers=headers),
        )
        assert (headed.status_code, headed.content) == (got.status_code, b"")
        assert headed.headers["content-type"] == got.headers["content-type"]
        if path not in ("/metrics", "/nowhere"):
            assert headed.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/prov/urn:m", "GET, HEAD, OPTIONS"),
        ("/sparql", "GET, HEAD, OPTIONS, POST"),
        ("/graphql", "GET, HEAD, OPTIONS, POST"),
        ("/api/v1/lineage", "OPTIONS, POST"),
    ],
)
def test_a_path_names_all_methods_that_it_has(site, path, methods):
    asked = site.client.options(path, headers=site.bearer("admin"))
    assert (asked.status_code, asked.headers["allow"], asked.content) == (204, methods, b"")
    for method in ("DELETE", "PUT", "TRACE", "BREW"):
        refused = site.client.request(method, path, headers=site.bearer("admin"))
        assert (refused.status_code, refused.headers["allow"]) == (405, methods)
        assert refused.json()["code"] == "method-not-allowed"
    assert site.client.options("/nowhere", headers=site.bearer("admin")).status_code == 404


@pytest.mark.parametrize(
    "header",
    ["traceparent", "tracestate", "baggage", "sentry-trace", "apollo-require-preflight", "x-own"],
)
def test_pages_of_sites_that_were_let_in_may_send_headers_that_change_nothing(serving, header):
    site = serving(origins=frozenset({"https://lab.example"}))
    asked = {
        "access-control-request-method": "POST",
        "access-control-request-headers": f"authorization,content-type,{header}",
    }
    answer = site.client.options("/graphql", headers={"origin": "https://lab.example", **asked})
    assert answer.status_code == 200
    assert header in answer.headers["access-control-allow-headers"]
    refused = site.client.options("/graphql", headers={"origin": "https://evil.example", **asked})
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("GET", "/prov/nothing", {}),
        ("GET", "/nowhere", {}),
        ("DELETE", "/healthz", {}),
        ("GET", "/metrics", {"headers": {"authorization": "Bearer wrong"}}),
        ("GET", "/metrics", {"headers": {"host": "evil.example"}}),
        ("POST", "/graphql", {"content": b"{", "headers": {"content-type": "application/json"}}),
        ("POST", "/graphql", {"json": {"query": "{nothing}"}}),
        ("POST", "/graphql", {"json": {"query": '{trace(ref:"nobody:x"){nodes{id}}}'}}),
        ("GET", "/sparql?query=SELECT", {}),
        ("POST", "/api/v1/lineage", {"content": b"x" * 9_000_000}),
        ("POST", "/api/v1/lineage", {"json": {}}),
    ],
)
def test_each_error_has_the_id_that_the_log_has(site, method, path, options):
    headers = {**site.bearer("contributor"), **options.pop("headers", {})}
    answer = site.client.request(method, path, headers=headers, **options)
    ident = answer.headers["x-request-id"]
    told = answer.json()
    errors = [error["extensions"] for error in told["errors"]] if "errors" in told else [told]
    assert [error["request_id"] for error in errors] == [ident] * len(errors)
    assert [line["id"] for line in site.lines() if line["event"] == "request"] == [ident]


def test_a_defect_inside_graphql_is_logged_under_the_id_of_its_request(site, monkeypatch):
    lines = io.StringIO()
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    log.bridge(log.logger(100, lines))
    monkeypatch.setattr(stats.StatsRequest, "answer", lambda self, ctx: 1 / 0)
    asked = {"json": {"query": "{stats{nodes}}"}, "headers": site.bearer()}
    answer = site.client.post("/graphql", **asked)
    (error,) = answer.json()["errors"]
    assert error["extensions"]["request_id"] == answer.headers["x-request-id"]
    (line,) = map(json.loads, lines.getvalue().splitlines())
    assert line["id"] == answer.headers["x-request-id"]
