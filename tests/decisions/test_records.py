# SPDX-License-Identifier: Apache-2.0
"""Records of other tools and of ours are read as they are written, and what is unclear in them is said.

The numbers are those of the scenarios in public reports that these are cut from.
"""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import pytest
import yaml

from lineage.sources.decision_records.fields import ROLES
from lineage.sources.decision_records.template import New, new_id, written
from tests.conftest import ROOT
from tests.decisions.conftest import FORMS, NYGARD, found, record


@pytest.fixture
def store(lineage_at):
    return lineage_at("memory:")


def test_two_records_of_one_number_are_two_and_the_number_names_neither(
    new_repository, command, store
):
    repository = new_repository()
    two = {
        "decisions/0112-store.md": record("One store", id="dec-a", status="accepted"),
        "decisions/0112-queue.md": record("One queue", id="dec-b", status="accepted"),
        "decisions/0113-both.md": record(
            "No queue", id="dec-c", status="accepted", links={"supersedes": ["0112"]}
        ),
    }
    repository.commit("Two branches were merged", two)
    code, said = command(repository.path, "decision", "check")
    findings = {one["code"]: one for one in said["findings"]}
    assert code == 4
    assert findings.keys() == {"decision-number-twice", "decision-link"}
    for finding in findings.values():
        assert "0112-store.md" in finding["message"]
        assert "0112-queue.md" in finding["message"]
    assert findings["decision-link"]["subject"] == "decisions/0113-both.md:4"

    repository.git("mv", "decisions/0112-queue.md", "decisions/0114-queue.md")
    repository.commit("One of them is renamed", {})
    store.load(repository.path)
    decisions = found(store)
    assert decisions["0112 One store"].status == "superseded", "the number is clear now"
    assert decisions["0114 One queue"].key == "dec-b"
    assert decisions["0114 One queue"].status == "accepted"
    assert store.decision("0114").notes == ()


def test_a_number_of_before_still_finds_a_decision_and_says_so(new_repository, store):
    repository = new_repository()
    repository.commit("First", {"decisions/0007-store.md": record("One store", id="dec-a")})
    repository.git("mv", "decisions/0007-store.md", "decisions/0009-store.md")
    repository.commit("Renamed", {})
    store.load(repository.path)
    shown = store.decision("decision:7")
    assert shown.decision.title == "0009 One store"
    assert shown.notes == ("7 is what it was called before",)


@pytest.mark.parametrize("form", FORMS)
def test_what_takes_the_place_of_another_is_said_once_and_no_file_is_touched(form, folder, store):
    old = FORMS[form].format(title="Old", status="accepted")
    new = NYGARD.format(title="New", status="Accepted\n\nSupersedes [1. Old](0001-old.md)")
    project = folder({"adr/0001-old.md": old, "adr/0002-new.md": new})
    store.load(project)
    shown = store.decision("1")
    assert shown.decision.status == "superseded"
    assert shown.decision.superseded_by == (store.decision("2").decision.id,)
    assert "its file says accepted" in [note.lower() for note in shown.notes]
    assert (project / "adr/0001-old.md").read_text() == old
    assert "1 Old" not in found(store, status="accepted")


@pytest.mark.parametrize(
    ("written", "status", "advice"),
    [
        ("Approved", None, "Did you mean accepted?"),
        ("Accepted (#12)", "accepted", None),
        ("on hold", None, "There are: draft"),
        ("draft", "draft", None),
        ("amended-in-part by [0215](0215-x.md)", None, "Did you mean accepted?"),
        ("superseded by [A](a.md)", "superseded", None),
        ("accepted, see the minutes", "accepted", None),
        ("Superceded by ADR-12", "superseded", "Did you mean superseded?"),
        ("acceptedish", None, "There are"),
    ],
)
def test_a_status_is_kept_as_written_and_means_one_that_there_is_or_none(
    written, status, advice, folder, command, store
):
    files = {
        "adr/0001-x.md": FORMS["front"].format(title="X", status=written),
        "adr/a.md": FORMS["front"].format(title="A", status="accepted"),
        "adr/0215-x.md": FORMS["front"].format(title="Y", status="accepted"),
        "adr/0012-x.md": FORMS["front"].format(title="Z", status="accepted"),
    }
    project = folder(files)
    store.load(project)
    one = found(store)["0001 X"]
    assert (one.status_written, one.status) == (written, status)
    _, said = command(project, "decision", "check", "adr")
    hints = [f["hint"] for f in said["findings"] if f["code"] == "decision-status"]
    assert [advice in hint for hint in hints] == ([] if advice is None else [True])


