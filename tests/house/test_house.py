# SPDX-License-Identifier: Apache-2.0
"""The house: sizes, public names, first lines, and what may never be in it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lineage
from lineage.model import kinds, terms
from tests.conftest import unmeasured

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("lineage", "importers", "graphql_schema", "bench", "tools")
SOURCES = sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LONGEST_FILE, LONGEST_TEST_FILE, LONGEST_FUNCTION = 400, 500, 60
#: The tool that assembles a server is one file on purpose: it runs before anything is installed.
LARGER = {"tools/neo4j/server.py"}


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_opens_with_its_purpose_and_stays_small(path):
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert text.startswith("# SPDX-License-Identifier: Apache-2.0\n"), path
    assert ast.get_docstring(tree), path
    if str(path.relative_to(ROOT)) not in LARGER:
        longest = LONGEST_TEST_FILE if path in TESTS else LONGEST_FILE
        assert text.count("\n") <= longest, path
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, (path, node.name)


def test_nothing_that_runs_code_out_of_data_is_ever_imported():
    forbidden = {"pickle", "marshal", "shelve", "dill", "joblib", "git", "httpx"}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += (
                [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            )
            assert not forbidden & {name.partition(".")[0] for name in names}, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                is_written_here = all(isinstance(given, ast.Constant) for given in node.args)
                assert node.func.id not in {"eval", "exec"} or is_written_here, path


def test_the_public_names_are_these():
    assert sorted(lineage.__all__) == [
        "Batch",
        "Edge",
        "Lineage",
        "LineageError",
        "Literal",
        "Node",
        "Ref",
        "__version__",
        "autolog",
        "convert",
        "from_prov",
        "load_ipython_extension",
        "open",
        "run",
        "step",
        "to_prov",
        "to_rdflib",
        "unload_ipython_extension",
        "validate",
    ]
    for name in lineage.__all__:
        assert getattr(lineage, name) is not None


def _loads(arguments: list[str], forbidden: set[str]) -> set[str]:
    """What a command loads of what it should not."""
    script = (
        "import sys; from lineage.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as end: assert not end.code\n"
        f"print(*({forbidden!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=unmeasured(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_help_loads_no_engine_and_no_importer():
    heavy = {"sqlite3", "neo4j", "neomodel", "rich", "yaml", "lineage.app", "importers", "orjson"}
    assert not _loads(["--help"], heavy)


def test_a_trace_loads_no_reader_though_it_looks_whether_the_sources_changed(tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy==2.3.1\n")
    (tmp_path / "data.csv.dvc").write_text(f"outs:\n- md5: {'a' * 32}\n  path: data.csv\n")
    with lineage.open(tmp_path / "store.db") as store:
        assert {"dvc", "lockfile"} <= {report.importer for report in store.load(tmp_path)}
        (environment,) = (row.id for row in store.ask("kind:Environment").nodes)
    (tmp_path / "requirements.txt").write_text("numpy==2.3.2\n")
    heavy = {"importers", "yaml", "packaging", "lark", "tomllib", "html", "tempfile", "subprocess"}
    trace = ["--store", str(tmp_path / "store.db"), "trace", environment]
    # Older releases of rich load it themselves.
    assert not _loads(trace, heavy - {"html"})
    assert not _loads([*trace, "--json"], {*heavy, "rich"})
    told = lineage.open(tmp_path / "store.db").trace(environment).certificate.gaps
    assert "source-changed" in {gap.code for gap in told}


#: What only another extra than the module's own brings.
MISSING = {
    "lineage.client": "pyoxigraph rdflib prov neo4j cryptography fastapi strawberry uvicorn",
    "lineage.app": "pyoxigraph rdflib prov neo4j cryptography fastapi strawberry uvicorn",
    "lineage.server.app": "pyoxigraph rdflib prov neo4j cryptography",
    "lineage.server.serve": "pyoxigraph rdflib prov neo4j cryptography",
}


@pytest.mark.parametrize("module", MISSING)
def test_a_module_is_imported_without_what_other_extras_bring(module):
    """The whole installs are in tests/installs, which take minutes."""
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({MISSING[module].split()!r}))\n"
        f"import {module}"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_tables_agree_with_each_other():
    assert len({relation.code for relation in terms.TABLE}) == len(terms.TABLE)
    assert len({relation.cypher for relation in terms.TABLE}) == len(terms.TABLE)
    for name, kind in kinds.KINDS.items():
        assert kinds.describe(name), name
        assert kind.family in kinds.PLAIN
        for field in kinds.fields_of(name):
            assert field.metadata["description"], (name, field.name)


def test_the_object_mapper_knows_every_kind_and_relation():
    from lineage.store.neo4j import compile as cypher
    from lineage.store.neo4j import labels

    for name in kinds.KINDS:
        mapped = labels.CLASSES[name]
        assert set(mapped.inherited_labels()) == set(cypher.labels(name).split(":"))
        assert {f.name for f in kinds.fields_of(name)} <= set(mapped.defined_properties())
    for relation in terms.TABLE:
        assert relation.name in labels.CLASSES[relation.effect].defined_properties(aliases=False)


def test_no_committed_file_names_a_registry_or_this_machine():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    hosts = [
        b"pypi." + b"org",
        b"files.python" + b"hosted",
        b"repo1." + b"maven",
        b"registry.npm" + b"js",
    ]
    for name in listed.stdout.split(b"\0")[:-1]:
        path = ROOT / name.decode()
        data = path.read_bytes() if path.is_file() else b""
        assert not any(host in data for host in hosts), path


def test_the_wheel_holds_everything_that_runs(tmp_path):
    import zipfile

    script = f"import hatchling.build as b; print(b.build_wheel({str(tmp_path)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        names = set(wheel.namelist())
    tops = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"lineage", "importers", "graphql_schema"}
    assert names >= {
        "lineage/store/sqlite/schema.sql",
        "lineage/client/compared.graphql",
        "lineage/client/found.graphql",
        "lineage/demo/mlflow.sql",
        "lineage/demo/train.py.txt",
        "lineage/sources/git/reader.py",
        "lineage/server/static/page.html",
        "lineage/server/static/page.css",
        "lineage/server/static/page.js",
        "lineage/server/static/examples.js",
        "lineage/server/static/words.js",
        "lineage/server/static/icon.svg",
    }
    assert not any(name.endswith(".jar") for name in names)
