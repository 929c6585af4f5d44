# SPDX-License-Identifier: Apache-2.0
"""Lists what an export would disclose: every string, what looks like a secret, and which nodes
stand out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from lineage.access.policy import K
from lineage.access.pseudonym import PREFIX, label
from lineage.access.secret_patterns import secrets_in
from lineage.access.sensitive import LABEL
from lineage.ids import is_unknown
from lineage.model.record import Batch, Node, Record
from lineage.model.value import Literal, Ref, Value, each

#: Strings and findings that a check lists; those beyond are counted.
MOST = 1_000
#: Places that are named for one string.
MOST_PLACES = 3

_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_TIMES = ("started", "ended", "committed", "authored", "decided", "created", "prov:time")


class Remaining(NamedTuple):
    """A string that leaves: how often, and the first places where it stands."""

    text: str
    times: int
    where: tuple[str, ...]


class Secret(NamedTuple):
    """A string that looks as if it should not leave: which form it has, and where it stands. The
    text itself is not repeated here.
    """

    form: str
    where: str


class Small(NamedTuple):
    """Nodes that few others look like: their kind, month, and effects and causes in powers of two.

    ``effects`` and ``causes`` are ranges such as ``2-3``.
    """

    kind: str
    month: str
    effects: str
    causes: str
    members: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """What ``lineage export --check`` shows. ``more_strings`` and ``more_secrets`` are not listed;
    where they are 0, the lists are whole. ``pseudonyms`` counts names that only the partner's key
    gives a meaning; they are not listed.

    ``small`` are the classes of fewer than ``k`` nodes. That there are none is no promise: who
    knows the shape of a graph may find it again.
    """

    strings: tuple[Remaining, ...]
    more_strings: int
    pseudonyms: int
    secrets: tuple[Secret, ...]
    more_secrets: int
    kinds: dict[str, int]
    relations: dict[str, int]
    k: int
    small: tuple[Small, ...]

    def to_dict(self) -> dict[str, Any]:
        """The check as JSON."""
        return {
            "strings": [item._asdict() for item in self.strings],
            "more_strings": self.more_strings,
            "pseudonyms": self.pseudonyms,
            "secrets": [item._asdict() for item in self.secrets],
            "more_secrets": self.more_secrets,
            "kinds": self.kinds,
            "relations": self.relations,
            "k": self.k,
            "small": [item._asdict() for item in self.small],
        }


def disclosure_of(batch: Batch, *, k: int = K, most: int | None = MOST) -> Disclosure:
    """List everything that can be read in a batch; ``k`` is the smallest class that hides its
    members, ``most`` how many strings and findings are listed (``None``: all).

    Reads what ``redact`` made; nothing is taken out here.
    """
    counts: Counter[str] = Counter()
    places: dict[str, dict[str, None]] = {}
    scanned: set[tuple[str, str | None]] = set()
    secrets: list[Secret] = []
    for text, where, name in _strings(batch):
        counts[text] += 1
        found = places.setdefault(text, {})
        if len(found) < MOST_PLACES:
            found[where] = None
        # Under another attribute the same text may be another secret.
        if (text, name) not in scanned:
            scanned.add((text, name))
            secrets += (Secret(form, where) for form in secrets_in(text, name))
    pseudonyms = {text for text in counts if text.startswith(PREFIX) or is_unknown(text)}
    readable = sorted(counts.keys() - pseudonyms)
    findings = sorted(set(secrets))
    return Disclosure(
        strings=tuple(
            Remaining(text, counts[text], tuple(places[text])) for text in readable[:most]
        ),
        more_strings=len(readable[most:]) if most is not None else 0,
        pseudonyms=len(pseudonyms),
        secrets=tuple(findings[:most]),
        more_secrets=len(findings[most:]) if most is not None else 0,
        kinds=_tally(kind for kind in {node.id: node.kind for node in batch.nodes}.values()),
        relations=_tally(edge.relation for edge in batch.edges),
        k=k,
        small=tuple(_small(batch, k)),
    )


def _tally(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _strings(batch: Batch) -> Iterator[tuple[str, str, str | None]]:
    """Text, place, and the attribute that holds it."""
    for record in batch.records:
        if isinstance(record, Node):
            what = record.kind
            yield record.id, f"id of {what}", None
            if record.label is not None and record.label != label(record.kind, record.id):
                yield record.label, f"{LABEL} of {what}", LABEL
        else:
            what = record.relation
            yield record.effect, f"effect of {what}", None
            yield record.cause, f"cause of {what}", None
            if record.id is not None:
                yield record.id, f"id of {what}", None
        if record.bundle is not None:
            yield record.bundle, "bundle", None
        yield from _attributes(record, what)
    for prefixes in (batch.prefixes, *batch.bundles.values()):
        for prefix, namespace in prefixes.items():
            yield prefix, "prefix", None
            yield namespace, "namespace", None


def _attributes(record: Record, what: str) -> Iterator[tuple[str, str, str | None]]:
    for name, value in record.attributes.items():
        yield name, f"attribute name of {what}", None
        for text in _texts(value):
            yield text, f"{name} of {what}", name


def _texts(value: Value) -> Iterator[str]:
    for item in each(value):
        if isinstance(item, Ref):
            yield item.iri
        elif isinstance(item, Literal):
            yield item.value
            yield from (text for text in (item.datatype, item.language) if text is not None)
        else:
            yield str(item)


def _small(batch: Batch, k: int) -> Iterator[Small]:
    effects: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    for edge in batch.edges:
        causes[edge.effect] += 1
        effects[edge.cause] += 1
    described: dict[str, tuple[str, str]] = {}
    for node in batch.nodes:
        month = _month(node) or described.get(node.id, ("", ""))[1]
        described[node.id] = (node.kind, month)
    classes = Counter(
        (*described[ident], _bucket(effects[ident]), _bucket(causes[ident])) for ident in described
    )
    for (kind, month, to, by), members in sorted(classes.items()):
        if members < k:
            yield Small(kind, month, to, by, members)


def _month(node: Node) -> str:
    for name in _TIMES:
        for text in _texts(node.attributes.get(name, ())):
            if found := _MONTH.match(text):
                return found.group()
    return ""


def _bucket(degree: int) -> str:
    """0, 1, 2-3, 4-7, 8-15, ..."""
    if degree < 2:
        return str(degree)
    low: int = 1 << (degree.bit_length() - 1)
    return f"{low}-{2 * low - 1}"
