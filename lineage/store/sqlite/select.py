# SPDX-License-Identifier: Apache-2.0
"""Compiles conditions to SQL. Texts are compared in the canonical JSON itself, which is faster than
taking it apart; what SQL cannot say exactly is asked of ``condition.holds`` for the few rows in
question.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from lineage.model import kinds
from lineage.model.numeric import canonical
from lineage.query import condition as c
from lineage.query.condition import Attribute, Condition
from lineage.store.sqlite import names

#: Characters of what stands behind a key in an index.
_BEHIND = 200
_HOLDS = "lineage_holds"
_CONTAINS = "lineage_contains"
#: Characters of a pattern that is no longer than SQLite takes.
_PATTERN = 1_000
#: Letters of ASCII that are the lower case of others, and these.
_LOWERED = {"i": "\u0130", "k": "\u212a"}
_NAMED = "SELECT key FROM node WHERE {} AND {}"


def register_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that our statements call."""
    connection.create_function(_HOLDS, 2, _holds, deterministic=True)
    connection.create_function(_CONTAINS, 2, _contains, deterministic=True)


def _contains(text: str | None, wanted: str) -> bool:
    return text is not None and wanted in text.lower()


def _holds(condition: str, attributes: str) -> bool:
    return c.holds(_read(condition), attributes)


_SORTS: Mapping[str, type[Attribute]] = {
    sort.__name__: sort
    for sort in (c.Has, c.Like, c.Compares, c.Truth, c.NotCompared, c.InVersions)
}


@lru_cache(maxsize=1024)
def _read(text: str) -> Attribute:
    sort, *values = json.loads(text)
    return _SORTS[sort](*values)


def _sent(condition: Attribute) -> str:
    """A condition as the parameter that it travels in."""
    values = (getattr(condition, name) for name in condition.__dataclass_fields__)
    # Not orjson, which refuses integers of more than 64 bits.
    return json.dumps([type(condition).__name__, *values])


def behind(key: str, attributes: str = "attributes") -> str:
    """Write the expression of what stands behind a key, up to the end of a text that has no quotes: a
    text with its quotes, of a long one its beginning, of a list or a typed value as much as tells that
    it is one.
    """
    mark = c.mark(key)
    begin = f"instr({attributes}, '{mark}') + {len(mark)}"
    rest = f"substr({attributes}, {begin} + 1)"
    return f"substr({attributes}, {begin}, min(instr({rest}, '\"') + 1, {_BEHIND}))"


def declared() -> Iterator[tuple[str, str]]:
    """Kind and attribute of what the kinds declare that things are looked up by; not times, which are
    compared.
    """
    for kind in kinds.KINDS:
        for field in kinds.fields_of(kind):
            if field.metadata[kinds.INDEXED] and not field.metadata[kinds.TIME]:
                yield kind, field.name


def index_of(kind: str, key: str) -> str:
    """Name the index of an attribute that a kind declares."""
    return f"node_{kind.lower()}_{key}"


def indexes() -> Iterator[str]:
    """Write the indexes of what is declared, each in the order in which things are listed."""
    for kind, key in declared():
        yield f"""CREATE INDEX {index_of(kind, key)} ON node ({behind(key)}, id)
WHERE until IS NULL AND kind = '{kind}' AND instr(attributes, '{c.mark(key)}') > 0"""


