# SPDX-License-Identifier: Apache-2.0
"""Histories of real projects: what git, YAML and networkx say of every path and commit is what the verbs
answer, and the gaps of any answer are those that the claims show.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections import Counter, defaultdict
from urllib.parse import unquote

import pytest

import lineage
from lineage.store.base import NOW
from tests.contract.histories import History

#: Answers of each verb that are looked at.
ANSWERS = 300
REPOSITORIES = ("calkit+example-basic", "iterative+demo-bank-customer-churn")


@pytest.fixture(scope="module", params=REPOSITORIES)
def project(request, corpora, tmp_path_factory):
    path = tmp_path_factory.mktemp("history") / "project"
    subprocess.run(["git", "init", "-q", path], check=True)
    stream = (corpora / "dvc" / request.param / "history.fast-export.txt").read_bytes()
    subprocess.run(["git", "fast-import", "--quiet"], cwd=path, input=stream, check=True)
    return path


@pytest.fixture(scope="module")
def history(project):
    return History(project)


@pytest.fixture(scope="module")
def store(project, tmp_path_factory):
    with lineage.open(tmp_path_factory.mktemp("real") / "store.db") as opened:
        opened.load(project)
        yield opened


@pytest.fixture(scope="module")
def said(store):
    return Claims(store)


class Claims:
    """What all sources together claim, without any walk."""

    def __init__(self, store):
        self.nodes, self.used, self.made = {}, defaultdict(set), defaultdict(set)
        self._read = defaultdict(set)
        sources = {header.source for header in store.store.headers(0, 1_000, NOW)}
        for record in (one for name in sources for one in store.store.asserted(name, NOW)):
            if not hasattr(record, "relation"):
                held = self.nodes.setdefault(record.id, {"kind": record.kind})
                held.update(record.attributes)
            elif record.relation == "used":
                self.used[record.effect].add(record.cause)
                if record.attributes.get("prov:role") == "dep":
                    self._read[record.effect].add(record.cause)
            elif record.relation == "wasGeneratedBy" and "method" not in record.attributes:
                self.made[record.cause].add(record.effect)
        self.runs = {
            ident: self._run(ident, held)
            for ident, held in self.nodes.items()
            if held["kind"] == "Run"
        }
        self.without_environment = {
            run
            for run in self.runs
            if not any(self.nodes[c]["kind"] == "Environment" for c in self.used[run])
        }
        self.without_commit = {
            run for run in self.runs if not any(c.startswith("swh:1:rev:") for c in self.used[run])
        }

    def _run(self, ident, held):
        read, made = (
            frozenset(filter(None, map(_version, idents)))
            for idents in (self._read[ident], self.made[ident])
        )
        return held["stage"], held.get("command"), read, made

    def of(self, answer):
        return {self.runs[node.id] for node in answer.nodes if node.id in self.runs}


def _version(ident):
    found = re.fullmatch(r"urn:lineage:version:[^/]+/(.*)@[^@:]+:([^@]+)", ident)
    return None if found is None else (unquote(found[1]), found[2])


def test_the_runs_are_those_that_the_locks_of_all_commits_show(history, said):
    assert set(said.runs.values()) == history.runs


def test_every_path_has_the_runs_that_used_it_or_what_came_of_it(store, history, said):
    for path in history.paths:
        users = history.users(path)
        assert said.of(store.impact(path)) == users, path
        assert said.of(store.ask(f'dataset:"{path}"+ and kind:run')) == users, path


def test_every_commit_has_the_runs_that_it_brought_in(store, history, said):
    for commit in history.parents:
        used = said.of(store.ask(f'kind:run and commit:"{commit}"'))
        assert used == history.brought(commit), commit


VERBS = {
    "trace": lambda store, ident: store.trace(ident),
    "produced": lambda store, ident: store.produced(ident),
    "impact": lambda store, ident: store.impact(ident),
    "ask up": lambda store, ident: store.ask(f'+id:"{ident}"'),
    "ask down": lambda store, ident: store.ask(f'id:"{ident}"+'),
}


@pytest.mark.parametrize("verb", VERBS)
def test_the_gaps_of_any_answer_are_those_that_the_claims_show(store, said, verb):
    idents = sorted(ident for ident, held in said.nodes.items() if held["kind"] != "Content")
    for ident in random.Random(verb).choices(idents, k=ANSWERS):
        answer = VERBS[verb](store, ident)
        runs = {node.id for node in answer.nodes if node.kind == "Run"}
        expected = Counter()
        if verb in {"trace", "produced", "ask up"}:
            expected["environment-unknown"] = len(runs & said.without_environment)
            expected["commit-unknown"] = len(runs & said.without_commit)
        elif verb == "impact" and said.nodes[ident]["kind"] in {"Package", "Environment"}:
            expected["environment-unknown"] = len(said.without_environment)
        told = Counter({gap.code: gap.count for gap in answer.certificate.gaps})
        assert told == +expected, (verb, ident)


def test_runs_with_a_package_are_asked_for_with_those_that_may_have_had_it(store, said):
    for held in said.nodes.values():
        if held["kind"] == "Package":
            answer = store.ask(f'kind:run and package:"{held["name"]}"')
            gaps = {gap.code: gap.count for gap in answer.certificate.gaps}
            assert gaps["environment-unknown"] == len(said.without_environment)
