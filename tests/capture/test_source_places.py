# SPDX-License-Identifier: Apache-2.0
"""Which repository it is, wherever it lies, whoever owns it, and whatever is broken around it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lineage.capture.found import Budget
from lineage.capture.probes import source
from lineage.sources.git.reader import GitReader
from tests.capture.sources import captured, given_back, repository, states
from tests.importers.conftest import Repository
from tests.importers.git_batches import commits, edges, read


def test_the_repository_of_the_script_comes_first_wherever_the_program_is_started(new_repository):
    script, elsewhere = new_repository("script"), new_repository("elsewhere")
    for one in (script, elsewhere):
        one.commit("begin", {"src/train.py": "1\n"})
    places = [
        (script.path / "src/train.py", "script"),
        (elsewhere.path / "src", "working-directory"),
        (script.path / "src/train.py", "module"),
    ]
    facts = source.probe(places, budget=Budget(60)).facts
    assert [(x["root"], x["roles"]) for x in facts["repositories"]] == [
        (str(script.path), ["script", "module"]),
        (str(elsewhere.path), ["working-directory"]),
    ]
    assert [(x["role"], x["inside"], x["state"]) for x in facts["places"]] == [
        ("script", "src/train.py", "clean"),
        ("working-directory", "src", None),
        ("module", "src/train.py", "clean"),
    ]


def test_a_link_to_a_script_leads_to_the_repository_where_it_lies(project, tmp_path):
    project.commit("begin", {"train.py": "1\n"})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/train").symlink_to(project.path / "train.py")
    assert repository(captured(tmp_path / "bin/train"))["root"] == str(project.path)


@pytest.mark.parametrize("broken", ["empty folder", "empty file", "lost work tree"])
def test_a_broken_repository_above_is_said_in_one_line(tmp_path, broken):
    (tmp_path / "project").mkdir()
    script = tmp_path / "project/train.py"
    script.write_text("1\n")
    if broken == "empty folder":
        (tmp_path / ".git").mkdir()
    else:
        text = "" if broken == "empty file" else "gitdir: /nowhere/.git/worktrees/x\n"
        (tmp_path / ".git").write_text(text)
    found = captured(script)
    assert found.facts["repositories"] == []
    assert found.unseen.keys() == {f"repository at {tmp_path}", f"source of {script}"}
    [place] = found.facts["places"]
    assert place["repository"] is None
    assert place["sha256"] == "4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865"


def test_places_that_are_not_there_and_names_that_no_file_has(project):
    project.commit("begin", {"train.py": "1\n"})
    loop = project.path / "loop"
    loop.symlink_to(loop)
    places = [project.path / "gone/train.py", loop, Path("a\0b"), project.path / "train.py"]
    found = captured(*places)
    assert [x["inside"] for x in found.facts["places"]] == ["gone/train.py", "loop", "train.py"]
    assert [x["sha256"] is None for x in found.facts["places"]] == [True, True, False]
    assert repository(found)["kept"]


def test_a_work_tree_of_its_own_has_its_own_head_index_and_files(project):
    main = project.commit("begin", {"train.py": "1\n"})
    project.git("config", "extensions.worktreeConfig", "true")
    project.git("worktree", "add", "-q", "-b", "feature/x", "../linked")
    project.git("-C", "../linked", "config", "--worktree", "core.hooksPath", "hooks")
    linked = project.path.parent / "linked"
    (linked / "train.py").write_text("2\n")
    (linked / "new.py").write_text("3\n")
    facts = repository(captured(linked / "train.py"))
    assert (facts["root"], facts["branch"], facts["head"]) == (
        *(str(linked), "refs/heads/feature/x"),
        main,
    )
    assert states(facts) == {"train.py": "unstaged", "new.py": "untracked"}
    assert (project.path / ".git" / facts["kept_ref"]).read_text() == f"{facts['kept']}\n"
    assert given_back(project.path, facts["kept"]) == {"train.py": b"2\n", "new.py": b"3\n"}
    assert states(repository(captured(project.path))) == {}


def test_before_the_first_commit_the_files_are_kept_all_the_same(project):
    project.write({"train.py": "1\n"})
    found = captured(project.path / "train.py")
    facts = repository(found)
    assert (facts["head"], facts["branch"], facts["namespace"], facts["commit"]) == (
        *(None, "refs/heads/main"),
        *(None, None),
    )
    assert given_back(project.path, facts["kept"]) == {"train.py": b"1\n"}


def test_head_is_detached_and_history_shallow(project, tmp_path):
    for number in range(3):
        project.commit(f"{number}", {"train.py": f"{number}\n"})
    project.git("switch", "-qc", "work")
    tip = project.commit("on a branch", {"train.py": "branch\n"})
    project.git("switch", "-q", "main")
    subprocess.run(
        [
            "git",
            "clone",
            "-q",
            "--depth=1",
            "--no-single-branch",
            "--branch=work",
            f"file://{project.path}",
            "clone",
        ],
        cwd=tmp_path,
        check=True,
    )
    clone = tmp_path / "clone"
    subprocess.run(["git", "checkout", "-q", "--detach"], cwd=clone, check=True)
    config = (clone / ".git/config").read_bytes()
    found = captured(clone / "train.py")
    facts = repository(found)
    assert (facts["head"], facts["branch"]) == (tip, None)
    assert facts["branch_kind"] == {"kind": "unknown", "because": "HEAD is detached"}
    assert (facts["merge_base"], facts["ancestors"]) == (None, None)
    assert facts["shallow"]["depth"] == 1
    assert "shallow" in found.unseen[f"merge base of {clone}"]
    assert facts["kept"] == tip
    assert (clone / ".git/config").read_bytes() == config


def test_a_repository_without_files_has_a_commit_and_no_work_tree(project, tmp_path):
    head = project.commit("begin", {"train.py": "1\n"})
    project.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    found = captured(tmp_path / "bare.git", role="working-directory")
    facts = repository(found)
    assert (facts["bare"], facts["head"], facts["commit"]["sha"]) == (True, head, head)
    assert "has none" in found.unseen[f"work tree of {tmp_path / 'bare.git'}"]


def test_a_work_tree_of_a_bare_repository_is_kept_in_that(project, tmp_path):
    project.commit("begin", {"train.py": "1\n"})
    bare = tmp_path / "bare.git"
    project.git("clone", "-q", "--bare", ".", str(bare))
    project.git("-C", str(bare), "worktree", "add", "-q", "-b", "work", "../work")
    (tmp_path / "work/train.py").write_text("2\n")
    facts = repository(captured(tmp_path / "work/train.py"))
    assert (facts["bare"], facts["branch"]) == (False, "refs/heads/work")
    assert given_back(bare, facts["kept_ref"]) == {"train.py": b"2\n"}


def test_a_folder_of_git_itself_belongs_to_its_work_tree(project):
    project.commit("begin", {"train.py": "1\n"})
    facts = repository(captured(project.path / ".git/hooks", role="working-directory"))
    assert (facts["root"], facts["dirty"]) == (str(project.path), False)


def test_without_the_program_git_head_and_branch_are_known_and_the_rest_is_said(
    project, monkeypatch, tmp_path
):
    head = project.commit("begin", {"train.py": "1\n"})
    monkeypatch.setenv("PATH", str(tmp_path))
    found = captured(project.path / "train.py")
    facts = repository(found)
    assert (facts["head"], facts["branch"]) == (head, "refs/heads/main")
    assert "git is not installed" in found.unseen[f"commit and work tree of {project.path}"]


@pytest.fixture
def of_another():
    """A repository of another user, with an edit, where that user can come (pytest's folders are closed)."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    with TemporaryDirectory() as above:
        Path(above).chmod(0o755)
        project = Repository(Path(above, "project"))
        project.path.mkdir()
        project.git("init", "-q")
        project.commit("begin", {"train.py": "1\n"})
        project.write({"train.py": "2\n"})
        for path in (project.path, *project.path.rglob("*")):
            os.chown(path, 12345, 12346, follow_symlinks=False)
        yield project


def test_a_repository_of_another_user_is_read_without_any_setting(of_another):
    with pytest.raises(AssertionError, match="dubious ownership"):
        of_another.git("status")
    config = (of_another.path / ".git/config").read_bytes()
    facts = repository(captured(of_another.path / "train.py"))
    assert (facts["owner"], states(facts)) == (12345, {"train.py": "unstaged"})
    assert (of_another.path / ".git/config").read_bytes() == config
    assert not (of_another.path.parent / ".gitconfig").exists()


def test_what_root_keeps_for_another_user_belongs_to_that_user(of_another):
    found = captured(of_another.path / "train.py")
    facts = repository(found)
    assert found.unseen == {}
    files = {(x.lstat().st_uid, x.lstat().st_gid) for x in (of_another.path / ".git").rglob("*")}
    assert files == {(12345, 12346)}
    safe = ("-c", f"safe.directory={of_another.path}")
    assert of_another.git(*safe, "cat-file", "blob", f"{facts['kept_ref']}:train.py") == "2"


def test_where_the_owner_may_not_enter_nothing_is_written(of_another):
    of_another.path.parent.chmod(0o700)
    before = sorted((of_another.path / ".git").rglob("*"))
    found = captured(of_another.path / "train.py")
    assert (repository(found)["kept"], repository(found)["dirty"]) == (None, True)
    assert f"kept state of {of_another.path}" in found.unseen
    assert sorted((of_another.path / ".git").rglob("*")) == before


def test_inside_a_hook_of_one_repository_the_right_one_is_read(new_repository, monkeypatch):
    hooked, right = new_repository("hooked"), new_repository("right")
    hooked.commit("wrong", {"train.py": "wrong\n"})
    head = right.commit("right", {"train.py": "right\n"})
    right.write({"train.py": "edited\n"})
    names = right.git("rev-parse", "--local-env-vars").split()
    assert "GIT_INDEX_FILE" in names
    for name in names:
        monkeypatch.setenv(name, str(hooked.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(hooked.path / ".git/index.lock"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.excludesFile")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "/nowhere")
    facts = repository(captured(right.path / "train.py"))
    assert (facts["head"], facts["root"]) == (head, str(right.path))
    assert states(facts) == {"train.py": "unstaged"}
    for name in names:
        monkeypatch.delenv(name)
    assert given_back(right.path, facts["kept"]) == {"train.py": b"edited\n"}
    assert not (hooked.path / ".git/refs/lineage").exists()


def test_the_commit_is_described_as_the_git_importer_describes_it(project):
    project.commit(
        "begin", {"train.py": "1\n", ".mailmap": "Ana <a@new.example> <ana@example.org>\n"}
    )
    project.git("switch", "-qc", "feature/lr")
    project.commit("one", {"train.py": "2\n"})
    head = project.commit(
        "two token=abcdefgh12345\n\nCo-authored-by: Bo <bo@example.org>\nChange-Id: I01234567",
        {"train.py": "3\n", "b.py": "1\n"},
    )
    said = repository(captured(project.path / "train.py"))["commit"]
    batches = read(project.path)
    node = commits(batches)[head]
    assert said["algorithm"] == "sha1"
    assert {
        "message": said["message"],
        "authored": said["authored"],
        "committed": said["committed"],
        "tree": f"swh:1:dir:{said['tree']}",
        **{key: said[key] for key in ("change_id", "patch_id", "paths")},
        **{key: said[key] for key in ("range_patch_id", "range_base")},
    } == {
        key: value
        for key, value in node.attributes.items()
        if key not in {"refs", "prov:label", "label"}
    }
    assert "abcdefgh12345" not in str(said)
    parents = [x.cause.rsplit(":", 1)[1] for x in edges(batches, "parent") if head in x.effect]
    assert said["parents"] == parents
    assert said["author"] == {"name": "Ana", "email": "a@new.example"}
    assert said["coauthors"] == [{"name": "Bo", "email": "bo@example.org"}]


def test_branch_merge_base_ancestors_tags_and_name(project):
    root = project.commit("begin", {"train.py": "1\n"})
    base = project.commit("second", {"train.py": "2\n"})
    project.git("switch", "-qc", "feature/lr")
    work = [project.commit(f"{x}", {"lr.py": f"{x}\n"}) for x in range(2)]
    project.git("tag", "v1")
    project.git("tag", "-am", "annotated", "v2")
    project.git("switch", "-q", "main")
    project.commit("meanwhile", {"train.py": "3\n"})
    project.git("switch", "-q", "feature/lr")
    project.git("remote", "add", "origin", "https://oauth2:s3cr3tToken@Host.example/lab/x.git")
    found = captured(project.path)
    facts = repository(found)
    assert (facts["namespace"], facts["merge_base"]) == (root, base)
    assert facts["ancestors"] == {"commits": [*reversed(work)], "cut": False}
    assert facts["tags"] == ["v1", "v2"]
    assert facts["origin"] == "host.example/lab/x"
    assert "s3cr3tToken" not in str(found)
    with GitReader.open(project.path) as reader:
        assert (facts["namespace"], facts["origin"]) == (reader.namespace, reader.origin)


@pytest.mark.parametrize(
    ("branch", "settings", "kind", "because"),
    [
        ("main", [], "default", "others are merged into 'main'"),
        ("feature/x", [], "feature", "begins with 'feature/'"),
        ("hotfix/x", [], "hotfix", "begins with 'hotfix/'"),
        ("release-2.1", [], "release", "begins with 'release-'"),
        ("topic", [], "unknown", "no rule"),
        ("topic/x", [("gitflow.prefix.feature", "topic/")], "feature", "git-flow"),
        ("fix/x", [("gitflow.prefix.hotfix", "fix/")], "hotfix", "git-flow"),
    ],
)
def test_what_a_branch_is_for_and_by_which_rule(project, branch, settings, kind, because):
    project.commit("begin", {"train.py": "1\n"})
    if branch != "main":
        project.git("switch", "-qc", branch)
    for setting in settings:
        project.git("config", *setting)
    said = repository(captured(project.path))["branch_kind"]
    assert said["kind"] == kind
    assert because in said["because"]


def test_a_patch_of_many_files_is_left_to_the_importer_and_said(project):
    project.commit("begin", {f"{x}.txt": "1\n" for x in range(1001)})
    found = captured(project.path)
    assert "patch_id" not in repository(found)["commit"]
    assert "1,001 files" in found.unseen[f"patch-id of {project.path}"]