class ConditionSql:
    """A condition over the columns of ``node``, its values as parameters."""

    def __init__(
        self, condition: Condition, alias: str = "node", way: str = "", *, by_index: bool = False
    ) -> None:
        self.parameters: dict[str, Any] = {}
        self._said: dict[c.KindIn, str] = {}
        self._alias, self._way, self._by_index = alias, way, by_index
        self.sql: str = self._text(condition)

    def _bound(self, value: Any) -> str:
        name = f"{self._alias}{self._way}_{len(self.parameters)}"
        self.parameters[name] = value
        return ":" + name

    def _column(self, name: str) -> str:
        return f"{self._alias}.{name}"

    def _text(self, condition: Condition, kinds: str = "") -> str:
        """The text of one condition. ``kinds`` is what joined conditions say of the kind: with it
        the index of kinds and labels finds names.
        """
        match condition:
            case c.AllOf(parts):
                within = next((self._kinds(p) for p in parts if isinstance(p, c.KindIn)), kinds)
                texts = [self._text(part, within) for part in parts]
                if any(isinstance(part, c.NameLike) for part in parts):
                    # Names are few: the index of kinds is for finding them, not beside them.
                    texts = ["+" + text if text == within else text for text in texts]
                return self._joined(" AND ", texts, "1")
            case c.AnyOf(parts):
                return self._joined(" OR ", (self._text(part, kinds) for part in parts), "0")
            case c.Not(of):
                return f"NOT {self._text(of)}"
            case c.KindIn():
                return self._kinds(condition)
            case c.LabelIs(label):
                return f"({self._column('label')} IS {self._bound(label)})"
            case c.IdPrefix(prefix):
                return self._range(self._column("id"), prefix)
            case c.NameLike(pattern):
                return self._called(pattern, kinds)
            case c.TextContains(text):
                return self._containing(text.lower())
            case _:
                return self._attribute(condition)

    def _containing(self, text: str) -> str:
        """Identifiers or labels that hold a text. ``LIKE`` knows the cases of ASCII only, and ends at a
        NUL; what else may be meant is asked of Python.
        """
        ident, label = self._column("id"), self._column("label")
        if not text.isascii() or len(text) > _PATTERN:
            asked = self._bound(text)
            tests = [f"{_CONTAINS}({column}, {asked})" for column in (ident, label)]
        else:
            pattern = self._bound("%" + re.sub(r"[%_\\]", r"\\\g<0>", text) + "%")
            odd = [sign for letter, sign in _LOWERED.items() if letter in text]
            tests = [f"{ident} LIKE {pattern} ESCAPE '\\'", f"{label} LIKE {pattern} ESCAPE '\\'"]
            for place, (column, signs) in enumerate(((ident, odd), (label, (*odd, "\0")))):
                for sign in signs:
                    held = f"instr({column}, {self._bound(sign)})"
                    tests[place] += f" OR ({held} AND {_CONTAINS}({column}, {self._bound(text)}))"
        if not self._by_index:
            return f"({tests[0]} OR coalesce({tests[1]}, 0))"
        named = (f"SELECT key FROM node WHERE {test}" for test in tests)  # noqa: S608 - our own names
        return f"{self._column('key')} IN ({' UNION '.join(named)})"

    def _joined(self, word: str, texts: Iterable[str], empty: str) -> str:
        return "(" + (word.join(texts) or empty) + ")"

    def _kinds(self, condition: c.KindIn) -> str:
        if condition in self._said:
            return self._said[condition]
        # Written out: indexes that hold one kind are not used for a parameter.
        names = [quoted(kind) for kind in sorted(condition.kinds)]
        test = f"= {names[0]}" if len(names) == 1 else f"IN ({', '.join(names)})"
        return self._said.setdefault(condition, f"{self._column('kind')} {test}")

    def _range(self, column: str, prefix: str) -> str:
        low, high = self._bound(prefix), self._bound(prefix + "\U0010ffff")
        return f"({column} >= {low} AND {column} < {high})"

    def _called(self, pattern: str, kinds: str) -> str:
        """Names by their indexes: each column has one of its own, which OR would not use."""
        stem, star, rest = pattern.partition("*")
        within = kinds.replace(self._alias + ".", "") or "1"
        tests = []
        for column in ("label", "id"):
            if not star:
                test = f"{column} = {self._bound(pattern)}"
            else:
                test = self._range(column, stem)
                if rest:
                    glob = re.sub(r"[\[?]", r"[\g<0>]", pattern)
                    test += f" AND {column} GLOB {self._bound(glob)}"
            tests.append(_NAMED.format(within if column == "label" else "1", test))
        return f"{self._column('key')} IN ({tests[0]} UNION {tests[1]})"

    # --- attributes ---

    def _attribute(self, condition: Attribute) -> str:
        key = condition.key
        if key in ("$", "type", "lang") or '"' in key or "\\" in key:
            # These stand inside typed values as well, or are no plain JSON path.
            return self._slowly(condition)
        mark = c.mark(key)
        match condition:
            case c.Has():
                return self._holding(mark)
            case c.Like(_, pattern):
                return self._like(condition, mark, pattern)
            case c.Compares(_, operator, float() | int() as literal):
                return self._number(condition, operator, literal)
            case c.Compares(_, operator, str(literal)) if (
                amount := canonical(literal)
            ) is not None:
                return self._number(condition, operator, amount)
            case c.Compares(_, "=", str(literal)) if c.is_plain(literal):
                return self._like(condition, mark, literal, exact=True)
            case c.NotCompared(_, _, float() | int() as literal) if not isinstance(literal, bool):
                # Numbers are compared, and digits behind the key are one.
                bare = f"{self._first(mark)} GLOB '[-0-9]'"
                text = f"CASE WHEN {bare} THEN 0 ELSE {self._slowly(condition)} END"
                return f"CASE WHEN {self._holding(mark)} THEN {text} ELSE 0 END"
            case _:
                return self._guarded(self._holding(mark), condition)

    def _holding(self, text: str) -> str:
        return f"instr({self._column('attributes')}, {self._bound(text)}) > 0"

    def _guarded(self, guard: str, condition: Attribute) -> str:
        """AND would ask both where a value is wanted; CASE asks the guard first."""
        return f"CASE WHEN {guard} THEN {self._slowly(condition)} ELSE 0 END"

    def _slowly(self, condition: Attribute) -> str:
        return f"{_HOLDS}({self._bound(_sent(condition))}, {self._column('attributes')})"

    def _several(self, mark: str) -> str:
        """Whether several values, or a typed one, stand behind a key."""
        return f"{self._first(mark)} IN ('[', '{{')"

    def _first(self, mark: str) -> str:
        """The sign that stands behind a key."""
        column, begin = self._column("attributes"), self._bound(mark)
        return f"substr({column}, instr({column}, {begin}) + {len(mark)}, 1)"

    def _like(self, condition: Attribute, mark: str, pattern: str, *, exact: bool = False) -> str:
        """One text is found as it is written; several, and typed ones, are looked at."""
        stem = pattern if exact else pattern.split("*", maxsplit=1)[0]
        rest = "" if exact else pattern[len(stem) :]
        if rest not in ("", "*"):
            return self._guarded(self._holding(mark), condition)
        text = orjson.dumps(stem).decode()
        found = [self._holding(mark + (text if not rest else text[:-1]))]
        if not exact and c.may_be_bare(stem):
            ends = (",", "}") if not rest else ("",)
            found += [self._holding(mark + stem + end) for end in ends]
        looked = self._guarded(self._several(mark), condition)
        return self._joined(" OR ", (*found, looked), "0")

    def _number(self, condition: Attribute, operator: str, literal: float) -> str:
        """Numbers are compared by SQLite, save those so near that the reading of digits counts."""
        near = abs(float(literal)) * 1e-9
        low, high = self._bound(float(literal) - near), self._bound(float(literal) + near)
        value = self._bound(literal if abs(literal) < 2**63 else float(literal))
        column, path = self._column("attributes"), self._bound('$."' + condition.key + '"')
        held, slow = f"json_extract({column}, {path})", self._slowly(condition)
        # Text sorts behind every number, and lists and typed values are extracted as text; a text may
        # be the writing of a number.
        near_enough = {
            "=": f"{held} BETWEEN {low} AND {high} OR {held} > ''",
            "<": f"{held} <= {high} OR {held} > ''",
            ">": f"{held} >= {low}",
        }[operator[0]]
        return f"""CASE WHEN {near_enough} THEN CASE json_type({column}, {path})
          WHEN 'integer' THEN {held} {operator} {value}
          WHEN 'real' THEN CASE WHEN {held} BETWEEN {low} AND {high} THEN {slow}
            ELSE {held} {operator} {value} END
          WHEN 'text' THEN CASE WHEN {held} GLOB '[-0-9]*' THEN {slow} ELSE 0 END
          WHEN 'array' THEN {slow} WHEN 'object' THEN {slow} ELSE 0 END ELSE 0 END"""


