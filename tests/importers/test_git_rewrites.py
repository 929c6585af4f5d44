# SPDX-License-Identifier: Apache-2.0
"""Commits that runs used are found again after history was rewritten, and others are not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers.base import Options, Source
from importers.git import IMPORTER
from lineage.sources.git.rewrites import CommitFacts, Match, Rewrites, facts, resolve

BODY = "".join(f"line {n}\n" for n in range(40))


def recorded(repo, revisions: str | None = None) -> dict[str, CommitFacts]:
    """What a store would know of the repository after an import."""
    batches = list(IMPORTER.read(Source.of(repo.path), Options(revisions=revisions)))
    nodes = [node for batch in batches for node in batch.nodes]
    edges = [edge for batch in batches for edge in batch.edges]
    return {fact.sha: fact for fact in facts(nodes, edges)}


def edited(**lines: str) -> str:
    """The body with some of its lines (``l3="new"``) replaced."""
    text = BODY.splitlines()
    for name, new in lines.items():
        text[int(name[1:])] = new
    return "\n".join(text) + "\n"


@dataclass
class Story:
    """A feature branch that runs used, an abandoned one, decoys, and a main branch that moves."""

    repo: object
    used: list[str]
    abandoned: list[str]
    before: dict[str, CommitFacts]

    def found(self, sha: str) -> list[Match]:
        after = recorded(self.repo)
        return resolve(self.before[sha], list(after.values()), list(self.before.values()))

    def now(self, name: str) -> str:
        return self.repo.git("rev-parse", name)


@pytest.fixture
def story(new_repository):
    repo = new_repository()
    start = {"train.py": BODY, "other.py": BODY, "data.csv": "1\n2\n"}
    repo.commit("Start", start)
    repo.git("switch", "-qc", "abandoned")
    abandoned = [
        repo.commit("Set the rate", {"other.py": edited(l5="rate = 0.3")}),
        repo.commit("Trigger the build", {}),
        repo.commit("Note", {"notes.md": "never merged, never rewritten\n"}),
    ]
    repo.git("switch", "-qc", "feature", "main")
    used = [
        repo.commit("Set the rate", {"train.py": edited(l5="rate = 0.3")}),
        repo.commit("More epochs", {"train.py": edited(l5="rate = 0.3", l20="epochs = 9")}),
        repo.commit("Add a figure", {"figure.bin": bytes(range(256)) * 3}),
    ]
    repo.git("switch", "-q", "main")
    # Decoys: the same line in another file, a change and its revert, an empty commit, a neighbour.
    repo.commit("Copy the rate", {"copy.py": edited(l5="rate = 0.3")})
    repo.commit("Break", {"data.csv": "9\n9\n"})
    repo.git("revert", "--no-edit", "HEAD")
    repo.commit("Trigger the build", {})
    repo.commit("Neighbours", {"train.py": edited(l3="import x", l7="import y", l18="import z")})
    before = recorded(repo)
    return Story(repo, used, abandoned, before)


def end(story: Story) -> None:
    """The branches are deleted, as after a merge request."""
    for branch in ("feature", "abandoned"):
        story.repo.git("branch", "-D", branch)


def rebase(story):
    story.repo.git("rebase", "-q", "main", "feature")
    story.repo.git("switch", "-q", "main")
    story.repo.git("merge", "-q", "--ff-only", "feature")
    end(story)
    return [("patch-id", story.now(f"main~{n}"), False) for n in (2, 1, 0)]


def cherry_pick(story):
    story.repo.git("cherry-pick", *story.used)
    end(story)
    return [("patch-id", story.now(f"main~{n}"), False) for n in (2, 1, 0)]


def squash(story):
    story.repo.git("merge", "-q", "--squash", "feature")
    story.repo.git("commit", "-qm", "Everything about rates (#12)")
    end(story)
    story.repo.commit("Later", {"later": "1"})
    return [("range", story.now("main~1"), False)] * 3


def rebase_and_squash(story):
    story.repo.git("rebase", "-q", "main", "feature")
    story.repo.git("switch", "-q", "main")
    return squash(story)


def squash_after_catching_up(story):
    story.repo.git("switch", "-q", "feature")
    story.repo.git("merge", "-q", "-m", "Catch up", "main")
    story.before |= recorded(story.repo)
    story.repo.git("switch", "-q", "main")
    story.repo.commit("Meanwhile", {"train.py": edited(l3="import x", l7="yy", l18="import z")})
    return squash(story)


def amend(*options: str, **environment: str):
    def rewrite(story):
        story.repo.git("switch", "-q", "feature")
        story.repo.git("commit", "-q", "--amend", *options, **environment)
        return [
            *(("sha", sha, True) for sha in story.used[:2]),
            ("tree", story.now("feature"), True),
        ]

    return rewrite


def amend_everything_but_the_files(story):
    story.repo.git("switch", "-q", "feature")
    story.repo.git("commit", "-q", "--amend", "--reset-author", "-m", "All words are new")
    return [
        *(("sha", sha, True) for sha in story.used[:2]),
        ("patch-id", story.now("feature"), True),
    ]


def new_author_everywhere(story):
    story.repo.git(
        "rebase", "-q", "--root", "feature", "--exec", "git commit --amend --author='B <b@x>'"
    )
    return [("tree", story.now(f"feature~{n}"), True) for n in (2, 1, 0)]


def nothing(story):
    return [("sha", sha, True) for sha in story.used]


REWRITES = {
    "nothing happened": nothing,
    "rebase": rebase,
    "cherry-pick": cherry_pick,
    "squash merge": squash,
    "rebase and squash": rebase_and_squash,
    "squash after catching up": squash_after_catching_up,
    "amended message": amend("-m", "Better words"),
    "amended author": amend("--author", "Bo <bo@example.org>", "--no-edit"),
    "reset author date": amend("--reset-author", "--no-edit"),
    "amended message, author and date": amend_everything_but_the_files,
    "new author in the whole history": new_author_everywhere,
}


@pytest.mark.parametrize("rewrite", REWRITES.values(), ids=REWRITES)
def test_every_used_commit_is_found_again_by_the_method_named(story, rewrite):
    expected = rewrite(story)
    found = [story.found(sha) for sha in story.used]
    assert found == [
        [Match(sha=sha, method=method, confidence=1.0, tree=tree)] for method, sha, tree in expected
    ]


@pytest.mark.parametrize("rewrite", REWRITES.values(), ids=REWRITES)
def test_none_is_found_for_commits_that_are_gone_for_good(story, rewrite):
    rewrite(story)
    story.repo.git("branch", "-f", "abandoned", "main")
    assert [story.found(sha) for sha in story.abandoned] == [[], [], []]


def test_a_change_id_leads_to_the_next_version_of_a_change(story):
    repo = story.repo
    repo.git("switch", "-qc", "review", "main")
    first = repo.commit("Tune\n\nChange-Id: I5eed", {"train.py": edited(l30="a")})
    story.before |= recorded(repo)
    repo.write({"train.py": edited(l30="quite different")})
    repo.git("commit", "-qam", "Tune more\n\nChange-Id: I5eed", "--amend", "--reset-author")
    found = story.found(first)
    expected = Match(sha=story.now("review"), method="change-id", confidence=1.0, tree=False)
    assert found == [expected]


def test_a_change_picked_to_two_branches_is_listed_twice_and_none_is_chosen(story):
    repo = story.repo
    for branch in ("release-1", "release-2"):
        repo.git("switch", "-qc", branch, "main")
        repo.commit(f"Prepare {branch}", {branch: "1"})
        repo.git("cherry-pick", story.used[0])
    end(story)
    found = story.found(story.used[0])
    assert {match.sha for match in found} == {story.now("release-1"), story.now("release-2")}
    assert {(match.method, match.confidence) for match in found} == {("patch-id", 0.5)}


def test_the_subject_and_date_tell_a_rebased_commit_from_one_that_repeats_it(story):
    repo = story.repo
    rebase(story)
    repo.git("revert", "--no-edit", "main")
    repo.git("revert", "--no-edit", "main")
    expected = Match(sha=story.now("main~2"), method="patch-id", confidence=1.0, tree=False)
    assert story.found(story.used[2]) == [expected]


def test_the_same_patch_with_nothing_else_in_common_is_no_certainty(story):
    story.repo.commit("Somebody else's idea", {"figure.bin": bytes(range(256)) * 3})
    end(story)
    [match] = story.found(story.used[2])
    assert (match.sha, match.confidence) == (story.now("main"), 0.5)


def test_a_change_of_one_binary_file_is_not_taken_for_another(story):
    story.repo.commit("Add a figure", {"figure.bin": bytes(range(255, -1, -1)) * 3})
    end(story)
    assert story.found(story.used[2]) == []


def test_a_commit_is_never_found_in_its_own_past(story):
    repo = story.repo
    repo.git("switch", "-qc", "again", "main")
    repo.commit("Set it", {"k": "1\n"})
    repo.git("revert", "--no-edit", "HEAD")
    repo.git("branch", "-f", "main", "HEAD")
    again = repo.commit("Set it", {"k": "1\n"})
    story.before |= recorded(repo)
    repo.git("switch", "-q", "main")
    repo.git("branch", "-D", "again")
    assert story.found(again) == []


# --- laws ----------------------------------------------------------------------------------------

few = st.sampled_from([None, "a", "b"])
dates = st.sampled_from(["2026-01-01T00:00:00+00:00", "2026-03-01T00:00:00+02:00", "x", None])
commit_facts = st.builds(
    CommitFacts,
    sha=st.sampled_from("0123456789"),
    tree=few,
    parents=st.lists(st.sampled_from("0123456789"), max_size=2).map(tuple),
    subject=few,
    authored=dates,
    committed=dates,
    change_id=few,
    patch_id=few,
    paths=few,
    range_patch_ids=st.frozensets(st.sampled_from("ab"), max_size=1),
    range_bases=st.frozensets(st.sampled_from("0123456789"), max_size=1),
)
histories = st.lists(commit_facts, max_size=8, unique_by=lambda fact: fact.sha)


@settings(max_examples=200, deadline=None)
@given(target=commit_facts, candidates=histories, known=histories)
def test_any_history_gives_one_answer_that_sums_to_at_most_certainty(target, candidates, known):
    found = resolve(target, candidates, known)
    assert resolve(target, candidates[::-1], known[::-1]) == found
    assert sum(match.confidence for match in found) <= 1.0 + 1e-9
    assert len({match.sha for match in found}) == len(found)
    assert {match.sha for match in found} <= {fact.sha for fact in candidates}
    if target.sha in {fact.sha for fact in candidates}:
        assert [match.method for match in found] == ["sha"]
    elif target.patch_id is None and target.change_id is None:
        assert {match.method for match in found} <= {"tree", "range"}


@settings(max_examples=100, deadline=None)
@given(target=commit_facts, candidates=histories)
def test_a_commit_that_shares_nothing_is_never_found(target, candidates):
    lost = replace(
        target, sha="gone", tree="t", patch_id="p", change_id="c", range_patch_ids=frozenset()
    )
    assert Rewrites(candidates, [lost]).resolve(lost) == []
