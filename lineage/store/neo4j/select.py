# SPDX-License-Identifier: Apache-2.0
"""Conditions as Cypher: a sieve that lets through all that may meet them, and mostly nothing else.

Attributes are one JSON text here, which Cypher searches but does not take apart. Most are properties as well,
which tell sooner what certainly does not meet a condition; ``condition.accepts`` has the last word on what comes
through a sieve that is not exact.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from copy import copy
from functools import lru_cache
from typing import Any

import orjson

from lineage.model.kinds import KINDS, PLAIN
from lineage.model.numeric import canonical
from lineage.query import condition as c
from lineage.query.condition import Attribute, Condition
from lineage.store.neo4j.properties import NAME, NODE, indexed_texts, lookup_key

_BY_NAME = "MATCH (n:{0}) USING INDEX SEEK n:{0}(name) WHERE {1} RETURN n"
_BY_UID = "MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid {} {} RETURN n"
#: One of the two parts finds nothing, and is over at once.
_BY_TEXT = """CALL () {{
  MATCH (l:Ledger {{one: 1}}) WHERE NOT coalesce({name} IN l.otherwise, true) WITH l
  MATCH (n:{kind}) USING INDEX SEEK n:{kind}({key}) WHERE n.{key} STARTS WITH {stem} AND {held} RETURN n
  UNION ALL
  MATCH (l:Ledger {{one: 1}}) WHERE coalesce({name} IN l.otherwise, true) WITH l
  MATCH (n:{kind}) WHERE {held} RETURN n }}"""
#: Kinds whose indexes of names are looked into one by one; beyond that it is the one of all nodes.
_FEW = 4
#: Behind all that a name adds to a label: whose word a partner's claim is.
_BEYOND = " (\uffff"
#: Names of properties that stand in a text as they are.
_SOUND = re.compile(r"[A-Za-z0-9_.:-]+")
#: Integers beyond are not told apart by floating point.
_EXACT = 2**53
#: How a number compares that certainly does not meet a comparison. To Cypher what has no order with a number is
#: neither; unequal it would be.
_AGAINST = {"<": (">",), "<=": (">",), ">": ("<",), ">=": ("<",), "=": ("<", ">")}
_ORDER = {"<": "<=", "<=": "<=", ">": ">=", ">=": ">=", "=": "="}


class Sieve:
    """A condition over a node ``n``; ``exact`` where nothing else comes through.

    The opposite of a sieve is no sieve: under an odd number of ``not`` what is not exact lets
    everything through.
    """

    def __init__(self, condition: Condition) -> None:
        self.parameters: dict[str, Any] = {}
        self.exact: bool = True
        self.text: str = self._text(condition, inside_out=False)
        self.match: str = self._match(condition)

    def named(self, prefix: str) -> Sieve:
        """The same with parameters of other names, for a text that has several sieves in it."""
        other = copy(self)
        other.parameters = {prefix + name: value for name, value in self.parameters.items()}
        other.match, other.text = (
            re.sub(r"\$(?=c\d)", "$" + prefix, text) for text in (self.match, self.text)
        )
        return other

    def _match(self, condition: Condition) -> str:
        """Where the nodes to look at come from: indexes of names, the labels of kinds, or all."""
        parts = condition.parts if isinstance(condition, c.AllOf) else (condition,)
        among = next((part.kinds for part in parts if isinstance(part, c.KindIn)), None)
        for part in parts:
            if isinstance(part, c.LabelIs):
                return f"CALL () {{ {self._by_name(among, part.label, '')} }}"
            if isinstance(part, c.NameLike) and not part.pattern.startswith("*"):
                stem, star, _ = part.pattern.partition("*")
                by_uid = _BY_UID.format("STARTS WITH" if star else "=", self._bound(stem))
                return f"CALL () {{ {self._by_name(among, stem, star)} UNION {by_uid} }}"
        if among and len(among) == 1 and (found := self._by_text(min(among), parts)):
            return found
        if among:
            return f"MATCH (n:{'|'.join(sorted(among))})"
        return "MATCH (n:Node)"

    def _by_text(self, kind: str, parts: Iterable[Condition]) -> str | None:
        """The nodes of a kind by the index of an attribute, where every node of it has that as a text."""
        for part in parts:
            match part:
                case c.Like(key, pattern):
                    stem = pattern.partition("*")[0]
                case c.Compares(key, "=", str(stem)) if c.is_plain(stem):
                    pass
                case _:
                    continue
            if stem and key in indexed_texts(kind):
                names = {"kind": kind, "key": key, "held": self.text}
                names |= {"stem": self._bound(stem), "name": self._bound(lookup_key(kind, key))}
                return _BY_TEXT.format_map(names)
        return None

    def _by_name(self, among: Collection[str] | None, stem: str, star: str) -> str:
        """The nodes whose name is a label, or begins with one: names are labels, cut where they are long,
        with what is added to them.
        """
        first = self._bound(stem[:NAME])
        if star:
            compared = f"n.name STARTS WITH {first}"
        else:
            compared = f"n.name >= {first} AND n.name <= {self._bound(stem[:NAME] + _BEYOND)}"
        few = among and len(among) <= _FEW and not set(among).intersection(PLAIN)
        wanted = sorted(among or ()) if few else ["Node"]
        return " UNION ".join(_BY_NAME.format(label, compared) for label in wanted)

    def _bound(self, value: Any) -> str:
        name = f"c{len(self.parameters)}"
        self.parameters[name] = value
        return "$" + name

    def _text(self, condition: Condition, *, inside_out: bool) -> str:
        match condition:
            case c.AllOf(parts):
                return self._joined(" AND ", parts, "true", inside_out=inside_out)
            case c.AnyOf(parts):
                return self._joined(" OR ", parts, "false", inside_out=inside_out)
            case c.Not(of):
                return f"NOT {self._text(of, inside_out=not inside_out)}"
            case c.KindIn(kinds):
                return self._of_kinds(kinds)
            case c.LabelIs(label):
                return f"coalesce(n.label = {self._bound(label)}, false)"
            case c.IdPrefix(prefix):
                return f"n.uid STARTS WITH {self._bound(prefix)}"
            case c.NameLike(pattern):
                return self._called(pattern, inside_out=inside_out)
            case c.TextContains(text):
                held = self._bound(text.lower())
                return self._named(f"toLower({{}}) CONTAINS {held}")
            case _:
                text, exact = self._attribute(condition)
                return text if exact else self._loosely(text, inside_out=inside_out)

    def _of_kinds(self, kinds: Collection[str]) -> str:
        """A label tells the kind, and costs less than a property, but where all of a family have it."""
        labels = sorted(kind for kind in kinds if kind in KINDS and kind not in PLAIN)
        others = sorted(set(kinds).difference(labels))
        texts = [f"n:{'|'.join(labels)}"] if labels else []
        texts += [f"n.kind IN {self._bound(others)}"] if others or not labels else []
        return f"({' OR '.join(texts)})"

    def _joined(
        self, word: str, parts: Iterable[Condition], empty: str, *, inside_out: bool
    ) -> str:
        texts = [self._text(part, inside_out=inside_out) for part in parts]
        return "(" + (word.join(texts) or empty) + ")"

    def _loosely(self, text: str, *, inside_out: bool) -> str:
        self.exact = False
        return "false" if inside_out else text

    def _named(self, form: str) -> str:
        """Mostly it is the label that is meant: where it is, the identifier is not read."""
        return f"(coalesce({form.format('n.label')}, false) OR {form.format('n.uid')})"

    def _called(self, pattern: str, *, inside_out: bool) -> str:
        first, *rest = pattern.split("*")
        if not rest:
            return self._named("{} = " + self._bound(pattern))
        text = self._named("{} STARTS WITH " + self._bound(first))
        if rest == [""]:
            return text
        if len(rest) == 1 and not first:
            return self._named("{} ENDS WITH " + self._bound(rest[0]))
        return self._loosely(text, inside_out=inside_out)

    # --- attributes ---

    def _attribute(self, condition: Attribute) -> tuple[str, bool]:
        """The text of a condition on an attribute, and whether it is exact."""
        if condition.key in c.VALUE_KEYS:
            return "true", False
        mark = c.mark(condition.key)
        match condition:
            case c.Has() | c.Like(_, "*"):
                return self._holding(mark), True
            case c.Like(key, pattern):
                return self._text_of(
                    key, pattern.partition("*")[0], self._like(mark, pattern)
                ), False
            case c.Compares(key, operator, float() | int() as literal):
                return self._number(key, operator, literal), False
            case c.Compares(key, operator, str(literal)) if (
                amount := canonical(literal)
            ) is not None:
                return self._number(key, operator, amount), False
            case c.Compares(key, "=", str(literal)) if c.is_plain(literal):
                written = self._written(mark, orjson.dumps(literal).decode())
                return self._text_of(key, literal, written), False
            case c.NotCompared(_, _, float() | int() as literal) if not isinstance(literal, bool):
                return f"({self._holding(mark)} AND NOT {self._number_behind(mark)})", False
            case _:
                return self._holding(mark), False

    def _holding(self, text: str) -> str:
        return f"n.attributes CONTAINS {self._bound(text)}"

    def _written(self, mark: str, *texts: str) -> str:
        """One of these texts behind the key; several values, and typed ones, always come through."""
        return "(" + " OR ".join(self._holding(mark + text) for text in (*texts, "[", "{")) + ")"

    def _like(self, mark: str, pattern: str) -> str:
        stem, *rest = pattern.split("*")
        text = orjson.dumps(stem).decode()
        texts = [text[:-1] if rest else text]
        return self._written(mark, *texts, *([stem] if c.may_be_bare(stem) else []))

    def _text_of(self, key: str, stem: str, otherwise: str) -> str:
        """Where the attribute is a property that is a text: whether it begins so. Of other properties it is
        unknown, and where there is none, as some attributes have (``properties``).
        """
        if key in NODE:
            return otherwise
        return f"coalesce({self._property(key)} STARTS WITH {self._bound(stem)}, {otherwise})"

    def _property(self, key: str) -> str:
        """A property of ``n``. By its name in the text it is read in two thirds of the time; no name that
        could end the quotes stands there.
        """
        return f"n.`{key}`" if _SOUND.fullmatch(key) else f"n[{self._bound(key)}]"

    def _number(self, key: str, operator: str, literal: float) -> str:
        """Where the attribute is a property that is a number: whether nothing speaks against it. Else digits
        are read up to the next sign of JSON; what is no number comes through.
        """
        mark, amount = self._bound(c.mark(key)), self._bound(float(literal))
        compared = f"toFloatOrNull({self._digits(mark)}) {_ORDER[operator]} {amount}"
        text = f"(n.attributes CONTAINS {mark} AND coalesce({compared}, true))"
        if key in NODE or abs(literal) > _EXACT:
            return text
        held = self._property(key)
        against = " OR ".join(f"{held} {sign} {amount}" for sign in _AGAINST[operator])
        return f"coalesce(NOT ({against}), {text})"

    def _digits(self, held: str) -> str:
        return f"split(split(split(n.attributes, {held})[1], ',')[0], '}}')[0]"

    def _number_behind(self, mark: str) -> str:
        """Whether a number in digits stands behind the key."""
        return f"coalesce(toFloatOrNull({self._digits(self._bound(mark))}) IS NOT NULL, false)"


@lru_cache(maxsize=256)
def sieve(condition: Condition) -> Sieve:
    """The sieve of a condition."""
    return Sieve(condition)
