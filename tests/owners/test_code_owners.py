# SPDX-License-Identifier: Apache-2.0
"""CODEOWNERS is read as GitHub and as GitLab read it, and what it says of data that is here follows with every import."""

from __future__ import annotations

import pytest

from lineage.sources.code_owners import Said, parse
from tests.owners.conftest import owners_of, tracked

#: Pattern, paths that it is about, paths that it is not about: the examples of GitHub's documentation, and of gitignore.
GITHUB = [
    ("*", ["a", "a/b/c"], []),
    ("*.js", ["a.js", "a/b.js"], ["a.jsx"]),
    ("/build/logs/", ["build/logs/a", "build/logs/a/b"], ["x/build/logs/a", "build/logs"]),
    ("docs/*", ["docs/getting-started.md"], ["docs/build-app/troubleshooting.md", "x/docs/a"]),
    ("apps/", ["apps/a", "x/apps/a/b"], ["apps"]),
    ("/docs/", ["docs/a", "docs/a/b"], ["x/docs/a"]),
    ("/scripts", ["scripts", "scripts/a"], ["scripts2/a"]),
    ("**/logs", ["logs", "build/logs/a", "deeply/nested/logs/a/b"], ["logs2"]),
    ("docs/**", ["docs/a", "docs/a/b"], ["docs", "x/docs/a"]),
    ("a/**/b/*.c", ["a/b/x.c", "a/x/y/b/x.c"], ["a/x.c", "a/b/x/y.c"]),
    ("/*", ["a"], ["a/b"]),
    ("/a\\ b/", ["a b/c"], ["a/b"]),
    ("a/**/", ["a/b/c"], ["a/b"]),
]
#: The same of GitLab's documentation: what does not begin with a slash lies anywhere, and only a slash at the end goes into
#: a folder.
GITLAB = [
    ("*", ["a", "a/b"], []),
    ("README.md", ["README.md", "docs/README.md"], ["README.md/a"]),
    ("internal/README.md", ["internal/README.md", "docs/api/internal/README.md"], ["README.md"]),
    ("/docs/", ["docs/a", "docs/a/b"], ["x/docs/a"]),
    ("docs/", ["docs/a", "x/docs/a/b"], ["docs"]),
    ("/docs", ["docs"], ["docs/a"]),
    ("/docs/*.md", ["docs/a.md"], ["docs/b/a.md"]),
    ("/docs/**/*.md", ["docs/a.md", "docs/b/c/a.md"], ["a.md"]),
    ("file[0-9].csv", ["file1.csv", "a/file2.csv"], ["fileA.csv"]),
    ("file[!0-9].csv", ["fileA.csv"], ["file1.csv", "file/.csv"]),
    ("\\#f", ["#f"], ["f"]),
]


@pytest.mark.parametrize(
    ("dialect", "pattern", "about", "not_about"),
    [("github", *case) for case in GITHUB] + [("gitlab", *case) for case in GITLAB],
)
def test_a_pattern_is_about_the_paths_that_its_dialect_means(dialect, pattern, about, not_about):
    rules = parse(f"{pattern} @o", dialect)
    assert rules.problems == []
    assert [path for path in (*about, *not_about) if rules.of(path).owners] == about


def test_an_owner_nobody_and_no_rule_are_three_answers():
    rules = parse("/apps/ @o # who builds them\n/apps/github\n", "github")
    assert rules.of("apps/a") == Said(owners=(("@o", 1),))
    assert rules.of("apps/github/x") == Said(nobody=2)
    assert rules.of("README") == Said()


def test_a_line_that_is_invalid_for_github_is_skipped_and_said_with_its_number():
    rules = parse("!x.csv @b\nfile[0-9].csv @a\n\\#f @a\n*.md @a somebody\n*.py @p", "github")
    assert [problem.line for problem in rules.problems] == [1, 2, 3, 4]
    assert rules.of("a.py").owners == (("@p", 5),)
    assert all(rules.of(path) == Said() for path in ("x.csv", "file1.csv", "#f", "a.md"))


def test_sections_of_gitlab_have_default_owners_and_a_mark_of_exclusion_clears():
    rules = parse(
        "[Data][2] @lead @lab/data/core\n*.csv\n!private/*.csv\nprivate/a.csv @late\n*.tsv oops @x\n"
        "^[Docs]\n*.md @writer\nREADME.md\n[data]\n*.json\n[broken\n*.q @@maintainer\n",
        "gitlab",
    )
    assert rules.of("a.csv").owners == (("@lead", 2), ("@lab/data/core", 2))
    assert rules.of("private/a.csv") == Said(nobody=3), "what is left out does not come in again"
    assert rules.of("README.md").owners == ()
    assert rules.of("a.md").owners == (("@writer", 7),)
    assert rules.of("a.json").owners == (("@lead", 10), ("@lab/data/core", 10))
    assert rules.of("a.q").owners == (("@@maintainer", 12),)
    assert [(problem.line, problem.in_part) for problem in rules.problems] == [
        (5, True),
        (11, False),
    ]


