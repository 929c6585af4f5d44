# SPDX-License-Identifier: Apache-2.0
"""The generated reference is what the code says, and every error stands in its one room."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pkgutil import walk_packages

import pytest

import graphql_schema
import importers
import lineage
from lineage import config, errors
from lineage.cli import VERBS, cli
from lineage.errors import LineageError
from lineage.model import kinds, terms
from lineage.model.noun import PERSONAL
from lineage.services.request import fields_of
from lineage.verbs import REQUESTS
from tests.house.test_house import ROOT, SOURCES
from tools.reference import FOLDER, PAGES
from tools.reference.markdown import HEAD

PACKAGES = (lineage, importers, graphql_schema)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_reference_is_up_to_date(name):
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](), "run: make reference"


def test_the_pages_that_call_themselves_written_from_the_code_are_those_that_are():
    found = {path.name for path in FOLDER.iterdir() if path.read_text("utf-8").startswith(HEAD)}
    assert found == {name for name in PAGES if name.endswith(".md")}


def written(name, heading=None):
    """A page of the reference, or what stands below one heading of it."""
    text = (FOLDER / name).read_text("utf-8")
    if heading is None:
        return text
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(text):
    """The rows of the tables in a text, as cells."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_the_reference_has_every_kind_with_every_attribute(kind):
    text = written("kinds.md", kind)
    assert kinds.describe(kind).replace("``", "`") in text
    said = {field.name: field.metadata for field in kinds.fields_of(kind)}
    found = {cells[0].strip("`"): cells[2:] for cells in rows(text)}
    assert found == {
        name: [data["description"], "yes" if data[PERSONAL] else ""] for name, data in said.items()
    }
    for word in kinds.KINDS[kind].words:
        assert f"`{kind}` (" in dict(rows(written("kinds.md", "Words of references")))[f"`{word}:`"]


def test_the_reference_has_every_relation_with_every_argument():
    told = {
        cells[0].strip("`"): cells for cells in rows(written("relations.md")) if len(cells) == 7
    }
    first = written("relations.md").partition("\n## ")[0]
    assert [cells[0].strip("`") for cells in rows(first)] == [row.name for row in terms.TABLE]
    assert [cells[-2] for cells in rows(first)] == [
        "by digest" if row.name == "alternateOf" else "yes" if row.follow else "no"
        for row in terms.TABLE
    ]
    assert {name: cells[1].strip("`") for name, cells in told.items()} == {
        row.name: row.cypher for row in terms.TABLE
    }
    assert [cells[:2] for cells in rows(written("relations.md", "Arguments"))] == [
        [f"`{row.name}`", f"`{argument.key}`"] for row in terms.TABLE for argument in row.arguments
    ]


@pytest.mark.parametrize("verb", REQUESTS)
def test_the_reference_has_every_verb_with_every_argument(verb):
    request, text = REQUESTS[verb], written("verbs.md", verb)
    assert f"store.{verb}(" in text
    assert [cells[0] for cells in rows(text)] == [f"`{f.name}`" for f in fields_of(request)]
    assert [cells[1] for cells in rows(text)] == [
        f.says.text.replace("|", r"\|") for f in fields_of(request)
    ]
    assert (request.graphql is None) == ("GraphQL: none." in text)
    assert all(f"\nlineage {example}\n" in text for example in request.examples)


def commands(command, path):
    """Every command at or below one, with the words that call it."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{path} {name}")


@pytest.mark.parametrize("name", VERBS)
def test_the_reference_has_every_command_with_every_option(name):
    for path, command in commands(cli.get_command(None, name), f"lineage {name}"):
        text = written("commands.md", path)
        options = [o for p in command.params if p.param_type_name == "option" for o in p.opts]
        assert set(options) <= set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", text)), path


def read_from_the_environment():
    """The names of the variables that the code reads, by its text."""
    for path in SOURCES:
        if path.is_relative_to(ROOT / "bench"):
            continue
        text = path.read_text("utf-8")
        for name in re.findall(r"\b(?:environ(?:\.get\(|\[)|getenv\(|envvar=)\s*([^,)\]]+)", text):
            if name == "setting.variable":
                yield from (setting.variable for setting in config.SETTINGS)
            else:
                yield ast.literal_eval(name)
        if "getproxies" in text:
            yield from ("https_proxy", "http_proxy", "all_proxy", "no_proxy")
    yield from re.findall(r"(?<!\$)\$\{(\w+)", (ROOT / "docker-compose.yml").read_text("utf-8"))


def test_the_reference_has_every_variable_of_the_environment_that_is_read():
    found = set(read_from_the_environment())
    assert len(found) > 10
    first = " ".join(cell for cells in rows(written("settings.md")) for cell in cells[:2])
    shown = set(re.findall(r"`(\w+)`", first))
    assert found <= shown
    assert {name for name in shown if name.startswith("LINEAGE_")} <= found


def below(kind):
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


def test_every_error_of_the_package_stands_in_its_one_room():
    for package in PACKAGES:
        for found in walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                import_module(found.name)
    tops = {package.__name__ for package in PACKAGES}
    ours = {kind for kind in below(LineageError) if kind.__module__.partition(".")[0] in tops}
    assert ours | {LineageError} == set(errors.every())


@pytest.mark.parametrize("kind", errors.every(), ids=lambda kind: kind.code)
def test_an_error_has_a_code_a_hint_and_a_docstring_of_its_own(kind):
    assert {"code", "hint", "__doc__"} <= set(vars(kind))
    assert [other for other in errors.every() if other.code == kind.code] == [kind]
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)
    assert kind.exit_code in {1, 2, 3, 5, errors.TEMPORARY, errors.STOPPED}
    assert 400 <= kind.status < 600


def hints():
    """Every hint that is written in the code, with its file."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (isinstance(node, ast.keyword) and node.arg == "hint") or (
                isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "hint"
            ):
                given = node.value
            else:
                continue
            for part in ast.walk(given):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield path.name, part.value


def test_a_hint_that_names_a_command_or_an_option_names_one_that_exists():
    commands = [cli, *(cli.get_command(None, name) for name in VERBS)]
    options = {"--help"}
    while commands:
        command = commands.pop()
        options.update(name for one in command.params for name in one.opts + one.secondary_opts)
        commands += getattr(command, "commands", {}).values()
    found = list(hints())
    assert len(found) > 100
    for name, hint in found:
        for verb in re.findall(r"(?:^|')lineage ([a-z]+)", hint):
            assert verb in VERBS, (name, hint)
        if "git " not in hint and "pip " not in hint:
            assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", hint)) <= options, (name, hint)
