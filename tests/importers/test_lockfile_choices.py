# SPDX-License-Identifier: Apache-2.0
"""Extras and groups of lock files: by which of them a package is there, and which exclude each other."""

from __future__ import annotations

import lineage
from importers.lockfile import environments_in
from importers.tally import Tally
from lineage.model.record import Batch, Node
from tests.importers.lockfile_read import POETRY, read, written

HEAD = """version = 1
revision = 3
requires-python = ">=3.12"
"""
PROJECT = """
[[package]]
name = "proj"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "numpy" }]
[package.optional-dependencies]
cpu = [{ name = "torch", version = "2.4.1", source = { registry = "https://a.example" } }]
gpu = [
    { name = "torch", version = "2.4.1+cu124", source = { registry = "https://b.example" } },
    { name = "vision" },
]
plot = [{ name = "plots", extra = ["svg"] }]
[package.dev-dependencies]
dev = [{ name = "pytest" }, { name = "numpy" }]
lint = [{ name = "pytest" }]

[[package]]
name = "numpy"
version = "2.1.0"
source = { registry = "https://a.example" }

[[package]]
name = "pytest"
version = "8.3.0"
source = { registry = "https://a.example" }

[[package]]
name = "torch"
version = "2.4.1"
source = { registry = "https://a.example" }

[[package]]
name = "torch"
version = "2.4.1+cu124"
source = { registry = "https://b.example" }

[[package]]
name = "vision"
version = "0.19.1"
source = { registry = "https://b.example" }
dependencies = [
    { name = "torch", version = "2.4.1", marker = "extra == 'extra-4-proj-cpu' or (extra == 'extra-4-proj-cpu' and extra == 'extra-4-proj-gpu')" },
    { name = "torch", version = "2.4.1+cu124", marker = "sys_platform == 'linux' and extra == 'extra-4-proj-gpu'" },
]

[[package]]
name = "plots"
version = "3.0"
source = { registry = "https://a.example" }
[package.optional-dependencies]
svg = [{ name = "cairo" }]
png = [{ name = "pillow" }]

[[package]]
name = "cairo"
version = "1.0"
source = { registry = "https://a.example" }

[[package]]
name = "pillow"
version = "11.0"
source = { registry = "https://a.example" }
"""
CONFLICTS = """conflicts = [[
    { package = "proj", extra = "cpu" },
    { package = "proj", extra = "gpu" },
]]
"""


def members(found):
    """Label of an environment -> purl -> why it is there."""
    named = {
        node.id: node.label.rpartition("packages")[2].strip(", ")
        for node in found.of("Environment")
    }
    inside = {name: {} for name in named.values()}
    for edge in found.edges:
        if edge.relation == "hadMember":
            why = {k: edge.attributes[k] for k in ("extra", "group") if k in edge.attributes}
            inside[named[edge.effect]][edge.cause.removeprefix("pkg:pypi/")] = why
    return inside


#: What is there whatever is chosen; that nothing needs pillow does not make it absent.
ALWAYS = {
    "numpy@2.1.0": {},
    "pytest@8.3.0": {"group": ("dev", "lint")},
    "plots@3.0": {"extra": "plot"},
    "cairo@1.0": {"extra": "plot"},
    "pillow@11.0": {},
}


def test_extras_that_exclude_each_other_are_environments_of_their_own(tmp_path):
    found = read(written(tmp_path, "uv.lock", HEAD + CONFLICTS + PROJECT))
    assert members(found) == {
        "": ALWAYS,
        "proj[cpu]": {**ALWAYS, "torch@2.4.1": {"extra": "cpu"}},
        "proj[gpu]": {
            **ALWAYS,
            "torch@2.4.1%2Bcu124": {"extra": "gpu"},
            "vision@0.19.1": {"extra": "gpu"},
        },
    }
    (said,) = (loss for loss in found.losses if loss.what == "alternatives")
    assert "exclude each other" in said.reason and "proj[cpu] or proj[gpu]" in said.reason


def test_extras_that_go_together_are_one_environment_which_says_what_each_is_for(tmp_path):
    found = read(written(tmp_path, "uv.lock", HEAD + PROJECT))
    assert members(found) == {
        "": {
            **ALWAYS,
            "torch@2.4.1": {"extra": "cpu"},
            "torch@2.4.1%2Bcu124": {"extra": "gpu"},
            "vision@0.19.1": {"extra": "gpu"},
        }
    }
    assert "alternatives" not in found.lost


def test_groups_and_whole_projects_can_exclude_each_other_too(tmp_path):
    conflicts = """conflicts = [
        [{ package = "proj", group = "dev" }, { package = "proj", group = "lint" }],
        [{ package = "proj" }, { package = "other" }],
    ]
    """
    other = """
[[package]]
name = "other"
version = "1"
source = { editable = "other" }
dependencies = [{ name = "scipy" }]

[[package]]
name = "scipy"
version = "1.14"
source = { registry = "https://a.example" }
"""
    found = read(written(tmp_path, "uv.lock", HEAD + conflicts + PROJECT + other))
    inside = members(found)
    assert inside.keys() == {
        "project proj",
        "group dev, project proj or group lint, project proj",
        "project other or project other, group dev or project other, group lint",
    }
    with_group = inside["group dev, project proj or group lint, project proj"]
    assert with_group["pytest@8.3.0"] == {"group": ("dev", "lint")}
    other = inside["project other or project other, group dev or project other, group lint"]
    assert "scipy@1.14" in other and "numpy@2.1.0" not in other


