# SPDX-License-Identifier: Apache-2.0
"""Catalog files of Backstage say who answers for the folder that they lie in, and who is a member of which team."""

from __future__ import annotations

import pytest
import yaml

from lineage.errors import BadInput
from tests.owners.conftest import owners_of
from tests.owners.test_concerned import MADE, gaps, made

AT = "catalog-info.yaml"
ORIGIN = "https://github.com/lab/churn"


def entity(kind, name, annotations=None, **spec):
    """A document of a catalog file; its owner, where it has one, is in the eighth line of it."""
    about = {"annotations": annotations or {"a": "b"}, "name": name}
    said = {"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": about, "spec": spec}
    return yaml.safe_dump(said, sort_keys=False)


def catalog(*documents):
    return "---\n".join(documents)


@pytest.fixture
def store(lineage_at):
    return lineage_at("memory:")


def losses(reports):
    return {loss.what: f"{loss.number} {loss.reason}" for one in reports for loss in one.losses}


#: Who is written as the owner, and who that is.
NAMED = [
    ("team-a", "team-a"),
    ("group:default/team-a", "team-a"),
    ("Group:Team-A", "team-a"),
    ("payments/team-a", "payments/team-a"),
    ({"kind": "Group", "namespace": "payments", "name": "team-a"}, "payments/team-a"),
    ("user:default/bo", "bo"),
    ("ana@example.org", "Ana Lima"),
]


@pytest.mark.parametrize(("owner", "who"), NAMED)
def test_an_owner_is_a_group_unless_the_reference_says_another_kind(owner, who, project, store):
    files = {AT: entity("Component", "churn", owner=owner)}
    store.load(project(None, "data/a.csv", files=files).path)
    line = 9 if isinstance(owner, dict) else 8
    assert owners_of(store)["data/a.csv"] == [f"{who} {AT}:{line} component:default/churn"]
    assert [one.owners for one in store.owners().things if one.sort == "projects"] == [(who,)]


#: A document, the datasets of which it says something, and what is said of the rest.
SAID = [
    (entity("Component", "x", type="service"), [], ("entities", "have no owner")),
    (entity("API", "x", owner=""), [], ("entities", "have no owner")),
    *(
        (entity("System", "x", owner=owner), [], ("owners of entities", "count as missing"))
        for owner in (
            "${{ values.owner }}",
            "<owner>",
            "TODO",
            "component:x",
            ["a"],
            "a@" + "." * 2_000,
        )
    ),
    (entity("Widget", "x", owner="a"), [], ("entities of the kind Widget", "are not read")),
    (
        catalog(entity("Group", "a"), "a: 1\n"),
        [],
        ("documents", "are no entities of Backstage"),
    ),
    (entity("Component", "${{ values.name }}", owner="a"), [], ("entities", "placeholder")),
    (
        entity("Location", "x", targets=["./a.yaml", "./b.yaml"]),
        [],
        ("targets of locations", "2 are not followed"),
    ),
    (
        entity("Resource", "a.csv", type="dataset", owner="a"),
        [],
        ("owners of entities", "a name alone does not say which data or model is meant"),
    ),
    (
        entity(
            "Resource",
            "raw",
            {"backstage.io/source-location": f"url:{ORIGIN}/blob/main/data/a.csv"},
            owner="a",
        ),
        ["data/a.csv"],
        None,
    ),
    (
        entity("Component", "x", {"backstage.io/source-location": f"url:{ORIGIN}/"}, owner="a"),
        ["a.csv", "data/a.csv"],
        None,
    ),
    *(
        (entity("Component", "x", {name: other}, owner="a"), [], ("owners of entities", "another"))
        for name, other in (
            ("backstage.io/source-location", f"url:{ORIGIN}-2/tree/main/data/"),
            ("backstage.io/source-location", f"url:{ORIGIN}/tree/some/branch/data/"),
            ("github.com/project-slug", "lab/other"),
        )
    ),
    (
        entity("Component", "x", {"github.com/project-slug": "Lab/churn"}, owner="a"),
        ["a.csv", "data/a.csv"],
        None,
    ),
]


