# SPDX-License-Identifier: Apache-2.0
"""lineage demo: make a small real project and ask it everything."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from lineage.cli import common, terminal
from lineage.demo import CAPTURED, FOLDER, TAMPERED


@click.command("demo")
@click.option("--folder", default=FOLDER, help="Where to make the project.", show_default=True)
@click.option(
    "--clean",
    is_flag=True,
    help="Only remove the folder of an earlier demo, with all that is in it.",
)
@common.as_json
def COMMAND(folder: str, *, clean: bool, as_json: bool) -> None:
    """Make a small real project, import it, and answer the questions this is for.

    \b
    Example:
      lineage demo
    """
    from lineage.demo.store import made, removed

    path = Path(folder)
    removed(path, whole=clean)
    if clean:
        terminal.echo(f"{folder} is removed")
        return
    begun = time.monotonic()
    project, store = made(path, captured=not as_json)
    took = time.monotonic() - begun
    if as_json:
        common.emit({"folder": str(path), "store": store, "answers": _answers(path, store)})
        return
    terminal.echo(
        f"made {folder}: {project.runs} runs, 3 versions of the data, a rebase, a squash merge"
    )
    _narrate(path, store, took)


def _told(store: str, *words: str) -> None:
    """Run a command and show it."""
    from lineage.cli import cli

    terminal.echo()
    cli.main(args=["--store", store, *words], prog_name="lineage", standalone_mode=False)
    shown = " ".join(word if word.replace("-", "").isalnum() else f"'{word}'" for word in words)
    terminal.echo(terminal.style(f"  $ lineage --store {store} {shown}", fg="cyan"))


def _title(number: int, text: str) -> None:
    terminal.echo()
    terminal.echo(terminal.style(f"{number}. {text}", bold=True))


def _narrate(path: Path, store: str, took: float) -> None:
    from lineage.demo.project import MODEL

    first = _first_data(store)
    _title(1, f"Import it, and import it again ({took:.1f} s to make the project)")
    _told(store, "import", str(path))
    _told(store, "import", str(path))
    _title(2, f"What produced model:{MODEL}@v3?")
    _told(store, "trace", f"model:{MODEL}@v3")
    _title(3, "The first version of the data must go. What hangs on it?")
    _told(store, "impact", first)
    _title(4, "Branches were rebased and squashed away. Where are the commits that runs used?")
    _told(store, "commit", "resolve")
    _title(5, "Each training ran under 'lineage run'. What did the last one really have?")
    captured = Path(store).with_name(CAPTURED)
    _told(str(captured), "trace", "run:summer")
    _title(6, "Somebody flips a byte in the ledger")
    _flip(store)
    terminal.echo()
    terminal.echo("That was a copy; your store is intact.")
    terminal.echo(
        f"Now ask it yourself: go into {path}, and try 'lineage trace model:{MODEL}@v3'. "
        "docs/tutorial.md does all this with a repository of yours."
    )


def _first_data(store: str) -> str:
    """The digest of the data as it was first, out of the store."""
    import lineage
    from lineage.demo.project import DATA

    with lineage.open(store) as opened:
        rows = [node for node in opened.find(DATA) if node.kind == "DatasetVersion"]
        oldest = min(rows, key=lambda node: int(str(node.attributes.get("size", 0))))
    return str(oldest.attributes["digest"])


def _flip(store: str) -> None:
    """Flip one byte of what one entry says in a copy of the store, and verify both."""
    import sqlite3

    from lineage.store.sqlite.body import compressed, expanded

    other = str(Path(store).with_name(TAMPERED))
    with sqlite3.connect(store) as source, sqlite3.connect(other) as target:
        source.backup(target)
    with sqlite3.connect(other) as db:
        seq, body = db.execute("SELECT seq, body FROM entry ORDER BY seq LIMIT 1").fetchone()
        flipped = bytearray(expanded(body))
        flipped[flipped.index(b'"message":"') + 12] ^= 1
        db.execute("UPDATE entry SET body = ? WHERE seq = ?", (compressed(bytes(flipped)), seq))
    for each in (store, other):
        try:
            _told(each, "verify")
        except click.exceptions.Exit:
            terminal.echo(terminal.style(f"  $ lineage --store {each} verify", fg="cyan"))


def _answers(path: Path, store: str) -> dict[str, Any]:
    """The same questions, answered in JSON."""
    import lineage
    from lineage.demo.project import MODEL

    with lineage.open(store) as opened:
        again = [[report.to_dict() for report in opened.load(path)] for _ in range(2)]
        return {
            "imports": again,
            "trace": opened.trace(f"model:{MODEL}@v3").to_dict(),
            "impact": opened.impact(_first_data(store)).to_dict(),
            "commits": [found.to_dict() for found in opened.commits()],
            "verify": opened.verify().to_dict(),
        }
