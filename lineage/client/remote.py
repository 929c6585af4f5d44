# SPDX-License-Identifier: Apache-2.0
"""The verbs of a store that a server keeps, over GraphQL."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

from lineage import formats
from lineage.client import reading
from lineage.client.address import address
from lineage.client.documents import document
from lineage.client.transport import Transport
from lineage.errors import StoreUnreachable, Usage
from lineage.model import check
from lineage.model.record import Batch, Loss
from lineage.services.answer import Answer
from lineage.services.ask import MOST, PAGE
from lineage.services.compare import Comparison
from lineage.services.ingest import Report
from lineage.services.show import kind_names
from lineage.services.trace import relations
from lineage.store.base import Stats

T = TypeVar("T")
When = str | int | None

#: Seconds that a server may take to answer.
TIMEOUT = 120.0
#: Nodes that servers give in one flat answer, and in one page of a search.
_ANSWER, _PAGE = 100_000, 200
#: The largest number that GraphQL has.
_LARGEST = 2**31 - 1


def needs_store(url: str) -> Usage:
    """The error of everything that a server does not do for its callers."""
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


class Remote:
    """A store on a server: the verbs of ``lineage.Lineage`` that read, and ``ingest``.

    Answers, certificates and errors are those that the store itself would give, within what the
    server allows: a walk has at most 100,000 nodes, and its certificate then says so. Use it in a
    ``with``, one for each thread.

    ``token`` is what the server knows its caller by (default: ``LINEAGE_TOKEN``), ``timeout`` how
    many seconds an answer may take. Opening sends nothing. Raises ``Usage`` for an address that is
    none.
    """

    def __init__(self, url: str, *, token: str | None = None, timeout: float = TIMEOUT) -> None:
        known = token if token is not None else os.environ.get("LINEAGE_TOKEN", "").strip()
        self._transport = Transport(address(url, known), timeout)

    admit = _Local()
    context = _Local()
    export = _Local()
    home = _Local()
    load = _Local()
    package = _Local()
    rebuild = _Local()
    sparql = _Local()
    store = _Local()
    validate = _Local()
    verify = _Local()

    @property
    def url(self) -> str:
        """The server's address, without anything secret."""
        return str(self._transport.address)

    def __repr__(self) -> str:
        return f"<Remote: {self.url}>"

    def ingest(self, batches: Iterable[Batch] | Batch, *, source: str = "python") -> Report:
        """Assert batches, each in a transaction of its own and at most 1 MiB as PROV-JSON.

        The server puts ``document:`` before the source. It needs the role contributor. Where the
        connection breaks, a batch may be written or not; the same batch again is harmless.
        """
        receipts: list[reading.Object] = []
        seen: Counter[str] = Counter()
        losses: Counter[tuple[str, str]] = Counter()
        for batch in (batches,) if isinstance(batches, Batch) else batches:
            check.demand(batch)
            text = formats.named("json").dumps(batch).decode()
            variables = {"input": {"document": text, "format": "json", "source": source}}
            said = self._transport.mutate(document("ingest"), variables)
            receipts.append(self._read(said, _receipt))
            seen.update(batch.seen)
            losses.update({(loss.what, loss.reason): loss.number for loss in batch.losses})
        return Report(
            source=receipts[-1]["source"] if receipts else source,
            importer="api",
            added=sum(receipt["records"] for receipt in receipts),
            unchanged=sum(receipt["unchanged"] for receipt in receipts),
            retracted=0,
            entries=tuple(seq for receipt in receipts for seq in receipt["entries"]),
            seen=dict(seen),
            losses=tuple(Loss(what, number, why) for (what, why), number in losses.items()),
        )

    def trace(self, reference: str, **chosen: Any) -> Answer:
        """What produced this (``services.trace.trace``)."""
        return self._answer("trace", ref=reference, **_walked(**chosen))

    def impact(self, reference: str, **chosen: Any) -> Answer:
        """What depends on this (``services.trace.impact``)."""
        return self._answer("impact", ref=reference, **_walked(**chosen))

    def produced(self, reference: str, **chosen: Any) -> Answer:
        """What produced this, in groups and as a tree (``services.produced.produced``)."""
        return self._answer("produced", ref=reference, **_walked(**chosen))

    def compare(self, one: str, other: str, at: When = None) -> Comparison:
        """What differs between two runs or model versions (``services.compare.compare``)."""
        return self._asked("compare", reading.comparison, a=one, b=other, at=_when(at))

    def why(
        self, one: str, other: str, *, k: int = 1, via: Iterable[str] | None = None, at: When = None
    ) -> Answer:
        """How two things are connected (``services.why.why``)."""
        return self._answer("why", a=one, b=other, k=_int(k), via=_via(via), at=_when(at))

    def show(self, reference: str, at: When = None) -> Answer:
        """One thing in full, and who says so (``services.show.show``)."""
        return self._answer("show", ref=reference, at=_when(at))

    def find(
        self,
        text: str | None = None,
        *,
        kinds: Iterable[str] | None = None,
        limit: int = 50,
        after: str | None = None,
        at: When = None,
    ) -> Answer:
        """Search identifiers and labels (``services.show.find``)."""
        names = kind_names(kinds)
        asked = {"text": text, "kinds": sorted(names) if names else None}
        found = [self._answer("find", **asked, first=min(limit, _PAGE), after=after, at=_when(at))]
        while (left := limit - sum(map(len, found))) > 0 and found[-1].certificate.cursor:
            held = found[-1].certificate
            # What is written meanwhile is not in the pages that follow.
            where = {"after": held.cursor, "at": _when(held.as_of)}
            found.append(self._answer("find", **asked, first=min(left, _PAGE), **where))
        return reading.joined(found)

    def ask(
        self, query: str, *, limit: int = PAGE, cursor: str | None = None, at: When = None
    ) -> Answer:
        """What a selection selects (``services.ask.ask``)."""
        if not 1 <= limit <= MOST:
            raise Usage(f"limit is between 1 and {MOST:,}")
        asked = {"query": query, "at": _when(at)}
        found = [self._answer("ask", **asked, first=min(limit, _ANSWER), after=cursor)]
        while (left := limit - sum(map(len, found))) > 0 and found[-1].certificate.cursor:
            after = found[-1].certificate.cursor
            found.append(self._answer("ask", **asked, first=min(left, _ANSWER), after=after))
        return reading.joined(found)

    def explain(self, query: str, at: When = None) -> dict[str, Any]:
        """How a selection is understood (``services.ask.explain``)."""
        return self._asked("explain", dict, query=query, at=_when(at))

    def stats(self) -> Stats:
        """How much there is now."""
        return self._asked("stats", reading.stats)

    def close(self) -> None:
        """Close the connection; calling twice is harmless."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _answer(self, name: str, **variables: Any) -> Answer:
        return self._asked(name, reading.answer, **variables)

    def _asked(self, name: str, read: Callable[[Any], T], **variables: Any) -> T:
        return self._read(self._transport.query(document(name), variables), read)

    def _read(self, said: Any, read: Callable[[Any], T]) -> T:
        try:
            return read(said)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StoreUnreachable(
                f"{self.url} answered in a form that this version does not read",
                hint="Use the release of lineagedb that the server has.",
            ) from error


def _receipt(said: Any) -> reading.Object:
    """What was written. Raises the problem that kept it out."""
    if said["receipt"] is None:
        raise reading.error(said["problems"][0])
    receipt: reading.Object = said["receipt"]
    return receipt


def _walked(
    *,
    depth: int | None = None,
    limit: int = 1_000_000,
    via: Iterable[str] | None = None,
    at: When = None,
) -> dict[str, Any]:
    """The options of walks as variables."""
    if (depth is not None and depth < 0) or limit < 1:
        raise Usage("depth is at least 0 and limit at least 1")
    return {
        "depth": None if depth is None else _int(depth),
        "limit": min(limit, _ANSWER),
        "via": _via(via),
        "at": _when(at),
    }


def _via(names: Iterable[str] | None) -> list[str] | None:
    """Relations, refused here as the store would: GraphQL has other words for it."""
    known = relations(names)
    return None if known is None else sorted(known)


def _when(at: When) -> str | None:
    return None if at is None else str(at)


def _int(number: int) -> int:
    return max(-_LARGEST, min(number, _LARGEST))
