# SPDX-License-Identifier: Apache-2.0
"""One more kind and two more relations: every interface of the version that has them knows them, and
the version before reads what it wrote.
"""

from __future__ import annotations

import json

import pytest

import lineage
from lineage import formats
from lineage.cli import main
from lineage.errors import StoreTooNew
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Ref
from lineage.store.base import NOW, View, Walk
from tests.conftest import RELEASES, neo4j_address
from tests.house.scratch import Scratch

KIND = '''@kind(plural="inspections", group="inspections", summary=("scope",))
class Inspection(ActivityNoun):
    """Somebody looking for what is missing."""

    scope: str | None = attribute("What was looked at.")
    started: str | None = attribute("When it began, ISO 8601.")
    ended: str | None = attribute("When it ended, ISO 8601.")


'''
RELATIONS = """    narrower(
        _BASES["wasAttributedTo"], code=24, name="wasApprovedBy", inverse="approved"
    ),
    narrower(_BASES["used"], code=999, name="examined", inverse="wasExaminedBy"),
"""
DOCUMENT = {
    "prefix": {"ex": "http://example.org/", "lineage": "urn:lineage:term:"},
    "entity": {"ex:model": {"prov:label": "fraud"}, "ex:data": {}, "ex:report": {}},
    "activity": {
        "ex:inspection": {
            "prov:label": "inspection of may",
            "prov:type": {"$": "lineage:Inspection", "type": "prov:QUALIFIED_NAME"},
            "lineage:scope": "everything",
        }
    },
    "agent": {"ex:ana": {}},
    "wasGeneratedBy": {"_:g": {"prov:entity": "ex:report", "prov:activity": "ex:inspection"}},
    "used": {
        "_:u": {
            "prov:activity": "ex:inspection",
            "prov:entity": "ex:model",
            "prov:type": {"$": "lineage:examined", "type": "prov:QUALIFIED_NAME"},
        }
    },
    "wasDerivedFrom": {"_:d": {"prov:generatedEntity": "ex:model", "prov:usedEntity": "ex:data"}},
    "wasAttributedTo": {
        "_:a": {
            "prov:entity": "ex:report",
            "prov:agent": "ex:ana",
            "prov:type": {"$": "lineage:wasApprovedBy", "type": "prov:QUALIFIED_NAME"},
        }
    },
}
EX = "http://example.org/"
#: What the newer version does with its own terms, on every interface.
NEWER = """
import asyncio, json, sys
import lineage
from graphql_schema import make
from graphql_schema.context import Session
from lineage import formats
from lineage.access.tokens import Role
from lineage.model import kinds
from lineage.model.record import line

EX = "http://example.org/"
with lineage.open(sys.argv[1]) as store:
    (report,) = store.load("story.json")
    assert report.added == 9, report
    node = store.show("inspection:inspection of may").nodes
    assert any(n.kind == "Inspection" and n.attributes["scope"] == "everything" for n in node)
    upstream = store.trace(EX + "report")
    assert set(upstream.ids) == {EX + n for n in ("report", "inspection", "model", "data", "ana")}
    assert upstream.groups["inspections"] == [EX + "inspection"]
    assert {e.relation for e in upstream.edges} >= {"wasApprovedBy", "examined"}
    assert store.impact(EX + "data").groups["inspections"] == [EX + "inspection"]
    assert store.ask("kind:inspection").ids == (EX + "inspection",)
    assert len(store.ask("* via examined")) == 5
    assert store.find(kinds=["Inspection"]).ids == (EX + "inspection",)
    assert store.stats().kinds["Inspection"] == 1
    assert "inspections" in store.produced(EX + "report").things
    assert store.verify().state == "intact"
    whole = store.export(format="json").data
    want = {line(r) for r in formats.named("json").loads(whole).records}
    for name in formats.BUILTIN:
        data = store.export(format=name).data
        if name not in ("dot", "svg", "rocrate"):
            got = {line(r) for r in formats.named(name).loads(data).records}
            assert got == want, name
    made = kinds.Inspection(id="urn:inspection", scope="x").node()
    assert made.kind == "Inspection"

    class Server:
        actor = "tester"

        async def read(self, work):
            return work(store.context)

        async def prepare(self, work):
            return work()

        def admit(self): ...

        def spend(self, points): ...

    query = '''{ inspections { nodes { scope label kind causes { edges { __typename type } } } }
      produced(ref: "http://example.org/report") { things { inspections { label } } groups { inspections } } }'''
    context = Session(server=Server(), role=Role.admin)
    result = asyncio.run(make().execute(query, context_value=context))
    assert not result.errors, result.errors
    data = json.loads(json.dumps(result.data, default=str)) if not isinstance(result.data, bytes) else json.loads(result.data)
    assert data["inspections"]["nodes"][0]["scope"] == "everything", data
    assert data["inspections"]["nodes"][0]["causes"]["edges"][0]["__typename"] == "Examined"
    assert data["produced"]["groups"]["inspections"] == [EX + "inspection"]
    assert data["produced"]["things"]["inspections"] == [{"label": "inspection of may"}]
from lineage.client.documents import document
from lineage.verbs import REQUESTS
assert "inspections" in document(REQUESTS["trace"]) and "inspections" in document(REQUESTS["produced"])
print("all")
"""


@pytest.fixture
def newer(tmp_path):
    """Our packages with one kind and two relations more."""
    folder = tmp_path / "newer"
    folder.mkdir()
    scratch = Scratch(folder)
    anchor = '@kind(plural="reviews"'
    scratch.insert("lineage/model/kinds.py", anchor, KIND)
    scratch.insert(
        "lineage/model/terms.py", ")\n#: Every relation: those of PROV, then ours.", RELATIONS
    )
    scratch.touched.clear()
    path = folder / "lineage" / "version.py"
    path.write_text(path.read_text("utf-8").replace('"0.1.0"', '"0.2.0"'), "utf-8")
    (folder / "story.json").write_text(json.dumps(DOCUMENT), "utf-8")
    return scratch


