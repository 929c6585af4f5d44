# SPDX-License-Identifier: Apache-2.0
"""A client and the store itself answer alike: values, certificates, errors."""

from __future__ import annotations

import inspect
from concurrent.futures import ThreadPoolExecutor

import pytest

import lineage
from lineage import Batch, Edge, Node
from lineage.access.tokens import Role
from lineage.app import Lineage
from lineage.client.remote import Remote
from lineage.errors import (
    BadCursor,
    Denied,
    LimitExceeded,
    LineageError,
    Unauthenticated,
    Usage,
)
from lineage.services.request import fields_of
from lineage.verbs import REQUESTS
from tests.conftest import KEY, clock
from tests.graphql_schema.cases import batch, small
from tests.services.test_bisect import recorded


def outcome(store, verb, words, options):
    """What a call gives: the JSON of its value or of its error."""
    try:
        value = getattr(store, verb)(*words, **options)
    except LineageError as error:
        return type(error), error.to_dict(), error.exit_code
    if isinstance(value, dict):
        return value
    return type(value), value.to_dict()


CALLS = [
    ("ask", ['+model:"fraud@v1"'], {}),
    ("ask", ["kind:run and metric.auc >= 0.9"], {"at": 1}),
    ("ask", ["kind:run and status:none"], {}),
    ("ask", ['+model:"fraud@v1"'], {"limit": 3}),
    ("ask", ['+model:"fraud@v1"'], {"limit": 1_000_000}),
    ("ask", ['why(model:"fraud@v1", "data/train.csv@1", k=3)'], {}),
    ("ask", ['+model:"fraud@v1" via used, wasGeneratedBy at 1'], {}),
    ("ask", ["*"], {"at": "2020-01-01"}),
    ("ask", ["kind:run and"], {}),
    ("ask", ["kind:nothing"], {}),
    ("ask", ["nosuch:3"], {}),
    ("ask", ["*"], {"limit": 0}),
    ("ask", ["*"], {"cursor": "none of ours"}),
    ("ask", ["* at 1"], {"at": 1}),
    ("explain", ['+model:"fraud@v1" and kind:dataset'], {}),
    ("explain", ["*"], {"at": 1}),
    ("explain", ["(("], {}),
    ("trace", ["fraud@v1"], {}),
    ("trace", ["fraud@v1"], {"depth": 1}),
    ("trace", ["fraud@v1"], {"limit": 2, "at": "1"}),
    ("trace", ["fraud@v2"], {"via": ["used", "wasGeneratedBy"]}),
    ("trace", ["fraud@v1"], {"depth": -1}),
    ("trace", ["fraud@v1"], {"depth": 2**40}),
    ("trace", ["fraud@v1"], {"via": ["wasUsed"]}),
    ("trace", ["fraud@v1"], {"at": "someday"}),
    ("trace", ["fraud@v9"], {}),
    ("trace", [""], {}),
    ("trace", ["run:"], {}),
    ("impact", ["sha256:" + "ab" * 32], {}),
    ("impact", ["data/train.csv@1"], {"limit": 1}),
    ("impact", ["run:train"], {}),
    ("reach", ["sha256:" + "ab" * 32], {}),
    ("reach", ["data/train.csv@1"], {"limit": 1, "counts": True}),
    ("reach", ["fraud@v1"], {"toward": "causes", "at": "1"}),
    ("reach", ["fraud@v1"], {"toward": "sideways"}),
    ("produced", ["fraud@v1"], {}),
    ("produced", ["fraud@v1"], {"depth": 2, "via": ("used", "wasGeneratedBy")}),
    ("why", ["fraud@v1", "data/train.csv@1"], {}),
    ("why", ["fraud@v1", "urn:t:odd"], {"k": 5}),
    ("why", ["fraud@v1", "fraud@v2"], {}),
    ("why", ["fraud@v1", "urn:t:odd"], {"k": 0}),
    ("why", ["fraud@v1", "urn:t:odd"], {"k": 2**40}),
    ("show", ["urn:t:run:1"], {}),
    ("show", ["urn:t:odd"], {"at": 1}),
    ("show", ["urn:t:ana"], {"at": 0}),
    ("find", [], {}),
    ("find", ["fraud"], {"kinds": ["modelversion"]}),
    ("find", [], {"limit": 3}),
    ("find", [], {"after": "urn:t:env", "limit": 2}),
    ("find", ["x"], {"kinds": ["Modl"]}),
    ("find", ["no such thing"], {}),
    ("compare", ["fraud@v1", "fraud@v2"], {}),
    ("compare", ["urn:t:run:1", "urn:t:run:1"], {"at": 1}),
    ("compare", ["urn:t:data", "fraud@v2"], {}),
    ("bisect", ["auc", "fraud@v1", "fraud@v2"], {}),
    ("bisect", ["auc", "urn:t:run:1", "urn:t:run:2"], {"limit": 2, "at": 1}),
    ("bisect", ["nothing", "fraud@v1", "fraud@v2"], {}),
    ("stats", [], {}),
]


