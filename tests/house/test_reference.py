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
from lineage import errors
from lineage.cli import VERBS, cli
from lineage.errors import LineageError
from tests.house.test_house import SOURCES
from tools.reference import FOLDER, PAGES

PACKAGES = (lineage, importers, graphql_schema)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_reference_is_up_to_date(name):
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](), "run: make reference"


def test_the_reference_has_no_page_that_nothing_writes():
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


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
    assert kind.exit_code in {1, 2, 3, 5, errors.TEMPORARY}
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
