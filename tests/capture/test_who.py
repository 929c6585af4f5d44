# SPDX-License-Identifier: Apache-2.0
"""Who runs a program is what the system, git and the CI say of it, and nothing is made up."""

from __future__ import annotations

import os
import pwd
import subprocess

import pytest

from lineage.capture.probes.who import probe

USER = pwd.getpwuid(os.getuid()).pw_name


def git(folder, *words, **environ):
    base = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
    ran = subprocess.run(
        ["git", "-C", folder, *words],
        env=base | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout.strip()


@pytest.fixture
def project(tmp_path):
    """A repository in a folder of work, and a home folder."""
    folder = tmp_path / "home" / "work" / "project"
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "feature/x")
    return folder


def seen(project, **environ):
    home = project.parents[1]
    environ = {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"} | environ
    return probe(environ, project), environ


def test_an_account_without_a_name_has_a_number_and_the_run_goes_on(monkeypatch):
    """Case 91."""
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    found = probe({}, None)
    assert (found.facts["uid"], found.facts["user"]) == (54321, None)
    assert "name of the user" in found.unseen
    assert found.facts["git"] == {"name": None, "email": None}
    assert {"name of the git identity", "email of the git identity"} <= found.unseen.keys()


GLOBAL = """[user]
  name = Ana Núñez ; a comment
  email = "ana@lab.example"
"""
WORK = "[user]\n\tname = Ana at work\n"


@pytest.mark.parametrize(
    ("files", "environ"),
    [
        ({".gitconfig": GLOBAL}, {}),
        ({".config/git/config": GLOBAL}, {}),
        ({".config/git/config": GLOBAL, ".gitconfig": WORK}, {}),
        ({".gitconfig": GLOBAL, "work/project/.git/config": WORK}, {}),
        ({".gitconfig": GLOBAL + "[include]\npath = more\n", "more": WORK}, {}),
        ({".gitconfig": "[include]\npath = ~/more\n" + GLOBAL, "more": WORK}, {}),
        ({".gitconfig": GLOBAL + '[includeIf "gitdir:~/work/"]\npath = w\n', "w": WORK}, {}),
        ({".gitconfig": GLOBAL + '[includeIf "gitdir:~/other/"]\npath = w\n', "w": WORK}, {}),
        ({".gitconfig": GLOBAL + '[includeIf "gitdir:work/"]\npath = w\n', "w": WORK}, {}),
        ({".gitconfig": GLOBAL + '[includeIf "gitdir:./w?rk/**/.git"]\npath = w\n', "w": WORK}, {}),
        ({".gitconfig": GLOBAL + '[includeIf "gitdir:~/*/.git"]\npath = w\n', "w": WORK}, {}),
        ({".gitconfig": GLOBAL + '[includeIf "gitdir:~/WORK/"]\npath = w\n', "w": WORK}, {}),
        ({".gitconfig": GLOBAL + '[includeIf "gitdir/i:~/WORK/"]\npath = w\n', "w": WORK}, {}),
        ({".gitconfig": GLOBAL + '[includeIf "onbranch:feature/"]\npath = w\n', "w": WORK}, {}),
        ({".gitconfig": GLOBAL + '[includeIf "onbranch:main"]\npath = w\n', "w": WORK}, {}),
        ({".gitconfig": GLOBAL + "[author]\nname = The author\n"}, {}),
        ({".gitconfig": GLOBAL}, {"GIT_AUTHOR_NAME": "From outside"}),
        ({".gitconfig": GLOBAL}, {"GIT_CONFIG_GLOBAL": "/nowhere"}),
        (
            {".gitconfig": GLOBAL},
            {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "User.Name",
                "GIT_CONFIG_VALUE_0": "Given",
            },
        ),
        ({".gitconfig": "[user]\nname = Ana\n"}, {"EMAIL": "ana@elsewhere.example"}),
        ({".gitconfig": "no [settings\x00"}, {}),
    ],
)
def test_the_identity_is_the_one_that_git_names_itself(project, files, environ):
    for name, text in files.items():
        path = project.parents[1] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text)
    found, environ = seen(project, **environ)
    # Where nothing is stated, git makes something up out of the account and the host, unless it is told not to.
    strict = f"user.useConfigOnly={str('EMAIL' not in environ).lower()}"
    said = git(project, "-c", strict, "var", "GIT_AUTHOR_IDENT", **environ)
    stated = found.facts["git"]
    if not said:
        assert None in (stated["name"], stated["email"])
        return
    assert f"{stated['name']} <{stated['email']}>" == said.rpartition(" ")[0].rpartition(" ")[0]