def test_what_follows_for_data_is_found_anew_whichever_was_imported_first(project, lineage_at):
    repository = project(
        "*.csv @ana\n/data/raw/ @lab/data-team ana@example.org\n/data/raw/old.csv\n",
        *("data/raw/a.csv", "data/raw/old.csv", "b.csv", "notes"),
    )
    store = lineage_at("memory:")
    store.load(repository.path, named="codeowners")
    store.load(repository.path)
    assert owners_of(store) == {
        "b.csv": ["ana .github/CODEOWNERS:1"],
        "data/raw/a.csv": [
            "@lab/data-team .github/CODEOWNERS:2",
            "Ana Lima .github/CODEOWNERS:2",
        ],
        "data/raw/old.csv": ["nobody .github/CODEOWNERS:3"],
        "notes": [],
    }
    chosen = 'kind:dataset and owner:"@lab/*"'
    assert [node.title for node in store.ask(chosen)] == ["data/raw/a.csv"]
    repository.git("rm", "-q", ".github/CODEOWNERS")
    repository.commit("Others", {"docs/CODEOWNERS": "* @bo\n", "c.csv.dvc": tracked("c.csv")})
    store.load(repository.path)
    assert owners_of(store)["c.csv"] == ["bo docs/CODEOWNERS:1"]
    assert {*map(tuple, owners_of(store).values())} == {("bo docs/CODEOWNERS:1",)}
    before = store.stats().root
    store.load(repository.path)
    assert store.stats().root == before
    assert store.verify().state == "intact"


@pytest.mark.parametrize(
    ("at", "origin", "dialect", "because"),
    [
        (".gitlab/CODEOWNERS", None, "gitlab", "it lies in .gitlab"),
        ("CODEOWNERS", "git@gitlab.example.org:lab/x.git", "gitlab", "the origin is gitlab."),
        ("docs/CODEOWNERS", "https://github.com/lab/x", "github", "the origin is github.com"),
        ("CODEOWNERS", None, "github", "GitHub's is assumed"),
    ],
)
def test_the_place_or_the_origin_says_the_dialect(
    at, origin, dialect, because, project, lineage_at
):
    repository = project("[Data] @lead\n*.csv\n", "a.csv", at=at)
    if origin is not None:
        repository.git("remote", "add", "origin", origin)
    store = lineage_at("memory:")
    report = next(r for r in store.load(repository.path) if r.importer == "codeowners")
    [file] = store.find("CODEOWNERS@")
    assert file.attributes["dialect"] == dialect
    assert because in file.attributes["dialect_because"]
    found = owners_of(store)["a.csv"]
    assert found == ([f"lead {at}:2"] if dialect == "gitlab" else [f"nobody {at}:2"])
    lost = {loss.what: loss.reason for loss in report.losses}
    assert ("lines of CODEOWNERS" in lost) == (dialect == "github")
    assert ("dialects of CODEOWNERS" in lost) == (because == "GitHub's is assumed")


def test_a_folder_that_is_tracked_has_the_owner_of_what_lies_in_it(new_repository, lineage_at):
    repository = new_repository()
    folder = (
        "outs:\n- md5: 0f343b0931126a20f133d67c2b018a3b.dir\n  size: 9\n  nfiles: 2\n  path: raw\n"
    )
    rules = "* @all\n/data/raw/ @lead\n"
    repository.commit("Data", {"data/raw.dvc": folder, ".github/CODEOWNERS": rules})
    store = lineage_at("memory:")
    store.load(repository.path)
    assert owners_of(store) == {"data/raw": ["lead .github/CODEOWNERS:2"]}


def test_what_the_newest_commit_does_not_have_is_refused(project, lineage_at):
    from lineage.errors import BadInput

    repository = project(None, "a.csv")
    repository.write({"CODEOWNERS": "* @me"})
    store = lineage_at("memory:")
    assert {report.importer for report in store.load(repository.path)} == {"git", "dvc"}
    with pytest.raises(BadInput, match="has no CODEOWNERS"):
        store.load(repository.path, named="codeowners")