@pytest.mark.parametrize(("document", "owned", "lost"), SAID)
def test_what_a_catalog_does_not_say_for_certain_owns_nothing_and_is_said(
    document, owned, lost, project, store
):
    repository = project(None, "a.csv", "data/a.csv", files={AT: document})
    repository.git("remote", "add", "origin", ORIGIN)
    found = losses(store.load(repository.path, named="backstage"))
    store.load(repository.path)
    assert [name for name, who in sorted(owners_of(store).items()) if who] == owned
    what, reason = lost or (None, None)
    assert list(found) == ([what] if lost else [])
    assert lost is None or (reason in found[what] and f"first: {AT}:" in found[what])


def test_the_nearest_catalog_counts_codeowners_goes_before_it_and_what_is_stated_before_both(
    project, store
):
    two = catalog(entity("Component", "x", owner="team-a"), entity("API", "y", owner="team-b"))
    inner = {f"services/b/{AT}": entity("Component", "b", owner="team-c")}
    data = ["x.csv", "services/b/data/b.csv", "ruled.csv", "free.csv", "said.csv"]
    repository = project("/ruled.csv @lab/rules\n/free.csv\n", *data, files={AT: two, **inner})
    reports = store.load(repository.path)
    reason = losses(reports)["owners that a catalog names"]
    assert reason.startswith("2 CODEOWNERS says something else, and goes before a catalog")
    assert ".github/CODEOWNERS:" in reason
    store.set_owner("dataset:said.csv", "@lab/stated")
    store.load(repository.path)
    both = [f"team-a {AT}:8 component:default/x", f"team-b {AT}:17 api:default/y"]
    assert owners_of(store) == {
        "x.csv": both,
        "services/b/data/b.csv": [f"team-c services/b/{AT}:8 component:default/b"],
        "ruled.csv": ["@lab/rules .github/CODEOWNERS:1"],
        "free.csv": ["nobody .github/CODEOWNERS:2"],
        "said.csv": ["@lab/stated stated"],
    }
    before = store.stats().root
    store.load(repository.path)
    assert store.stats().root == before
    repository.commit("One owner", {AT: entity("Component", "x", owner="team-z")})
    store.load(repository.path)
    assert owners_of(store)["x.csv"] == [f"team-z {AT}:8 component:default/x"]


ORG = catalog(
    entity("Group", "team-a", children=["inner"], profile={"displayName": "Team A"}),
    entity("Group", "inner", members=["user:default/ana"]),
    entity(
        "User", "ana", profile={"email": "ANA@example.org", "displayName": "Ana Lima"}, memberOf=[]
    ),
    entity("Group", "mailed", profile={"email": "mailed@example.org"}),
    entity("Group", "hub", {"github.com/team-slug": "lab/hub"}, members=[]),
    entity("User", "bo", memberOf=["hub"]),
)


@pytest.mark.parametrize("first", ["org", "project"])
def test_people_and_teams_are_who_a_document_of_any_file_says_whichever_came_first(
    first, project, address, lineage_at, tmp_path
):
    store = lineage_at(address)
    org = tmp_path / "staff" / "org.yaml"
    org.parent.mkdir()
    org.write_text(ORG)
    owners = ("team-a", "user:ana", "mailed", "hub", "user:gone", "user:bo", "unmanned")
    files = catalog(*(entity("Component", f"c{n}", owner=who) for n, who in enumerate(owners)))
    repository = made(project, "README @lab/hub\n", *MADE)
    repository.commit("Catalog", {f"apps/{AT}": files})
    for path in (org, repository.path) if first == "org" else (repository.path, org):
        store.load(path)
    found = store.impact("raw.csv").owners
    said = {(one.name, one.unreachable) for one in found if one.evidence.startswith("apps/")}
    assert said == {
        ("Team A", None),
        ("Ana Lima", None),
        ("mailed", None),
        ("@lab/hub", None),
        ("gone", "unknown here"),
        ("bo", None),
        ("unmanned", "a team of which no member is known"),
    }
    assert {one.name for one in found if one.evidence == ".github/CODEOWNERS:1"} == {"@lab/hub"}
    assert store.owners(of="ana@example.org").counts == {"files": 3}
    assert gaps(store.impact("raw.csv")) == {}
    org.write_text(entity("User", "bo", memberOf=[]))
    store.load(org)
    assert "Team A" not in {one.name for one in store.impact("raw.csv").owners}
    assert store.verify().state == "intact"


