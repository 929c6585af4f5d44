# SPDX-License-Identifier: Apache-2.0
"""lineage init: find what is in a project, import it, say what it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lineage.cli import common, import_


@click.command("init")
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False))
@common.as_json
@click.pass_context
def COMMAND(ctx: click.Context, folder: str, *, as_json: bool) -> None:
    """Make a store in a project, import everything found there, and say three things about it.

    \b
    Example:
      cd my-project && lineage init
    """
    import lineage
    from lineage.services.read.discover import discover
    from lineage.services.read.facts import facts

    root = Path(folder).resolve()
    url = ctx.obj["store"] or str(_folder(root))
    with lineage.open(url) as store:
        reports: list[Any] = []
        problems: list[Any] = []
        for name, source in discover(root):
            done, problem = _load(store, name, source)
            reports += done
            problems += problem
            for report in () if as_json else done:
                import_.tell(report)
        if (joined := store.join()).told:
            reports.append(joined)
            if not as_json:
                import_.tell(joined)
        found = facts(store.context)
        stats = store.stats()
    if as_json:
        shown = [fact.to_dict() for fact in found]
        imports = [report.to_dict() for report in reports]
        common.emit({"store": url, "imports": imports, "problems": problems, "facts": shown})
        return
    for problem in problems:
        click.echo(f"not read: {problem['where']}: {problem['message']}", err=True)
    click.echo(f"\n{stats.nodes} things, {stats.edges} links in {url}")
    for fact in found:
        click.echo(f"- {fact.says}\n    {click.style(fact.command, fg='cyan')}")


def _folder(root: Path) -> Path:
    """The store's file; its folder keeps itself out of version control."""
    from lineage.app import FILE, FOLDER

    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    return folder / FILE


def _load(store: Any, name: str, source: Any) -> tuple[list[Any], list[Any]]:
    """One source; one that cannot be read does not keep the others out."""
    from lineage.errors import BadInput

    try:
        return list(store.load(source.address, named=name, joined=False)), []
    except BadInput as error:
        return [], [{**error.to_dict(), "where": source.address}]
