# SPDX-License-Identifier: Apache-2.0
"""Conditions as SQL. Texts are compared in the canonical JSON itself, which is faster than taking it
apart; what SQL cannot say exactly is asked of ``condition.holds`` for the few rows in question.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from lineage.query import condition as c
from lineage.query.condition import Attribute, Condition

_HOLDS = "lineage_holds"
_ONE_OF = " IN (SELECT value FROM json_each({}))"


def teach(connection: sqlite3.Connection) -> None:
    """Give a connection the one function that our statements call."""
    connection.create_function(_HOLDS, 2, _holds, deterministic=True)


def _holds(condition: str, attributes: str) -> bool:
    return c.holds(_read(condition), attributes)


_SORTS: Mapping[str, type[Attribute]] = {
    sort.__name__: sort for sort in (c.Has, c.Like, c.Compares, c.Truth, c.InVersions)
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


class Text:
    """A condition over the columns of ``node``, its values as parameters."""

    def __init__(self, condition: Condition, alias: str = "node") -> None:
        self.parameters: dict[str, Any] = {}
        self._alias = alias
        self.sql = self._text(condition)

    def _bound(self, value: Any) -> str:
        name = f"{self._alias}_{len(self.parameters)}"
        self.parameters[name] = value
        return ":" + name

    def _column(self, name: str) -> str:
        return f"{self._alias}.{name}"

    def _text(self, condition: Condition) -> str:
        match condition:
            case c.AllOf(parts):
                return self._joined(" AND ", parts, "1")
            case c.AnyOf(parts):
                return self._joined(" OR ", parts, "0")
            case c.Not(of):
                return f"NOT {self._text(of)}"
            case c.KindIn(kinds):
                held = self._bound(orjson.dumps(sorted(kinds)).decode())
                return self._column("kind") + _ONE_OF.format(held)
            case c.Labelled(label):
                return f"({self._column('label')} IS {self._bound(label)})"
            case c.Begins(prefix):
                low, high = self._bound(prefix), self._bound(prefix + "\U0010ffff")
                return f"({self._column('id')} >= {low} AND {self._column('id')} < {high})"
            case c.Called(pattern):
                return self._either("{0} IS {1}" if "*" not in pattern else "{0} GLOB {1}", pattern)
            case c.Contains(text):
                held = self._bound(text.lower())
                return self._named(f"instr(lower({{0}}), {held}) > 0")
            case _:
                return self._attribute(condition)

    def _joined(self, word: str, parts: Iterable[Condition], empty: str) -> str:
        return "(" + (word.join(map(self._text, parts)) or empty) + ")"

    def _either(self, form: str, pattern: str) -> str:
        value = pattern if "*" not in pattern else re.sub(r"[\[?]", r"[\g<0>]", pattern)
        held = self._bound(value)
        return self._named(form.replace("{1}", held))

    def _named(self, form: str) -> str:
        """A test of the identifier or the label; no label is not the unknown of SQL."""
        ident, label = form.format(self._column("id")), form.format(self._column("label"))
        return f"({ident} OR coalesce({label}, 0))"

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
                return self._number(condition, mark, operator, literal)
            case c.Compares(_, "=", str(literal)) if c.instant(literal) is None:
                return self._like(condition, mark, literal, exact=True)
            case _:
                return f"({self._holding(mark)} AND {self._slowly(condition)})"

    def _holding(self, text: str) -> str:
        return f"instr({self._column('attributes')}, {self._bound(text)}) > 0"

    def _slowly(self, condition: Attribute) -> str:
        return f"{_HOLDS}({self._bound(_sent(condition))}, {self._column('attributes')})"

    def _like(self, condition: Attribute, mark: str, pattern: str, *, exact: bool = False) -> str:
        """One text is found as it is written; several, and typed ones, are looked at."""
        stem = pattern if exact else pattern.split("*", maxsplit=1)[0]
        rest = "" if exact else pattern[len(stem) :]
        if rest not in ("", "*"):
            return f"({self._holding(mark)} AND {self._slowly(condition)})"
        text = orjson.dumps(stem).decode()
        found = [self._holding(mark + (text if not rest else text[:-1]))]
        if not exact and _may_be_bare(stem):
            ends = (",", "}") if not rest else ("",)
            found += [self._holding(mark + stem + end) for end in ends]
        looked = " OR ".join(self._holding(mark + sign) for sign in "[{")
        return f"({' OR '.join(found)} OR (({looked}) AND {self._slowly(condition)}))"

    def _number(self, condition: Attribute, mark: str, operator: str, literal: float) -> str:
        """Numbers are compared by SQLite, save those so near that the reading of digits counts."""
        path = self._bound('$."' + condition.key + '"')
        value = self._bound(literal if abs(literal) < 2**63 else float(literal))
        near = self._bound(abs(literal) * 1e-9)
        column = self._column("attributes")
        slow = self._slowly(condition)
        return f"""({self._holding(mark)} AND CASE json_type({column}, {path})
          WHEN 'array' THEN {slow} WHEN 'object' THEN {slow}
          WHEN 'integer' THEN json_extract({column}, {path}) {operator} {value}
          WHEN 'real' THEN CASE WHEN abs(json_extract({column}, {path}) - {value}) <= {near}
            THEN {slow} ELSE json_extract({column}, {path}) {operator} {value} END
          ELSE 0 END)"""


_BARE = re.compile(r"-?[0-9.eE+\-]*|t|tr|tru|true|f|fa|fal|fals|false")


def _may_be_bare(text: str) -> bool:
    """Whether numbers or truths may be written so, or begin so."""
    return _BARE.fullmatch(text) is not None


@lru_cache(maxsize=256)
def compiled(condition: Condition, alias: str = "node") -> tuple[str, dict[str, Any]]:
    """The text and parameters of a condition."""
    text = Text(condition, alias)
    return text.sql, text.parameters
