# SPDX-License-Identifier: Apache-2.0
"""Finds the Python interpreter that a command starts, without starting it."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from lineage.paths import is_file, is_folder
from lineage.sources.git.layout import plain_text

_PYTHON = re.compile(r"(?:python|pypy|graalpy)(?:\d+(?:\.\d+)*t?)?(?:\.exe)?")
#: How pip and uv begin a script where the path of the interpreter is too long for a first line (distlib).
_LONG = re.compile(rb"^'''exec' (\"[^\"\n]+\"|\S+) \"\$0\" \"\$@\"$", re.MULTILINE)
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
#: Options of env that take a value of their own.
_ENV_VALUES = frozenset({"-u", "--unset"})
#: Options of env by which a command is looked for elsewhere than now.
_ENV_EMPTIES = frozenset({"-", "-i", "--ignore-environment", "-C", "--chdir"})
#: Programs that start another one as it is, with the same PATH: options that take a value of their own, and how many
#: words come before the command.
_STARTERS: Mapping[str, tuple[frozenset[str], int]] = {
    "chrt": (frozenset({"-T", "-P", "-D"}), 1),
    "ionice": (frozenset({"-c", "-n", "--class", "--classdata"}), 0),
    "nice": (frozenset({"-n", "--adjustment"}), 0),
    "nohup": (frozenset(), 0),
    "numactl": (frozenset({"-N", "-C", "-m", "-i", "-p"}), 0),
    "setsid": (frozenset(), 0),
    "stdbuf": (frozenset({"-i", "-o", "-e"}), 0),
    "taskset": (frozenset(), 1),
    "time": (frozenset({"-f", "-o"}), 0),
    "timeout": (frozenset({"-k", "-s", "--kill-after", "--signal"}), 1),
}
#: The script that pyenv puts before every program of every version of Python that it keeps.
_SHIM = re.compile(
    rb'^export PYENV_ROOT="([^"\n]+)"$.*^exec "[^"\n]*pyenv" exec ', re.MULTILINE | re.DOTALL
)
#: Scripts that start scripts.
_DEEPEST = 4
_HEAD = 4096


def interpreter_of(
    argv: Sequence[str], path_env: str | None, cwd: Path, variables: Mapping[str, str] | None = None
) -> Path | None:
    """The interpreter that a command runs with: itself, or that in the first line of the script that it is
    (as execve(2) reads it). ``path_env`` is the PATH of the command, ``cwd`` the folder that it starts in, and
    ``variables`` are those that it starts with: pyenv takes a version of them. ``None`` where it runs with none,
    or where only running it would tell.
    """
    for _ in range(_DEEPEST):
        argv = behind(argv)
        program = _program(argv[0], path_env, cwd) if argv else None
        if program is None:
            return None
        head = _head(program)
        if not head.startswith(b"#!"):
            return program if _PYTHON.fullmatch(program.name) else None
        if shim := _SHIM.search(head):
            root = Path(os.fsdecode(shim[1]))
            found = _behind_shim(root, program, path_env, cwd, variables or {})
            argv = [] if found is None else [str(found)]
        else:
            argv = _first_line(head)
    return None


def _behind_shim(
    root: Path, shim: Path, path_env: str | None, cwd: Path, variables: Mapping[str, str]
) -> Path | None:
    """The program that pyenv starts: of the first version that is meant here and has it."""
    for version in _versions(root, cwd, variables):
        if version == "system":
            others = (x for x in (path_env or "").split(os.pathsep) if cwd / x != shim.parent)
            return _program(shim.name, os.pathsep.join(others), cwd)
        folder = root / "versions" / version
        if "/" in version or version == ".." or not is_folder(folder):
            return None  # it takes the latest of a series, or ends with an error
        if (found := _program(shim.name, str(folder / "bin"), cwd)) is not None:
            return found
    return None


def _versions(root: Path, cwd: Path, variables: Mapping[str, str]) -> Iterator[str]:
    """The versions that pyenv takes in a folder: those of the variable, of the nearest file, of all the machine."""
    said = variables.get("PYENV_VERSION")
    if said:
        yield from said.split(":")
        return
    here = Path(variables.get("PYENV_DIR") or cwd)
    files = [*(x / ".python-version" for x in (here, *here.parents)), root / "version"]
    text = next((plain for x in files if (plain := plain_text(x)) is not None), "")
    words = [x.split()[0] for x in text.splitlines() if x.strip() and not x.startswith("#")]
    yield from words or ["system"]


def script_of(argv: Sequence[str], cwd: Path) -> Path | None:
    """The file of the project that a command runs: the first word that is a file, the module behind ``-m``, or the
    program itself where it is called by a path. ``None`` where there is none.
    """
    argv = behind(argv)
    for number, word in enumerate(argv[1:], 1):
        if word == "-m" and number + 1 < len(argv):
            inner = cwd.joinpath(*argv[number + 1].split("."))
            named = (inner.with_suffix(".py"), inner / "__main__.py")
            return next((path for path in named if path.is_file()), None)
        if word and not word.startswith("-") and is_file(cwd / word):
            return _of_project(cwd / word)
    return _of_project(cwd / argv[0]) if argv and "/" in argv[0] else None


def _of_project(path: Path) -> Path | None:
    """A file that somebody runs; ``None`` for an interpreter, and for what is installed in an environment."""
    is_installed = is_file(path.parent.parent / "pyvenv.cfg")
    return None if is_installed or _PYTHON.fullmatch(path.name) or not is_file(path) else path


def behind(argv: Sequence[str]) -> Sequence[str]:
    """The command that ``env``, ``nice``, ``timeout`` and their like start, nothing where they look for it elsewhere;
    others as they are.
    """
    while argv:
        name = os.path.basename(argv[0])  # noqa: PTH119 - no path yet
        if name == "env":
            argv = _behind_env(argv)
        elif name in _STARTERS:
            argv = _behind_starter(argv, *_STARTERS[name])
        else:
            break
    return argv


def _behind_starter(argv: Sequence[str], valued: Collection[str], before: int) -> Sequence[str]:
    words = list(argv[1:])
    while words and words[0].startswith("-"):
        words[: 1 + (words[0] in valued)] = []
    return words[before:]


def _behind_env(argv: Sequence[str]) -> Sequence[str]:
    words = list(argv[1:])
    while words and (words[0].startswith("-") or _ASSIGNED.fullmatch(words[0])):
        word = words.pop(0)
        if word.startswith("PATH=") or word in _ENV_EMPTIES:
            return []
        if word in _ENV_VALUES:
            words[:1] = []
        elif word in {"-S", "--split-string"} and words:
            words[:1] = _split(words[0])
        elif word.startswith(("-S", "--split-string=")):
            words[:0] = _split(word.removeprefix("--split-string=").removeprefix("-S"))
    return words


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _program(name: str, path_env: str | None, cwd: Path) -> Path | None:
    """Where a program lies, as a shell finds it."""
    if "\0" in name or not name:
        return None
    folders = [""] if "/" in name else (path_env or os.defpath).split(os.pathsep)
    for folder in folders:
        path = cwd / folder / name
        if is_file(path) and os.access(path, os.X_OK):
            return path
    return None


def _head(program: Path) -> bytes:
    try:
        with program.open("rb") as file:
            return file.read(_HEAD)
    except OSError:
        return b""


def _first_line(head: bytes) -> list[str]:
    """The command in the first line of a script."""
    if found := _LONG.search(head):
        return [os.fsdecode(found[1].strip(b'"'))]
    words = os.fsdecode(head[2:].split(b"\n", 1)[0].strip(b" \t\r")).split(None, 1)
    return words if words and os.path.basename(words[0]) == "env" else words[:1]  # noqa: PTH119
