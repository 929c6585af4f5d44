# SPDX-License-Identifier: Apache-2.0
"""A decision's versions as the store has them, and the people that these, or somebody since, named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from lineage.errors import BadInput
from lineage.model import terms
from lineage.model.record import Node
from lineage.services.context import Context
from lineage.services.read.people import shown
from lineage.sources.decision_records import record, statuses
from lineage.sources.decision_records.statuses import Status
from lineage.store.base import Hop, View
from lineage.store.rows import NodeRow

_ATTRIBUTED = Hop(relations=frozenset({"wasAttributedTo"}))
#: The kinds of a decision and of the texts that it had.
KINDS = frozenset({"Decision", "DecisionVersion"})
#: The roles that are handed over, and the keys of front matter that name who has them.
HANDED_OVER = {"owner": "owner", "reviewer": "review.by"}


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A version of a decision: when it was written, as far as that is known, and in which entry it came."""

    row: NodeRow
    node: Node
    at: str

    @property
    def status(self) -> Status | None:
        """What the status means that the file had."""
        written = self.node.attributes.get("status_written")
        return statuses.normal(written) if isinstance(written, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Somebody in a role: by a record, or (``stated``, with when) by what somebody said since."""

    id: str
    title: str
    role: str
    stated: str | None = None


class Peopled(Protocol):
    """A decision, as far as people are read for it."""

    people: list[Holder]

    @property
    def current(self) -> VersionRow | None:
        """The version that its file has now."""
        ...


def people(ctx: Context, states: Mapping[str, Peopled], view: View) -> None:
    """Read whom the texts of decisions name now, and who was named since."""
    by_version = {s.current.row.id: s for s in states.values() if s.current is not None}
    edges = sorted(ctx.store.edges([*by_version, *states], _ATTRIBUTED, view))
    rows = ctx.store.get({edge.cause for edge in edges}, view)
    for row in edges:
        held = row.edge().attributes
        stated = held.get(terms.METHOD) == terms.STATED
        state = states.get(row.effect) if stated else by_version.get(row.effect)
        if state is not None and row.cause in rows:
            moment = utc(str(held.get("stated_at") or "")) if stated else None
            role = str(held.get("prov:role") or "")
            named = Holder(id=row.cause, title=shown(rows[row.cause]), role=role, stated=moment)
            state.people.append(named)


def written_since(versions: Sequence[VersionRow], current: VersionRow | None, role: str) -> str:
    """Since when the text of a decision names whom it names now in a role; nothing where no text does."""
    if current is None:
        return ""
    key, since = HANDED_OVER[role], ""
    names = _names(current, key)
    for one in reversed([one for one in versions if one.at <= current.at]):
        if _names(one, key) != names:
            break
        since = one.at
    return since


def _names(version: VersionRow, key: str) -> Sequence[str]:
    text = version.node.attributes.get("text")
    try:
        return record.read(str(text).encode(), "").texts(key) if text else ()
    except BadInput:
        return ()


def utc(moment: str) -> str:
    """A moment in a form that sorts by time."""
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