def test_a_linked_work_tree_has_settings_of_its_own(project, tmp_path):
    (project.parents[1] / ".gitconfig").write_text(GLOBAL)
    environ = {"HOME": str(project.parents[1])}
    git(project, "commit", "-q", "--allow-empty", "-m", "x", **environ)
    git(project, "worktree", "add", "-q", tmp_path / "linked", **environ)
    git(project, "config", "extensions.worktreeConfig", "true", **environ)
    git(tmp_path / "linked", "config", "--worktree", "user.name", "Ana, here", **environ)
    said = probe(environ, tmp_path / "linked").facts["git"]
    assert (said["name"], said["email"]) == ("Ana, here", "ana@lab.example")
    assert said["name_from"].endswith("config.worktree")
    assert seen(project)[0].facts["git"]["name"] == "Ana Núñez"


def test_a_condition_that_is_not_followed_and_a_repository_that_is_broken_are_told(project):
    condition = '[includeIf "hasconfig:remote.*.url:https://x/**"]\npath = w\n'
    (project.parents[1] / ".gitconfig").write_text(GLOBAL + condition)
    found, _ = seen(project)
    assert "hasconfig" in found.unseen["settings of git that a condition includes"]
    (project / ".git" / "HEAD").rename(project / "HEAD")
    (project / ".git" / "objects").rename(project / "objects")
    (project / ".git" / "config").unlink()
    assert seen(project)[0].facts["git"]["name"] == "Ana Núñez"
    (project.parents[1] / ".gitconfig").write_text("[include]\npath = .gitconfig\n" + GLOBAL)
    assert seen(project)[0].facts["git"]["name"] == "Ana Núñez"
    found, _ = seen(project / "nowhere")
    assert found.unseen["git identity of the repository"]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "ana", "GITHUB_TRIGGERING_ACTOR": "ben"},
            {"system": "github", "actor": "ben", "from": "GITHUB_TRIGGERING_ACTOR"},
        ),
        (
            {"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "ana"},
            {"system": "gitlab", "actor": "ana", "from": "GITLAB_USER_LOGIN"},
        ),
        (
            {"TF_BUILD": "True", "BUILD_REQUESTEDFOR": "Ana"},
            {"system": "azure", "actor": "Ana", "from": "BUILD_REQUESTEDFOR"},
        ),
        ({"JENKINS_URL": "https://ci"}, {"system": "jenkins", "actor": None}),
        ({"GITHUB_ACTOR": "of no CI"}, None),
    ],
)
def test_the_actor_of_a_ci_is_whom_it_names(environ, said):
    found = probe(environ, None)
    assert found.facts["ci"] == said
    assert ("actor of the CI" in found.unseen) == (said is not None and said["actor"] is None)


def test_on_whose_behalf_is_what_was_said_and_who_logged_in(tmp_path):
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "loginuid").write_text("4294967295")
    assert probe({}, None, proc=tmp_path).facts["on_behalf_of"] == []
    (tmp_path / "self" / "loginuid").write_text("54321")
    environ = {
        "SUDO_USER": "ana",
        "LINEAGE_ACTOR": "team@lab.example",
        "PKEXEC_UID": str(os.getuid()),
    }
    assert probe(environ, None, proc=tmp_path).facts["on_behalf_of"] == [
        {"name": "team@lab.example", "from": "LINEAGE_ACTOR"},
        {"name": "ana", "from": "SUDO_USER"},
        {"uid": 54321, "name": None, "from": str(tmp_path / "self" / "loginuid")},
    ]
    assert probe({}, None).facts["user"] == USER


def test_who_runs_is_called_as_the_mailmap_of_the_repository_calls_them(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / ".mailmap").write_text("Ana Lima <ana@lab.example> <ana@old.example>\n")
    git(tmp_path, "add", "-A")
    who = ("-c", "user.name=ana", "-c", "user.email=ana@old.example")
    git(tmp_path, *who, "commit", "-q", "-m", "begin")
    variables = {"GIT_AUTHOR_NAME": "ana", "GIT_AUTHOR_EMAIL": "ana@old.example"}
    told = probe(variables, tmp_path).facts["git"]
    assert (told["name"], told["email"]) == ("Ana Lima", "ana@lab.example")