@pytest.fixture(params=["sqlite", *RELEASES])
def written(request, newer, tmp_path, monkeypatch):
    """The address of a store that the newer version has filled."""
    if request.param == "sqlite":
        url = str(tmp_path / "store.db")
    else:
        url = neo4j_address(request.param, request, monkeypatch)
    assert newer.script(NEWER, url) == "all\n"
    return url


def test_every_interface_knows_a_new_kind_and_the_version_before_reads_it(
    written, newer, capsys, tmp_path
):
    with lineage.open(written) as store:
        reads_everything(store)
        refuses_to_write(store)
        verdict = store.verify()
        assert verdict.state == "too-new"
        assert "0.2.0" in verdict.findings[0].hint
        document = store.export(format="json").data
    commands(written, capsys, tmp_path)
    # What the version before exported is what the newer one wrote.
    (newer.folder / "back.json").write_bytes(document)
    script = (
        "import sys, lineage\n"
        "with lineage.open('again.db') as store:\n"
        "    store.load('back.json')\n"
        "    print(store.stats().kinds['Inspection'], sorted({e.relation for e in store.export() and store.ask('*').edges}))"
    )
    told = newer.script(script)
    assert told.startswith("1 "), told
    assert "examined" in told
    assert "wasApprovedBy" in told


def reads_everything(store):
    inspection = store.store.get([f"{EX}inspection"], NOW)[f"{EX}inspection"].node()
    assert inspection.kind == "Activity"
    assert inspection.attributes == {
        "prov:type": Ref("urn:lineage:term:Inspection"),
        "scope": "everything",
    }
    for at in (None, 1):
        upstream = store.trace(f"{EX}report", at=at)
        assert set(upstream.ids) == {
            EX + n for n in ("report", "inspection", "model", "data", "ana")
        }
        shown = {(e.relation, e.attributes.get("prov:type")) for e in upstream.edges}
        assert shown == {
            ("wasGeneratedBy", None),
            ("used", Ref("urn:lineage:term:examined")),
            ("wasDerivedFrom", None),
            ("wasAttributedTo", Ref("urn:lineage:term:wasApprovedBy")),
        }
        assert upstream.groups["others"] == sorted(
            EX + name for name in ("inspection", "data", "model")
        )
    assert store.impact(f"{EX}data").certificate.complete
    assert store.ask("kind:activity").ids == (f"{EX}inspection",)
    assert store.find(kinds=["Activity"], text="may").ids == (f"{EX}inspection",)
    assert store.trace(f"{EX}report", via=["used", "wasGeneratedBy"]).ids == (
        f"{EX}inspection",
        f"{EX}model",
        f"{EX}report",
    )
    assert store.why(f"{EX}report", f"{EX}data").paths
    assert len(store.show(f"{EX}inspection").evidence) == 2
    assert store.stats().kinds["Activity"] == 1
    assert store.store.find  # the translated store answers as every other does
    walk = store.store.walk(Walk(start=frozenset({f"{EX}report"}), depth=1), View(as_of=1))
    assert len(walk.nodes) == 3
    for name in formats.BUILTIN:
        store.export(format=name)


def refuses_to_write(store):
    batch = Batch(
        nodes=(Node(id="urn:x", kind="Run"),),
        edges=(Edge(relation="used", effect="urn:x", cause=f"{EX}data"),),
    )
    for attempt in (lambda: store.ingest(batch), store.rebuild):
        with pytest.raises(StoreTooNew) as caught:
            attempt()
        assert "Inspection, examined, wasApprovedBy" in str(caught.value)
        assert "Install lineagedb 0.2.0 or newer" in caught.value.hint


def commands(url, capsys, tmp_path):
    """What the commands of the version before say, and that none ends in a traceback."""
    for words, code in (
        (["trace", f"{EX}report"], 0),
        (["impact", f"{EX}data"], 0),
        (["show", f"{EX}inspection"], 0),
        (["find", "inspection"], 0),
        (["ask", "*"], 0),
        (["stats"], 0),
        (["log"], 0),
        (["export", "--format", "provn"], 0),
        (["doctor"], 0),
        (["verify"], 2),
        (["rebuild", "--yes"], 2),
        (["copy", url, str(tmp_path / "other.db")], 2),
    ):
        with pytest.raises(SystemExit) as caught:
            main(["--store", url, *words])
        said = capsys.readouterr()
        assert (caught.value.code or 0) == code, (words, said)
        assert "Traceback" not in said.err
        if words[0] == "verify":
            assert "too new" in said.out
            assert "tampered" not in said.out
        if words[0] == "doctor":
            assert "0.2.0" in said.out


def test_a_store_that_a_newer_version_extends_while_it_is_open_says_so(newer, tmp_path):
    url = str(tmp_path / "store.db")
    with lineage.open(url) as store:
        store.ingest(Batch(nodes=(Node(id=f"{EX}model", kind="Model"),)))
        newer.script("import sys, lineage; lineage.open(sys.argv[1]).load('story.json')", url)
        with pytest.raises(StoreTooNew, match="Inspection"):
            store.ingest(Batch(nodes=(Node(id="urn:x", kind="Run"),)))
        with pytest.raises(StoreTooNew, match=r"unknown when it was opened|no kind"):
            store.trace(f"{EX}report")
    with lineage.open(url) as store:
        assert len(store.trace(f"{EX}report")) == 5
