# SPDX-License-Identifier: Apache-2.0
"""The samples of the documentation do what the pages say, and what is listed there is all there is."""

from __future__ import annotations

import re
import shutil
import sqlite3
import tomllib
from contextlib import closing

import click
import orjson
import pytest

import importers
import lineage
from lineage import config, formats
from lineage.cli import main
from lineage.model.gaps import CODES
from tests.docs.pages import PAGES, WRITTEN, blocks, name, outside
from tests.docs.session import Session
from tests.house.test_house import ROOT
from tools.reference.commands import every


def written(page):
    return (ROOT / page).read_text("utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The project of the demo, made once."""
    folder = tmp_path_factory.mktemp("demo") / "project"
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--folder", str(folder)])
    assert not ended.value.code
    return folder


@pytest.fixture
def demo(made, tmp_path, monkeypatch):
    """A copy of the demo's project as the working folder."""
    folder = shutil.copytree(made, tmp_path / "project")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("LINEAGE_STORE", raising=False)
    return folder


@pytest.fixture
def empty(tmp_path):
    """A folder with nothing in it."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.fixture
def old(tmp_path):
    """A folder with a store of layout 1, and nothing else."""
    folder = tmp_path / "old"
    folder.mkdir()
    shutil.copy(ROOT / "tests" / "old_stores" / "layout-1.db", folder / "store.db")
    return folder


@pytest.fixture
def newer(made, tmp_path):
    """The demo's project, after a newer version has written a thing of a kind of its own."""
    folder = shutil.copytree(made, tmp_path / "newer")
    term = {"base": "Activity", "code": None, "type": "urn:lineage:term:Audit", "version": "0.4.0"}
    with closing(sqlite3.connect(folder / ".lineage" / "store.db")) as connection, connection:
        connection.execute("INSERT INTO kept VALUES ('vocabulary/Audit', ?)", [orjson.dumps(term)])
    return folder


#: Why a block is not run -> the pages that have such a block. Keep them few.
NOT_RUN = {
    "a drawing": ["CONTRIBUTING.md"],
    "these are the commands that build and test everything": ["README.md"],
    "it needs the CI of a team": ["docs/how-to/ci.md"] * 5,
    "starts a Neo4j server; tests/contract copies stores into one": ["docs/how-to/operator.md"],
    "installs from the package registry; tests/installs installs the package alone and with each extra": [
        "docs/reference/install.md",
        "docs/tutorial.md",
    ],
}
#: Pages whose blocks another test runs.
ELSEWHERE = {
    "docs/four-questions.md": "tests/contract/test_four_questions.py",
    "docs/reference/neo4j.md": "tests/docs/test_neo4j.py",
}


def test_the_blocks_that_are_not_run_are_few_and_say_why():
    found = {}
    for page in WRITTEN:
        for block in blocks(page):
            if block.reason is not None:
                found.setdefault(block.reason, []).append(name(page))
    assert found == NOT_RUN


WRONG = {
    "another output": "```console\n$ lineage --version\nlineage, version 0\n```\n",
    "less output": "```console\n$ printf 'one\\ntwo\\n'\none\n```\n",
    "a command that fails": "```console\n$ lineage trace nothing\n…\n```\n",
    "a pipe that fails": "```console\n$ cat nothing | grep -q x\n```\n",
    "another value": "```pycon\n>>> 1 + 1\n3\n```\n",
    "a program that fails": "```python\nimport lineage\nlineage.open('nothing', create=False)\n```\n",
    "another answer": '```graphql\n{ stats { entries } }\n```\n```json\n{"stats": {"entries": 0}}\n```\n',
    "a query that fails": "```graphql\n{ stats { nothing } }\n```\n",
    "a selection that fails": "```selection\nkind:nothing\n```\n",
    "an answer to no query": "```json\n{}\n```\n",
    "a language that nobody runs": "```cobol\nSTOP RUN.\n```\n",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_sample_that_is_wrong_is_found(text, demo, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(text, "utf-8")
    session = Session(demo, tmp_path / "home")
    with pytest.raises((AssertionError, AttributeError, lineage.LineageError)):
        for block in blocks(page):
            session.run(block)


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_every_sample_is_in_a_block_that_is_run(page):
    for number, line in outside(page):
        assert not re.match(r" {4,}(\$|lineage |pip |curl |docker |make )", line), (
            page,
            number,
            line,
        )


@pytest.mark.parametrize(
    "page",
    [page for page in WRITTEN if list(blocks(page)) and name(page) not in ELSEWHERE],
    ids=name,
)
def test_the_samples_of_a_page_do_what_it_says(page, request, tmp_path):
    if "curl" in page.read_text("utf-8") and not shutil.which("curl"):
        pytest.skip("no curl on this machine")
    session = None
    try:
        for block in blocks(page):
            if block.reason is not None:
                continue
            if session is None or block.session is not None:
                if session is not None:
                    session.close()
                folder = request.getfixturevalue(block.session or "demo")
                session = Session(folder, tmp_path / f"home-{block.session}")
            session.run(block)
    finally:
        if session is not None:
            session.close()


def test_the_picture_is_what_the_product_draws(demo):
    with lineage.open(demo / ".lineage" / "store.db") as store:
        query = '+model:"readmission@v3" via used, wasGeneratedBy, wasAssociatedWith'
        drawn = store.export(query, format="svg").data
    assert (ROOT / "docs" / "pictures" / "readmission.svg").read_bytes() == drawn


def test_the_file_of_settings_that_the_page_shows_is_read(tmp_path, monkeypatch):
    (shown,) = re.findall(r"```toml\n(.*?)```", written("docs/reference/settings.md"), re.DOTALL)
    (tmp_path / ".lineage").mkdir()
    (tmp_path / ".lineage" / "config.toml").write_text(shown, "utf-8")
    monkeypatch.chdir(tmp_path)
    for setting in config.SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    assert config.value("actor").value == "ana"
    assert config.value("store").value == str(tmp_path / "shared" / "lineage.db")


def anchors(path):
    """The anchors of a page's headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_link_leads_to_a_page_and_a_heading_that_there_are(path):
    for target, anchor in re.findall(
        r"\]\((?!\w+:)([^)#\s]*)#?([^)\s]*)\)", path.read_text("utf-8")
    ):
        place = path.parent / target if target else path
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), (target, anchor)


def test_the_page_of_answers_names_the_commands_that_have_no_json():
    page = " ".join(written("docs/reference/answers.md").split())
    said = re.search(r"All commands but (.*?) have `--json`", page)
    options = {
        ctx.info_name: [name for param in ctx.command.params for name in param.opts]
        for ctx in every()
        if not (isinstance(ctx.command, click.Group) or ctx.command.hidden)
    }
    without = {name for name, names in options.items() if "--json" not in names}
    assert set(re.findall(r"`(\w+)`", said[1])) == without


#: What follows a command in the table of answers.md, where it needs something.
WORDS = {
    **{name: ["model:readmission@v3"] for name in ("trace", "impact", "show")},
    "why": ["model:readmission@v3", "dataset:data/admissions.csv"],
    "find": ["summer"],
    "deploy": ["model:readmission@v3", "--to", "prod"],
    "retire": ["model:readmission@v3", "--from", "prod"],
    "ask": ["kind:run"],
    "explain": ["kind:run"],
    "compare": ["model:readmission@v2", "model:readmission@v3"],
    **{name: ["run:summer"] for name in ("reproduce", "environment show")},
    "environment export": ["run:summer", "--to", "requirements", "--out", "requirements.txt"],
    "bisect": ("accuracy", "--from", "run:baseline", "--to", "run:summer"),
    "sparql": ["ASK { ?s ?p ?o }"],
    "export": ["kind:run", "--out", "runs.json"],
    "import": ["."],
    "init": ["elsewhere"],
    "copy": [".lineage/store.db", "copy.db"],
    "backup": ["backup.db"],
    "restore": ["backup.db", "restored.db"],
    "token add": ["ana", "--role", "viewer"],
    "exchange tie": ["dataset:admissions", "dataset:data/admissions.csv", "--reason", "same"],
    "keys new": ["lab.example/lineage"],
}


def test_the_page_of_installation_lists_the_extras():
    listed = re.findall(r"^\| `(\w+)` \|", written("docs/reference/install.md"), re.MULTILINE)
    project = tomllib.loads(written("pyproject.toml"))["project"]
    assert set(listed) == set(project["optional-dependencies"])


def test_the_pages_of_importers_and_formats_list_all_there_are():
    listed = re.findall(r"^\| (\w+) \|", written("docs/reference/importers.md"), re.MULTILINE)
    assert tuple(listed[1:]) == importers.BUILTIN
    table = re.findall(
        r"^\| (`\w+`(?:, `\w+`)*) \|", written("docs/reference/formats.md"), re.MULTILINE
    )
    assert set(re.findall(r"`(\w+)`", " ".join(table))) == set(formats.BUILTIN)


def test_the_page_of_answers_lists_every_gap():
    page = written("docs/reference/answers.md")
    for code, says in CODES.items():
        assert f"| `{code}` | {says} |" in page


def test_the_json_of_commands_has_the_keys_that_the_page_says(demo, capsys):
    (demo / "elsewhere").mkdir()
    rows = re.findall(
        r"^\| ((?:`lineage [a-z ]+`(?:, )?)+) \| (.*)\|$",
        written("docs/reference/answers.md"),
        re.MULTILINE,
    )
    tried = set()
    for names, keys in rows:
        for command in re.findall(r"`lineage ([a-z ]+)`", names):
            with pytest.raises(SystemExit):
                main([*command.split(), *WORDS.get(command, ()), "--json"])
            told = set(orjson.loads(capsys.readouterr().out)) - {"nodes", "edges", "certificate"}
            assert told == set(re.findall(r"`(\w+)`", keys.partition(":")[0])), (command, told)
            tried.add(command)
    assert set(WORDS) <= tried
