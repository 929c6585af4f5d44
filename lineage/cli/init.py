# SPDX-License-Identifier: Apache-2.0
"""lineage init: find what is in a project, import it, say what it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lineage.cli import common, import_, progress, terminal
from lineage.progress import Progress


@click.command("init")
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False))
@click.option(
    "--submodules", is_flag=True, help="Look into repositories inside the repository too."
)
@common.as_json
@click.pass_context
def COMMAND(ctx: click.Context, folder: str, *, submodules: bool, as_json: bool) -> None:
    """Make a store in a project, import everything found there, and say three things about it. A
    store above the folder is used where there is one.

    \b
    Example:
      cd my-project && lineage init
    """
    import lineage
    from lineage.services.read.facts import facts
    from lineage.services.write.join import after_import

    root = Path(folder).resolve()
    url, above = _store(root, ctx.obj["store"])
    if above and not as_json:
        terminal.echo(f"using the store above: {url}", err=True)
    with lineage.open(url) as store, common.saying_what_is_in(store):
        with progress.shown("init") as told:
            done = _imported(store, root, told, submodules=submodules)
            reports = [*done.told] if done is not None else []
            reports += after_import(store.context, reports, told)
        for report in () if as_json else reports:
            import_.tell(report)
        found = facts(store.context)
        stats = store.stats()
    if as_json:
        common.emit(_shown(url, done, reports, found))
        return
    if done is None:
        terminal.echo(f"nothing in {root} is anything that an importer reads", err=True)
    terminal.echo(f"\n{stats.nodes} things, {stats.edges} links in {url}")
    for fact in found:
        terminal.echo(f"- {fact.says}")
        terminal.echo(f"    {terminal.style(fact.command, fg='cyan')}")


def _store(root: Path, named: str | None) -> tuple[str, bool]:
    """The address of the store, and whether it lies above the folder: a store of its own in a part of a
    project would hide the one of the project.
    """
    from lineage import config
    from lineage.app import FILE, FOLDER, project_store

    if named:
        return named, False
    above = config.found_upwards(FILE, root.parent)
    if above is not None and not (root / FOLDER / FILE).exists():
        return str(above), True
    return str(project_store(root)), False


def _imported(store: Any, root: Path, told: Progress, *, submodules: bool) -> Any:
    """Import what is in a folder; ``None`` where there is nothing."""
    from lineage.errors import UnknownFormat
    from lineage.services.write.folder import import_folder

    try:
        return import_folder(store.context, root, submodules=submodules, progress=told)
    except UnknownFormat:
        return None


def _shown(url: str, done: Any, reports: list[Any], found: list[Any]) -> dict[str, Any]:
    problems = [] if done is None else done.problems
    return {
        "store": url,
        "imports": [report.to_dict() for report in reports],
        "problems": [{**error.to_dict(), "where": where} for where, error in problems],
        "unread": [] if done is None else [one.to_dict() for one in done.discovery.unread],
        "cut": None if done is None else done.discovery.cut,
        "facts": [fact.to_dict() for fact in found],
    }
