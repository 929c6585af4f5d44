# SPDX-License-Identifier: Apache-2.0
"""Which notebook a kernel executes, and what is in its file.

No kernel is told whose it is: who starts it says so in passing, each in its own way. What none of them says is not
guessed.
"""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineage.errors import LineageError
from lineage.sources import json_reader

_SUFFIX = ".ipynb"
#: Bytes of a notebook that are read.
LARGEST = 64 << 20
#: What executes the notebook that its command line names, from the first cell to the last.
_EXECUTORS = frozenset({"papermill", "jupyter-execute", "jupyter-nbconvert", "nbconvert"})
#: Options of theirs behind which the name of a file stands that is written.
_WRITES = frozenset({"--output", "-o"})
#: Options by which papermill is given parameters.
_GIVES = ("-p", "-r", "-f", "-y", "-b", "--param", "--inject")


@dataclass(frozen=True, slots=True)
class Parent:
    """The process that started this one, as far as it may be looked at: its words, its folder, its environment."""

    words: Sequence[str] = ()
    here: Path = Path()
    environ: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_this_process(cls) -> Parent:
        """The one of this process."""
        place = Path("/proc") / str(os.getppid())
        try:
            words = (place / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            held = (place / "environ").read_bytes().split(b"\0")
            here = (place / "cwd").readlink()
        except OSError:
            return cls()
        environ = (os.fsdecode(one).partition("=") for one in held)
        return cls([*map(os.fsdecode, words)], here, {name: value for name, _, value in environ})

    @property
    def executor(self) -> str | None:
        """What it is called, where it is a program that executes notebooks."""
        names = (os.path.basename(word) for word in self.words[:3])  # noqa: PTH119 - words, no paths yet
        return next((name for name in names if name in _EXECUTORS), None)

    def gives_parameters(self) -> bool:
        """Whether it is papermill, and was given parameters."""
        return self.executor == "papermill" and any(x.startswith(_GIVES) for x in self.words[1:])


def locate(
    names: Mapping[str, Any], environ: Mapping[str, str], parent: Parent
) -> tuple[Path | None, str]:
    """The notebook of a kernel and how it was found, or ``None`` and why it was not: by ``names``, the variables of
    its cells, by its environment, and by who started it.
    """
    said: list[tuple[str, str]] = []
    if parent.executor is not None:
        before = ("", *parent.words)
        words = [
            word
            for was, word in zip(before, parent.words, strict=False)
            if word.endswith(_SUFFIX) and word[0] != "-" and was not in _WRITES
        ]
        # Of papermill's two the first is executed, and the second is what comes of it.
        if len(words) == 1 or (words and parent.executor == "papermill"):
            said.append((str(parent.here / words[0]), f"the command line of {parent.executor}"))
    named = names.get("__vsc_ipynb_file__")
    said.append((named if isinstance(named, str) else "", "__vsc_ipynb_file__, as VS Code sets it"))
    session = environ.get("JPY_SESSION_NAME", "")
    if session != parent.environ.get("JPY_SESSION_NAME"):
        # Else it was inherited, from a kernel that has another one.
        said.append((session, "JPY_SESSION_NAME, as Jupyter's server sets it"))
    for text, how in said:
        if text.endswith(_SUFFIX) and os.path.isfile(text):  # noqa: PTH113 - it may hold a NUL
            return Path(os.path.abspath(text)), how  # noqa: PTH100 - as it was given
    if gone := [text for text, _ in said if text.endswith(_SUFFIX)]:
        return None, f"there is no file {gone[0]}"
    return None, "nobody who started the kernel says it"


@dataclass(frozen=True, slots=True)
class Saved:
    """A notebook as its file has it: the digest of its bytes, its code cells in order (``None`` or identifier, and
    source), and what papermill left in its metadata: parameters, and whether an execution failed.
    """

    sha256: str
    cells: Sequence[tuple[str | None, str]]
    parameters: Mapping[str, Any]
    failed: bool


def saved(path: Path) -> Saved:
    """What is in the file of a notebook now. Raises ``OSError``; ``LineageError`` or ``ValueError`` where it is none."""
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST >> 20} MiB")
    held = json_reader.loads(data, where=path.name)
    try:
        cells = [
            (one.get("id"), source_of(one)) for one in held["cells"] if one["cell_type"] == "code"
        ]
        left = held.get("metadata", {}).get("papermill") or {}
        given = left.get("parameters") or {}
        failed = bool(left.get("exception"))
        if not isinstance(given, dict):
            given = {}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("it is no notebook of version 4") from error
    return Saved(hashlib.sha256(data).hexdigest(), cells, given, failed)


def source_of(cell: Mapping[str, Any]) -> str:
    """The source of a cell, which is a text or its lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def kernel(connection: Path) -> str | None:
    """What the kernel is called that has a connection file; ``None`` where that does not say it."""
    with suppress(OSError, LineageError, AttributeError):
        name = json_reader.loads(connection.read_bytes(), where=connection.name).get("kernel_name")
        return str(name) if name else None
    return None


def injected(source: str) -> Mapping[str, Any] | None:
    """The parameters in a cell such as papermill puts into a notebook: a comment, and names with values;
    ``None`` where it is another one.
    """
    first, _, rest = source.strip().partition("\n")
    if first != "# Parameters":
        return None
    found: dict[str, Any] = {}
    try:
        lines = ast.parse(rest).body
    except (SyntaxError, ValueError):
        return None
    for line in lines:
        if not isinstance(line, ast.Assign) or not isinstance(line.targets[0], ast.Name):
            return None
        try:
            found[line.targets[0].id] = ast.literal_eval(line.value)
        except ValueError:
            # ``float("nan")`` is no literal: it is told by its text.
            found[line.targets[0].id] = ast.unparse(line.value)
    return found
