# SPDX-License-Identifier: Apache-2.0
"""Shows on stderr what long work says of itself: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click

from lineage.cli import terminal
from lineage.progress import Progress

#: Seconds between two lines where stderr is no terminal.
EVERY = 10.0
#: Characters of a label; of a longer one the end is shown.
_LABEL = 30


@contextmanager
def shown(label: str) -> Iterator[Progress]:
    """What long work is to tell, shown with a label before it. Work of less than ``EVERY`` seconds says
    nothing where stderr is no terminal, and with --json, where stderr is for one object, none does.
    """
    label = label if len(label) <= _LABEL else f"…{label[1 - _LABEL :]}"
    stage = _Stage()
    if sys.stderr.isatty():
        with _bar(label, stage):
            yield stage.tell
        return
    asked = click.get_current_context(silent=True)
    if asked is not None and asked.params.get("as_json"):
        yield stage.tell
        return
    done = threading.Event()
    lines = threading.Thread(target=_write_lines, args=(label, stage, done), daemon=True)
    lines.start()
    try:
        yield stage.tell
    finally:
        done.set()
        lines.join()


@dataclass(slots=True)
class _Stage:
    """The last that was told, and since when the work is at it."""

    what: str = "starting"
    done: int = 0
    total: int | None = None
    began: float = field(default_factory=time.monotonic)

    def tell(self, what: str, done: int, total: int | None) -> None:
        """See ``Progress``."""
        if what != self.what:
            self.what, self.began = what, time.monotonic()
        self.done, self.total = done, total

    def line(self) -> str:
        """What is being done, how far it is, at what rate, and for how long."""
        seconds = time.monotonic() - self.began
        if not self.done:
            count = f" {self.total:,}" if self.total else ""
            return f"{self.what}{count}, {seconds:.0f} s"
        of = f" of {self.total:,}" if self.total else ""
        rate = f", {self.done / seconds:,.0f}/s" if seconds >= 1 else ""
        return f"{self.what}: {self.done:,}{of}{rate}, {seconds:.0f} s"


def _write_lines(label: str, stage: _Stage, done: threading.Event) -> None:
    while not done.wait(EVERY):
        terminal.echo(f"{label}: {stage.line()}", err=True)


@contextmanager
def _bar(label: str, stage: _Stage) -> Iterator[None]:
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
    from rich.text import Text

    class Line(ProgressColumn):
        """The line of the stage; the bar is moved along with it."""

        def render(self, task: Task) -> Text:
            task.completed, task.total = stage.done, stage.total
            return Text(stage.line(), overflow="ellipsis", no_wrap=True)

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(12), Line())
    with Progress(*columns, console=terminal.console(err=True), transient=True) as bar:
        bar.add_task(label, total=None)
        yield