def test_which_alternative_a_run_had_is_not_guessed(tmp_path):
    path = written(tmp_path, "uv.lock", HEAD + CONFLICTS + PROJECT)
    assert len(environments_in("uv.lock", path.read_bytes(), Tally(), lambda _: None)) == 3
    with lineage.open("memory:") as store:
        store.load(path)
        held = store.ask('kind:environment and package:"torch"').nodes
        plain = store.ask('kind:environment and package:"torch>=2.4.1,<2.4.2"').nodes
    assert len(held) == 2
    assert {node.title.rpartition(", ")[2] for node in plain} <= {"proj[cpu]", "proj[gpu]"}


def test_more_alternatives_than_can_be_told_apart_are_counted(tmp_path):
    extras = [f"e{n}" for n in range(40)]
    listed = "\n".join(f'{x} = [{{ name = "numpy" }}]' for x in extras)
    sets = [
        f'[{{ package = "proj", extra = "{a}" }}, {{ package = "proj", extra = "{b}" }}]'
        for a, b in zip(extras[::2], extras[1::2], strict=True)
    ]
    lock = HEAD + f"conflicts = [{', '.join(sets)}]\n"
    lock += PROJECT.replace(
        "[package.optional-dependencies]\ncpu", f"[package.optional-dependencies]\n{listed}\ncpu", 1
    )
    found = read(written(tmp_path, "uv.lock", lock))
    assert len(found.of("Environment")) <= 64
    assert any("over 64" in loss.reason for loss in found.losses)


def test_a_package_of_poetry_says_by_which_extra_it_is_there(tmp_path):
    extras = '[extras]\nall = ["attrs (>=25)", "tool"]\nfew = ["Attrs[x]"]\n\n[metadata]'
    found = read(written(tmp_path, "poetry.lock", POETRY.replace("[metadata]", extras)))
    assert found.members["pkg:pypi/attrs@25.1.0"]["extra"] == ("all", "few")


UNIVERSAL = """version = 1
requires-python = ">=3.9"
resolution-markers = ["python_full_version >= '3.11'", "python_full_version < '3.11'"]

[[package]]
name = "p"
version = "0.1"
source = { virtual = "." }
dependencies = [
  { name = "numpy", version = "1.26.0", source = { registry = "https://e.example/simple" }, marker = "python_full_version < '3.11'" },
  { name = "numpy", version = "2.0.0", source = { registry = "https://e.example/simple" }, marker = "python_full_version >= '3.11'" },
  { name = "pywin32", marker = "sys_platform == 'win32'" },
  { name = "rich" },
]

[[package]]
name = "numpy"
version = "1.26.0"
source = { registry = "https://e.example/simple" }
resolution-markers = ["python_full_version < '3.11'"]

[[package]]
name = "numpy"
version = "2.0.0"
source = { registry = "https://e.example/simple" }
resolution-markers = ["python_full_version >= '3.11'"]

[[package]]
name = "pywin32"
version = "306"
source = { registry = "https://e.example/simple" }
dependencies = [{ name = "pywin-inner" }, { name = "rich", marker = "sys_platform == 'win32'" }]

[[package]]
name = "pywin-inner"
version = "1"
source = { registry = "https://e.example/simple" }
dependencies = [{ name = "pywin32" }]

[[package]]
name = "rich"
version = "14"
source = { registry = "https://e.example/simple" }
"""


def test_a_package_that_is_there_on_a_condition_only_is_said_to_be(tmp_path):
    (tmp_path / "uv.lock").write_text(UNIVERSAL)
    with lineage.open("memory:") as store:
        store.ingest(Batch(nodes=(Node(id="urn:run", kind="Run", label="r"),)))
        store.load(tmp_path / "uv.lock", runs=["run:r"])
        expected = {
            "numpy<2": "numpy 1.26.0: marker (python_full_version < '3.11')",
            "numpy>=2": "numpy 2.0.0: marker (python_full_version >= '3.11')",
            "pywin32": "pywin32 306: marker sys_platform == 'win32'",
            "pywin-inner": "pywin-inner 1: marker sys_platform == 'win32'",
            "rich": None,
        }
        for wanted, example in expected.items():
            asked = store.ask(f'kind:run and package:"{wanted}"')
            assert [node.title for node in asked.nodes] == ["r"]
            gaps = [gap for gap in asked.certificate.gaps if gap.code == "package-conditional"]
            assert [gap.example for gap in gaps] == ([] if example is None else [example])
        (gap,) = (
            g
            for g in store.impact("pkg:pypi/pywin32@306").certificate.gaps
            if g.code == "package-conditional"
        )
        assert gap.count == 1