@pytest.mark.parametrize(("verb", "words", "options"), CALLS, ids=lambda part: str(part)[:40])
def test_a_client_answers_as_the_store_does(pair, verb, words, options):
    here, there = pair
    assert outcome(there, verb, words, options) == outcome(here, verb, words, options)


def test_every_call_of_the_contract_that_reads_is_tried():
    reading = {"ask", "explain", "trace", "impact", "produced", "why", "show", "find", "compare"}
    assert {verb for verb, _, _ in CALLS} == reading | {"bisect", "stats", "reach"}


def test_runs_in_their_order_come_back_with_all_that_changed(served):
    with lineage.open("memory:") as here:
        here.ingest(recorded())
        there = served(here)
        for limit in (2, 100):
            ends = ("accuracy", "run:a", "run:e")
            assert there.bisect(*ends, limit=limit) == here.bisect(*ends, limit=limit)


def test_rows_come_back_as_the_engine_keeps_them(pair):
    here, there = (door.ask("*") for door in pair)
    assert there.found.ordered_edges == here.found.ordered_edges
    assert there.to_json() == here.to_json()
    assert (repr(there), there._repr_html_()) == (repr(here), here._repr_html_())


def test_a_client_has_every_name_that_a_store_has():
    def public(kind):
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(Remote) - {"context"} == public(Lineage) | {"url"}
    for name, request in REQUESTS.items():
        mine = inspect.signature(getattr(Remote, name))
        assert mine == inspect.signature(getattr(Lineage, name))
        assert list(mine.parameters)[1:] == [field.name for field in fields_of(request)]


def test_what_needs_the_store_itself_says_so(pair):
    _, there = pair
    for name in ("admit", "backup", "context", "home", "load", "rebuild", "store"):
        with pytest.raises(Usage, match=r"this needs the store itself, and http://127\.0"):
            getattr(there, name)
    for name in ("verify", "export", "log", "tokens", "quarantine"):
        with pytest.raises(Usage, match=r"this needs the store itself, and http://127\.0"):
            getattr(there, name)()
    with pytest.raises(Usage, match=r"this needs the store itself, and http://127\.0"):
        there.package(None, b"")


def test_pages_go_on_through_either_door(pair):
    here, there = pair
    first = there.ask("*", limit=4)
    second = here.ask("*", limit=100, cursor=first.certificate.cursor)
    assert first.ids + second.ids == here.ask("*").ids
    with pytest.raises(BadCursor):
        there.ask("kind:run", cursor=first.certificate.cursor)


def test_what_is_longer_than_a_page_of_the_server_is_fetched_page_by_page(served, monkeypatch):
    nodes = tuple(Node(id=f"urn:t:{n:04}", kind="Run", label=f"r{n}") for n in range(450))
    monkeypatch.setattr("lineage.client.remote._ANSWER", 100)
    with small() as here:
        here.ingest(Batch(nodes=nodes))
        there = served(here)
        for verb, words in (("find", []), ("ask", ["kind:run"])):
            for limit in (450, 451, 10_000):
                options = {"limit": limit}
                assert outcome(there, verb, words, options) == outcome(here, verb, words, options)


def test_what_is_ingested_through_a_server_is_as_if_it_were_here(served):
    with small() as here, lineage.open("memory:", clock=clock, person_key=KEY) as other:
        other.ingest(batch(), source="test")
        there = served(here)
        other.add_token("admin", role="admin")
        more = Batch(
            nodes=(
                Node(id="urn:t:run:3", kind="Run", label="train-3", attributes={"a": (1, 2.5)}),
            ),
            edges=(Edge(relation="used", effect="urn:t:run:3", cause="urn:t:data"),),
        )
        report, local = (
            there.ingest(more, source="lab"),
            other.ingest(more, source="document:admin/lab"),
        )
        assert report.to_dict() == local.to_dict()
        assert there.ask("*").to_dict()["nodes"] == other.ask("*").to_dict()["nodes"]
        again = there.ingest([more, Batch()], source="lab")
        assert (again.added, again.unchanged, again.entries) == (0, 2, ())
        assert there.ingest([]).entries == ()
        assert outcome(there, "ingest", [broken()], {}) == outcome(here, "ingest", [broken()], {})


def broken():
    return Batch(edges=(Edge(relation="used", effect="not an iri", cause="urn:t:data"),))


def test_a_caller_who_may_only_read_is_told_which_role_it_takes(served):
    with small() as here:
        there = served(here, Role.viewer)
        assert there.stats() == here.stats()
        with pytest.raises(Denied, match="needs the role contributor"):
            there.ingest(Batch())


@pytest.mark.parametrize("token", ["", "lin_nobody"])
def test_a_caller_whom_nobody_knows_is_told_where_a_token_goes(served, token):
    with small() as here, pytest.raises(Unauthenticated) as caught:
        served(here, token=token).stats()
    assert "LINEAGE_TOKEN" in caught.value.hint


