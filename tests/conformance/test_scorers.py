# SPDX-License-Identifier: Apache-2.0
"""The shared scorers over documents that nobody here wrote: what differs is known, row by row."""

from __future__ import annotations

import importlib
import json
import logging
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from tests.conformance.subject import convert

DIFFERENCES = json.loads(Path(__file__).with_name("differences.json").read_text())
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tools(corpora):
    return corpora.parent / "tools"


@pytest.fixture(scope="module")
def scorer(tools):
    sys.path.insert(0, str(tools))
    try:
        with warnings.catch_warnings():
            yield importlib.import_module("prov_roundtrip")
    finally:
        # It silences the whole process, and it is a module among tests here.
        logging.disable(logging.NOTSET)
        sys.path.remove(str(tools))


@pytest.fixture(scope="module")
def loaded(scorer, corpora):
    """Every document that the oracle can load and that says anything, with what the oracle read."""
    found = []
    for path in sorted((corpora / "prov").rglob("*")):
        if not path.is_file() or path.stat().st_size > 3_000_000 or path.name.startswith("._"):
            continue
        try:
            kind = scorer.sniff(str(path))
            data = path.read_bytes()
            document = scorer.oload(data, kind)
        except Exception:  # noqa: BLE001 - whatever the oracle refuses
            continue
        if any(scorer.canon(document).values()):
            found.append((path, kind, data, document))
    return found


@pytest.mark.parametrize("via", ["json", "provn", "xml", "trig"])
@pytest.mark.filterwarnings("ignore")
def test_what_the_prov_library_reads_is_what_comes_through_but_for_known_differences(
    via, scorer, loaded
):
    known = [name for found in DIFFERENCES.values() for name in found["documents"]]
    canon = scorer.canon_unified if via == "trig" else scorer.canon
    different = []
    for path, kind, data, document in loaded:
        back = scorer.oload(convert(convert(data, kind, via), via, "json"), "json")
        if canon(back) != canon(document):
            different.append(path)
    unknown = [str(p) for p in different if not any(str(p).endswith(name) for name in known)]
    assert unknown == []
    # None of these is lost on the way: the prov library read the original otherwise.
    lost = [p for p in different if p.name not in DIFFERENCES["xml:lang"]["documents"]]
    assert len(lost) <= 0.005 * len(loaded) + (via != "trig")
    assert len(loaded) > 1_200


@pytest.mark.filterwarnings("ignore")
def test_the_documents_where_the_oracle_drops_languages_are_otherwise_the_same(scorer, loaded):
    names = set(DIFFERENCES["xml:lang"]["documents"])
    looked = 0
    for path, kind, data, document in loaded:
        if path.name in names and kind == "xml":
            looked += 1
            back = scorer.oload(convert(data, "xml", "json"), "json")
            assert _without_languages(scorer.canon(back)) == _without_languages(
                scorer.canon(document)
            ), path
    assert looked == len(names)


def _without_languages(canon):
    def plain(value):
        value = re.sub(
            r"InternationalizedString', '[^']*'", "InternationalizedString', None", value
        )
        return re.sub(r"\('lit', '.*XMLLiteral'", "('lit', XMLLiteral'", value)

    return {
        bundle: sorted(
            (kind, ident, tuple(sorted((key, plain(value)) for key, value in attributes)), times)
            for (kind, ident, attributes), times in records.items()
        )
        for bundle, records in canon.items()
    }


def _score(tool, *arguments):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(tool), *map(str, arguments)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    return done.stdout


def test_rdf_of_others_keeps_its_statements(tools, corpora):
    told = _score(
        tools / "prov_rdf_recall.py",
        corpora / "prov",
        "--subject",
        "tests.conformance.subject:convert",
    )
    shares = [float(share) for share in re.findall(r"\(([\d.]+)%\)", told)]
    refused, _, kept, prov_kept = shares
    assert refused == 0
    assert kept >= 99.0
    assert prov_kept >= 99.5


def test_every_case_of_prov_constraints_is_right(tools, corpora):
    told = _score(
        tools / "prov_constraints_score.py",
        corpora / "prov-constraints",
        "--validator",
        "tests.conformance.subject:valid",
        "--show",
    )
    (total,) = re.findall(r"ALL cases (\d+) right 100\.0%.*false alarms 0  errors 0", told)
    assert int(total) >= 186
