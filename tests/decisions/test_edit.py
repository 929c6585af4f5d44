# SPDX-License-Identifier: Apache-2.0
"""A step with --edit changes the status in the file too: both are done, or neither is, and what was done is what is said."""

from __future__ import annotations

import pytest

import lineage
from lineage.cli import main
from lineage.services.operate import decision_edit
from tests.decisions.conftest import record

#: A status in each place that it may have, with ends of lines and spaces that people leave.
FILES = {
    "bullet": ("# X\r\n\r\n*   Status:  {}  <!-- one of six -->\r\n* Deciders: Ana\r\n\r\n## Decision Outcome\r\n\r\nThat.\r\n", "proposed"),
    "section": ("# 1. X\n\nDate: 2026-01-01\n\n## Status\n\n{}\n\nIt was accepted, proposed and rejected before.\n\n## Context\n\nWhy.", "Proposed"),
    "front": ('\ufeff---\nid: dec-x\nstatus:  "{}"   # proposed, until May\ndate: 2026-01-01\n---\n\n# X\n\n## Decision Outcome\n\nproposed\n', "proposed"),
}  # fmt: skip
NEW = "# {}Y of all\n\n- Status: accepted\n\n## Decision Outcome\n\nThat.\n"


@pytest.fixture
def project(folder):
    """A folder with a proposed record and another that may take its place, and the store beside it."""

    def make(form="front", number="0001", new="0012-y-of-all.md"):
        text, status = FILES[form]
        made = folder(
            {f"adr/{number}-x.md": text.format(status), f"adr/{new}": NEW.format(new[:2] + ". ")}
        )
        taken_in(made)
        return made, made / f"adr/{number}-x.md", text

    return make


def taken_in(project):
    with lineage.open(str(project.parent / "s.db")) as store:
        store.load(project)


def step(command, project, *words, text=True):
    return command(project, "--store", str(project.parent / "s.db"), "decision", *words, text=text)


@pytest.fixture
def refused(monkeypatch, capsys):
    """Give a command that ends with an error: its exit code, and what it says of it."""

    def run(project, *words, at=None, store=None):
        monkeypatch.chdir(at or project)
        monkeypatch.delenv("LINEAGE_STORE", raising=False)
        with pytest.raises(SystemExit) as ended:
            main(["--store", store or str(project.parent / "s.db"), "decision", *words])
        said = capsys.readouterr()
        assert said.out == "", "nothing is told as if it were done"
        return ended.value.code, said.err

    return run


def steps(project, ref="x"):
    with lineage.open(str(project.parent / "s.db")) as store:
        return [act.act for act in store.decision(ref).acts]


@pytest.mark.parametrize("form", FILES)
def test_each_step_changes_the_word_and_no_other_byte(form, project, command):
    made, path, text = project(form)
    for name, act, status in (
        ("accept", "accepted", "accepted"),
        ("deprecate", "deprecated", "deprecated"),
        ("reopen", "reopened", "proposed"),
        ("reject", "rejected", "rejected"),
    ):
        code, said = step(command, made, name, "x", "--edit", "--reason", "because")
        new = status.capitalize() if form == "section" else status
        assert code == 0, said
        assert said.splitlines()[1].endswith(f"and says '{new}' now")
        assert said.splitlines()[1].startswith("  adr/0001-x.md:")
        assert path.read_bytes() == text.format(new).encode()
        assert steps(made)[-1] == act
        assert len([*path.parent.iterdir()]) == 2
        assert command(made, "decision", "check", "adr")[0] == 0
        taken_in(made)
        with lineage.open(str(made.parent / "s.db")) as store:
            shown = store.decision("x")
            assert (shown.decision.status, shown.decision.status_written) == (status, new)
            assert not [note for note in shown.notes if "file says" in note]


@pytest.mark.parametrize(
    ("form", "new"),
    [
        ("bullet", "superseded by [ADR-0012](0012-y-of-all.md)"),
        ("section", "Superseded by [12. Y of all](0012-y-of-all.md)"),
        ("front", "superseded by [ADR-0012](0012-y-of-all.md)"),
    ],
)
def test_what_took_its_place_is_named_in_the_old_record_and_the_new_one_is_as_it_was(
    form, new, project, command, refused
):
    made, path, text = project(form)
    taker = (made / "adr/0012-y-of-all.md").read_bytes()
    code, said = step(command, made, "supersede", "x", "--by", "12", "--edit", "--json", text=False)
    assert code == 0
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "{}" in one)
    old = FILES[form][1]
    assert said["edited"] == {"file": "adr/0001-x.md", "line": line, "old": old, "new": new}
    assert path.read_bytes() == text.format(new).encode()
    assert (made / "adr/0012-y-of-all.md").read_bytes() == taker
    assert command(made, "decision", "check", "adr")[0] == 0
    taken_in(made)
    with lineage.open(str(made.parent / "s.db")) as store:
        shown = store.decision("x")
        assert shown.decision.status == "superseded"
        assert (shown.open, len(shown.decision.superseded_by)) == ((), 1)
    code, said = refused(made, "supersede", "x", "--by", "12", "--edit")
    assert code == 2
    assert "already: there is nothing to edit" in said


