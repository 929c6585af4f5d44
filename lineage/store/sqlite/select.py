# SPDX-License-Identifier: Apache-2.0
"""Compiles conditions to SQL. Texts are compared in the canonical JSON itself, which is faster than
taking it apart; what SQL cannot say exactly is asked of ``condition.holds`` for the few rows in
question.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from lineage.model.numeric import canonical
from lineage.query import condition as c
from lineage.query.condition import Attribute, Condition

_HOLDS = "lineage_holds"
_NAMED = "SELECT key FROM node WHERE {} AND {}"


def register_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the one function that our statements call."""
    connection.create_function(_HOLDS, 2, _holds, deterministic=True)


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


class ConditionSql:
    """A condition over the columns of ``node``, its values as parameters."""

    def __init__(self, condition: Condition, alias: str = "node") -> None:
        self.parameters: dict[str, Any] = {}
        self._said: dict[c.KindIn, str] = {}
        self._alias = alias
        self.sql: str = self._text(condition)

    def _bound(self, value: Any) -> str:
        name = f"{self._alias}_{len(self.parameters)}"
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
                held = self._bound(text.lower())
                ident, label = self._column("id"), self._column("label")
                return (
                    f"(instr(lower({ident}), {held}) OR coalesce(instr(lower({label}), {held}), 0))"
                )
            case _:
                return self._attribute(condition)

    def _joined(self, word: str, texts: Iterable[str], empty: str) -> str:
        return "(" + (word.join(texts) or empty) + ")"

    def _kinds(self, condition: c.KindIn) -> str:
        if condition in self._said:
            return self._said[condition]
        names = ", ".join(self._bound(kind) for kind in sorted(condition.kinds))
        return self._said.setdefault(condition, f"{self._column('kind')} IN ({names})")

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


@lru_cache(maxsize=256)
def compiled(condition: Condition, alias: str = "node") -> tuple[str, dict[str, Any]]:
    """Compile a condition to its text and parameters."""
    text = ConditionSql(condition, alias)
    return text.sql, text.parameters