def test_the_commands_name_the_catalog_with_its_line(project, lineage_at, command, tmp_path):
    path = str(tmp_path / "s.db")
    repository = made(project, None, *MADE)
    repository.commit("Catalog", {AT: entity("Component", "x", owner="team-a")})
    with lineage_at(path) as store:
        store.load(repository.path / AT)
        [again] = [one for one in store.load(repository.path) if one.importer == "backstage"]
        assert (again.added, again.losses) == (0, ()), "the folder and the file are one source"
    code, said = command(tmp_path, "--store", path, "impact", "raw.csv", text=True)
    told_of = f"  team-a, a team of which no member is known ({AT}:8 component:default/x)  3 things"
    assert code == 0
    assert told_of in said
    code, said = command(tmp_path, "--store", path, "owner", "list", text=True)
    assert f"project      project  team-a  ({AT}:8 component:default/x)" in said


#: What is no catalog file, what is said of it, and where.
BROKEN = [
    ("a: [", "ends too early", f"{AT}:"),
    ("apiVersion: backstage.io/v1alpha1\nspec: {\n  b: c: d}\n", "not YAML", f"{AT}:3:"),
    ("a: !!python/object:x {}\n", "tag", f"{AT}:1"),
    ("a: &b 1\nc: *b\n", "aliases are not followed", f"{AT}:2"),
    ("spec:\n  owner: a\n  owner: b\n", "'owner' appears twice", f"{AT}:3"),
    ("<<<<<<< ours\na: 1\n", "conflict markers", f"{AT}:1"),
    ("a: 1\n--- just text\n", "describes no entity", AT),
    ("---\n---\n", "describes no entity", AT),
]


@pytest.mark.parametrize(("text", "message", "where"), BROKEN)
def test_what_is_no_catalog_is_one_error_with_its_line(text, message, where, project, store):
    repository = project(None, "a.csv", files={AT: text})
    for source in (repository.path, repository.path / AT):
        with pytest.raises(BadInput, match=message) as caught:
            store.load(source, named="backstage")
        assert caught.value.where.startswith(where)
    assert store.stats().entries == 0


def test_the_newest_commit_counts_and_a_folder_without_a_repository_is_read_as_it_lies(
    project, store, tmp_path, new_repository
):
    document = entity("Component", "x", owner="team-a")
    repository = project(None, "a.csv")
    repository.write({AT: document})
    with pytest.raises(BadInput, match=f"newest commit of .* has no {AT}"):
        store.load(repository.path / AT)
    repository.commit("Catalog", {})
    repository.write({AT: "changed: since"})
    bare = new_repository("bare.git", "--bare")
    repository.git("push", "-q", str(bare.path), "HEAD:main")
    folder = tmp_path / "loose"
    folder.mkdir()
    (folder / AT).write_text(document)
    (folder / "a.csv.dvc").write_text((repository.path / "a.csv.dvc").read_text())
    store.load(bare.path)
    store.load(folder)
    found = [(one.sort, one.title, one.owners) for one in store.owners().things]
    assert ("datasets", "a.csv", ("team-a",)) in found
    assert {title for sort, title, _ in found if sort == "projects"} == {"bare", "loose"}
    assert all(owners == ("team-a",) for _, _, owners in found)


def test_a_file_that_is_gone_says_nothing_any_more(project, store):
    inner = entity("Component", "inner", owner="team-b")
    files = {AT: entity("Component", "churn", owner="team-a"), f"data/b/{AT}": inner}
    made_ = project("*.csv @bo\n", "data/a.csv", "data/b/x.csv", "raw.bin", files=files)
    store.load(made_.path)
    before = owners_of(store)
    assert [bool(one) for one in before.values()] == [True, True, True]
    made_.git("rm", "-q", f"data/b/{AT}", ".github/CODEOWNERS")
    made_.git("commit", "-qm", "Remove two")
    store.load(made_.path)
    assert owners_of(store) == {key: [f"team-a {AT}:8 component:default/churn"] for key in before}
    made_.git("rm", "-q", AT)
    made_.git("commit", "-qm", "Remove the last")
    store.load(made_.path)
    assert owners_of(store) == {key: [] for key in before}
    assert store.load(made_.path)[0].retracted == 0
    made_.git("revert", "--no-edit", "HEAD", "HEAD~1")
    store.load(made_.path)
    assert owners_of(store) == before
