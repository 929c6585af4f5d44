# SPDX-License-Identifier: Apache-2.0
"""The interpreter that a command starts is found without starting it, or not at all."""

from __future__ import annotations

import os

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
    put("bin/python", f"#!{tmp_path}/usr/sh\nexec pyenv exec python\n")
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
