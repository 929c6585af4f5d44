# SPDX-License-Identifier: Apache-2.0
"""The samples of the documentation, run on the store of the demo: they print what stands below them."""

from __future__ import annotations

import doctest
import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click
import orjson
import pytest

import lineage
from lineage import config
from lineage.cli import main
from tests.graphql_schema.conftest import asked
from tests.house.test_house import ROOT
from tools.reference.commands import every

LINEAGE = Path(sys.executable).with_name("lineage")


def written(page):
    return (ROOT / page).read_text("utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The project of the demo, made once."""
    folder = tmp_path_factory.mktemp("demo") / "project"
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--folder", str(folder), "--json"])
    assert not ended.value.code
    return folder


@pytest.fixture
def demo(made, tmp_path, monkeypatch):
    """A copy of the demo's project as the working folder."""
    folder = shutil.copytree(made, tmp_path / "project")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("LINEAGE_STORE", raising=False)
    return folder


def commands(text):
    """The commands of a page, each with the lines printed below it."""
    found, printed = [], None
    for line in text.splitlines():
        if line.startswith("    $ "):
            printed = []
            found.append((line[6:], printed))
        elif printed is None:
            continue
        elif not printed and not _whole(found[-1][0]):
            found[-1] = (f"{found[-1][0]}\n{line[4:]}", printed)
        elif line.startswith("    "):
            printed.append(line[4:])
        else:
            printed = None
    return found


def _whole(command):
    try:
        return bool(shlex.split(command))
    except ValueError:
        return False


def run_all(text):
    """Run the commands of a text in the working folder, and compare what they print."""
    shown = [(command, lines) for command, lines in commands(text) if lines]
    assert shown
    for command, lines in shown:
        program, *words = shlex.split(command)
        done = subprocess.run(
            [LINEAGE if program == "lineage" else program, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        wanted = ".*".join(re.escape(part) for part in "\n".join(lines).split("…"))
        assert re.fullmatch(wanted, done.stdout.rstrip("\n")), (command, done.stdout)


@pytest.mark.usefixtures("demo")
def test_commands_print_what_the_page_of_formats_shows():
    run_all(written("docs/reference/formats.md"))


@pytest.mark.usefixtures("demo")
def test_the_readme_shows_what_the_demo_prints(capsys):
    with pytest.raises(SystemExit):
        main(["trace", "model:readmission@v3"])
    printed = capsys.readouterr().out.splitlines()
    (shown,) = re.findall(r"```\n(ModelVersion .*?)```", written("README.md"), re.DOTALL)
    assert [line for line in shown.splitlines() if line not in (*printed, "...")] == []


def test_the_file_of_settings_that_the_page_shows_is_read(tmp_path, monkeypatch):
    (shown,) = re.findall(r"```toml\n(.*?)```", written("docs/reference/settings.md"), re.DOTALL)
    (tmp_path / ".lineage").mkdir()
    (tmp_path / ".lineage" / "config.toml").write_text(shown, "utf-8")
    monkeypatch.chdir(tmp_path)
    for setting in config.SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    assert config.value("actor").value == "ana"
    assert config.value("store").value == str(tmp_path / "shared" / "lineage.db")


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def anchors(path):
    """The anchors of a page's headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_leads_to_a_page_and_a_heading_that_there_are(path):
    for target, anchor in re.findall(
        r"\]\((?!\w+:)([^)#\s]*)#?([^)\s]*)\)", path.read_text("utf-8")
    ):
        place = path.parent / target if target else path
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), (target, anchor)


def test_the_readme_names_the_commands_that_have_no_json():
    said = re.search(r"all but (.*) have `--json`", written("README.md"))
    options = {
        ctx.info_name: [name for param in ctx.command.params for name in param.opts]
        for ctx in every()
        if not isinstance(ctx.command, click.Group)
    }
    without = {name for name, names in options.items() if "--json" not in names}
    assert set(re.findall(r"`(\w+)`", said[1])) == without


@pytest.mark.usefixtures("demo")
@pytest.mark.filterwarnings("ignore:Dataset")  # rdflib itself uses what it deprecates
def test_python_says_what_the_page_shows():
    blocks = re.findall(r"```pycon\n(.*?)```", written("docs/reference/python.md"), re.DOTALL)
    parsed = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "python.md", None, 0)
    report = []
    runner = doctest.DocTestRunner()
    runner.run(parsed, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)
    assert runner.tries > 20


@pytest.fixture
def old(tmp_path, monkeypatch):
    """A folder with a store of layout 1, and nothing else."""
    shutil.copy(ROOT / "tests" / "old_stores" / "layout-1.db", tmp_path / "store.db")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def newer(demo):
    """The demo's store as it is when a newer version has written a thing of a kind of its own."""
    store = demo / ".lineage" / "store.db"
    term = {"base": "Activity", "code": None, "type": "urn:lineage:term:Audit", "version": "0.4.0"}
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("INSERT INTO kept VALUES ('vocabulary/Audit', ?)", [orjson.dumps(term)])


@pytest.mark.parametrize(("heading", "folder"), [("Layouts", "old"), ("Stores of newer", "newer")])
def test_the_page_of_engines_shows_what_old_and_newer_stores_do(heading, folder, request):
    request.getfixturevalue(folder)
    part = (
        written("docs/reference/engines.md").partition(f"\n## {heading}")[2].partition("\n## ")[0]
    )
    run_all(part)


#: What follows a command in the table of answers.md, where it needs something.
WORDS = {
    **{name: ["model:readmission@v3"] for name in ("trace", "impact", "show")},
    "why": ["model:readmission@v3", "dataset:data/admissions.csv"],
    "find": ["summer"],
    "ask": ["kind:run"],
    "explain": ["kind:run"],
    "compare": ["model:readmission@v2", "model:readmission@v3"],
    "sparql": ["ASK { ?s ?p ?o }"],
    "export": ["kind:run", "--out", "runs.json"],
    "import": ["."],
    "init": ["elsewhere"],
    "copy": [".lineage/store.db", "copy.db"],
    "token add": ["ana", "--role", "viewer"],
    "exchange tie": ["dataset:admissions", "dataset:data/admissions.csv", "--reason", "same"],
    "keys new": ["lab.example/lineage"],
}


def test_the_json_of_commands_has_the_keys_that_the_page_says(demo, capsys):
    (demo / "elsewhere").mkdir()
    rows = re.findall(
        r"^\| ((?:`lineage [a-z ]+`(?:, )?)+) \| (.*)\|$",
        written("docs/reference/answers.md"),
        re.MULTILINE,
    )
    tried = set()
    for names, keys in rows:
        for name in re.findall(r"`lineage ([a-z ]+)`", names):
            with pytest.raises(SystemExit):
                main([*name.split(), *WORDS.get(name, ()), "--json"])
            told = set(orjson.loads(capsys.readouterr().out)) - {"nodes", "edges", "certificate"}
            assert told == set(re.findall(r"`(\w+)`", keys.partition(":")[0])), (name, told)
            tried.add(name)
    assert set(WORDS) <= tried


def test_graphql_answers_what_the_page_shows(demo):
    text = written("docs/reference/graphql.md")
    queries = re.findall(r"```graphql\n(.*?)```(?:\n```json\n(.*?)```)?", text, re.DOTALL)
    assert any(answer for _, answer in queries)
    with lineage.open(demo / ".lineage" / "store.db") as store:
        for query, answer in queries:
            told = orjson.loads(asked(store, query))
            assert told["errors"] == [], (query, told["errors"])
            if answer:
                assert told["data"] == json.loads(answer), query
