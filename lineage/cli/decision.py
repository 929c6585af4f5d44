# SPDX-License-Identifier: Apache-2.0
"""lineage decision: records of decisions, their life, and what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import click

from lineage.cli import common, terminal
from lineage.cli.findings import echo_findings, fail_on
from lineage.cli.verb import command_of, options_of, verb
from lineage.services.read.decisions.lessons import LessonsRequest, Offers
from lineage.services.read.decisions.lessons import for_plan as lessons_for
from lineage.services.read.decisions.show import DecisionRequest, DecisionShown
from lineage.services.read.decisions.state import STATUS_BY_ACT
from lineage.services.read.decisions.stories import Story, StoryRequest
from lineage.services.read.decisions.summaries import (
    DecisionList,
    DecisionsRequest,
    DecisionSummary,
)
from lineage.services.read.decisions.verdicts import Evaluation
from lineage.services.summary import counted
from lineage.services.write.decide import LinkRequest
from lineage.services.write.deliberate import (
    Deliberated,
    DeliberateRequest,
    ReviewRequest,
    Step,
    SupersedeRequest,
)
from lineage.services.write.lessons import Learnt, LessonRequest
from lineage.sources.decision_records.fields import KINDS, ROLES
from lineage.sources.decision_records.statuses import normal

_COLOURS = {"accepted": "green", "rejected": "red", "superseded": "yellow", "deprecated": "yellow"}
_VERDICTS = {"supported": "green", "refuted": "red", "inconclusive": "yellow"}
#: Keys of front matter that say most, and lines of one sort that are printed.
_ON_TOP = ("hypothesis", "intuition", "competing", "assumptions", "limitations")
_MOST = 20
#: Findings from which the exit code is that of findings.
_STEPS: Mapping[str, Step] = {
    "propose": "proposed",
    "accept": "accepted",
    "reject": "rejected",
    "deprecate": "deprecated",
    "execute": "executed",
    "evaluate": "evaluated",
    "close": "closed",
    "reopen": "reopened",
}
_edit: common.Option = click.option(
    "--edit", is_flag=True,
    help="Change the status in the file of its record too: that word, and no other byte.",
)  # fmt: skip


@click.group("decision")
def COMMAND() -> None:
    """Records of decisions: written, checked, reviewed, followed and looked back at."""


@click.command("new")
@click.argument("title")
@click.option("--kind", type=click.Choice(KINDS), help="What it is about.")
@click.option("--role", type=click.Choice(ROLES), help="In which role you write it.")
@click.option("--in", "folder", metavar="FOLDER", help="Where; default: where records lie here.")
@click.pass_context
def new(
    ctx: click.Context, title: str, kind: str | None, role: str | None, folder: str | None
) -> None:
    """Write a new record, with what is known filled in and an example of everything else.

    \b
    Example:
      lineage decision new "Deduplicate the web split" --kind data --role modeler
    """
    from lineage.services.operate import decision_files

    place = Path(folder) if folder is not None else decision_files.folder_of(Path.cwd())
    with common.opened_or_none(ctx) as store:
        known = decision_files.known(None if store is None else store.context, Path.cwd())
        plan = known.get("plan", {})
        data, config = plan.get("inputs", ()), plan.get("config", {})
        offers = Offers() if store is None else lessons_for(store.context, data, config)
        told = {**known, "lessons": [*offers.lines()]}
        path = decision_files.new_record(place, title, day=_today(), kind=kind, role=role, **told)
    if offers.line is not None:
        terminal.echo(offers.line, err=True)
    here = Path.cwd()
    terminal.echo(str(path.relative_to(here) if path.is_relative_to(here) else path))


@click.command("check")
@click.argument("places", nargs=-1, metavar="[FOLDER|FILE]...")
@fail_on("error")
@click.option(
    "--commits", metavar="RANGE",
    help="Look at the messages of these commits too, as in main..HEAD: what each does, and what it is for.",
)  # fmt: skip
@common.as_json
@click.pass_context
def check(
    ctx: click.Context,
    places: tuple[str, ...],
    fails: frozenset[str],
    commits: str | None,
    *,
    as_json: bool,
) -> None:
    """Check records, for an editor, pre-commit or CI: what their roles ask for, links that lead nowhere, criteria that
    cannot be computed. With a store, also what they name there, and the runs that follow them.

    \b
    Example:
      lineage decision check
      lineage decision check docs/adr --fail-on warning
      lineage decision check --commits origin/main..HEAD
    """
    from lineage.services.operate import decision_check, decision_files

    folder = decision_files.folder_of(Path.cwd())
    # Who asks about commits need not have records.
    usual = [folder] if commits is None or folder.exists() else []
    asked = [Path(x) for x in places] or usual
    with common.opened_or_none(ctx) as store:
        found = decision_check.check(None if store is None else store.context, asked, _today())
    if commits is not None:
        found = decision_check.with_commits(found, Path.cwd(), commits)
    if as_json:
        common.emit(found.to_dict())
    else:
        number = len(found.findings)
        beside = (
            ""
            if found.looked_in_store
            else " (without a store: what they name there was not looked for)"
        )
        looked = counted(found.records, "record")
        if found.commits is not None:
            looked += f", {counted(found.commits, 'commit')}"
        terminal.echo(f"{looked}, {counted(number, 'finding')}{beside}")
        echo_findings(found.findings)
    ctx.exit(4 if any(one.severity in fails for one in found.findings) else 0)


@verb("list", DecisionsRequest)
def list_(found: DecisionList) -> None:
    """Print a line for each decision."""
    for one in found.decisions:
        _tell(one)
    if found.left:
        terminal.echo(f"... and {found.left} more: --first lists more of them")
    if not found.decisions:
        terminal.echo("no such decision is here")


def _today() -> date:
    return datetime.now(UTC).date()


def _tell(one: DecisionSummary) -> None:
    status = one.status or "unknown"
    word = terminal.style(f"{status:<10}", fg=_COLOURS.get(status))
    beside = [f"owner {one.owner}"] if one.owner else []
    if one.stage and one.stage != one.status:
        beside.append(one.stage)
    beside += one.overdue
    shown = f"  ({', '.join(beside)})" if beside else ""
    terminal.echo(f"{word} {one.title}{shown}")


@verb("show", DecisionRequest)
@click.option(
    "--text", "as_text", is_flag=True, help="Print the text of its file, and nothing else."
)
def show(found: DecisionShown, *, as_text: bool) -> None:
    """Print what it is, why, what followed it, and what waits for somebody."""
    one = found.decision
    if as_text:
        common.write(None, [(found.text or "").encode()])
        return
    terminal.echo(terminal.style(one.title, bold=True) + f"  {one.status or 'unknown'}")
    for note in found.notes:
        terminal.echo(f"  {note}")
    terminal.echo(f"  {one.id}")
    for person in found.people:
        terminal.echo(f"  {person.role:<15} {person.label}")
    _tell_front(found)
    _tell_life(found)
    _tell_runs(found)
    _tell_lessons(found)
    if found.open:
        terminal.echo("\nwaits for somebody")
        for text in found.open:
            terminal.echo(f"  {terminal.style(text, fg='yellow')}")


def _tell_front(found: DecisionShown) -> None:
    for key in _ON_TOP:
        held = found.front.get(key)
        for text in held if isinstance(held, list) else [held] if held else []:
            terminal.echo(f"  {key:<15} {text}")
    if found.outcome is not None:
        terminal.echo(f"\n{found.outcome}")


def _tell_life(found: DecisionShown) -> None:
    lived = f"{counted(len(found.versions), 'version')}, {counted(len(found.acts), 'step')}"
    terminal.echo(f"\nits life ({lived})")
    lines: list[tuple[str, str, str, str | None]] = [
        (one.written, f"written as {one.label}", ", ".join(one.authors), None)
        for one in found.versions
    ]
    lines += [
        (act.at, f"{act.act}{f': {act.verdict}' if act.verdict else ''}", act.by or "", act.reason)
        for act in found.acts
    ]
    for at, what, who, why in sorted(lines, key=lambda line: line[0])[-_MOST:]:
        because = f", because {why}" if why else ""
        terminal.echo(
            f"  {at[:16].replace('T', ' ')}  {what}{f' by {who}' if who else ''}{because}"
        )
    if len(lines) > _MOST:
        terminal.echo(f"  ... and {len(lines) - _MOST} before (--json has all)")


def _tell_runs(found: DecisionShown) -> None:
    if found.runs:
        terminal.echo(f"\n{counted(len(found.runs), 'run')} followed it")
    called = {run.id: run.label for run in found.runs}
    for one in found.deviations[:_MOST]:
        whose = called.get(one.run or "", "no run")
        why = f", because {one.reason}" if one.reason else ""
        terminal.echo(f"  {whose}: {one.shown}{why}")
    if len(found.deviations) > _MOST:
        terminal.echo(f"  ... and {len(found.deviations) - _MOST} more deviations (--json has all)")
    compared = found.baseline
    if compared.runs and found.runs:
        terminal.echo(f"\nagainst {counted(len(compared.runs), 'run')} of the baseline")
        for change in compared.changes[:_MOST]:
            terminal.echo(f"  {change.shown}")
        more = len(compared.changes[_MOST:]) + compared.left
        if more:
            terminal.echo(f"  ... and {more} more differences (--json has {len(compared.changes)})")
        if not compared.changes:
            terminal.echo("  nothing that is recorded differs")
    if found.criteria:
        terminal.echo("\nwhat was to decide")
    for each in found.criteria:
        word = terminal.style(each.holds, fg=_VERDICTS[each.holds])
        terminal.echo(f"  {each.criterion}: {word}, {each.why}")
        terminal.echo(f"    {_numbers(each)}")


def _tell_lessons(found: DecisionShown) -> None:
    if found.learnt:
        terminal.echo("\nwhat was learnt")
    for one in found.learnt[:_MOST]:
        who = f", says {', '.join(one.by)}" if one.by else ""
        terminal.echo(f"  {one.text}{who}")
    if len(found.learnt) > _MOST:
        terminal.echo(f"  ... and {len(found.learnt) - _MOST} more lessons (--json has all)")
    elsewhere = [*found.lessons.lines()]
    if elsewhere:
        terminal.echo("\nwhat was learnt elsewhere")
    for line in elsewhere:
        terminal.echo(f"  {line}")


def _numbers(one: Evaluation) -> str:
    what = "pair" if one.paired else "run"
    told = [counted(one.n, what)]
    if one.n_baseline and not one.paired:
        told.append(f"{counted(one.n_baseline, 'run')} of the baseline")
    if one.estimate is not None:
        told.append(f"estimate {one.estimate:.6g}")
        told.append("spread unknown" if one.spread is None else f"spread {one.spread:.3g}")
    if one.interval is not None:
        told.append(f"{one.level * 100:g} % from {one.interval[0]:.6g} to {one.interval[1]:.6g}")
    if one.p is not None:
        told.append(f"p {one.p:.3g}")
        if one.adjusted_p != one.p:
            told.append(f"{one.adjusted_p:.3g} after Holm's correction")
    test = one.test if one.test != "none" else "no test"
    return ", ".join([*told, test + (f" ({one.software})" if one.software else "")])


def _step(name: str, step: Step) -> click.Command:
    words = " ".join((DeliberateRequest.__doc__ or "").split())

    def carry_out(reference: str, reason: str | None, *, as_json: bool, edit: bool = False) -> None:
        _take(DeliberateRequest(reference, step, reason=reason), edit=edit, as_json=as_json)

    shown = common.as_json(carry_out)
    if step in STATUS_BY_ACT:
        shown = _edit(shown)
    shown = click.argument("reference")(options_of(DeliberateRequest, "reason")(shown))
    return click.command(name, help=f"{words}\n\nThe step here: {step}.")(shown)


def _take(request: DeliberateRequest | SupersedeRequest, *, edit: bool, as_json: bool) -> None:
    """Take a step, also in the file where that is wanted, and print the decision."""
    from lineage.services.operate import decision_edit

    with common.opened(click.get_current_context()) as store:
        if not edit:
            _told(store.answer(request), as_json=as_json)
            return
        done, file = decision_edit.edited(store.context, request, Path.cwd())
    if as_json:
        common.emit({**done.to_dict(), "edited": file.to_dict()})
        return
    _tell(done.decision)
    terminal.echo(f"  {file.file}:{file.line} said {file.old!r} and says {file.new!r} now")


def _told(done: Deliberated, *, as_json: bool = False) -> None:
    if as_json:
        common.emit(done.to_dict())
        return
    _tell(done.decision)
    written = done.decision.status_written
    if written and normal(written) != done.decision.status:
        terminal.echo(f"  its file says {written}")


@verb("review", ReviewRequest)
def review(done: Deliberated) -> None:
    """Print the decision."""
    _told(done)


@command_of("supersede", SupersedeRequest)
@_edit
def supersede(reference: str, by: str, reason: str | None, *, edit: bool, as_json: bool) -> None:
    """Print the decision whose place was taken."""
    _take(SupersedeRequest(reference, by=by, reason=reason), edit=edit, as_json=as_json)


@verb("story", StoryRequest)
def story(found: Story) -> None:
    """Print a paragraph for each decision."""
    if not found.chapters:
        terminal.echo(f"no decision behind {found.title} is recorded")
    for number, one in enumerate(found.chapters):
        terminal.echo(("\n" if number else "") + terminal.style(one.when, bold=True))
        for sentence in one.sentences:
            terminal.echo(f"  {sentence}")
    if found.left:
        terminal.echo(
            f"\n... and {counted(found.left, 'decision')} more: --first tells more of them"
        )
    if not found.complete:
        terminal.echo("\nThere are more causes than were looked at: this may not be all.")


@verb("link", LinkRequest)
def link(done: Deliberated) -> None:
    """Print the decision."""
    _told(done)


@verb("lesson", LessonRequest)
def lesson(done: Learnt) -> None:
    """Print what was taken down."""
    terminal.echo(f"{done.text}")
    terminal.echo(f"  {done.id}")


@verb("lessons", LessonsRequest)
def lessons(found: Offers) -> None:
    """Print a line for each lesson."""
    for line in found.lines():
        terminal.echo(line)
    if not found.lessons and found.complete:
        terminal.echo("no lesson that is here is about what it resembles")


for _command in (
    new,
    lesson,
    lessons,
    link,
    story,
    check,
    list_,
    show,
    review,
    supersede,
    *(_step(*x) for x in _STEPS.items()),
):
    COMMAND.add_command(_command)
