# SPDX-License-Identifier: Apache-2.0
"""Puts a hook of ours into a repository, by choice only: in front of none, behind the one that is there already."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lineage.errors import InputMissing, Usage
from lineage.paths import is_there, put_in_place
from lineage.sources.git.plumbing import program

#: The hook that git calls with the commits that it has rewritten (githooks).
NAME = "post-rewrite"
#: How the hook that was there before is called behind ours, and what pre-commit calls the one behind its own.
BEFORE, _LEGACY = ".before-lineage", ".legacy"
#: The variables by which a caller says which repository is meant: here it is the one around the folder.
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE")
_OURS = "# Written by 'lineage hooks install': 'lineage hooks uninstall' takes it away.\n"
# What was there runs as it did before. Shells are given its old name: husky, among others, finds its own files by that.
_SCRIPT = f"""#!/bin/sh
{_OURS}pairs=$(cat)
told="of ${{{{pairs%%[!0-9a-f ]*}}}}"
code=0
if [ -x "$0{BEFORE}" ]; then
    IFS= read -r first < "$0{BEFORE}"
    case "$first" in
        '#!/bin/sh' | '#!/usr/bin/sh' | '#!/usr/bin/env sh') shell=sh ;;
        '#!/bin/bash' | '#!/usr/bin/bash' | '#!/usr/bin/env bash') shell=bash ;;
        *) shell= ;;
    esac
    if [ -n "$shell" ]; then
        printf '%s\\n' "$pairs" | LINEAGE_HOOK="$told" "$shell" -c '. "$0{BEFORE}"' "$0" "$@"
    else
        printf '%s\\n' "$pairs" | LINEAGE_HOOK="$told" "$0{BEFORE}" "$@"
    fi
    code=$?
fi
if [ "$LINEAGE_HOOK" = "$told" ]; then
    : # the hook before has called this one again
elif [ -x {{python}} ]; then
    printf '%s\\n' "$pairs" | {{python}} -P -c 'from lineage.cli import main; main()' hooks rewritten "$1" || :
else
    echo "lineage: "{{python}}" is gone: 'lineage hooks install' finds another one" >&2
fi
exit $code
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """The hook in one repository: where git looks for it, whether it is ours, and the one that ours runs first.
    ``behind`` is another program that has put itself in front of ours: it does not hand on what git tells.
    """

    path: Path
    installed: bool
    before: Path | None
    behind: bool


def look(here: Path) -> Hook:
    """The hook of the repository around a folder. Raises ``InputMissing`` where there is none, ``MissingExtra``."""
    return _look(_path(here)[0])


def install(here: Path) -> Hook:
    """Put our hook there; one that is there already is kept, and run first. Twice is once.

    Raises ``Usage`` where the folder of hooks is not the repository's own, holds what two installations left, or
    cannot be written.
    """
    path, own = _path(here)
    usual = own[1].resolve() / "hooks"
    if not any(path.parent.resolve().is_relative_to(folder.resolve()) for folder in own):
        raise Usage(
            f"core.hooksPath is {path.parent}: other repositories may have it too",
            where=str(path),
            hint=f"Set it for this repository alone: git config core.hooksPath {shlex.quote(str(usual))}",
        )
    with _writing(path):
        _remove(path)
        _set_aside(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = _beside(path, f".{os.getpid()}.part")
        part.write_text(_SCRIPT.format(python=shlex.quote(sys.executable)), "utf-8")
        part.chmod(0o755)
        put_in_place(part, path)
    return _look(path)


def uninstall(here: Path) -> Hook:
    """Take our hook away, and put back the one that was there before, byte for byte. Raises ``Usage`` where the folder
    of hooks cannot be written.
    """
    path, _ = _path(here)
    with _writing(path):
        _remove(path)
    return _look(path)


def _look(path: Path) -> Hook:
    before, installed = _beside(path, BEFORE), _is_ours(path)
    return Hook(
        path=path,
        installed=installed,
        before=before if installed and is_there(before) else None,
        behind=not installed and _is_ours(_beside(path, _LEGACY)),
    )


def _remove(path: Path) -> None:
    legacy, before = _beside(path, _LEGACY), _beside(path, BEFORE)
    if _is_ours(path):
        path.unlink()
        target = path
    elif _is_ours(legacy):
        legacy.unlink()
        target = legacy
    else:
        target = path
    if os.path.lexists(before):
        if os.path.lexists(path) and _same(path, before):
            before.unlink()
        elif not os.path.lexists(target):
            before.replace(target)


def _set_aside(path: Path) -> None:
    """Keep the hook that is there, if any, where ours finds it."""
    before = _beside(path, BEFORE)
    if not os.path.lexists(path):
        return
    if os.path.lexists(before) and not _same(path, before):
        raise Usage(
            f"{before} is left of an earlier installation, and {path} is another hook",
            where=str(before),
            hint="Keep what you want of the two in the second one, and remove the first.",
        )
    path.replace(before)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"cannot write: {error.strerror}"
        raise Usage(message, where=str(path), hint="Make its folder writable.") from error


def _path(here: Path) -> tuple[Path, tuple[Path, Path]]:
    """Where git looks for the hook, and the folders that are the repository's own: its work tree, and git's."""
    top = _asked(here, "--show-toplevel")
    # A relative core.hooksPath is meant from where hooks run: the top of the work tree.
    folder = top / _asked(top, "--git-path", "hooks")
    return folder / NAME, (top, top / _asked(top, "--git-common-dir"))


def _asked(here: Path, *what: str) -> Path:
    said = subprocess.run(
        [program(), "rev-parse", *what],
        cwd=here,
        env=_environment(os.environ),
        capture_output=True,
        check=False,
    )
    if said.returncode:
        raise InputMissing(
            f"{here} is in no work tree of git",
            where=str(here),
            hint="Call it in a repository, where commits are made.",
        )
    return Path(os.fsdecode(said.stdout.removesuffix(b"\n")))


def _environment(around: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in around.items() if name not in _ELSEWHERE}


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _OURS.encode() in file.read(len(_SCRIPT))
    except OSError:
        return False


def _same(one: Path, other: Path) -> bool:
    try:
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False
