# SPDX-License-Identifier: Apache-2.0
"""Calls the verbs of a store that a server keeps, over GraphQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar, cast

from lineage import config, formats
from lineage.client import decided, reading
from lineage.client.address import address
from lineage.client.documents import INGEST, TAKE_RUN, document, mutation
from lineage.client.transport import Transport
from lineage.closeable import Closeable
from lineage.errors import StoreUnreachable, Usage
from lineage.model import check
from lineage.model.record import Batch, Loss
from lineage.services.answer import Answer
from lineage.services.read.ask import AskAnswer, AskRequest, Explanation
from lineage.services.read.audit.report import Audit
from lineage.services.read.bisect import Bisection
from lineage.services.read.compare import Comparison
from lineage.services.read.decisions.contributions import Contributions
from lineage.services.read.decisions.lessons import Offers
from lineage.services.read.decisions.show import DecisionShown
from lineage.services.read.decisions.stories import Story
from lineage.services.read.decisions.summaries import DecisionList
from lineage.services.read.owner_list import OwnerList
from lineage.services.read.produced import ProducedAnswer
from lineage.services.read.show import FindRequest, ShowAnswer, kind_names
from lineage.services.read.trace import Reached, WalkAnswer, relations
from lineage.services.read.why import WhyAnswer
from lineage.services.request import Field, Request, answer_of, fields_of
from lineage.services.write.deliberate import Deliberated
from lineage.services.write.deploy import Deployed
from lineage.services.write.ingest import Report
from lineage.services.write.lessons import Learnt
from lineage.services.write.ownership import OwnerSet, OwnerTransfer
from lineage.store.base import Stats
from lineage.verbs import Verbs

T = TypeVar("T")
R = TypeVar("R")

#: Seconds that a server may take to answer.
TIMEOUT = 120.0
#: Nodes that servers give in one flat answer, and in one page of a search.
_ANSWER, _PAGE = 100_000, 200
#: The largest number that GraphQL has.
_LARGEST = 2**31 - 1


def needs_store(url: str) -> Usage:
    """The error for everything that a server does not do for its callers."""
    return Usage(
        f"this needs the store itself, and {url} is a server",
        hint="Run it where the store is, with --store naming its file or database.",
    )


class _Local:
    """A part of ``Lineage`` that needs the store itself."""

    def __get__(self, held: Remote | None, owner: type) -> Any:
        if held is None:
            return self
        raise needs_store(held.url)


class Remote(Verbs, Closeable):
    """A store on a server: the verbs of ``lineage.Lineage`` that read, those of decisions, deployments and owners,
    ``ingest`` and ``take_run``.

    Answers, certificates and errors are those that the store itself would give, within what the
    server allows: a walk has at most 100,000 nodes, and its certificate then says so. Use it in a
    ``with``, one for each thread.

    ``token`` is what the server knows its caller by (default: ``LINEAGE_TOKEN``), ``timeout`` how
    many seconds an answer may take. Opening sends nothing. Raises ``Usage`` for an address that is
    none.
    """

    def __init__(self, url: str, *, token: str | None = None, timeout: float = TIMEOUT) -> None:
        known = token if token is not None else config.value("token").value or ""
        self._transport = Transport(address(url, known), timeout)

    admit: Final = _Local()
    backup: Final = _Local()
    context: Final = _Local()
    home: Final = _Local()
    load: Final = _Local()
    rebuild: Final = _Local()
    store: Final = _Local()

    @property
    def url(self) -> str:
        """The server's address, without anything secret."""
        return str(self._transport.address)

    def __repr__(self) -> str:
        return f"<Remote: {self.url}>"

    def ingest(self, batches: Iterable[Batch] | Batch, *, source: str = "python") -> Report:
        """Assert batches, each in a transaction of its own and at most 1 MiB as PROV-JSON.

        The server puts ``document:`` and the name of the token before the source. It needs the role contributor. Where the
        connection breaks, a batch may be written or not; the same batch again is harmless.
        """
        receipts: list[reading.Object] = []
        seen: Counter[str] = Counter()
        losses: Counter[tuple[str, str]] = Counter()
        for batch in (batches,) if isinstance(batches, Batch) else batches:
            check.demand(batch)
            text = formats.named("json").dumps(batch).decode()
            variables = {"input": {"document": text, "format": "json", "source": source}}
            said = self._transport.mutate(mutation(INGEST), variables)
            receipts.append(self._read(said, reading.receipt))
            seen.update(batch.seen)
            losses.update({(loss.what, loss.reason): loss.number for loss in batch.losses})
        return Report(
            source=receipts[-1]["source"] if receipts else source,
            importer="api",
            things=sum(receipt["things"] for receipt in receipts),
            added=sum(receipt["records"] for receipt in receipts),
            unchanged=sum(receipt["unchanged"] for receipt in receipts),
            retracted=0,
            entries=tuple(seq for receipt in receipts for seq in receipt["entries"]),
            seen=dict(seen),
            losses=tuple(Loss(what, number, why) for (what, why), number in losses.items()),
        )

    def take_run(self, data: bytes) -> tuple[Report, ...]:
        """Send the bytes of a run file, which capture has written, of at most 1 MiB; twice is once. The server puts
        the name of the token before the run's in the name of the source. It needs the role contributor.
        """
        variables = {"input": {"file": data.decode("ascii", "replace")}}
        said = self._transport.mutate(mutation(TAKE_RUN), variables)
        return (reading.report(self._read(said, reading.receipt), "captured", {"runs": 1}),)

    def answer(self, request: Request[R]) -> R:
        """See ``Verbs.answer``. Raises ``Usage`` for what needs the store itself."""
        if request.graphql is None and request.mutation is None:
            raise needs_store(self.url)
        read = _READERS[answer_of(type(request))]
        if request.mutation is not None:
            given = {"input": _variables(request)}
            return cast(
                "R", self._read(self._transport.mutate(document(type(request)), given), read)
            )
        if isinstance(request, FindRequest | AskRequest):
            return cast("R", self._pages(request, read))
        return cast("R", self._asked(request, read))

    def _pages(self, request: FindRequest | AskRequest, read: Callable[[Any], Answer]) -> Answer:
        """As many pages as it takes."""
        largest = _ANSWER if isinstance(request, AskRequest) else _PAGE
        found = [self._asked(replace(request, limit=min(request.limit, largest)), read)]
        while (left := request.limit - sum(map(len, found))) > 0:
            held = found[-1].certificate
            if held.cursor is None:
                break
            size = min(left, largest)
            # What is written meanwhile is not in the pages that follow.
            following = (
                replace(request, limit=size, cursor=held.cursor)
                if isinstance(request, AskRequest)
                else replace(request, limit=size, after=held.cursor, at=held.as_of)
            )
            found.append(self._asked(following, read))
        return reading.joined(found)

    def _asked(self, request: Request[Any], read: Callable[[Any], T]) -> T:
        text = document(type(request))
        return self._read(self._transport.query(text, _variables(request)), read)

    def close(self) -> None:
        """Close the connection; calling twice is harmless."""
        self._transport.close()

    def _read(self, said: Any, read: Callable[[Any], T]) -> T:
        try:
            return read(said)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StoreUnreachable(
                f"{self.url} answered in a form that this version does not read",
                hint="Use the release of lineagedb that the server has.",
            ) from error