def spoilt(name, made, path):
    """Make an edit impossible; what is said of it."""
    if name == "placeholder":
        path.write_text(FILES["front"][0].format("{proposed | accepted}"), "utf-8")
        taken_in(made)
        return "still what the template says (adr/0001-x.md:3)"
    if name == "a remark":
        path.write_text(FILES["front"][0].format("proposed (#12)"), "utf-8")
        taken_in(made)
        return "more than one word"
    if name == "no status":
        path.write_text(record("X", id="dec-x"), "utf-8")
        taken_in(made)
        return "its status is missing"
    if name == "says so already":
        with lineage.open(str(made.parent / "s.db")) as store:
            store.deliberate("x", "rejected")
            path.write_text(FILES["front"][0].format("accepted"), "utf-8")
            store.load(made)
            path.write_text(FILES["front"][0].format("Accepted"), "utf-8")
            store.load(made)
            store.deliberate("x", "reopened", reason="because")
        return "says 'Accepted' already"
    if name == "changed":
        path.write_bytes(path.read_bytes() + b"More.\n")
        return "not the text that the store knows (adr/0001-x.md)"
    if name == "broken":
        path.write_text("---\nstatus: @x\n", "utf-8")
        return "not the text that the store knows"
    if name == "gone":
        path.unlink()
        return "there is no such file (adr/0001-x.md)"
    if name == "link":
        elsewhere = made.parent / "elsewhere.md"
        path.rename(elsewhere)
        path.symlink_to(elsewhere)
        return "it is a link"
    if name == "folder behind a link":
        (made / "adr").rename(made.parent / "elsewhere")
        (made / "adr").symlink_to(made.parent / "elsewhere")
        return "lies behind one"
    if name == "read-only":
        path.chmod(0o444)
    return "cannot be written"


@pytest.mark.parametrize(
    "name",
    ["placeholder", "a remark", "no status", "says so already", "changed", "broken", "gone", "link",
     "folder behind a link", "read-only", "full"],
)  # fmt: skip
def test_where_the_file_cannot_be_edited_nothing_is_recorded_and_nothing_changed(
    name, project, refused, monkeypatch
):
    made, path, _ = project()
    told = spoilt(name, made, path)
    if name in {"read-only", "full"}:
        monkeypatch.setattr(decision_edit.os, "access", lambda *_: name == "full")
        monkeypatch.setattr(decision_edit.tempfile, "mkstemp", no_room)
    before, held = steps(made), path.read_bytes() if path.exists() else None
    code, said = refused(made, "accept", "x", "--edit")
    assert code in {2, 3}, said
    assert told in said
    assert "next: " in said
    assert len(said.splitlines()) == 2, "one error, and nothing else"
    assert steps(made) == before
    assert (path.read_bytes() if path.exists() else None) == held
    assert not list(path.parent.glob(".*"))


def no_room(*_, **__):
    raise OSError(28, "No space left on device")


def test_a_step_that_may_not_be_taken_leaves_the_file_as_it_was(project, refused):
    made, path, text = project()
    code, said = refused(made, "reopen", "x", "--edit", "--reason", "x")
    assert (code, "cannot be reopened" in said) == (2, True)
    assert path.read_bytes() == text.format("proposed").encode()
    assert not list(path.parent.glob(".*"))


@pytest.mark.parametrize("why", ["changed meanwhile", "no room", "replaced by a link"])
def test_where_the_last_step_fails_it_is_said_that_the_step_is_recorded_and_the_file_is_not_changed(
    why, project, refused, monkeypatch
):
    made, path, text = project()
    answer = decision_edit.DeliberateRequest.answer

    def meanwhile(self, ctx):
        done = answer(self, ctx)
        if why == "changed meanwhile":
            path.write_text("somebody else's", "utf-8")
        if why == "replaced by a link":
            path.rename(path.with_name("other.md"))
            path.symlink_to("other.md")
        return done

    monkeypatch.setattr(decision_edit.DeliberateRequest, "answer", meanwhile)
    if why == "no room":
        monkeypatch.setattr(decision_edit, "put_in_place", no_room)
    code, said = refused(made, "accept", "x", "--edit")
    assert code == 1
    assert "the step is recorded, and the file is not changed: " in said
    assert "(adr/0001-x.md:3)" in said
    assert "Write 'accepted' there" in said
    assert steps(made) == ["accepted"]
    held = "somebody else's" if why == "changed meanwhile" else text.format("proposed")
    assert path.read_bytes() == held.encode()
    assert path.is_symlink() == (why == "replaced by a link")
    assert not list(path.parent.glob(".*"))


