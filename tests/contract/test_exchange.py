# SPDX-License-Identifier: Apache-2.0
"""The commands of documents: export, convert, validate, sparql."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

import lineage
from lineage import formats
from lineage.errors import StoreDamaged
from lineage.model.record import Batch, Edge, Node, line
from lineage.model.value import Ref
from lineage.services.read import export
from lineage.store.sqlite.engine import SqliteStore

EX = "http://example.org/"
STORY = Batch(
    nodes=(
        Node(id=f"{EX}model", kind="ModelVersion", label="fraud@v3"),
        Node(id=f"{EX}run", kind="Run", label="train"),
        Node(id=f"{EX}inside", kind="Entity", bundle=f"{EX}bundle"),
    ),
    edges=(
        Edge(relation="wasGeneratedBy", effect=f"{EX}model", cause=f"{EX}run"),
        Edge(relation="used", effect=f"{EX}run", cause=f"{EX}data"),
    ),
    prefixes={"ex": EX},
    bundles={f"{EX}bundle": {}},
)
LINEAGE = "SELECT ?m ?d { ?m prov:wasGeneratedBy ?r . ?r prov:used ?d }"
VALID = b"""document
  prefix ex <http://example.org/>
  entity(ex:data)
  activity(ex:run, 2026-01-02T00:00:00, -)
  used(ex:run, ex:data, -)
