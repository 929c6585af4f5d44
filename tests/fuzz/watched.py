# SPDX-License-Identifier: Apache-2.0
"""Carries out work on many inputs in a child, with bounds on the time and the memory of each."""

from __future__ import annotations

import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from lineage.errors import LineageError

#: Seconds for one input, and bytes that the child may use beside what it has.
SECONDS, BYTES = 10, 1 << 30


def failures(work: Callable[[Any], object], inputs: Iterable[Any]) -> list[str]:
    """What went wrong: an error that is none of ours, no answer in time, or too much memory. The inputs
    are made in the child; each failure says the number of its input, and where it came from.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w", buffering=1, errors="backslashreplace") as told:
            _child(work, inputs, told)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, errors="replace") as told:
        lines = told.read().splitlines()
    _, status = os.waitpid(child, 0)
    found = [line.removeprefix("! ") for line in lines if line.startswith("! ")]
    if status:
        last = next((line for line in reversed(lines) if not line.startswith("! ")), "none")
        found.append(f"input {last}: the child ended with status {status}")
    return found


def _child(work: Callable[[Any], object], inputs: Iterable[Any], told: Any) -> None:
    with suppress(ValueError, OSError):
        statm = Path("/proc/self/statm").read_text("ascii")
        used = int(statm.split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    try:
        for number, given in enumerate(inputs):
            print(number, file=told)
            signal.alarm(SECONDS)
            try:
                work(given)
            except LineageError:
                pass
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is not ours
                where = traceback.extract_tb(error.__traceback__)
                ours = [
                    f for f in where if "/lineage/" in f.filename or "/importers/" in f.filename
                ]
                last = (ours or where)[-1]
                name = last.filename.rsplit("/", 1)[-1]
                said = " ".join(str(error).split())[:100]
                shown = given[:300] if isinstance(given, bytes) else given
                print(
                    f"! input {number}: {type(error).__name__}: {said} at {name}:{last.lineno}"
                    f" {shown!r}",
                    file=told,
                )
            finally:
                signal.alarm(0)
    except BaseException:  # noqa: BLE001 - inputs could not be made
        print("! " + traceback.format_exc(limit=-2).replace("\n", " | "), file=told)
    sys.stdout.flush()