def quoted(text: str) -> str:
    """Write a text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


class Way(NamedTuple):
    """A condition as SQL: how to go through ``node``, the text, and its parameters."""

    through: str
    sql: str
    parameters: Mapping[str, Any]


@lru_cache(maxsize=256)
def ways(condition: Condition) -> list[Way]:
    """Compile a condition to others, of which each thing that meets it meets exactly one: where it
    says of which kinds it speaks, an index has those that meet each of them in the order of identifiers.
    """
    parts = condition.parts if isinstance(condition, c.AllOf) else (condition,)
    named = any(isinstance(part, c.NameLike | c.LabelIs) for part in parts)
    said = next((part for part in parts if isinstance(part, c.KindIn)), None)
    if said is None or named or not 0 < len(said.kinds) <= _KINDS:
        return [Way("node", *compiled(condition))]
    others = tuple(part for part in parts if part is not said)
    found: list[Way] = []

    def add(through: str, parts: tuple[Condition, ...], more: str = "") -> None:
        text, parameters = compiled(c.AllOf(parts), way=str(len(found)))
        found.append(Way(through, text + more, parameters))

    for kind in sorted(said.kinds):
        whole = (c.KindIn(frozenset({kind})), *others)
        looked = next(filter(None, (_looked_up(kind, part) for part in others)), None)
        if looked is None:
            add("node", whole)
            continue
        key, value, part = looked
        has, value_of = f" AND instr(attributes, '{c.mark(key)}') > 0", behind(key)
        through = f"node INDEXED BY {index_of(kind, key)}"
        rest = tuple(one for one in whole if one is not part)
        add(through, rest, f"{has} AND {value_of} = {quoted(value)}")
        # Of several values, and of typed ones, more is to be read.
        for low, high in _MORE:
            add(through, whole, f"{has} AND {value_of} >= '{low}' AND {value_of} < '{high}'")
    return found


class Searched(NamedTuple):
    """A search for a text in names: what the index of names is asked, "" where it cannot be; two ways
    that go together, among ``:keys`` that it gave and among what it lacks; one among all things.
    """

    terms: str
    among: tuple[Way, Way]
    whole: Way


@lru_cache(maxsize=256)
def searched(condition: Condition) -> Searched | None:
    """Compile a search for a text in names so that it looks into their index, and not through things;
    ``None`` for what is no such search.
    """
    parts = condition.parts if isinstance(condition, c.AllOf) else (condition,)
    if not (wanted := next(filter(None, map(_texts, parts)), ())):
        return None
    sql, parameters = compiled(condition)
    found = "key IN (SELECT value FROM json_each(:keys))"
    among = (
        Way("node", f"{found} AND {sql}", parameters),
        Way("node NOT INDEXED", f"{names.NEW} AND {sql}", parameters),
    )
    if terms := names.terms(*wanted):
        whole = f"key IN ({names.FOUND}) AND {sql}"
        return Searched(terms, among, Way("node", whole, {"terms": terms, **parameters}))
    by_index = ConditionSql(condition, by_index=True)
    return Searched("", among, Way("node", by_index.sql, by_index.parameters))


def _texts(condition: Condition) -> tuple[str, ...]:
    """The texts of a condition that names hold one of them; none for any other condition."""
    parts = condition.parts if isinstance(condition, c.AnyOf) else (condition,)
    texts = tuple(part.text for part in parts if isinstance(part, c.TextContains))
    return texts if len(texts) == len(parts) else ()


#: Where texts that begin with a bracket, or a brace, begin and end.
_MORE = (("[", "\\"), ("{", "|"))
#: Kinds of a question that are looked for one by one.
_KINDS = 12


def _looked_up(kind: str, condition: Condition) -> tuple[str, str, Condition] | None:
    """The key, and its value as it is written, of a condition that an index of what is declared answers."""
    match condition:
        case c.Like(key, text) if "*" not in text and not c.may_be_bare(text):
            pass
        case c.Compares(key, "=", str(text)) if c.is_plain(text) and canonical(text) is None:
            pass
        case _:
            return None
    value = orjson.dumps(text).decode()
    plain = value == f'"{text}"' and len(value) < _BEHIND
    return (key, value, condition) if plain and (kind, key) in _DECLARED else None


_DECLARED = frozenset(declared())


@lru_cache(maxsize=256)
def compiled(
    condition: Condition, alias: str = "node", way: str = ""
) -> tuple[str, dict[str, Any]]:
    """Compile a condition to its text and parameters; ``way`` tells apart those of one statement."""
    text = ConditionSql(condition, alias, way)
    return text.sql, text.parameters