def test_a_record_without_a_status_is_neither_accepted_nor_proposed(folder, store):
    store.load(
        folder(
            {
                "decisions/0001-a.md": record("A"),
                "decisions/0002-b.md": record("B", status="accepted"),
            }
        )
    )
    assert found(store, status="unknown").keys() == {"0001 A"}
    assert found(store, status="accepted").keys() == {"0002 B"}
    assert {
        node.title
        for node in store.ask("kind:decision and missing(status_written) and namespace:*")
    } == {"0001 A"}


def test_a_link_is_relative_to_its_file_and_a_bare_name_for_two_names_neither(
    folder, command, store
):
    files = {
        "pkg/docs/adr/x.md": FORMS["bullets"].format(title="X", status="superseded by [y](y.md)"),
        "pkg/docs/adr/y.md": FORMS["bullets"].format(title="Y of the package", status="accepted"),
        "docs/adr/y.md": FORMS["bullets"].format(title="Y of all", status="accepted"),
        "docs/adr/z.md": FORMS["bullets"].format(title="Z", status="accepted"),
        "other/adr/w.md": record("W", status="accepted", links={"supersedes": ["y"]}),
    }
    project = folder(files)
    store.load(project)
    assert [x.partition("adr/")[2] for x in store.decision("x").decision.superseded_by] == ["y.md"]
    assert "pkg" in store.decision("x").decision.superseded_by[0]
    assert store.decision("w").open == ("leads nowhere, or to several: supersedes y",)
    code, said = command(project, "decision", "check", ".")
    assert code == 4
    [finding] = said["findings"]
    assert "docs/adr/y.md or pkg/docs/adr/y.md" in finding["message"]


@pytest.mark.parametrize(
    "broken", ["owner: @alice", "title: Decision: use X", "tags: [a", "a: !x 1"]
)
def test_one_record_that_cannot_be_read_costs_that_record_only(broken, folder, command, store):
    files = {f"decisions/{n:04}-r.md": record(f"R{n}", status="accepted") for n in range(1, 30)}
    files["decisions/0030-bad.md"] = f"---\nstatus: accepted\n{broken}\n---\n# Bad\n"
    project = folder(files)
    *_, report = [r for r in store.load(project) if r.importer == "decisions" and r.seen]
    assert report.seen["decisions"] == 29
    [loss] = report.losses
    assert "decisions/0030-bad.md:" in loss.reason
    code, said = command(project, "decision", "check")
    [finding] = said["findings"]
    assert (code, said["records"], finding["code"]) == (4, 29, "decision-unreadable")
    assert "in quotes" in finding["hint"]
    assert command(project, "decision", "check", "--fail-on", "never")[0] == 0


def test_identifiers_are_the_text_as_it_is_written(folder, store):
    text = (
        "\ufeff---\nid: 0010\nplan: {commit: 0123456, config: {version: 1.10}, seeds: [07]}\n"
        "commit: 12e4567\non: x\n---\n# T\n\n## Decision\n\nThat.\n"
    )
    store.load(folder({"decisions/0001-t.md": text}))
    shown = store.decision("0010")
    assert shown.decision.key == "0010"
    assert shown.front["plan"] == {
        "commit": "0123456",
        "config": {"version": "1.10"},
        "seeds": ["07"],
    }
    assert (shown.front["commit"], shown.front["on"]) == ("12e4567", "x")


def test_a_template_that_nobody_filled_in_names_nobody(folder, command, store):
    """MADR's own template, and ours for every role."""
    madr = (
        '---\nstatus: "{proposed | rejected | accepted | superseded by ADR-0123"\n'
        "date: {YYYY-MM-DD when the decision was last updated}\n"
        "decision-makers: {list everyone involved in the decision}\n---\n# {short title}\n\n## Decision Outcome\n\nx\n"
    )
    project = folder({"decisions/0001-x.md": madr})
    _, said = command(project, "decision", "check")
    assert [(f["code"], f["subject"].rpartition(":")[2]) for f in said["findings"]] == [
        ("decision-placeholder", line) for line in "2346"
    ]
    store.load(project)
    shown = store.decision("1")
    assert (shown.decision.status, shown.people) == (None, ())


@pytest.mark.parametrize(
    "role", ["data-engineer", "modeler", "evaluator", "reviewer", "release-manager", "pi", None]
)
def test_our_template_is_read_unfilled_and_each_field_that_is_missing_is_told_once(
    role, tmp_path, command
):
    words = ["decision", "new", "Deduplicate the web split", *(["--role", role] if role else [])]
    code, path = command(tmp_path, *words, text=True)
    assert (code, path) == (0, "decisions/0001-deduplicate-the-web-split.md\n")
    code, said = command(tmp_path, "decision", "check")
    assert (code, said["records"]) == (0, 1)
    assert {f["code"] for f in said["findings"]} <= {"decision-placeholder", "decision-minimum"}
    assert bool(said["findings"]) == (role is not None)
    again = command(tmp_path, *words, text=True)[1]
    assert again == "decisions/0002-deduplicate-the-web-split.md\n"