endDocument
"""
INVALID = VALID.replace(b"endDocument", b"specializationOf(ex:data, ex:data)\nendDocument")
SHAPES = """@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix prov: <http://www.w3.org/ns/prov#> .
<urn:shape> a sh:NodeShape ; sh:targetClass prov:Activity ; %s .
"""


def statements(batch):
    return {line(record) for record in batch.records}


@pytest.fixture
def held(run, tmp_path):
    """A store with the story in it, and a small document beside it."""
    (tmp_path / "story.json").write_bytes(formats.named("json").dumps(STORY))
    (tmp_path / "valid.provn").write_bytes(VALID)
    (tmp_path / "invalid.provn").write_bytes(INVALID)
    assert run("--store", "s.db", "import", "story.json")[0] == 0
    return "s.db"


@pytest.fixture
def typed(monkeypatch):
    """Something that stands on stdin."""

    def on_stdin(data):
        text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
        monkeypatch.setattr("sys.stdin", text)

    return on_stdin


def test_a_store_is_exported_to_a_file_and_the_losses_are_said(run, held, tmp_path):
    turtle = ("--store", held, "export", "--format", "turtle", "-o", "all.ttl")
    assert "canonical" not in run(*turtle)[2]
    code, out, err = run(*turtle, "--canonical")
    assert (code, out) == (0, "")
    assert "not in it: 1 bundle: turtle has no named graphs" in err
    assert "3 things, 2 links as turtle, as of entry 1" in err
    assert "canonical (RDFC-1.0, SHA-256): " in err
    assert b"prov:wasGeneratedBy" in (tmp_path / "all.ttl").read_bytes()
    assert run("--store", "again.db", "import", "all.ttl")[0] == 0
    _, told, _ = run("--store", held, "export", "--format", "trig", "-o", "all.trig", "--json")
    assert set(json.loads(told)) == {
        "format",
        "bytes",
        "nodes",
        "edges",
        "losses",
        "canonical",
        "certificate",
    }
    assert json.loads(told)["losses"] == []
    back = formats.named("trig").loads((tmp_path / "all.trig").read_bytes())
    assert statements(back) == statements(STORY)


def test_an_export_that_fails_leaves_what_stood_there(run, held, tmp_path, monkeypatch):
    read = SqliteStore.held

    def damaged(store, ids, view):
        if f"{EX}run" in ids:
            raise StoreDamaged("a page is not readable", where="s.db")
        return read(store, ids, view)

    (tmp_path / "all.nq").write_bytes(b"former")
    monkeypatch.setattr(export, "_TOGETHER", 1)
    monkeypatch.setattr(SqliteStore, "held", damaged)
    for out in (("-o", "all.nq"), ()):
        code, told, err = run("--store", held, "export", "--format", "nquads", *out)
        assert (code != 0, told) == (True, "")
        assert "a page is not readable" in err
    assert (tmp_path / "all.nq").read_bytes() == b"former"
    assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []


def test_a_selection_goes_to_stdout_and_what_is_said_of_it_to_stderr(run, held):
    _, out, err = run("--store", held, "export", f'"{EX}run"+', "--format", "provn")
    batch = formats.named("provn").loads(out.encode())
    assert statements(batch) == statements(
        Batch(nodes=STORY.nodes[:2], edges=STORY.edges[:1]),
    )
    assert "2 things, 1 link as provn" in err


def test_a_document_is_converted_by_the_names_of_files_or_as_it_is_told(run, held, tmp_path):
    for target in ("story.provn", "story.xml", "story.trig", "story.nq", "story.jsonld"):
        code, out, err = run("convert", "story.json", "-o", target)
        assert (code, out, err) == (0, "", ""), target
        assert statements(
            formats.sniff((tmp_path / target).read_bytes()).loads((tmp_path / target).read_bytes())
        ) == statements(STORY)
    _, _, err = run("convert", "story.json", "--to", "nt", "-o", "any.txt")
    assert "not in it: 1 bundle" in err
    assert b"<http://www.w3.org/ns/prov#used>" in (tmp_path / "any.txt").read_bytes()


def test_a_document_is_converted_from_stdin_to_stdout(run, held, typed):
    typed(VALID)
    code, out, err = run("convert", "-", "--to", "json")
    assert (code, err) == (0, "")
    assert [edge.relation for edge in formats.named("json").loads(out.encode()).edges] == ["used"]


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["export", "--format", "word"], 2, "error[unknown-format]: no format is called 'word'"),
        (["export", "kind:"], 2, "error[bad-query]"),
        (["export", '"urn:nothing"'], 3, "error[not-found]"),
        (["export", "-o", "no/such/folder"], 2, "error[usage]: cannot write"),
        (["export", "--json"], 2, "--out"),
        (["convert", "story.json", "--to", "word"], 2, "error[unknown-format]"),
        (["convert", "story.json"], 2, "error[unknown-format]: it is not said what"),
        (["convert", "story.json", "-o", "x.word"], 2, "error[unknown-format]: it is not said"),
        (["convert", "story.json", "--from", "provn", "--to", "json"], 2, "error[bad-input]"),
        (["convert", "missing.json", "--to", "json"], 2, "error[input-missing]"),
        (["validate", "missing.json"], 2, "error[input-missing]"),
        (["validate", "story.json", "--as", "word"], 2, "error[unknown-format]"),
        (["validate", "story.json", "--shapes", "missing.ttl"], 2, "error[input-missing]"),
        (["validate", "story.json", "--shapes", "story.json"], 2, "error[bad-input]: not shapes"),
        (["sparql", "SELECT"], 2, "error[bad-query]: not SPARQL 1.1"),
        (["sparql", "DROP ALL"], 2, "error[bad-query]: DROP is not answered here"),
        (["sparql", "ASK { }", "--at", "someday"], 2, "error[usage]"),
    ],
)
def test_what_goes_wrong_is_one_clear_error(words, code, error, run, held):
    got, out, err = run("--store", held, *words)
    assert (got, out) == (code, "")
    assert error in err
    assert "Traceback" not in err


def test_a_document_that_is_valid_ends_with_0_and_one_that_is_not_with_4(run, held, typed):
    code, out, _ = run("validate", "valid.provn")
    assert (code, out) == (0, "valid: 3 records, 0 findings\n")
    code, out, _ = run("validate", "invalid.provn")
    assert code == 4
    assert out.startswith("not valid: 4 records, ")
    typed(INVALID)
    code, out, _ = run("validate", "-", "--json")
    assert code == 4
    told = json.loads(out)
    assert told["valid"] is False
    errors = [found for found in told["findings"] if found["severity"] == "error"]
    assert all(found["constraint"] and found["path"] for found in errors)


def test_no_finding_says_to_the_terminal_what_it_would_obey(run, typed):
    ends = {"prov:specificEntity": "urn:a\x1b[2J", "prov:generalEntity": "urn:a\x1b[2J"}
    typed(json.dumps({"specializationOf": {"_:itself": ends}}).encode())
    code, out, _ = run("validate", "-")
    assert code == 4
    assert "specializationOf(urn:a\N{REPLACEMENT CHARACTER}[2J, " in out


def test_a_store_is_validated_whole_or_in_part_wherever_it_is_named(run, held):
    assert run("--store", held, "validate")[0] == 0
    assert run("validate", held)[0] == 0
    code, out, _ = run("validate", held, "--select", f'"{EX}model"', "--json")
    assert (code, json.loads(out)["records"]) == (0, 1)
    run("--store", held, "import", "invalid.provn")
    assert run("validate", held)[0] == 4
    assert run("validate", held, "--select", f'"{EX}model"')[0] == 0


@pytest.mark.filterwarnings("ignore:Dataset.default_context")  # rdflib's own
def test_our_shapes_say_what_the_record_of_a_run_lacks(run, held, tmp_path):
    code, out, _ = run("--store", held, "validate", "--shapes", "run", "--json")
    found = {(f["subject"], f["message"]) for f in json.loads(out)["findings"]}
    assert code == 4
    assert found == {
        (f"{EX}run", "a run does not say when it began"),
        (f"{EX}run", "a run does not say who was responsible"),
    }
    bare = Batch(
        nodes=(
            Node(id="urn:bare", kind="Run"),
            Node(id="urn:model", kind="ModelVersion"),
            Node(id="urn:good", kind="Run", attributes={"started": "2026-01-01T00:00:00Z"}),
            Node(id="urn:made", kind="ModelVersion"),
        ),
        edges=(
            Edge(relation="used", effect="urn:good", cause="urn:data"),
            Edge(relation="wasGeneratedBy", effect="urn:made", cause="urn:good"),
            Edge(
                relation="wasAssociatedWith",
                effect="urn:good",
                cause="urn:ana",
                attributes={"prov:plan": Ref("urn:commit")},
            ),
        ),
    )
    (tmp_path / "bare.json").write_bytes(formats.named("json").dumps(bare))
    code, out, _ = run("validate", "bare.json", "--shapes", "run", "--json")
    assert code == 4
    findings = {(f["subject"], f["message"]): f["severity"] for f in json.loads(out)["findings"]}
    assert findings == {
        ("urn:bare", "a run does not say when it began"): "error",
        ("urn:bare", "a run does not say who was responsible"): "error",
        (
            "urn:bare",
            "a run used nothing: neither data nor code nor environment",
        ): "error",
        ("urn:bare", "a run generated nothing"): "warning",
        ("urn:model", "a model version says nothing about where it comes from"): "error",
    }


@pytest.mark.filterwarnings("ignore:Dataset.default_context")  # rdflib's own
@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("sh:property [ sh:path prov:used ; sh:minCount 1 ]", 0),
        ("sh:property [ sh:path prov:used ; sh:minCount 2 ]", 4),
        ("sh:property [ sh:path prov:used ; sh:minCount 2 ; sh:severity sh:Warning ]", 0),
        ("sh:sparql [ sh:select 'SELECT $this { $this <urn:service> ?from }' ]", 0),
        ("sh:sparql [ sh:select 'SELECT $this { $this ?p ?o }' ]", 4),
    ],
)
def test_shapes_of_the_users_own(rule, code, run, held, tmp_path):
    (tmp_path / "own.ttl").write_text(SHAPES % rule)
    assert run("validate", "valid.provn", "--shapes", "own.ttl")[0] == code


@pytest.mark.filterwarnings("ignore:Dataset.default_context")  # rdflib's own
@pytest.mark.parametrize(
    "rule",
    [
        "sh:sparql [ sh:select 'SELECT $this { SERVICE <http://127.0.0.1/> { $this ?p ?o } }' ]",
        "sh:sparql [ sh:select '''SELECT $this { service#\n<http://127.0.0.1/> { } }''' ]",
        "sh:sparql [ sh:select 'SELECT $this { \\\\u0053ERVICE <http://127.0.0.1/> { } }' ]",
        "sh:sparql [ sh:select 'SELECT $this { \\u0053ERVICE <http://127.0.0.1/> { } }' ]",
        "sh:sparql [ sh:select 'SELECT $this FROM <http://127.0.0.1/> { $this ?p ?o }' ]",
        "sh:sparql [ sh:select 'SELEC' ]",
        "sh:sparql [ sh:select 'SELECT $this { $this ?p ?o MINUS { } }' ]",
        "sh:property [ sh:minCount 'many' ]",
    ],
)
def test_shapes_that_ask_elsewhere_or_are_none_are_one_clear_error(rule, run, held, tmp_path):
    (tmp_path / "own.ttl").write_text(SHAPES % rule)
    code, out, err = run("validate", "valid.provn", "--shapes", "own.ttl")
    assert (code, out) == (2, "")
    assert "error[bad-input]" in err
    assert "own.ttl" in err


def test_each_form_of_sparql_query_has_its_way_to_be_read(run, held, typed):
    assert run("--store", held, "sparql", LINEAGE) == (0, f"?m\t?d\n{EX}model\t{EX}data\n", "")
    assert run("--store", held, "sparql", f"ASK {{ <{EX}run> prov:used ?d }}")[1] == "yes\n"
    assert run("--store", held, "sparql", "ASK { ?d prov:used ?d }")[1] == "no\n"
    built = run("--store", held, "sparql", "CONSTRUCT WHERE { ?r prov:used ?d }")[1]
    assert built == f"<{EX}run> <http://www.w3.org/ns/prov#used> <{EX}data> .\n"
    typed(LINEAGE.encode())
    told = json.loads(run("--store", held, "sparql", "-", "--json")[1])
    assert set(told) == {"head", "results", "certificate"}
    assert told["certificate"]["complete"] is True
    assert run("--store", held, "sparql", LINEAGE, "--at", "0")[1] == "?m\t?d\n"


def test_an_answer_in_sparql_that_is_cut_says_so(run, held, monkeypatch):
    monkeypatch.setattr("lineage.services.read.sparql.ROWS", 1)
    _, out, err = run("--store", held, "sparql", "SELECT ?s { ?s ?p ?o }")
    assert out.count("\n") == 2
    assert "add LIMIT and OFFSET" in err


def test_a_refused_query_over_much_is_one_clear_error_too(tmp_path):
    """The process that asks ends before it has read what it would have asked."""
    many = Batch(nodes=tuple(Node(id=f"urn:e:{n}", kind="Entity") for n in range(5_000)))
    with lineage.open(tmp_path / "many.db", durability="fast") as store:
        store.ingest(many)
    words = ["--store", "many.db", "sparql", "SELECT * { SERVICE <http://127.0.0.1/> { } }"]
    command = [sys.executable, "-c", "from lineage.cli import main; main()", *words]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"error[bad-query]: SERVICE is not answered here" in done.stderr
