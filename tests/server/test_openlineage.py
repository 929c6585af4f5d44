# SPDX-License-Identifier: Apache-2.0
"""Events over HTTP: the genuine client, bad neighbours, group commit, and what is refused."""

from __future__ import annotations

import gzip
import json
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

import lineage
from importers.openlineage import batch_of
from lineage.access.tokens import Role
from lineage.errors import BadInput, Rejected, StoreBusy, StoreFull
from lineage.model.record import Batch, Node
from lineage.services.write import group_commit
from lineage.services.write.group_commit import GroupCommit
from lineage.store.base import NOW
from tests.server.sites import BEGUN, running

JSON = {"content-type": "application/json"}


def event(number=1, kind="COMPLETE", **more):
    return {
        "eventType": kind,
        "eventTime": "2026-01-02T03:04:05Z",
        "producer": "https://producer.example",
        "run": {"runId": str(UUID(int=number))},
        "job": {"namespace": "etl", "name": "load"},
        "outputs": [{"namespace": "db", "name": f"table-{number}"}],
        **more,
    }


def post(site, value, path="/api/v1/lineage", role="contributor", **headers):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    headers = {**site.bearer(role), **JSON, **headers}
    return site.client.post(path, content=data, headers=headers)


def test_an_event_is_in_the_store_when_the_answer_comes(site):
    answer = post(site, event(eventTime="soon"))
    assert answer.status_code == 201
    assert answer.json()["losses"] == [
        {"what": "eventTime", "count": 1, "reason": "missing, or no time"}
    ]
    shown = site.client.get("/prov/dataset:table-1", headers=site.bearer())
    assert "wasGeneratedBy" in shown.json()
    (last,) = site.runtime.writing.store.headers(BEGUN, 10, NOW)
    assert (last.source, last.actor) == ("openlineage:contributor", "contributor")
    assert post(site, event(eventTime="soon")).status_code == 201
    assert site.runtime.writing.store.head().size == BEGUN + 1


def test_in_a_batch_a_bad_event_is_named_and_keeps_no_neighbour_out(site):
    events = [event(1), {"nothing": 1}, event(2), None, event(3)]
    answer = post(site, events, "/api/v1/lineage/batch")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["taken"], [one["index"] for one in told["refused"]]) == (3, [1, 3])
    assert {one["code"] for one in told["refused"]} == {"rejected"}
    assert site.runtime.writing.store.stats(NOW).kinds["Dataset"] == 3


