# SPDX-License-Identifier: Apache-2.0
"""Binds a parsed selection to a store: words become kinds, references identifiers, names relations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Protocol

from lineage.errors import BadQuery, NotFound
from lineage.model import kinds, namespaces, terms
from lineage.model.kinds import FOLDERS, KINDS, NAMES, WORDS
from lineage.query import ast, moments
from lineage.query import condition as c
from lineage.query.literals import (
    kind_names,
    kinds_like,
    label_condition,
    like,
    moment,
    relations_called,
)
from lineage.query.packages import package
from lineage.query.plan import (
    BY_DEFAULT,
    AllNodes,
    Between,
    ByIds,
    Called,
    Connections,
    Difference,
    EdgeFilter,
    Ends,
    Intersection,
    Plan,
    Traverse,
    Union,
    Where,
)
from lineage.query.words import SCHEMES

#: How a thing is tied to what a run used: a member of it, the name of it, its bytes elsewhere.
_PART_OF = EdgeFilter(
    frozenset({"hadMember", "specializationOf", "alternateOf", terms.SAME_PERSON}), tied=True
)
_PARTS = EdgeFilter(frozenset({"hadMember"}))
_VERSIONS = EdgeFilter(frozenset({"specializationOf"}))
_HISTORY = EdgeFilter(frozenset({"parent"}))
#: Kinds whose versions are those of a path as well, which are looked for by identifier.
_OF_PATHS = frozenset({"Dataset"})
#: Attributes that are declared as times.
_TIMES = frozenset(
    f.name for kind in KINDS for f in kinds.fields_of(kind) if f.metadata[kinds.TIME]
)


class Names(Protocol):
    """What binding asks a store about names."""

    def resolve(self, reference: str) -> tuple[str, str]:
        """The identifier that a short reference means, and its kind; raises ``NotFound`` or
        ``Ambiguous``.
        """
        ...

    def meant(self, reference: str) -> tuple[frozenset[str], str]:
        """All that a short reference means, and its kind: one thing, or the versions of a path."""
        ...

    def called(self, reference: str) -> Called | None:
        """What a reference means at first sight, where it is looked up with the rest of the question;
        ``None`` where it has to be looked up before.
        """
        ...

    def versions(self, name: str) -> frozenset[str]:
        """The versions of the path that a dataset is called by."""
        ...

    def known(self, key: str) -> bool:
        """Whether an attribute of this name is declared, or any node ever had it."""
        ...

    def held(self, key: str) -> bool:
        """Whether any node has the attribute now, declared or not."""
        ...

    def nearest(self, key: str) -> list[str]:
        """Names of attributes that look like this one."""
        ...


def bind(query: ast.Selection, names: Names) -> Plan:
    """Make the plan of a selection.

    Raises ``BadQuery`` for a kind, relation or attribute that there is not, with the nearest there
    is, and what ``names.resolve`` raises for references.
    """
    return _Binder(names).plan(query.of, _Around())


@dataclass(frozen=True, slots=True)
class _Around:
    """What holds where an expression stands: the relations of ``via``, and the kinds that the
    conditions joined with it ask for (``None``: any), and whether it is to name a ``single`` thing.
    """

    follow: EdgeFilter = BY_DEFAULT
    kinds: frozenset[str] | None = None
    single: bool = False

    @property
    def alone(self) -> _Around:
        """The same for a part that is joined with no conditions."""
        return self if self.kinds is None else replace(self, kinds=None)


class _Binder:
    def __init__(self, names: Names) -> None:
        self._names = names
        #: Of things that were looked up, by identifier; ``None``: not here.
        self._kinds: dict[str, str | None] = {}

    def plan(self, part: ast.Expression, around: _Around) -> Plan:
        """The plan of one expression."""
        match part:
            case ast.All():
                return AllNodes()
            case ast.Match() | ast.Compare() | ast.Missing() | ast.Reference():
                return self._atom(part, around)
            case ast.And(parts):
                within = self._within(parts, around)
                return Intersection(tuple(self.plan(each, within) for each in parts))
            case ast.Or(parts):
                return Union(tuple(self.plan(each, around) for each in parts))
            case ast.Not(of):
                return Difference(AllNodes(), self.plan(of, around))
            case ast.Via(of, relations):
                return self.plan(
                    of, replace(around, follow=EdgeFilter(relations_called(relations)))
                )
            case ast.Walk(of, up, down):
                start = self.plan(of, around.alone)
                above, below = self._with_versions(start), self._with_parts(start)
                return _walks(above, below, up, down, around.follow)
            case ast.Ends(way, of):
                return Ends(self.plan(of, around.alone), way, around.follow)
            case ast.Between(one, other):
                a, b = self.plan(one, around.alone), self.plan(other, around.alone)
                return Union((Between(a, b, around.follow), Between(b, a, around.follow)))
            case ast.Why(one, other, k):
                ends = [self._single(end) for end in (one, other)]
                return Connections(ends[0], ends[1], k, around.follow)

    def _atom(self, part: ast.Expression, around: _Around) -> Plan:
        match part:
            case ast.Reference(text):
                return self._called(text, around)
            case ast.Missing(key):
                return Where(c.Not(self._attribute(key, c.Has)))
            case ast.Compare(key, operator, literal):
                return Where(self._compared(key, operator, literal))
            case ast.Match(key, value, equals):
                return self._match(key.lower(), key, value, equals, around)
        raise AssertionError(part)

    # --- what joins restrict ---

    def _within(self, parts: tuple[ast.Expression, ...], around: _Around) -> _Around:
        """The surroundings inside an ``and``: the kinds that its conditions leave."""
        kinds = around.kinds
        for part in parts:
            if isinstance(part, ast.Match) and part.key.lower() == "kind" and part.value:
                found = kinds_like(part.value)
                if found:
                    kinds = found if kinds is None else kinds & found
        return around if kinds is around.kinds else replace(around, kinds=kinds)

    def _linked(self, plan: Plan, own: frozenset[str], around: _Around) -> Plan:
        """``kind:run and commit:"v1"``: nothing is both, so what is meant is the runs of that commit.

        A reference to another kind than is asked for stands for what has it as a cause, directly
        or as a part: a package of its environment, the name of its dataset's version.
        """
        if around.kinds is None or around.kinds & own:
            return plan
        return Traverse(Traverse(plan, "effects", _PART_OF), "effects", BY_DEFAULT, 1)

    # --- key:value ---

    def _match(
        self, word: str, key: str, value: str | None, equals: str | None, around: _Around
    ) -> Plan:
        if equals is not None and word not in ("tag", "column_tag"):
            raise BadQuery(f"{key}:... takes one value", hint='Two are for tag:"name"="value".')
        if word in ("tag", "column_tag"):
            return Where(self._tagged(word, value, equals))
        if word == "kind" and value is not None:
            return Where(self._kind(value))
        if value is None:
            return Where(c.Not(self._attribute(key, c.Has)))
        if word == "key":
            return Where(c.NameLike(value))
        if word == "id":
            return ByIds(frozenset((value,))) if "*" not in value else Where(c.NameLike(value))
        if word in WORDS:
            thing = self._thing(word, value, around)
            return self._linked(thing, frozenset(WORDS[word]), around)
        if word in SCHEMES:
            plan, kind = self._named(f"{key}:{value}", around)
            return self._linked(plan, frozenset((kind,)), around)
        return Where(self._attribute(key, lambda name: like(name, value)))

    def _kind(self, value: str) -> c.Condition:
        """A kind of ours; else the attribute of that name, where anything has it."""
        if found := kinds_like(value):
            return c.KindIn(found)
        if self._names.held("kind"):
            return c.Like("kind", value)
        near = get_close_matches(value.lower(), kind_names(), n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "Kinds: " + ", ".join(kind_names())
        raise BadQuery(f"there is no kind {value!r}", hint=hint)

    def _tagged(self, word: str, name: str | None, value: str | None) -> c.Condition:
        if name is None:
            raise BadQuery(f"{word}:<null> names no tag", hint='Write missing("tag.name").')
        key = f"{word}.{name}"
        return self._attribute(key, c.Has if value is None else lambda k: c.Like(k, value))

    def _attribute(self, key: str, condition: Callable[[str], c.Condition]) -> c.Condition:
        """A condition on an attribute. A name that nothing has is a slip, not an empty answer."""
        name = namespaces.compact(key) if ":" in key else key
        if name == "label":
            return label_condition(condition(name))
        if not self._names.known(name):
            near = self._names.nearest(name)
            hint = f"Did you mean {', '.join(near)}?" if near else "No attribute is called so."
            raise BadQuery(f"nothing here has an attribute {key!r}", hint=hint)
        return condition(name)

    def _compared(
        self, key: str, operator: ast.Operator, literal: str | float | bool
    ) -> c.Condition:
        if key.lower() == "kind":
            raise BadQuery("kinds are not compared", hint='Write kind:"run" or not kind:"run".')
        if operator == "!=":
            same = self._compared(key, "=", literal)
            return c.AllOf((self._attribute(key, c.Has), c.Not(same)))
        if key in _TIMES:
            literal = moment(key, literal)
        elif isinstance(literal, str) and operator != "=":
            # Nobody wants what comes behind "yesterday" in the alphabet.
            literal = moments.iso(literal) or literal
        if isinstance(literal, bool):
            if operator != "=":
                raise BadQuery(f"truths have no order, as {operator} wants", hint="Write = or !=.")
            return self._attribute(key, lambda name: c.Truth(name, literal))
        return self._attribute(key, lambda name: c.Compares(name, operator, literal))

    # --- things by reference ---

    def _thing(self, word: str, value: str, around: _Around) -> Plan:
        if word == "commit" and ".." in value:
            return self._commits(value)
        if word == "package":
            return Where(package(value))
        if word in ("env", "environment") and "=" in value:
            return self._environments(value)
        if "*" in value:
            return Where(c.AllOf((c.KindIn(frozenset(WORDS[word])), c.NameLike(value))))
        return self._called(f"{word}:{value}", around)

    def _called(self, reference: str, around: _Around) -> Plan:
        """What a reference names, whatever kind it is of."""
        called = None if around.single else self._names.called(reference)
        return self._named(reference, around)[0] if called is None else called

    def _named(self, reference: str, around: _Around) -> tuple[ByIds, str]:
        """What a reference names, and its kind: one thing, or the versions of a path."""
        if around.single:
            ident, kind = self._names.resolve(reference)
            return ByIds(frozenset((ident,))), kind
        found, kind = self._names.meant(reference)
        if len(found) == 1:
            self._kinds[next(iter(found))] = kind
        return ByIds(found), kind

    def _with_versions(self, named: Plan) -> Plan:
        """What an upward walk from one thing begins with: of a name, its versions as well, since
        nobody made the name.
        """
        if isinstance(named, Called):
            named = replace(named, but=_OF_PATHS)
            return Union((named, Traverse(_those(named, NAMES), "effects", _VERSIONS, 1)))
        if (kind := self._kind_of(named)) not in NAMES:
            return named
        found = Traverse(named, "effects", _VERSIONS, 1)
        return self._with_path(named, found) if kind == "Dataset" else found

    def _with_path(self, named: Plan, found: Plan) -> Plan:
        """With the versions that nobody tracked as data: a stage made them, or git has them."""
        ids = named.ids if isinstance(named, ByIds) else ()
        also = frozenset(one for name in ids for one in self._names.versions(name))
        return Union((found, ByIds(also))) if also else found

    def _with_parts(self, named: Plan) -> Plan:
        """What a downward walk from one thing begins with: of a folder, the files in it as well."""
        if isinstance(named, Called):
            named = replace(named, but=_OF_PATHS)
            return Union((named, Traverse(_those(named, FOLDERS), "causes", _PARTS, 1)))
        kind = self._kind_of(named)
        if kind in FOLDERS:
            return Traverse(named, "causes", _PARTS, 1)
        if kind == "Dataset":
            found = self._with_path(named, Traverse(named, "effects", _VERSIONS, 1))
            return Traverse(found, "causes", _PARTS, 1)
        return named

    def _kind_of(self, named: Plan) -> str | None:
        """The kind of the one thing that a plan names; ``None`` where it names none that is here."""
        if not isinstance(named, ByIds):
            return None
        ident = next(iter(named.ids))
        if ident not in self._kinds:
            self._kinds[ident] = None
            with suppress(NotFound):  # what id: names need not be here
                self._kinds[ident] = self._names.resolve(ident)[1]
        return self._kinds[ident]

    def _commits(self, value: str) -> Plan:
        """``a..b`` as git means it: what b's history holds and a's does not."""
        first, _, last = value.partition("..")
        if not first or not last:
            raise BadQuery(f"{value!r} lacks an end", hint='Write commit:"v1.0..v1.2".')
        a, b = (self._named(f"commit:{end}", _Around())[0] for end in (first, last))
        return Difference(Traverse(b, "causes", _HISTORY), Traverse(a, "causes", _HISTORY))

    def _environments(self, value: str) -> Plan:
        """``name=version``: environments with that tag or attribute, or with that package."""
        name, _, wanted = (part.strip() for part in value.partition("="))
        if not name or not wanted:
            raise BadQuery(f"{value!r} lacks a name or a value", hint='Write env:"cuda=12.4".')
        tagged = c.AnyOf(tuple(c.Like(key, wanted) for key in (name, f"tag.{name}")))
        wanted_package = c.AllOf(
            (package(name), c.AnyOf((c.Like("version", wanted), c.Like("version", wanted + ".*"))))
        )
        kind = c.KindIn(frozenset({"Environment"}))
        holding = Traverse(
            Where(wanted_package), "effects", EdgeFilter(frozenset({"hadMember"})), 1
        )
        return Intersection((Where(kind), Union((Where(tagged), holding))))

    def _single(self, part: ast.Expression) -> str:
        """The one thing that an end of ``why`` names."""
        plan = self.plan(part, _Around(single=True))
        if isinstance(plan, ByIds):
            return next(iter(plan.ids))
        raise BadQuery(
            f"why() connects two things, and {ast.show(ast.Selection(part))} is a selection",
            hint='Name one thing at each end, as why(model:"a", dataset:"b").',
        )


def _those(named: Plan, kinds: frozenset[str]) -> Plan:
    """What a plan names, where it is of some kinds."""
    return Intersection((named, Where(c.KindIn(kinds))))


def _walks(
    above: Plan, below: Plan, up: ast.Layers | None, down: ast.Layers | None, follow: EdgeFilter
) -> Plan:
    walks = tuple(_layers(above, below, up, down, follow))
    return walks[0] if len(walks) == 1 else Union(walks)


def _layers(
    above: Plan, below: Plan, up: ast.Layers | None, down: ast.Layers | None, follow: EdgeFilter
) -> Iterator[Plan]:
    if up is not None:
        yield Traverse(above, "causes", follow, None if up == "all" else up)
    if down is not None:
        yield Traverse(below, "effects", follow, None if down == "all" else down)