def test_a_batch_of_nearly_a_mebibyte_is_taken_and_a_larger_one_refused_unsent(served):
    def large(number):
        held = {"attributes": {"x": "y" * number}}
        return Batch(nodes=(Node(id="urn:t:large", kind="Entity", **held),))

    with small() as here:
        there = served(here)
        assert there.ingest(large(1_000_000)).added == 1
        with pytest.raises(LimitExceeded):
            there.ingest(large(1_100_000))
        assert there.stats() == here.stats()


def test_threads_may_share_a_client(pair):
    here, there = pair
    asked = [f"urn:t:run:{n % 2 + 1}" for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda ref: there.trace(ref).to_dict(), asked))
    assert found == [here.trace(ref).to_dict() for ref in asked]


def test_a_deployment_is_told_to_a_server_and_read_from_it(served):
    with small() as here:
        there = served(here, Role.contributor)
        done = there.deploy("fraud@v1", to="prod", url="https://fraud.example.org")
        assert done.deployment.state == "live"
        assert done.report.source == "api:contributor/deployments"
        assert outcome(there, "show", [done.deployment.id], {})[1]["deployment"]["state"] == "live"
        asked = ("impact", ["data/train.csv@1"], {})
        assert outcome(there, *asked) == outcome(here, *asked)
        assert there.impact("data/train.csv@1").deployments == [done.deployment]
        assert there.retire("fraud@v1", from_="prod").deployment.state == "retired"
        again = ("retire", ["fraud@v1"], {"from_": "prod"})
        assert outcome(there, *again) == outcome(here, *again)
        with pytest.raises(Denied):
            served(here, Role.viewer).deploy("fraud@v2", to="prod")


def test_a_decision_is_taken_on_a_server_and_read_from_it(served, tmp_path):
    record = (
        "---\nid: dec-a\nstatus: proposed\nowner: ana\nplan: {config: {lr: 0.1}, seeds: [1, 2]}\n"
        "criteria:\n- {metric: auc, op: '>', value: 0.5, test: t, min_runs: 2}\n---\n# A\n\nText.\n"
    )
    (tmp_path / "decisions").mkdir()
    (tmp_path / "decisions/0001-a.md").write_text(record)
    with lineage.open("memory:", clock=clock, person_key=KEY) as here:
        runs = [
            Node(
                id=f"urn:t:r{n}",
                kind="Run",
                attributes={
                    "decision": "dec-a",
                    "param.lr": "0.2",
                    "metric.auc": 0.6 + n / 10,
                    "tags": "pilot",
                },
            )
            for n in range(3)
        ]
        here.ingest(Batch(nodes=tuple(runs)))
        here.load(tmp_path)
        there = served(here, Role.contributor)
        asked = ("deliberate", ["0001", "executed"], {})
        assert outcome(there, *asked) == outcome(here, *asked)
        there.review("decision:dec-a", gap=["no baseline", "no data"])
        learnt = there.lesson("dec-a", "Two runs are too few.", tag=["pilot"], about=["urn:t:r0"])
        assert (learnt.about, learnt.tags) == (("urn:t:r0",), ("pilot",))
        assert len(there.lessons("urn:t:r1").lessons) == 1
        for verb, words, options in (
            ("decision", ["dec-a"], {}),
            ("decision", ["dec-b"], {}),
            ("story", ["urn:t:r1"], {}),
            ("lessons", ["urn:t:r1"], {}),
            ("lessons", ["urn:t:r1"], {"first": 0}),
            ("lesson", ["dec-a", ""], {}),
            ("decisions", [], {"status": "proposed"}),
            ("audit", [], {"first": 2}),
            ("contributions", [], {}),
            ("decisions", [], {"first": 1, "overdue": True}),
            ("decisions", [], {"status": "odd"}),
            ("review", ["dec-a"], {}),
        ):
            assert outcome(there, verb, words, options) == outcome(here, verb, words, options)
        shown = there.decision("dec-a")
        assert shown == here.decision("dec-a")
        assert (len(shown.runs), len(shown.deviations)) == (3, 8)
        assert shown.criteria[0].interval is not None
        with pytest.raises(Denied, match="steward"):
            there.deliberate("dec-a", "accepted")
        with pytest.raises(Denied):
            there.supersede("dec-a", by="dec-a")


def test_who_answers_for_a_thing_is_told_to_a_server_by_a_steward_and_read_from_it(served):
    with small() as here:
        there = served(here, Role.steward)
        told = there.set_owner("fraud@v1", "@lab/models", reason="they serve it")
        assert (told.thing.owners, told.report.source) == (("@lab/models",), "steward:owners")
        assert outcome(there, "owners", [], {}) == outcome(here, "owners", [], {})
        asked = ("@lab/models",), {"to": "@lab/other", "reason": "renamed", "dry_run": True}
        assert there.transfer_owner(*asked[0], **asked[1]).counts == {"models": 1}
        wrong = ("set_owner", ["fraud@v1", "nobody of that name"], {})
        assert outcome(there, *wrong) == outcome(here, *wrong)
        with pytest.raises(Denied):
            served(here, Role.contributor).set_owner("fraud@v1", "@lab/other")
