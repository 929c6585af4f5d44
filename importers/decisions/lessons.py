# SPDX-License-Identifier: Apache-2.0
"""Makes records of lessons: what was learnt from a decision or a run, whether a record says it or somebody tells it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from importers.decisions.reading import FoundDecision
from lineage import ids
from lineage.access.secret_patterns import scrub
from lineage.model import kinds
from lineage.model.identity import committer
from lineage.model.record import Edge, Node, Record
from lineage.sources.decision_records.record import DecisionRecord
from lineage.sources.git.objects import CommitObject, Identity

#: Characters of a lesson that it is called by.
_CALLED = 80


def lesson(subject: str, text: str, tags: Sequence[str], about: Sequence[str] = ()) -> Node:
    """A lesson that was learnt from a decision or a run. ``about`` is what it is about in words that are looked up
    later.
    """
    told = scrub(" ".join(text.split()))
    label = told if len(told) <= _CALLED else f"{told[: _CALLED - 1].rstrip()}…"
    return kinds.Lesson(
        id=ids.lesson_id(subject, told),
        label=label,
        text=told,
        more={
            name: tuple(dict.fromkeys(words))
            for name, words in (("tags", tags), ("about", about))
            if words
        },
    ).node()


def of_record(
    decision: str,
    shown: DecisionRecord,
    one: FoundDecision,
    people: Mapping[str, tuple[CommitObject, Identity | None]],
    key: bytes,
) -> Iterator[Record]:
    """The lessons that the record of a decision has now, each attributed to who wrote it first, where git knows that."""
    for text, said in _lessons(shown).items():
        node = lesson(decision, text, _texts(said.get("tags")), _texts(said.get("about")))
        yield node
        yield Edge(relation="wasDerivedFrom", effect=node.id, cause=decision)
        first = next((v for v in one.versions if text in _lessons(v.record)), None)
        for sha in () if first is None else first.commits:
            _, author = people.get(sha, (None, None))
            if author is not None:
                yield (who := committer(*author, key))
                yield Edge(relation="wasAttributedTo", effect=node.id, cause=who.id)


def _lessons(shown: DecisionRecord) -> Mapping[str, Mapping[str, Any]]:
    """The lessons of a record by their texts."""
    held = shown.front.get("lessons")
    found: dict[str, Mapping[str, Any]] = {}
    for one in held if isinstance(held, list) else ():
        text = one.get("text") if isinstance(one, Mapping) else None
        if isinstance(text, str) and text.strip():
            found.setdefault(" ".join(text.split()), one)
    return found


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