def _variables(request: Request[Any]) -> dict[str, Any]:
    """The fields of a request as variables, within what servers allow."""
    return {
        field.argument: _variable(field, getattr(request, field.name))
        for field in fields_of(type(request))
    }


def _variable(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if field.says.enum == "Relation":
        # Refused here as the store would: GraphQL has other words for it.
        return sorted(relations(value) or ()) or None
    if field.says.enum == "Kind":
        return sorted(kind_names(value) or ()) or None
    if isinstance(value, int) and field.scalar is int:
        most = field.says.sized[1] if field.says.sized else _LARGEST
        return max(-_LARGEST, min(value, most))
    if field.many:
        return [str(item) for item in value]
    return str(value) if field.scalar is str else value


#: Class of answers -> what reads one.
_READERS: Mapping[type, Callable[[Any], Any]] = {
    Answer: reading.found,
    WalkAnswer: reading.walked,
    ProducedAnswer: reading.produced,
    WhyAnswer: reading.connected,
    ShowAnswer: reading.shown,
    AskAnswer: reading.selected,
    Explanation: reading.explained,
    Comparison: reading.comparison,
    Bisection: reading.bisection,
    Stats: reading.stats,
    Reached: reading.reached,
    DecisionList: decided.decision_list,
    DecisionShown: decided.decision,
    Story: decided.story,
    Offers: decided.offers,
    Learnt: decided.learnt,
    Deliberated: decided.deliberated,
    Deployed: reading.deployed,
    OwnerList: reading.owner_list,
    Audit: reading.audit,
    Contributions: reading.contributions,
    OwnerSet: reading.owner_set,
    OwnerTransfer: reading.owner_transfer,
}
