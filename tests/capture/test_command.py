# SPDX-License-Identifier: Apache-2.0
"""The interpreter that a command starts is found without starting it, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lineage.capture.command import interpreter_of


@pytest.fixture
def machine(tmp_path):
    """A machine with two interpreters, and scripts that start with them."""

    def put(name, text="\x7fELF", mode=0o755):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    put("usr/python3.11")
    (tmp_path / "usr" / "python3").symlink_to("python3.11")
    put("usr/sh")
    put("a venv/bin/python")
    put("bin/tool", f"#!{tmp_path}/usr/python3 -u\nimport x\n")
    put("bin/named", "#!/usr/bin/env python3\n")
    put("bin/split", "#!/usr/bin/env -S python3 -u\n")
    put("bin/elsewhere", "#!/usr/bin/env -S PATH=/x python3\n")
    put("bin/long", f"#!/bin/sh\n'''exec' \"{tmp_path}/a venv/bin/python\" \"$0\" \"$@\"\n' '''\n")
    put("bin/shell", f"#!{tmp_path}/usr/sh\npython3 x.py\n")
    put("bin/python", f"#!{tmp_path}/usr/sh\nexec something python\n")
    shim = f'export PYENV_ROOT="{tmp_path}/pyenv"\nexec "{tmp_path}/pyenv/libexec/pyenv" exec "$program" "$@"\n'
    for name in ("python", "python3", "tool"):
        put(f"pyenv/shims/{name}", f"#!/usr/bin/env bash\n{shim}")
    for version in ("3.11.7", "3.12.1"):
        put(f"pyenv/versions/{version}/bin/python")
    there = f"{tmp_path}/pyenv/versions/3.12.1/bin"
    put("pyenv/versions/3.12.1/bin/tool", f"#!{there}/python\n")
    put("pyenv/version", "3.11.7\n", mode=0o644)
    put("project/.python-version", "# ours\n3.12.1\n3.11.7\n", mode=0o644)
    (tmp_path / "project" / "src").mkdir()
    put("bin/round", f"#!{tmp_path}/bin/round\n")
    put("bin/gone", "#!/nowhere/python3\n")
    put("bin/plain", "text", mode=0o644)
    (tmp_path / "bin" / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (["python3", "train.py"], "usr/python3"),
        (["a venv/bin/python", "-m", "x"], "a venv/bin/python"),
        (["./bin/tool"], "usr/python3"),
        (["tool", "--python", "x"], "usr/python3"),
        (["named"], "usr/python3"),
        (["split"], "usr/python3"),
        (["long"], "a venv/bin/python"),
        (["env", "A=1", "-u", "B", "python3", "x.py"], "usr/python3"),
        (["env", "-i", "python3"], None),
        (["env", "PATH=/x", "python3"], None),
        (["elsewhere"], None),
        (["shell"], None),
        (["python"], None),
        (["round"], None),
        (["gone"], None),
        (["plain"], None),
        (["folder"], None),
        (["mpirun", "-n", "2", "python3"], None),
        (["sh", "-c", "python3 x.py"], None),
        (["env"], None),
        (["a\0b"], None),
        (["\udcff"], None),
        ([""], None),
        ([], None),
    ],
)
def test_the_interpreter_is_what_the_system_would_start(machine, argv, found):
    path = os.pathsep.join(["", "/nowhere", str(machine / "bin"), str(machine / "usr")])
    expected = None if found is None else machine / found
    assert interpreter_of(argv, path, machine) == expected


def test_a_folder_named_in_path_as_it_stands_is_below_where_the_command_starts(machine):
    assert interpreter_of(["python3"], "usr", machine) == machine / "usr" / "python3"


@pytest.mark.parametrize(
    ("word", "folder", "version", "found"),
    [
        ("python", "", "", "3.11.7/bin/python"),
        ("python", "project", "", "3.12.1/bin/python"),
        ("python", "project/src", "", "3.12.1/bin/python"),
        ("python", "project", "3.11.7", "3.11.7/bin/python"),
        ("tool", "", "3.11.7:3.12.1", "3.12.1/bin/python"),
        ("python", "", "3.11", None),
        ("python", "", "../x", None),
        ("tool", "", "", None),
        ("python3", "", "system", "../../usr/python3"),
    ],
)
def test_behind_a_shim_of_pyenv_is_the_version_that_is_meant_there(
    machine, word, folder, version, found
):
    path = f"{machine}/pyenv/shims:{machine}/usr"
    seen = interpreter_of([word], path, machine / folder, {"PYENV_VERSION": version})
    expected = None if found is None else (machine / "pyenv" / "versions" / found).resolve()
    assert (None if seen is None else Path(os.path.normpath(seen))) == (
        machine / "usr" / "python3" if version == "system" else expected
    )
