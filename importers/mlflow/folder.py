# SPDX-License-Identifier: Apache-2.0
"""The files of MLflow's file store: small, plain, and never reached through a link."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from importers.mlflow.values import storable
from lineage.errors import BadInput, InputMissing, LimitExceeded
from lineage.sources import yaml_reader

#: A parameter has at most 8,000 characters in MLflow, a tag as many, a schema a million.
_LONGEST_FILE = 4 * 1024 * 1024
_LONGEST_LINE = 4096
#: Neither through a link nor waiting for the other end of a pipe; Windows has neither flag.
_READING = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One line of a metric file; MLflow's last is the largest of step, time and value."""

    step: int
    time: int
    value: float
    dataset: str

    @property
    def rank(self) -> tuple[int, int, bool, float]:
        """Order among the points of a metric; NaN is below every number."""
        return (self.step, self.time, not math.isnan(self.value), self.value)


def point(line: str) -> Point:
    """``time value [step [run] [dataset digest]]``: runs write 2, 3 or 5 fields, models 4 or 6."""
    fields = line.split()
    if not 2 <= len(fields) <= 6:
        raise ValueError(f"it has {len(fields)} fields, expected 2 to 6")
    return Point(
        time=int(fields[0]),
        value=float(fields[1]),
        step=int(fields[2]) if len(fields) > 2 else 0,
        dataset=" ".join(fields[-2:]) if len(fields) > 4 else "",
    )


def meta(folder: Path) -> dict[str, Any]:
    """The ``meta.yaml`` of a thing. Raises ``BadInput`` and ``LimitExceeded``."""
    path = folder / "meta.yaml"
    value = yaml_reader.load_yaml_1_1(read(path), where=str(path))
    if not isinstance(value, dict):
        raise BadInput("the YAML holds no mapping, or it ends too early", where=str(path))
    return {str(key): item for key, item in storable(value).items()}


def names(folder: Path) -> list[str]:
    """What a folder holds, in order; nothing for a folder that is missing or a link."""
    try:
        return [] if folder.is_symlink() else sorted(entry.name for entry in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputMissing(f"cannot list it: {error.strerror}", where=str(folder)) from error


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers; a longer one than any that MLflow writes is split."""
    with _opened(path) as file:
        number = 0
        while line := file.readline(_LONGEST_LINE):
            number += 1
            yield number, line


def read(path: Path) -> str:
    """The text of a small file. Raises ``InputMissing`` and ``LimitExceeded``."""
    with _opened(path) as file:
        text: str = file.read(_LONGEST_FILE + 1)
    if len(text) > _LONGEST_FILE:
        raise LimitExceeded(f"more than {_LONGEST_FILE} characters", where=str(path))
    return text


def _opened(path: Path) -> Any:
    try:
        handle = os.open(path, _READING)
    except OSError as error:
        reason = "it is a link" if path.is_symlink() else f"{error.strerror}"
        raise InputMissing(f"cannot read it: {reason}", where=str(path)) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise BadInput("it is no ordinary file", where=str(path))
    return os.fdopen(handle, encoding="utf-8", errors="replace", newline="")
