# SPDX-License-Identifier: Apache-2.0
"""Turns the events of one run into records: the run, and all that it has to do with."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from importers.base import Options
from importers.captured import ci, commits, environment, seeds
from importers.captured.files import Files
from lineage import ids
from lineage.model import kinds, terms
from lineage.model.identity import committer, person
from lineage.model.record import Edge, Node, Record
from lineage.model.value import Value, clean, clean_scalar, clean_value, each
from lineage.sources.decision_records.names import in_branch
from lineage.sources.git.objects import visible

#: Digits that are shown of a keyed hash, and variables that differ from call to call.
_HASHED = 16
_PASSING = frozenset({"_", "OLDPWD", "SHLVL", "PS1", "COLUMNS", "LINES"})
#: Seconds by which a clock drifts without being set.
_STEP = 2.0
#: The words of a command that its label has.
_LABEL = 60
#: What an edge has of each that tells of it.
_OF_EACH = (terms.WITNESS, "prov:role")
Facts = Mapping[str, Any]


class Run:
    """One run, out of its events. ``key`` is its identifier as capture gave it."""

    def __init__(self, events: Sequence[Facts], options: Options) -> None:
        begun = [event for event in events if event["event"] == "started"]
        if not begun:
            raise ValueError("it does not say how the run started")
        self._options = options
        self._events = events
        self._started: Facts = begun[0]
        self.key: str = str(events[0]["run"])
        self.ident: str = ids.captured_run_id(self.key)
        self._facts: Facts = self._started.get("facts") or {}
        tables = [
            table
            for event in events
            if event["event"] == "ended"
            for table in ((event.get("facts") or {}).get("tables") or {}).get("tables") or ()
        ]
        host = self._started.get("host")
        self._files = Files(self._facts, host, self._notes(None), tables)
        self._nodes: dict[str, Node] = {}
        self._edges: dict[tuple[str, str, str], Edge] = {}

    def records(self) -> tuple[list[Node], list[Edge]]:
        """Everything, each once."""
        files, ended = self._files, self._ended(None)
        self._add_run(self.ident, self._started, ended, None)
        self._sources()
        self._environment()
        self._people()
        self._attempt()
        self._put(ci.records(self._facts.get("ci") or {}, self.ident))
        if parent := self._started.get("parent"):
            self._link("wasInformedBy", self.ident, ids.captured_run_id(str(parent)))
        self._put(files.declared(self.ident, self._facts, (ended or {}).get("facts") or {}))
        self._put(files.noted(self.ident, self._notes(None)))
        for event in self._events:
            if event["event"] == "step":
                self._step(event)
        return list(self._nodes.values()), list(self._edges.values())

    def _step(self, event: Facts) -> None:
        """A step: a run of its own behind the one that it is part of."""
        step, inside = str(event["step"]), event.get("inside")
        ident = ids.captured_run_id(f"{self.key}/{step}")
        self._add_run(ident, event, self._ended(step), step)
        around = self.ident if inside is None else ids.captured_run_id(f"{self.key}/{inside}")
        self._link("wasInformedBy", ident, around)
        begun, ended = event.get("facts") or {}, (self._ended(step) or {}).get("facts") or {}
        self._put(self._files.declared(ident, begun, ended))
        self._put(self._files.noted(ident, self._notes(step)))

    def _add_run(self, ident: str, said: Facts, end: Facts | None, step: str | None) -> None:
        run = self._run(ident, said, end, step)
        told = {**run.attributes, **self._declared_and_read(step)}
        self._add(replace(run, attributes=told))

    def _declared_and_read(self, step: str | None) -> dict[str, Value]:
        """Of inputs that were declared, those that nobody was seen to read, and what was read besides; and the code of
        the commit that was imported.
        """
        told: dict[str, Any] = {}
        for note in self._notes(step):
            for name, said in (
                ("declared_not_read", "unread"),
                ("read_not_declared", "undeclared"),
            ):
                paths = note.get(said) or ()
                shown = {visible(self._files.place({"path": path})[1]) for path in paths}
                told[name] = sorted({*told.get(name, ()), *shown})
            # Of these the commit has the bytes; the others are files of their own.
            code = (x for x in note.get("modules") or () if x.get("is_committed"))
            shown = {visible(self._files.place(file)[1]) for file in code}
            told["imported"] = sorted({*told.get("imported", ()), *shown})
        declared = [*(self._facts.get("inputs") or {}).get("files", ())]
        declared += [f for e in self._events for f in e.get("inputs") or () if "witness" not in f]
        undeclared = sorted(map(visible, self._files.undeclared(declared)))
        if undeclared and step is None:
            told["read_not_declared"] = [*told.get("read_not_declared", ()), *undeclared]
        return clean(told)

    def _ended(self, step: str | None) -> Facts | None:
        """How the run, or a step of it, ended."""
        over = ("ended", "lost") if step is None else ("ended",)
        found = [e for e in self._events if e["event"] in over and e.get("step") == step]
        return found[-1] if found else None

    def _notes(self, step: str | None) -> list[Facts]:
        return [e for e in self._events if e["event"] == "noted" and e.get("step") == step]

    # --- the run itself ---

    def _run(self, ident: str, said: Facts, end: Facts | None, step: str | None) -> Node:
        ended, notes = end or {}, self._notes(step)
        words = [visible(str(word)) for word in said.get("words") or ()]
        shown = shlex.join(words)
        name = said.get("name")
        why = [said.get("why"), *(text for note in notes for text in note.get("because") or ())]
        joined = [e for e in self._events if e["event"] == "joined"] if step is None else []
        unseen = [
            f"{probe}: {what}: {reason}"
            for event in (said, ended)
            for probe, missed in (event.get("unseen") or {}).items()
            for what, reason in missed.items()
        ]
        unseen += [f"{w}: {r}" for note in notes for w, r in (note.get("unseen") or {}).items()]
        return kinds.Run(
            id=ident,
            label=visible(str(name)) if name else shown[:_LABEL] or ident.rpartition("/")[2],
            name=name,
            status=_status(end, over=step is not None and self._ended(None) is not None),
            started=_moment(said),
            ended=_moment(ended) if ended.get("event") == "ended" else None,
            command=shown or None,
            tracker="lineage",
            more=clean(
                {
                    "why": why,
                    "decision": said.get("decision"),
                    "argv": said.get("argv"),
                    "host": said.get("host"),
                    "working_directory": said.get("here"),
                    "exit_code": ended.get("code"),
                    "signal": ended.get("signal"),
                    **_signals(ended),
                    "error": ended.get("failed"),
                    "error_at": ended.get("at_line"),
                    "duration": ended.get("seconds"),
                    "clock_stepped": _stepped(said, ended),
                    "cpu_seconds": ended.get("cpu"),
                    "peak_memory": ended.get("peak"),
                    "last_seen": ended.get("last_seen"),
                    "left_running": [
                        shlex.join(one["words"]) for one in ended.get("left_running") or ()
                    ],
                    "processes": len({(e.get("host"), e.get("pid")) for e in joined}) or None,
                    "ranks": sorted({e["ranks"]["rank"] for e in joined if "rank" in e["ranks"]}),
                    **{
                        f"rank.{e['ranks']['rank']}": _rank(e)
                        for e in joined
                        if "rank" in e["ranks"]
                    },
                    "not_observed": unseen,
                    "completeness": _completeness(said, ended, notes) if step is None else None,
                    "captured_by": f"lineagedb {said.get('version')}" if step is None else None,
                }
            )
            | _told(said, notes)
            | _of_tools(notes)
            | (self._settings() if step is None else {})
            | (seeds.records(self._events) if step is None else {}),
        ).node()

    def _settings(self) -> dict[str, Value]:
        """How the run was told what to do, and what of machine and user was its own."""
        config, who = self._facts.get("config") or {}, self._facts.get("who") or {}
        told = {f"env.{name}": value for name, value in (config.get("environment") or {}).items()}
        # What is kept of the others is only whether they are the same as another time.
        told["env_hashed"] = [
            f"{name} {value.partition(':')[2][:_HASHED]}"
            for name, value in (config.get("others") or {}).items()
            if value and name not in _PASSING
        ]
        told |= {"user": who.get("user"), "uid": who.get("uid")}
        told |= {"on_behalf_of": [one.get("name") for one in who.get("on_behalf_of") or ()]}
        told["locked"] = [*self._locked()]
        return {
            **environment.of_process(self._facts.get("machine") or {}),
            **environment.held_up(self._facts.get("usage") or {}, self._later("usage")),
            **self._branch(),
            **ci.settings(self._facts.get("ci") or {}),
            **clean(told),
        }

    def _branch(self) -> dict[str, Value]:
        """The branch that was worked on, that of the pull request where a CI checked out no other; and what in its name
        may be a decision.
        """
        mine = next((one.get("branch") for one in _repositories(self._facts)), None)
        asked = (self._facts.get("ci") or {}).get("pull_request") or {}
        name = visible(str(mine or asked.get("head_branch") or "").removeprefix("refs/heads/"))
        return clean({"branch": name or None, "branch.decision": in_branch(name)})

    def _locked(self) -> Iterator[str]:
        """The stages that DVC locked meanwhile, as the importer of DVC knows them."""
        for one in self._later("dvc").get("locked") or ():
            namespace, path = self._files.place(one)
            folder, address = posixpath.dirname(path), f"dvc.yaml:{one['stage']}@{one['digest']}"
            yield posixpath.join(namespace, folder, address)

    def _later(self, probe: str) -> Facts:
        """What a probe saw at the end of the run."""
        return ((self._ended(None) or {}).get("facts") or {}).get(probe) or {}

    # --- what it used ---

    def _sources(self) -> None:
        key = self._options.person_key
        for number, repository in enumerate(_repositories(self._facts)):
            records, used = commits.records(repository, key)
            self._put(records)
            if used is not None:
                told: dict[str, Value] = {"prov:role": "source" if number == 0 else terms.MODULE}
                if root := repository.get("root"):
                    told["root"] = str(root)
                self._link("used", self.ident, used, told)
        for role, sha in ci.commits(self._facts.get("ci") or {}):
            self._add(Node(id=sha, kind="Commit"))
            self._link("used", self.ident, sha, {"prov:role": role})
        for repository in _repositories((self._ended(None) or {}).get("facts") or {}):
            self._put(commits.made(repository, self.ident, key))

    def _attempt(self) -> None:
        """What the run is an attempt at: a run without a state of its own, which others are attempts at too."""
        named = self._started.get("attempt_of")
        if not named:
            return
        where = next(
            (one["namespace"] for one in _repositories(self._facts) if one.get("namespace")), None
        )
        whole = ids.run_id("lineage", "attempts", f"{where or self._started.get('here')} {named}")
        name = visible(str(named))
        self._add(kinds.Run(id=whole, label=name, name=name, tracker="lineage").node())
        self._link("wasInformedBy", self.ident, whole, {"prov:role": "attempt"})

    def _environment(self) -> None:
        facts = self._facts.get("packages") or {}
        found = environment.records(facts, self._options)
        if found is not None:
            ident, records = found
            self._put(records)
            observed: dict[str, Value] = {"prov:role": "environment", terms.WITNESS: "installed"}
            self._link("used", self.ident, ident, observed)
        for node in environment.machine(
            self._facts.get("machine") or {}, self._started.get("host")
        ):
            self._add(node)
            self._link("used", self.ident, node.id, {"prov:role": "machine"})

    def _people(self) -> None:
        who = self._facts.get("who") or {}
        git, actor = who.get("git") or {}, (who.get("ci") or {}).get("actor")
        if actor:
            found = committer(visible(str(actor)), "", self._options.person_key)
            self._add(found)
            self._link("wasAssociatedWith", self.ident, found.id, {"prov:role": "actor"})
        name, email, user = git.get("name"), git.get("email"), who.get("user")
        if email or name:
            found = person(name or "", email or "", self._options.person_key)
        elif user and not actor:  # the account of a runner is nobody
            found = person(user, "", self._options.person_key)
        else:
            return
        self._add(found)
        self._link("wasAssociatedWith", self.ident, found.id)

    # --- putting down ---

    def _put(self, records: Iterable[Record]) -> None:
        for record in records:
            if isinstance(record, Node):
                self._add(record)
            else:
                self._draw(record)

    def _add(self, node: Node) -> None:
        self._nodes.setdefault(node.id, node)

    def _link(
        self, relation: str, effect: str, cause: str, said: dict[str, Value] | None = None
    ) -> None:
        self._draw(Edge(relation=relation, effect=effect, cause=cause, attributes=said or {}))

    def _draw(self, edge: Edge) -> None:
        """Add an edge; what several layers witness is one, with all of them, and with all its roles."""
        key = (edge.relation, edge.effect, edge.cause)
        held = self._edges.get(key)
        said, of_each = dict(edge.attributes), dict[str, Value]()
        if held is not None:
            for name in _OF_EACH:
                both = [*each(held.attributes.get(name, ())), *each(said.get(name, ()))]
                if both:
                    of_each[name] = clean_value(both)
            said = {**said, **held.attributes, **of_each}
        self._edges[key] = replace(edge, attributes=said)


def _signals(ended: Facts) -> dict[str, Any]:
    """Which signals were sent to who recorded a run, and by which processes."""
    sent = ended.get("sent") or ()
    by = [f"{one['signal']}: process {one['by']}" for one in sent if one.get("by")]
    return {"signals_sent": [one["signal"] for one in sent], "signals_sent_by": by}


def _rank(joined: Facts) -> str:
    """Where one rank of a run was."""
    ranks, process = joined["ranks"], f"process {joined['pid']} on {joined['host']}"
    return f"local rank {ranks.get('local_rank', '?')} of {ranks.get('world_size', '?')}, {process}"


def _repositories(facts: Facts) -> Sequence[Facts]:
    return (facts.get("source") or {}).get("repositories") or ()


def _told(said: Facts, notes: Sequence[Facts]) -> dict[str, Value]:
    """Parameters and metrics. A parameter that was given several values has them all; of a metric the last counts."""
    config = (said.get("facts") or {}).get("config") or {}
    params: dict[str, list[Any]] = {k: [v] for k, v in (config.get("parameters") or {}).items()}
    params |= {k: [v] for k, v in (said.get("params") or {}).items()}
    metrics: dict[str, Any] = {}
    for note in notes:
        for name, value in note.get("params") or ():
            params.setdefault(name, []).append(value)
        metrics |= {name: told["value"] for name, told in (note.get("metrics") or {}).items()}
    shown = {f"param.{name}": values for name, values in params.items()}
    return clean(shown | {f"metric.{name}": value for name, value in metrics.items()})


def _of_tools(notes: Sequence[Facts]) -> dict[str, Value]:
    """What a tool said of what it ran: a kernel of its notebook and of a cell, pytest of its tests."""
    told: dict[str, Value] = {}
    for note in notes:
        for said in note.get("facts") or ():
            told |= dict(environment.flat(said))
    return told


def _moment(event: Facts) -> str | None:
    """When an event was, by the clock on the wall."""
    return str(clean_scalar(datetime.fromisoformat(event["at"]))) if "at" in event else None


def _stepped(started: Facts, ended: Facts) -> float | None:
    """By how many seconds the clock on the wall was set while the run went on, where it was."""
    if "monotonic" not in ended:
        return None
    told = datetime.fromisoformat(ended["at"]) - datetime.fromisoformat(started["at"])
    step = told.total_seconds() - (ended["monotonic"] - started["monotonic"])
    return round(step, 1) if abs(step) >= _STEP else None


def _completeness(said: Facts, ended: Facts, notes: Sequence[Facts]) -> float | None:
    """The share of what was looked at of which nothing was missed: each probe, and the files that were opened."""
    looked = {name for event in (said, ended) for name in event.get("facts") or ()}
    missed = {name for event in (said, ended) for name in event.get("unseen") or ()}
    if not looked:
        return None
    whole = len(looked - missed) + (not any(note.get("unseen") for note in notes))
    return round(whole / (len(looked) + 1), 2)


def _status(ended: Facts | None, *, over: bool) -> str:
    """The state of a run, or of a step of one; ``over`` says that the run of a step is over."""
    if ended is None:
        return "unknown" if over else "running"
    if ended["event"] == "lost":
        return "unknown"
    if ended.get("signal"):
        return "killed"
    if ended.get("code") is None:
        return "unknown"
    return "finished" if ended.get("code") == 0 else "failed"
