# SPDX-License-Identifier: Apache-2.0
"""Repositories inside of a repository: what was edited in them is part of what ran."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineage.capture.found import Budget
from lineage.capture.probes import source
from tests.capture.sources import captured, given_back, laid_out, repository, states

_LOCAL = ("-c", "protocol.file.allow=always")


@pytest.fixture
def library(new_repository):
    library = new_repository("library")
    library.commit("begin", {"lib.py": "1\n"})
    return library


@pytest.fixture
def outer(new_repository, library):
    """A project with the library as a submodule, as it was committed."""
    outer = new_repository("outer")
    outer.git(*_LOCAL, "submodule", "add", "-q", str(library.path), "vendor/lib")
    outer.commit("begin", {"train.py": "1\n"})
    return outer


def inner(found, kind="submodules"):
    """The outer repository's word on its inner one, and the inner one's own facts."""
    [said] = repository(found)[kind]
    roots = {x["root"]: x for x in found.facts["repositories"]}
    return said, roots.get(said["root"])


def test_a_submodule_as_it_was_committed_leaves_the_project_clean(outer, library):
    found = captured(outer.path / "train.py")
    said, own = inner(found)
    head = library.git("rev-parse", "HEAD")
    assert (said["path"], said["pinned"], said["head"], said["dirty"]) == (
        *("vendor/lib", head),
        *(head, False),
    )
    assert (own["roles"], own["kept"]) == (["submodule"], head)
    facts = repository(found)
    assert (facts["dirty"], facts["complete"], facts["kept"]) == (False, True, facts["head"])


def test_an_edit_inside_a_submodule_is_kept_and_makes_the_project_another(outer):
    clean = repository(captured(outer.path / "train.py"))
    lib = outer.path / "vendor/lib"
    (lib / "lib.py").write_text("2\n")
    (lib / "new.py").write_text("3\n")
    files = laid_out(lib)
    found = captured(outer.path / "train.py")
    facts, (said, own) = repository(found), inner(found)
    assert facts["tree"] != clean["tree"]
    assert (facts["dirty"], facts["complete"], said["dirty"]) == (True, True, True)
    assert given_back(lib, own["kept"]) == {"lib.py": b"2\n", "new.py": b"3\n"}
    assert outer.git("rev-parse", f"{facts['kept']}:vendor/lib") == own["kept"] == said["state"]
    assert laid_out(lib) == files


def test_new_commits_in_a_submodule_that_nobody_pushed_are_kept(outer):
    lib = type(outer)(outer.path / "vendor/lib")
    ahead = lib.commit("not pushed", {"lib.py": "2\n"})
    found = captured(outer.path / "train.py")
    facts, (said, own) = repository(found), inner(found)
    assert (said["head"], said["dirty"], facts["dirty"]) == (ahead, False, True)
    assert said["pinned"] != ahead == own["kept"]
    lib.git("checkout", "-q", said["pinned"])
    lib.git("branch", "-D", "main")
    lib.git("reflog", "expire", "--expire=now", "--all")
    lib.git("gc", "-q", "--prune=now")
    assert given_back(lib.path, ahead) == {"lib.py": b"2\n"}


def test_a_submodule_that_is_not_checked_out_is_named(outer):
    outer.git("submodule", "deinit", "-q", "--force", "vendor/lib")
    found = captured(outer.path / "train.py")
    said, own = inner(found)
    assert (said["reason"], said["head"], own) == ("it is not checked out", None, None)
    assert repository(found)["dirty"] is False


def test_a_submodule_at_which_git_was_told_not_to_look_is_looked_at(outer):
    outer.git("update-index", "--assume-unchanged", "vendor/lib")
    (outer.path / "vendor/lib/lib.py").write_text("2\n")
    found = captured(outer.path / "train.py")
    said, own = inner(found)
    assert said["dirty"]
    assert outer.git("rev-parse", f"{repository(found)['kept']}:vendor/lib") == own["kept"]
    outer.git("submodule", "deinit", "-q", "--force", "vendor/lib")
    assert repository(captured(outer.path / "train.py"))["dirty"] is False


def test_an_untracked_repository_inside_is_kept_like_a_submodule(project, library):
    project.commit("begin", {"train.py": "1\n"})
    project.git("clone", "-q", str(library.path), "cloned")
    (project.path / "cloned/lib.py").write_text("2\n")
    found = captured(project.path / "train.py")
    facts, (said, own) = repository(found), inner(found, "nested")
    assert (facts["dirty"], facts["complete"]) == (True, True)
    assert (said["path"], said["dirty"], own["roles"]) == ("cloned", True, ["nested"])
    assert given_back(project.path / "cloned", own["kept"]) == {"lib.py": b"2\n"}
    assert project.git("rev-parse", f"{facts['kept']}:cloned") == own["kept"]


def test_a_broken_repository_inside_is_named_as_not_captured(project):
    project.commit("begin", {"train.py": "1\n"})
    project.git("init", "-q", "cloned")
    project.write({"cloned/lib.py": "1\n"})
    config = project.path / "cloned/.git/config"
    config.write_text(config.read_text().replace("version = 0", "version = 9"))
    found = captured(project.path / "train.py")
    said, own = inner(found, "nested")
    assert own is None
    assert "unknown here" in said["reason"]
    assert repository(found)["complete"] is False
    assert any("not captured" in x for x in found.unseen.values())


def test_a_submodule_that_cannot_be_kept_leaves_the_project_incomplete(outer):
    (outer.path / "vendor/lib/lib.py").write_text("2\n")
    (outer.path / ".git/modules/vendor/lib/refs/lineage").write_text("in the way\n")
    found = captured(outer.path / "train.py")
    facts, (_, own) = repository(found), inner(found)
    assert (own["kept"], own["complete"], facts["complete"]) == (None, True, False)
    assert f"kept state of {outer.path / 'vendor/lib'}" in found.unseen


def test_the_script_of_a_submodule_has_the_submodule_first_and_once(outer):
    places = [(outer.path / "vendor/lib/lib.py", "script"), (outer.path, "working-directory")]
    found = source.probe(places, budget=Budget(60))
    roles = [(x["root"], x["roles"]) for x in found.facts["repositories"]]
    assert roles == [
        (str(outer.path / "vendor/lib"), ["script", "submodule"]),
        (str(outer.path), ["working-directory"]),
    ]
    found = source.probe([*reversed(places)], budget=Budget(60))
    assert [(x["root"], x["roles"]) for x in found.facts["repositories"]] == [
        (str(outer.path), ["working-directory"]),
        (str(outer.path / "vendor/lib"), ["submodule", "script"]),
    ]
    assert found.facts["places"][1]["state"] == "clean"


def test_a_module_installed_for_editing_brings_the_repository_it_lies_in(project, library):
    project.commit("begin", {"train.py": "1\n"})
    library.commit("a package in a folder of its own", {"python/pkg/__init__.py": "1\n"})
    library.write({"python/pkg/new.py": "2\n"})
    places = [(project.path / "train.py", "script"), (library.path / "python/pkg", "module")]
    found = source.probe(places, budget=Budget(60))
    own = repository(found, 1)
    assert (own["roles"], states(own)) == (["module"], {"python/pkg/new.py": "untracked"})
    assert given_back(library.path, own["kept"])["python/pkg/new.py"] == b"2\n"


def test_an_edit_in_a_submodule_during_the_run_is_found_at_its_end(outer):
    before = captured(outer.path / "train.py")
    (outer.path / "vendor/lib/lib.py").write_text("edited\n")
    ends = source.after(before, budget=Budget(60)).facts["repositories"]
    assert {Path(x["root"]).name: x["changed"] for x in ends} == {
        "outer": [{"path": "vendor/lib", "change": "modified"}],
        "lib": [{"path": "lib.py", "change": "modified"}],
    }