def test_what_is_in_place_and_not_yet_safe_from_a_power_cut_is_changed(
    project, command, monkeypatch
):
    made, path, text = project()

    def put(part, target):
        part.replace(target)
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(decision_edit, "put_in_place", put)
    assert step(command, made, "accept", "x", "--edit")[0] == 0
    assert path.read_bytes() == text.format("accepted").encode()


def test_the_file_keeps_who_may_read_it(project, command):
    made, path, _ = project()
    path.chmod(0o640)
    assert step(command, made, "accept", "x", "--edit")[0] == 0
    assert path.stat().st_mode & 0o777 == 0o640


def test_names_with_spaces_and_letters_of_other_scripts_are_found_and_linked_to(project, command):
    made, path, _ = project("bullet", number="20260101 größe (neu)", new="日本 #1 größe.md")
    code, said = step(command, made, "supersede", "adr/20260101 größe (neu)-x.md", "--by", "adr/日本 #1 größe.md", "--edit")  # fmt: skip
    assert code == 0, said
    assert "superseded by [日本%20%231%20größe](日本%20%231%20größe.md)" in path.read_text("utf-8")  # fmt: skip
    assert command(made, "decision", "check", "adr")[0] == 0


def test_in_a_repository_it_works_from_any_folder_and_with_the_line_ends_of_the_work_tree(
    new_repository, command
):
    repository = new_repository()
    repository.git("config", "core.autocrlf", "true")
    text = "# X\n\n## Status\n\nProposed\n\n## Context\n\nWhy.\n"
    repository.commit("One", {"docs/adr/0001-x.md": text, "src/a.py": "", "docs/adr/0002-y.md": NEW.format("")})  # fmt: skip
    path = repository.path / "docs/adr/0001-x.md"
    path.unlink()
    repository.git("checkout", "--", "docs/adr/0001-x.md")
    assert path.read_bytes() == text.replace("\n", "\r\n").encode()
    taken_in(repository.path)
    store = ["--store", str(repository.path.parent / "s.db")]
    code, said = command(repository.path / "src", *store, "decision", "supersede", "1", "--by", "2", "--edit", text=True)  # fmt: skip
    assert code == 0, said
    assert "../docs/adr/0001-x.md:5 said 'Proposed'" in said
    assert repository.git("diff", "--numstat") == "1\t1\tdocs/adr/0001-x.md"
    assert b"\r\nSuperseded by [2. Y of all](0002-y.md)\r\n" in path.read_bytes()
    taken_in(repository.path)
    assert command(repository.path, *store, "decision", "check", "docs/adr")[0] == 0


def test_a_decision_of_another_repository_or_without_a_file_has_nothing_to_edit_here(
    new_repository, project, refused
):
    made, path, text = project()
    other = new_repository("other")
    other.commit("Same", {"adr/0001-x.md": path.read_bytes()})
    code, said = refused(made, "accept", "x", "--edit", at=other.path)
    assert (code, "not in the repository or folder that you are in" in said) == (2, True)
    assert (other.path / "adr/0001-x.md").read_bytes() == path.read_bytes()
    with lineage.open(str(made.parent / "s.db")) as opened:
        opened.decide("No file", key="dec-no-file")
        opened.decide("None either", key="dec-nothing", status="accepted")
    code, said = refused(made, "accept", "dec-no-file", "--edit")
    assert (code, "has no file" in said) == (2, True)
    code, said = refused(made, "supersede", "x", "--by", "dec-nothing", "--edit")
    assert (code, "has no file" in said) == (2, True)
    assert path.read_bytes() == text.format("proposed").encode()
    assert steps(made) == []


def test_what_is_only_proposed_takes_no_place_and_no_file_says_that_it_does(
    project, refused, command
):
    made, path, text = project()
    (made / "adr/0012-y-of-all.md").write_text(NEW.format("").replace("accepted", "proposed"))
    taken_in(made)
    code, said = refused(made, "supersede", "x", "--by", "12", "--edit")
    assert (code, "is proposed: it takes no place yet" in said) == (2, True)
    assert (path.read_bytes(), steps(made)) == (text.format("proposed").encode(), [])


def test_a_server_has_no_files(project, refused):
    made, _, _ = project()
    code, said = refused(made, "accept", "x", "--edit", store="https://example.org")
    assert (code, "needs the store itself" in said) == (2, True)
