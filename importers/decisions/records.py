# SPDX-License-Identifier: Apache-2.0
"""Makes records of decisions: each with what its file says now, its versions and the people in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from importers.decisions import lessons
from importers.decisions.reading import FoundDecision, Version
from lineage import ids
from lineage.model import kinds
from lineage.model.identity import agent, committer
from lineage.model.record import Edge, Node, Record
from lineage.model.value import Ref, clean
from lineage.sources import yaml_reader
from lineage.sources.decision_records.fields import FIELDS, LEVELS
from lineage.sources.decision_records.record import DecisionRecord
from lineage.sources.git.objects import CommitObject, Identity

#: Keys of front matter that are attributes under another name, or are something else in the graph.
_ELSEWHERE = frozenset({"id", "status", "date", "kind", "role", "owner", "lineage", "lessons"})
#: Keys that name people, and what these are to the decision.
_PEOPLE = {
    "owner": "owner",
    "decision-makers": "decision-maker",
    "consulted": "consulted",
    "informed": "informed",
    "review.by": "reviewer",
}
#: Leaves of front matter that are kept as attributes; the text has the rest.
_MOST_LEAVES = 500

People = Mapping[str, tuple[CommitObject, Identity | None]]


class DecisionRecords:
    """The records of the decisions of one repository or folder."""

    def __init__(self, namespace: str, found: Sequence[FoundDecision], person_key: bytes) -> None:
        self._namespace = namespace
        self._found = found
        self._key = person_key

    def records(self, people: People) -> tuple[Sequence[Node], Sequence[Edge]]:
        """Nodes and edges, each said once. ``people`` has the commits that brought versions in, with their authors."""
        said: dict[tuple[Any, ...], Record] = {}
        for one in self._found:
            for record in self._decision(one, people):
                said.setdefault(_sign(record), record)
        nodes = [record for record in said.values() if isinstance(record, Node)]
        edges = [record for record in said.values() if isinstance(record, Edge)]
        return nodes, edges

    def _decision(self, one: FoundDecision, people: People) -> Iterator[Record]:
        ident = ids.decision_id(self._namespace, one.key)
        shown = (one.current or one.versions[-1]).record
        # A statement of its own: that there was a decision stays, what its file says now does not.
        yield Node(id=ident, kind="Decision", label=_label(shown))
        yield self._now(ident, shown, one)
        yield from lessons.of_record(ident, shown, one, people, self._key)
        by_digest: dict[str, list[Version]] = {}
        for version in one.versions:
            by_digest.setdefault(ids.sha256(version.record.data), []).append(version)
        names: dict[str, str] = {}
        for digest, versions in by_digest.items():
            at = ids.decision_version_id(self._namespace, one.key, digest)
            yield from self._version(at, digest, versions, people)
            yield Edge(relation="specializationOf", effect=at, cause=ident)
            before = {
                v for name in {n for v in versions for n in v.before} if (v := names.get(name))
            }
            if not before and names:
                before = {list(names.values())[-1]}
            for earlier in sorted(before):
                yield Edge(relation="wasRevisionOf", effect=at, cause=earlier)
            names |= {version.name: at for version in versions}

    def _now(self, ident: str, shown: DecisionRecord, one: FoundDecision) -> Node:
        version = ids.decision_version_id(self._namespace, one.key, ids.sha256(shown.data))
        return kinds.Decision(
            id=ident,
            label=_label(shown),
            status_written=shown.status_written,
            decided=shown.text_of("date"),
            file=shown.path or None,
            category=shown.text_of("kind"),
            owner=shown.text_of("owner"),
            risk=_highest(shown),
            due=_one(shown.at("review.due")),
            revisit=_one(shown.at("revisit.date")),
            more=clean(
                {
                    **_said(shown),
                    "number": shown.number,
                    "removed": one.removed,
                    "role": shown.text_of("role"),
                    "namespace": self._namespace,
                    "key": one.key,
                    "version": Ref(version),
                }
            ),
        ).node()

    def _version(
        self, ident: str, digest: str, versions: Sequence[Version], people: People
    ) -> Iterator[Record]:
        shown = versions[-1].record
        commits = [people[sha] for one in versions for sha in one.commits if sha in people]
        written = min((c.authored for c, _ in commits if c.authored), default=None)
        yield kinds.DecisionVersion(
            id=ident,
            label=f"{_label(shown)} ({digest[:8]})",
            digest=f"sha256:{digest}",
            text=shown.data.decode("utf-8", "replace"),
            status_written=shown.status_written,
            written=written,
            more=clean(
                {
                    "file": [one.record.path for one in versions if one.record.path],
                    "number": [one.record.number for one in versions],
                    "commit": [Ref(ids.commit_id(sha)) for one in versions for sha in one.commits],
                    **_named(shown),
                }
            ),
        ).node()
        for _, author in commits:
            if author is not None:
                node = committer(*author, self._key)
                yield node
                yield _attributed(ident, node.id, "author")
        for key, role in _PEOPLE.items():
            for name in shown.texts(key):
                node = agent(name, self._key)
                yield node
                yield _attributed(ident, node.id, role)


def _named(shown: DecisionRecord) -> dict[str, list[str]]:
    """The records that a version names as replaced, replacing, amended or amending, as links of markdown with paths
    from the root, or in the words that it has for them.
    """
    found: dict[str, list[str]] = {}
    for one in shown.links:
        found.setdefault(one.link.replace("-", "_"), []).append(one.from_root(shown.path))
    return found


def is_lasting(record: Record) -> bool:
    """Whether a record stays true when its file says something else: that there was a decision, its versions, people."""
    if isinstance(record, Edge):
        return record.effect.startswith("urn:lineage:decision-version:")
    return record.kind not in {"Decision", "Lesson"} or not record.attributes


def _attributed(version: str, who: str, role: str) -> Edge:
    return Edge(
        relation="wasAttributedTo", effect=version, cause=who, attributes={"prov:role": role}
    )


def _label(shown: DecisionRecord) -> str:
    return f"{shown.number} {shown.title}" if shown.number else shown.title


def _highest(shown: DecisionRecord) -> str | None:
    said = {*shown.texts("risks.likelihood"), *shown.texts("risks.impact")}
    return next((level for level in reversed(LEVELS) if level in said), None)


def _one(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _said(shown: DecisionRecord) -> dict[str, Any]:
    """What front matter says besides, by dotted name; what no schema names, under ``front.``."""
    told: dict[str, Any] = {}
    for key, value in shown.front.items():
        if key in _ELSEWHERE:
            continue
        name = key.replace("-", "_") if key in FIELDS else f"front.{key}"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            parts = dict.fromkeys(part for item in value for part in item)
            told |= {f"{name}.{part}": shown.at(f"{key}.{part}") for part in parts}
        else:
            found = yaml_reader.flatten({name: value}, _MOST_LEAVES)
            told |= {leaf: held for leaf, held in found if held != {}}
    return {name.replace("-", "_"): _plain(value) for name, value in told.items()}


def _plain(value: Any) -> Any:
    """A value as an attribute has it: what is nested in a list, as text."""
    if isinstance(value, list):
        return [item if isinstance(item, str | float | int) else str(item) for item in value]
    return value


def _sign(record: Record) -> tuple[Any, ...]:
    if isinstance(record, Node):
        return (record.id, record.kind, bool(record.attributes))
    return (record.relation, record.effect, record.cause, str(record.attributes))
