# SPDX-License-Identifier: Apache-2.0
"""Parses a selection into a tree, with errors that point at the place and say what fits there."""

from __future__ import annotations

import math
import re
from difflib import get_close_matches
from functools import lru_cache, partial
from importlib.resources import files
from typing import Any, cast

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken, VisitError

from lineage.errors import BadQuery
from lineage.query import ast
from lineage.query.ast import Expression, Layers, Operator, Selection

#: Characters of a query, and how deep its parentheses nest.
LONGEST, DEEPEST = 10_000, 100
#: Connections asked for at once, at most.
MOST_PATHS = 50

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_FUNCTIONS = ("roots", "sinks", "between", "why", "missing")
#: What a terminal of the grammar is to whoever reads an error.
_WORDS = {
    "_AND": "and",
    "_OR": "or",
    "_NOT": "not",
    "_VIA": "via",
    "_AT": "at",
    "_PLUS": "'+'",
    "_COLON": "':'",
    "_EQUAL": "'='",
    "OPERATOR": "a comparison (= != < <= > >=)",
    "NAME": "a name",
    "QUOTED": 'a text in "quotes"',
    "BARE": "a value",
    "NULL": "<null>",
    "DIGITS": "a number of layers",
    "STAR": "'*'",
    "LPAR": "'('",
    "RPAR": "')'",
    "COMMA": "','",
    "K": "k=",
    "ENDS": "roots(...) or sinks(...)",
    "BETWEEN": "between(a, b)",
    "WHY": "why(a, b)",
    "MISSING": "missing(name)",
    "$END": "the end",
}


@lru_cache(maxsize=512)
def parse(text: str) -> Selection:
    """Parse a selection into its tree.

    Raises ``BadQuery`` with line, column, a caret under the place and what would fit there; also
    for a text of more than 10,000 characters or 100 levels of parentheses.

    >>> parse('+model:"fraud@v3" and kind:dataset').of.parts[1]
    Match(key='kind', value='dataset', equals=None)
    """
    if len(text) > LONGEST:
        raise BadQuery(f"the query has {len(text):,} characters, {LONGEST:,} are allowed")
    if _depth(text) > DEEPEST:
        raise BadQuery(f"the query nests deeper than {DEEPEST} levels")
    try:
        tree = _parser().parse(text)
        return cast("Selection", _Reader().transform(tree))
    except UnexpectedInput as error:
        raise _explained(text, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, BadQuery):
            raise error.orig_exc from None
        raise


def _depth(text: str) -> int:
    """How deep parentheses and negations nest: what the tree's depth cannot pass."""
    depth = most = 0
    for found in re.finditer(r"\"[^\"]*\"|[()]|\bnot\b", text, re.IGNORECASE):
        sign = found[0]
        depth += 1 if sign == "(" or sign.lower() == "not" else -1 if sign == ")" else 0
        most = max(most, depth)
    return most


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = files("lineage.query").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=False, maybe_placeholders=False)