def test_a_copy_of_a_record_has_the_identifier_of_the_other_and_is_left_out(
    new_repository, command, store
):
    repository = new_repository()
    repository.commit("One", {"decisions/0001-a.md": record("A", id="dec-a", status="accepted")})
    repository.commit("Two", {"decisions/0002-b.md": record("B", id="dec-a", status="draft")})
    reports = store.load(repository.path)
    assert found(store).keys() == {"0001 A"}
    reasons = [loss.reason for report in reports for loss in report.losses]
    assert any("0002-b.md:2" in reason and "0001-a.md" in reason for reason in reasons)
    code, said = command(repository.path, "decision", "check")
    assert (code, [f["code"] for f in said["findings"]]) == (4, ["decision-id-twice"])


def test_versions_are_kept_with_who_wrote_them_also_when_the_file_moves_and_goes(
    new_repository, store
):
    repository = new_repository()
    first = repository.commit("Draft", {"docs/adr/1-a.md": BODY.format("draft", "One.")})
    repository.git("mv", "docs/adr/1-a.md", "docs/adr/0001-a.md")
    repository.commit("Rename", {})
    repository.commit(
        "Accept",
        {"docs/adr/0001-a.md": BODY.format("accepted", "Two.")},
        GIT_AUTHOR_NAME="Bo",
        GIT_AUTHOR_EMAIL="bo@example.org",
    )
    store.load(repository.path)
    shown = store.decision("1")
    assert [(v.status_written, list(v.authors)) for v in shown.versions] == [
        ("draft", ["Ana Lima"]),
        ("accepted", ["Bo"]),
    ]
    assert shown.decision.key == "docs/adr/1-a.md", "without an id it is known by its first file"
    assert shown.decision.status == "accepted"
    new, old = reversed(shown.versions)
    assert store.why(new.id, old.id).found
    assert f"swh:1:rev:{first}" in str(store.show(old.id).to_dict())
    repository.git("rm", "-q", "docs/adr/0001-a.md")
    gone = repository.commit("Remove", {})
    store.load(repository.path)
    assert store.decision("1").decision.removed == gone
    assert len(store.decision("1").versions) == 2


BODY = "# A\n\n- Status: {}\n\n## Decision\n\n{}\n"


def test_what_is_written_in_a_folder_without_git_keeps_its_earlier_texts(folder, store):
    project = folder({"decisions/0001-a.md": record("A", id="dec-a", status="proposed")})
    store.load(project)
    folder({"decisions/0001-a.md": record("A", id="dec-a", status="rejected")})
    store.load(project)
    shown = store.decision("dec-a")
    assert {one.status_written for one in shown.versions} == {"proposed", "rejected"}
    assert shown.decision.status_written == "rejected"


def test_records_that_take_the_place_of_each_other_are_a_finding_and_none_is_superseded(
    folder, command, store
):
    files = {
        "decisions/0001-a.md": record(
            "A", id="dec-a", status="accepted", links={"supersedes": ["dec-b"]}
        ),
        "decisions/0002-b.md": record(
            "B", id="dec-b", status="accepted", links={"supersedes": ["dec-a"]}
        ),
    }
    project = folder(files)
    store.load(project)
    assert {one.status for one in found(store).values()} == {"accepted"}
    code, said = command(project, "decision", "check")
    assert (code, [f["code"] for f in said["findings"]]) == (4, ["decision-circle"])


def test_the_file_comes_back_with_its_bytes(folder, command):
    text = (
        "---\r\nid: dec-a\r\nstatus: accepted\r\n---\r\n# Ä\r\n\r\n## Decision\r\n\r\nThat.  \r\n"
    )
    project = folder({"decisions/0001-a.md": text.encode()})
    store = ["--store", str(project.parent / "s.db")]
    assert command(project, *store, "import", ".", text=True)[0] == 0
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from lineage.cli import main; main()",
            *store,
            "decision",
            "show",
            "1",
            "--text",
        ],
        capture_output=True,
        check=True,
    )
    assert done.stdout == text.encode()


def test_every_record_of_the_corpus_is_imported_or_refused_with_a_reason_and_its_bytes_come_back(
    corpora, store
):
    from lineage.sources.decision_records.record import may_be_record

    total = 0
    for project in sorted((corpora / "decisions").iterdir()):
        store.load(project)
        files = [p for p in project.rglob("*.md") if may_be_record(p.name)]
        held = {
            node.attributes["file"]: node.attributes["text"]
            for node in store.ask("kind:decision and text:*")
            if project.name in node.id
        }
        inside = [p for p in files if {"adr", "decisions"} & {*p.relative_to(project).parts[:-1]}]
        assert held.keys() == {p.relative_to(project).as_posix() for p in inside}
        total += len(inside)
        for path in inside:
            assert held[path.relative_to(project).as_posix()].encode() == path.read_bytes()
    assert total == 56