@pytest.mark.parametrize(
    ("data", "headers", "status", "code"),
    [
        (b"null", {}, 422, "rejected"),
        (b"[]", {}, 422, "rejected"),
        (b"{}", {}, 422, "rejected"),
        (b"", {}, 400, "bad-input"),
        (b"{", {}, 400, "bad-input"),
        (b"\xff\xfe", {}, 400, "bad-input"),
        (b'{"job": NaN}', {}, 400, "bad-input"),
        (b"[" * 5000 + b"]" * 5000, {}, 400, "bad-input"),
        (b'{"job":{"name":"\\ud800"}}', {}, 400, "bad-input"),
        (b'{"run":[],"job":{"name":"j"}}', {}, 422, "rejected"),
        (b"x" * 9_000_000, {}, 413, "limit-exceeded"),
        (json.dumps(event()).encode(), {"content-type": "text/plain"}, 415, "unknown-format"),
        (json.dumps(event()).encode(), {"content-encoding": "br"}, 415, "unknown-format"),
        (b"no gzip", {"content-encoding": "gzip"}, 400, "bad-input"),
        (gzip.compress(b"{}" * 99)[:-9], {"content-encoding": "gzip"}, 400, "bad-input"),
        (gzip.compress(b" " * 99_000_000), {"content-encoding": "gzip"}, 413, "limit-exceeded"),
    ],
    ids=range(16),
)
def test_what_is_no_event_is_a_problem_and_never_a_failure(site, data, headers, status, code):
    answer = post(site, data, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["hint"]
    assert site.runtime.writing.store.head().size == BEGUN


def test_only_contributors_send_events_and_batches_are_bounded_lists(site):
    assert post(site, event(), role="viewer").status_code == 403
    assert post(site, {}, "/api/v1/lineage/batch").status_code == 400
    assert post(site, [{}] * 1001, "/api/v1/lineage/batch").status_code == 413
    assert post(site, [], "/api/v1/lineage/batch").json()["taken"] == 0


def test_a_deep_facet_is_left_out_and_the_event_is_kept(site):
    deep = json.loads("[" * 300 + "]" * 300)
    told = post(site, event(run={"runId": "7", "facets": {"deep": {"a": deep}}}))
    assert told.status_code == 201
    assert "facets" in {loss["what"] for loss in told.json()["losses"]}


def test_gzip_is_understood(site):
    packed = gzip.compress(json.dumps(event()).encode())
    assert post(site, packed, **{"content-encoding": "gzip"}).status_code == 201


@pytest.mark.parametrize("url", ["memory:", "{}/s.db"])
def test_many_senders_at_once_lose_nothing_and_readers_go_on(serving, tmp_path, url):
    site = serving(url.format(tmp_path))
    with ThreadPoolExecutor(16) as pool:
        sent = [pool.submit(post, site, event(n)) for n in range(200)]
        read = [
            pool.submit(site.client.get, "/prov/urn:m", headers=site.bearer()) for _ in range(100)
        ]
        assert {one.result().status_code for one in sent} == {201}
        assert {one.result().status_code for one in read} == {200}
    stats = site.runtime.writing.store.stats(NOW)
    assert stats.kinds["Dataset"] == 200
    assert stats.entries < 200
    assert lineage.Lineage(site.runtime.writing).verify().state == "intact"


def receiver(parse=None):
    return GroupCommit(
        parse or (lambda value, ctx: batch_of(value, person_key=ctx.person_key)), importer="t"
    )


@pytest.fixture
def ctx():
    with lineage.open("memory:") as opened:
        yield opened.context


def test_what_waits_is_one_commit_for_each_sender(ctx):
    taking = receiver()
    told = [taking.put(actor, Role.contributor, [event(n)]) for n, actor in enumerate("aabba")]
    assert [call for _, call in told] == [True, False, False, False, False]
    assert not any(heard.done() for (heard,), _ in told)
    assert taking.drain(ctx) is False
    assert all(heard.result() == () for (heard,), _ in told)
    assert [e.source for e in ctx.store.headers(0, 9, NOW)] == ["t:a", "t:b"]
    assert taking.put("a", Role.contributor, [event(9)])[1] is True


def test_one_message_that_the_model_refuses_fails_alone(ctx):
    bad = Batch(nodes=(Node(id="no iri", kind="Run"),))
    good = [Batch(nodes=(Node(id=f"urn:{n}", kind="Run"),)) for n in range(3)]

    def parse(value, ctx):
        if isinstance(value, str):
            raise Rejected(f"{value!r} is no event")
        return value

    taking = receiver(parse)
    heard, _ = taking.put("a", Role.contributor, [good[0], bad, good[1], "nonsense", good[2]])
    taking.drain(ctx)
    assert [one.exception() is None for one in heard] == [True, False, True, False, True]
    assert isinstance(heard[1].exception(), Rejected)
    assert ctx.store.stats(NOW).nodes == 3


def test_when_the_store_fails_every_sender_hears_of_it_and_the_next_one_is_written(
    ctx, monkeypatch
):
    taking = receiver()
    tried = []

    def full(*_, **__):
        tried.append(1)
        raise StoreFull("no room")

    with monkeypatch.context() as patched:
        patched.setattr(group_commit, "ingest", full)
        heard, _ = taking.put("a", Role.contributor, [event(1), event(2)])
        assert taking.drain(ctx) is False
    assert {type(one.exception()) for one in heard} == {StoreFull}
    assert len(tried) == 1
    heard, call = taking.put("a", Role.contributor, [event(1)])
    assert call
    taking.drain(ctx)
    assert heard[0].exception() is None


def test_nobody_waits_for_messages_whose_senders_left_and_too_many_are_turned_away(
    ctx, monkeypatch
):
    taking = receiver()
    (left, stays), _ = taking.put("a", Role.contributor, [event(1), event(2)])
    left.cancel()
    taking.drain(ctx)
    assert stays.result() == ()
    assert ctx.store.stats(NOW).kinds["Dataset"] == 1
    monkeypatch.setattr(group_commit, "WAITING", 3)
    with pytest.raises(StoreBusy):
        taking.put("a", Role.contributor, [event(n) for n in range(4)])
    monkeypatch.setattr(group_commit, "TOGETHER", 2)
    taking.put("a", Role.contributor, [event(n) for n in range(3)])
    assert taking.drain(ctx) is True
    assert taking.drain(ctx) is False


def test_the_genuine_client_points_at_the_server_and_all_it_sends_is_there(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the client's own imports warn of is not ours
        from openlineage.client import OpenLineageClient
        from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
        from openlineage.client.event_v2 import OutputDataset as Made
        from openlineage.client.facet_v2 import parent_run
        from openlineage.client.transport.http import (
            ApiKeyTokenProvider,
            HttpCompression,
            HttpConfig,
            HttpTransport,
        )

        store = tmp_path / "s.db"
        with running(store) as served:
            for number, compression in enumerate((None, HttpCompression.GZIP)):
                config = HttpConfig(
                    url=served.address,
                    auth=ApiKeyTokenProvider({"apiKey": served.secret}),
                    compression=compression,
                )
                client = OpenLineageClient(transport=HttpTransport(config))
                run, job = str(UUID(int=number)), Job(namespace="etl", name=f"load-{number}")
                up = parent_run.ParentRunFacet(
                    run=parent_run.Run(runId=str(UUID(int=99))),
                    job=parent_run.Job(namespace="etl", name="dag"),
                )
                for state in (RunState.START, RunState.COMPLETE):
                    client.emit(
                        RunEvent(
                            eventType=state,
                            eventTime="2026-01-02T03:04:05Z",
                            run=Run(runId=run, facets={"parent": up}),
                            job=job,
                            producer="https://producer.example",
                            outputs=[Made(namespace="db", name="orders")],
                        )
                    )
                client.close()
            assert served.stop(signal.SIGTERM)[0] == 0
    with lineage.open(store) as opened:
        told = opened.trace("dataset:orders")
        runs = {n.id: n.attributes for n in told.nodes if n.kind == "Run"}
        assert len(runs) == 3
        ended = [said for said in runs.values() if said.get("status") == "finished"]
        assert len(ended) == 2
        assert all(said["started"] == "2026-01-02T03:04:05Z" for said in ended)
        assert opened.verify().state == "intact"


def test_errors_name_the_place_and_not_the_value(site):
    told = post(site, b'{"canary": }').json()
    assert "line 1" in told["where"]
    assert "canary" not in json.dumps(told)


ENGINE = b'"processing_engine": {"version": "4.2.0"}'


@pytest.mark.parametrize("again", [ENGINE, ENGINE.replace(b": ", b" :"), ENGINE[:-7] + b'3.5.0"}'])
@pytest.mark.parametrize("path", ["/api/v1/lineage", "/api/v1/lineage/batch"])
def test_a_member_written_twice_is_taken_as_a_file_of_it_is(site, tmp_path, path, again):
    """Spark 1.53 writes a facet twice."""
    run = {"runId": str(UUID(int=7)), "facets": {"HERE": {}}}
    whole = json.dumps(event(7, "START", run=run)).encode()
    text = whole.replace(b'"HERE": {}', ENGINE + b", " + again)
    file = tmp_path / "event.json"
    file.write_bytes(text)
    batch = path.endswith("batch")
    answer = post(site, b"[" + text + b"]" if batch else text, path)
    with lineage.open("memory:") as store:
        if b"3.5.0" in again:
            with pytest.raises(Rejected) as caught:
                store.load(file)
            told = answer.json()["refused"][0] if batch else answer.json()
            assert told["code"] == caught.value.code
            message = told["message"] if batch else told["detail"]
            assert "'processing_engine' appears twice" in message
            return
        store.load(file)
        assert answer.status_code == (200 if batch else 201)
        (shown,) = (node.attributes for node in store.show("run:load") if node.kind == "Run")
        assert shown["processing_engine.version"] == "4.2.0"
    there = site.client.get(
        f"/prov/urn:lineage:run:openlineage/{UUID(int=7)}", headers=site.bearer()
    )
    assert "4.2.0" in there.text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_an_event_is_taken_in_the_encodings_in_which_a_file_of_it_is(site, encoding):
    assert post(site, json.dumps(event(9)).encode(encoding)).status_code == 201


@pytest.mark.parametrize(
    "text",
    [
        b'{"job": ' + b'{"a":' * 900 + b"1" + b"}" * 901,
        b'{"a" :1e999}',
        b'{"a" :' + b"9" * 5_000 + b"}",
    ],
)
def test_what_only_the_second_reading_refuses_is_a_problem_and_no_failure(site, text, tmp_path):
    assert post(site, text).status_code in (400, 413, 422)
    (tmp_path / "event.json").write_bytes(text)
    with lineage.open("memory:") as store, pytest.raises(BadInput):
        store.load(tmp_path / "event.json", named="openlineage")