class _Reader(Transformer[Token, Any]):
    """Bottom-up, one method a rule of the grammar."""

    def start(self, parts: list[Any]) -> Selection:
        of, *rest = parts
        at = None
        for name, value in rest:
            if name == "via":
                of = ast.Via(of, value)
            else:
                at = value
        return Selection(of, at)

    def or_(self, parts: list[Expression]) -> Expression:
        return ast.Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def and_(self, parts: list[Expression]) -> Expression:
        return ast.And(tuple(parts)) if len(parts) > 1 else parts[0]

    def not_(self, parts: list[Expression]) -> Expression:
        return ast.Not(parts[0])

    def upstream(self, parts: list[Any]) -> Expression:
        return ast.Walk(parts[1], up=parts[0])

    def downstream(self, parts: list[Any]) -> Expression:
        return ast.Walk(parts[0], down=parts[1])

    def both(self, parts: list[Any]) -> Expression:
        return ast.Walk(parts[1], up=parts[0], down=parts[2])

    def up(self, parts: list[Token]) -> Layers:
        return int(parts[0]) if parts else "all"

    down = up

    def all_(self, _: list[Token]) -> Expression:
        return ast.All()

    def match(self, parts: list[Any]) -> Expression:
        return ast.Match(*parts)

    def compare(self, parts: list[Any]) -> Expression:
        key, operator, literal = parts
        return ast.Compare(key, cast("Operator", str(operator)), literal)

    def equal(self, parts: list[Any]) -> Expression:
        return ast.Compare(parts[0], "=", parts[1])

    def missing(self, parts: list[Any]) -> Expression:
        return ast.Missing(parts[1])

    def ends(self, parts: list[Any]) -> Expression:
        word, of = parts
        return ast.Ends("roots" if word.lower() == "roots" else "sinks", of)

    def between(self, parts: list[Any]) -> Expression:
        return ast.Between(parts[1], parts[2])

    def why(self, parts: list[Any]) -> Expression:
        _, one, other, *rest = parts
        k = int(rest[1]) if rest else 1
        if not 1 <= k <= MOST_PATHS:
            raise BadQuery(f"k is between 1 and {MOST_PATHS}, not {k}")
        return ast.Why(one, other, k)

    def group(self, parts: list[Any]) -> Expression:
        return ast.Via(parts[0], parts[1][1]) if len(parts) > 1 else parts[0]

    def reference(self, parts: list[str]) -> Expression:
        return ast.Reference(parts[0])

    def field(self, parts: list[Token]) -> str:
        return _unquoted(parts[0])

    def value(self, parts: list[Token]) -> str | None:
        return None if parts[0].type == "NULL" else _unquoted(parts[0])

    def literal(self, parts: list[Token]) -> str | float | bool:
        (token,) = parts
        if token.type == "QUOTED":
            return _unquoted(token)
        if token.lower() in ("true", "false"):
            return token.lower() == "true"
        if _NUMBER.fullmatch(token) and math.isfinite(float(token)):
            return float(token) if re.search(r"[.eE]", token) else int(token)
        return str(token)

    def via(self, parts: list[str]) -> tuple[str, tuple[str, ...]]:
        return "via", tuple(parts)

    def at(self, parts: list[Any]) -> tuple[str, str]:
        return "at", str(parts[0])


def _unquoted(token: Token) -> str:
    return str(token[1:-1]) if token.type == "QUOTED" else str(token)


def _explained(text: str, error: UnexpectedInput) -> BadQuery:
    """The one error of syntax: what stands there, where that is, what would fit."""
    if isinstance(error, UnexpectedEOF) or (
        isinstance(error, UnexpectedToken) and error.token.type == "$END"
    ):
        line, column = text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1
        what = "the query ends too early" if text.strip() else "the query is empty"
    else:
        line, column = error.line, error.column
        what = f"{_seen(text, error)!r} does not fit here"
    expected = getattr(error, "accepts", None) or getattr(error, "expected", None) or set()
    if isinstance(error, UnexpectedCharacters):
        expected = error.allowed or set()
    words = sorted({_WORDS.get(name, name) for name in expected})
    hint = _suggestion(text, line, column, expected) or "Expected " + ", ".join(words) + "."
    shown = text.split("\n")[line - 1] if text else ""
    begin = max(0, column - 60)
    piece = shown[begin : column + 40]
    pointed = f"{what}\n  {piece}\n  {' ' * (column - 1 - begin)}^"
    return BadQuery(pointed, where=f"line {line}, column {column}", hint=hint)


def _seen(text: str, error: UnexpectedInput) -> str:
    if isinstance(error, UnexpectedToken):
        return str(error.token)[:40]
    rest = text[error.pos_in_stream or 0 :]
    found = re.match(r"\w+|.", rest, re.DOTALL)
    return found[0][:40] if found else rest[:1]


def _suggestion(text: str, line: int, column: int, expected: set[str]) -> str | None:
    """A better word than the one before the place, where one looks like it."""
    before = "\n".join([*text.split("\n")[: line - 1], text.split("\n")[line - 1][: column - 1]])
    rest = text[len(before) :]
    word = re.search(r"([A-Za-z_]+)\s*$", before)
    close = partial(get_close_matches, n=1, cutoff=0.6)
    if rest.startswith("(") and word:
        near = close(word[1].lower(), _FUNCTIONS)
        return f"Did you mean {near[0]}(...)?" if near else _functions()
    here = re.match(r"[A-Za-z_]+", rest)
    if here and "_AND" in expected:
        near = close(here[0].lower(), ("and", "or", "via", "at"))
        return f"Did you mean {near[0]!r}?" if near else "Join conditions with 'and' or 'or'."
    if rest.startswith("'"):
        return 'Write texts in "double quotes".'
    if text.count('"') % 2:
        return 'A text in quotes is not closed: add ".'
    return None


def _functions() -> str:
    return "The functions are " + ", ".join(f"{name}(...)" for name in _FUNCTIONS) + "."
