# SPDX-License-Identifier: Apache-2.0
"""lineage compare: what differs between two runs or model versions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from lineage import ids
from lineage.cli import render, terminal
from lineage.cli.verb import verb
from lineage.services.read.compare import CompareRequest, Comparison
from lineage.services.read.differences import Difference
from lineage.services.read.history import CommitBetween
from lineage.services.summary import counted, readable

#: Commits that are printed; JSON has more.
_COMMITS = 20


@verb("compare", CompareRequest)
def COMMAND(answer: Comparison) -> None:
    """Print what differs, section by section, then whether the metrics may be compared."""
    for section, differences in answer.sections.items():
        state = answer.states[section]
        terminal.echo(f"{section:>12}  {'' if state == 'differs' else state}".rstrip())
        for line in lines(differences):
            terminal.echo(f"{'':>14}{line}")
        if section == "code":
            for line in _between(answer.commits, cut=answer.commits_cut):
                terminal.echo(f"{'':>14}{line}")
    verdict = {True: "yes", False: "no", None: "cannot be told"}[answer.fair]
    terminal.echo(f"\nfair comparison of metrics: {verdict}")
    for reason in answer.reasons:
        terminal.echo(f"  [{reason.code}] {reason.message}")
    for text in render.gaps(answer.certificate.gaps):
        render.console().print(text)


def lines(differences: Sequence[Difference]) -> Iterator[str]:
    """Write differences, one a line, numbers with what they changed by."""
    for item in differences:
        a, b = _shown(item.a), _shown(item.b)
        if a == b:
            a, b = _whole(item.a), _whole(item.b)
        yield f"{item.what}: {a} -> {b}{change(item)}"


def change(item: Difference) -> str:
    """By how much a number changed, in parentheses; nothing for what is none."""
    if item.delta is None:
        return ""
    said = [f"{item.delta:+.4g}"]
    if item.relative is not None:
        said.append(f"{item.relative:+.1%}")
    if item.better is not None:
        said.append("better" if item.better else "worse")
    return f"  ({', '.join(said)})"


def _between(commits: Sequence[CommitBetween], *, cut: bool) -> Iterator[str]:
    """Write the commits between the two, the newest last."""
    for side, whose in (("a", "first"), ("b", "second")):
        held = [commit for commit in commits if commit.side == side]
        if not held:
            continue
        more = " or more" if cut else ""
        yield f"{counted(len(held), 'commit')}{more} of the {whose} only"
        if len(held) > _COMMITS:
            yield f"  ... {len(held) - _COMMITS} before"
        for commit in held[-_COMMITS:]:
            yield f"  {_short(commit.id)} {commit.subject or ''}".rstrip()
    if cut and not commits:
        yield "the commits between them are not recorded"


def _short(commit: str) -> str:
    return commit.removeprefix(ids.REVISION)[:12]


def _whole(value: Any) -> str:
    """A value with what tells it from one that people read alike: the digest of data or its identifier,
    all digits of a number, the datatype of a text.
    """
    if isinstance(value, dict) and "$" not in value:
        return f"{value.get('label')} ({value.get('digest') or value.get('id')})"
    return json.dumps(value, ensure_ascii=False)


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "$" not in value:
        return str(value.get("label"))
    if isinstance(value, str) and value.startswith(ids.REVISION):
        return _short(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "absent" if value is None else str(readable(value))
