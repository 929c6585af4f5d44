# SPDX-License-Identifier: Apache-2.0
"""Whatever is read, no importer and no reader of a format ends in an error that is none of ours, takes
ten seconds, or a gigabyte. Thousands of mutants in ``make test-all``, some in ``make test``.
"""

from __future__ import annotations

import itertools
import json
import random
import shutil
import subprocess

import pytest
import yaml

import lineage
from lineage import formats
from lineage.errors import LineageError
from tests.conftest import KEY, ROOT
from tests.formats.documents import EVERYTHING
from tests.fuzz import seeds
from tests.fuzz.mutants import byte_mutants, change_database, json_mutants
from tests.fuzz.watched import failures

#: Mutants of each importer and reader.
MUTANTS = (60, 5_000)
#: Changes in one store of many runs, on average; every other store has one.
EACH = 10
#: Real data where this clone stands beside it; files of at most so many bytes.
CORPORA, LARGEST = ROOT.parent / "shared" / "corpora", 20_000


def mutants(samples, source, *, structured):
    """Mutants of all samples in turn, without end."""
    makers = []
    for sample in samples:
        makers.append(byte_mutants(sample, source))
        if structured:
            makers += [json_mutants(sample, source)] * 3
    while True:
        yield next(source.choice(makers))


def real(folder, pattern):
    """Small files of the corpora."""
    found = sorted((CORPORA / folder).rglob(pattern)) if CORPORA.is_dir() else []
    return [
        path.read_bytes() for path in found if path.is_file() and 2 < path.stat().st_size <= LARGEST
    ][:40]


def is_json(data):
    try:
        return isinstance(json.loads(data), dict | list)
    except ValueError:
        return False


def as_json(data):
    """What YAML says, as JSON, which is YAML as well: its values are changed one by one."""
    try:
        said = yaml.safe_load(data)
        return [json.dumps(said).encode()] if isinstance(said, dict) else []
    except (yaml.YAMLError, ValueError, TypeError):
        return []


def read_document(data):
    with lineage.open("memory:", person_key=KEY) as store:
        store.load("document", data=data)


def read_as(name):
    def work(data):
        with lineage.open("memory:", person_key=KEY) as store:
            store.load("document", named=name, data=data)

    return work


def fuzzed(work, samples, extent, *, seed=1):
    source = random.Random(f"{seed}/{extent}")
    parted = [[s for s in samples if is_json(s)], [s for s in samples if not is_json(s)]]
    made = [mutants(part, source, structured=not n) for n, part in enumerate(parted) if part]
    turns = (next(source.choice(made)) for _ in itertools.count())
    return failures(work, itertools.islice(turns, MUTANTS[extent]))


@pytest.mark.parametrize("name", [name for name in formats.BUILTIN if name not in ("dot", "svg")])
def test_readers_of_formats(name, extent):
    form = formats.named(name)
    samples = [formats.named(name).dumps(EVERYTHING)]
    samples += [d for d in real("prov", "*") if form.sniffs(d)]
    assert fuzzed(lambda data: form.loads(data, "document"), samples, extent, seed=name) == []


@pytest.mark.parametrize("importer", ["openlineage", "lockfile", "rocrate", "document"])
def test_importers_of_documents(importer, extent):
    samples = [*seeds.OF[importer]]
    folders = {"document": "prov", "lockfile": "lockfiles", "rocrate": "ro-crate"}
    samples += real(folders.get(importer, importer), "*.*")
    if importer == "lockfile":
        samples += [said for sample in seeds.OF[importer] for said in as_json(sample)]
    samples = [sample for sample in samples if is_json(sample) or importer != "openlineage"]
    assert fuzzed(read_as(importer), samples, extent, seed=importer) == []
    assert fuzzed(read_document, samples, extent, seed=importer) == []


def test_the_importer_of_mlflow_from_tables(tmp_path, extent):
    first = seeds.mlflow_tables(tmp_path)
    source = random.Random(f"tables/{extent}")

    def work(number):
        path = tmp_path / "mlflow.db"
        shutil.copy(first, path)
        for _ in range(source.choice((1, 2 * EACH - 1))):
            change_database(path, source)
        read(path)

    assert failures(work, range(MUTANTS[extent] // EACH)) == []


def read(path):
    with lineage.open("memory:", person_key=KEY) as store:
        store.load(path)


def test_the_importer_of_mlflow_from_files(tmp_path, extent):
    first = seeds.mlflow_files(tmp_path / "first")
    source = random.Random(f"files/{extent}")
    files = [path.relative_to(first) for path in sorted(first.rglob("*")) if path.is_file()]

    def work(number):
        place = tmp_path / "mutant"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(first, place)
        for name in source.sample(files, source.choice((1, 2 * EACH - 1))):
            data = (place / name).read_bytes() or b"1"
            (place / name).write_bytes(next(byte_mutants(data, source)))
        read(place)

    assert failures(work, range(MUTANTS[extent] // EACH)) == []


def test_the_importers_of_dvc_and_git(tmp_path, extent):
    """A repository of many commits, each with mutants of the files of DVC."""
    source, each = random.Random(f"dvc/{extent}"), 30
    makers = {name: [byte_mutants(data, source)] for name, data in seeds.DVC.items()}
    for name, data in seeds.DVC.items():
        makers[name] += [json_mutants(said, source) for said in as_json(data)] * 2

    def work(number):
        place = tmp_path / "repository"
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run(["git", "init", "-q", "-b", "main", place], check=True)
        stream = b"".join(commits(makers, source, each))
        done = subprocess.run(
            ["git", "-C", place, "fast-import", "--quiet", "--force"],
            input=stream,
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        read(place)

    assert failures(work, range(-(-MUTANTS[extent] // each))) == []


def commits(makers, source, number):
    for n in range(number):
        subject = next(byte_mutants(b"Train: rate 0.1 (#12)\n\nChange-Id: I0123\n", source))
        who = b"A <a@x> %d +0000" % (1_700_000_000 + n)
        yield b"commit refs/heads/main\ncommitter " + who
        yield b"\ndata %d\n" % len(subject) + subject + b"\n"
        for name, maker in makers.items():
            data = next(source.choice(maker))
            yield b"M 100644 inline %s\ndata %d\n" % (name.encode(), len(data)) + data + b"\n"
        yield b"\n"


def test_a_mutant_is_another_document_and_not_only_nonsense():
    """The mutants are mutants, and not all of them nonsense that no reader looks into."""
    source = random.Random(1)
    made = list(itertools.islice(json_mutants(seeds.OF["openlineage"][0], source), 200))
    assert len(set(made)) > 150
    outcomes = set()
    for data in made:
        try:
            read_document(data)
            outcomes.add("read")
        except LineageError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}