def test_what_is_there_and_was_not_looked_at_is_said(folder, command, store):
    files = {
        "decisions/0001-a.md": record("A", status="accepted"),
        "decisions/0002-open.md": "---\nstatus: accepted\n# No end\n",
        "decisions/0003-large.md": "---\nstatus: accepted\n---\n# Large\n" + "x" * 600_000,
        "decisions/README.md": "Why we do what we do.\n",
    }
    project = folder(files)
    (project / "decisions/0004-link.md").symlink_to(project / "decisions/0001-a.md")
    code, said = command(project, "decision", "check")
    assert (code, said["records"]) == (4, 1)
    assert [(f["code"], f["subject"]) for f in said["findings"]] == [
        ("decision-unread", "decisions/"),
        ("decision-unreadable", "decisions/0002-open.md:1"),
    ]
    assert said["findings"][0]["message"].startswith("2 files cannot be read")
    store.load(project)
    assert found(store).keys() == {"0001 A"}


def test_a_secret_is_taken_out_of_the_text_and_that_is_said(folder, store):
    token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
    files = {"decisions/0001-a.md": record("A", id="dec-a", hypothesis=f"with {token}")}
    store.load(folder(files))
    shown = store.decision("dec-a")
    assert shown.notes == ("secrets were taken out of its text when it was taken in",)
    assert token not in str(shown.to_dict()) + str([n.to_dict() for n in store.ask("*")])


def front_of(text):
    """Front matter as readers of YAML 1.1 have it, of which most tools are."""
    return yaml.safe_load(text.split("---\n")[1])


@pytest.mark.parametrize("role", [None, *ROLES])
def test_what_we_write_is_what_the_published_schema_takes_and_other_tools_read(role):
    schema = json.loads((ROOT / "docs/reference/decision-record.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    new = New(title='T: "a" @b', ident=new_id(), date="2026-11-28", author="Ana @x", role=role)
    told = front_of(written(new))
    assert all(isinstance(key, str) for key in told), "such as 'on', which is true in YAML 1.1"
    told["date"] = told["date"].isoformat()
    # A value that is still to be filled in is no number yet.
    faults = jsonschema.Draft202012Validator(schema).iter_errors(told)
    assert {fault.absolute_path[0] for fault in faults} <= {"criteria"}
    for path in sorted((ROOT / "decisions").glob("*.md")):
        ours = front_of(path.read_text("utf-8"))
        ours["date"] = ours["date"].isoformat()
        jsonschema.validate(ours, schema)


def test_a_problem_with_the_status_of_a_section_is_told_at_its_line(folder, command):
    project = folder({"adr/0001-x.md": NYGARD.format(title="X", status="on hold")})
    _, said = command(project, "decision", "check", "adr")
    assert [f["subject"] for f in said["findings"]] == ["adr/0001-x.md:7"]
    assert (project / "adr/0001-x.md").read_text().splitlines()[6] == "on hold"


def test_a_link_leads_to_a_file_with_spaces_in_its_name(folder, command, store):
    status = "superseded by [the new one](a%20new%20%28better%29%20one.md)"
    files = {
        "adr/old.md": FORMS["bullets"].format(title="Old", status=status),
        "adr/a new (better) one.md": FORMS["bullets"].format(title="New", status="accepted"),
    }
    project = folder(files)
    store.load(project)
    assert store.decision("old").open == ()
    assert command(project, "decision", "check", "adr")[0] == 0


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("ADR 001: Choose a framework", "001 Choose a framework"),
        ("ADR-0001: Choose a framework", "001 Choose a framework"),
        ("ADR-001 \u2013 Choose a framework", "001 Choose a framework"),
        ("1. Choose a framework", "001 Choose a framework"),
        ("Choose a framework", "001 Choose a framework"),
        ("3D models are enough", "001 3D models are enough"),
    ],
)
def test_a_number_before_a_title_is_no_part_of_it(heading, title, folder, lineage_at):
    store = lineage_at("memory:")
    store.load(folder({"docs/adr/001-choose.md": NYGARD.format(title=heading, status="Accepted")}))
    assert [*found(store)] == [title]


def test_of_a_status_below_a_comment_the_comment_is_no_part(folder, lineage_at):
    store = lineage_at("memory:")
    status = "<!-- one of\nproposed, accepted,\nsuperseded -->\nAccepted"
    store.load(folder({"docs/adr/001-x.md": NYGARD.format(title="1. X", status=status)}))
    assert found(store)["001 X"].status_written == "Accepted"
