# SPDX-License-Identifier: Apache-2.0
"""Group commit: messages that arrive during a write go into the next one together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from lineage.access.tokens import Role
from lineage.errors import LineageError, StoreBusy
from lineage.model.record import Batch, Loss
from lineage.services.context import Context
from lineage.services.write import authority
from lineage.services.write.ingest import ingest

#: Messages that may wait; more are turned away, to be sent again.
WAITING = 10_000
#: Messages, and records, that one write takes in.
TOGETHER, RECORDS = 512, 20_000

#: What a sender hears: what of its message was not kept.
Acknowledgement = Future[tuple[Loss, ...]]
#: Turns one message into what it asserts. Raises the errors of ``lineage.errors``.
Parse = Callable[[Any, Context], Batch]


@dataclass(frozen=True, slots=True)
class _Message:
    """One message that waits, whose it is, and where its sender waits."""

    actor: str
    role: Role
    value: Any
    heard: Acknowledgement = field(default_factory=Future)


class GroupCommit:
    """Takes messages from any thread; one thread at a time writes them.

    A sender hears of its message only after the commit that holds it; a message that cannot be read
    or written fails alone. The source of what is asserted is ``importer`` and the sender's name (``authority``).
    """

    def __init__(self, parse: Parse, *, importer: str) -> None:
        self._parse = parse
        self._importer = importer
        self._waiting: deque[_Message] = deque()
        self._lock = Lock()
        self._called = False

    def put(
        self, actor: str, role: Role, values: Sequence[Any]
    ) -> tuple[list[Acknowledgement], bool]:
        """Queue messages, all or none. Each future gives what of it was not kept, or raises why it
        was refused; the flag asks the caller to have ``drain`` called until it says no.

        Raises ``StoreBusy`` when too many wait already.
        """
        messages = [_Message(actor, role, value) for value in values]
        with self._lock:
            if len(self._waiting) + len(messages) > WAITING:
                message = f"{len(self._waiting)} messages wait to be written"
                raise StoreBusy(message, hint="Send it again soon.")
            self._waiting.extend(messages)
            call, self._called = not self._called, True
        return [message.heard for message in messages], call

    def drain(self, ctx: Context) -> bool:
        """Write what waits, in one group, and return whether more has come meanwhile."""
        groups: dict[tuple[str, Role], list[tuple[_Message, Batch]]] = {}
        for message, batch in self._taken(ctx):
            groups.setdefault((message.actor, message.role), []).append((message, batch))
        for (actor, role), group in groups.items():
            self._write(replace(ctx, actor=actor, role=role), group)
        with self._lock:
            self._called = bool(self._waiting)
            return self._called

    def _taken(self, ctx: Context) -> list[tuple[_Message, Batch]]:
        """The next messages that somebody still waits for and that can be read."""
        taken: list[tuple[_Message, Batch]] = []
        records = 0
        while self._waiting and len(taken) < TOGETHER and records < RECORDS:
            message = self._waiting.popleft()
            if not message.heard.set_running_or_notify_cancel():
                continue
            try:
                batch = self._parse(message.value, ctx)
            except Exception as error:  # noqa: BLE001 - its sender hears of it, nobody else
                message.heard.set_exception(error)
                continue
            records += len(batch)
            taken.append((message, batch))
        return taken

    def _write(self, ctx: Context, group: Sequence[tuple[_Message, Batch]]) -> None:
        """One transaction; only then do the senders hear of it. What a rule of the model keeps out
        is found by writing each by itself; what the store cannot do now, it cannot do for any. What
        a sender may not state is left out, and it hears so.
        """
        source = authority.source(ctx, self._importer)
        try:
            group = [(message, authority.permitted(ctx, batch)) for message, batch in group]
            together = _joined([batch for _, batch in group])
            ingest(ctx, together, source=source, importer=self._importer)
        except Exception as error:  # noqa: BLE001 - every sender must hear of it
            for_all = isinstance(error, LineageError) and error.status >= 500
            if len(group) > 1 and not for_all:
                for item in group:
                    self._write(ctx, [item])
                return
            for message, _ in group:
                message.heard.set_exception(error)
            return
        for message, batch in group:
            message.heard.set_result(batch.losses)


def _joined(batches: Sequence[Batch]) -> Batch:
    """Several batches as one, with what they saw and lost added up."""
    seen: dict[str, int] = {}
    lost: dict[tuple[str, str], int] = {}
    for batch in batches:
        for what, number in batch.seen.items():
            seen[what] = seen.get(what, 0) + number
        for loss in batch.losses:
            key = (loss.what, loss.reason)
            lost[key] = lost.get(key, 0) + loss.number
    # Messages of one kind name the same things: what is the same object is said once.
    nodes = {id(node): node for batch in batches for node in batch.nodes}
    return Batch(
        nodes=tuple(nodes.values()),
        edges=tuple(edge for batch in batches for edge in batch.edges),
        seen=seen,
        losses=tuple(Loss(what, number, why) for (what, why), number in lost.items()),
    )
