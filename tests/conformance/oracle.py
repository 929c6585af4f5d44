# SPDX-License-Identifier: Apache-2.0
"""PROV-CONSTRAINTS read out loud: the rules as the specification writes them, chased naively.

Statements are tuples, variables are numbers, ``-`` is the placeholder. Rules are applied until
nothing changes, then the order of all events is closed transitively. Only small documents end
in reasonable time; nothing here is shared with ``lineage.model.constraints``.
"""

from __future__ import annotations

import itertools
import re

from lineage import ids
from lineage.model.record import Batch, Node
from lineage.model.value import Ref

#: Every relation that has an identifier -> its arguments, the identifier first.
ARGUMENTS = {
    "wasGeneratedBy": "i e a t",
    "used": "i a e t",
    "wasInformedBy": "i b a",
    "wasStartedBy": "i a e b t",
    "wasEndedBy": "i a e b t",
    "wasInvalidatedBy": "i e a t",
    "wasDerivedFrom": "i f e a g u",
    "wasAttributedTo": "i e h",
    "wasAssociatedWith": "i a h p",
    "actedOnBehalfOf": "i k h a",
    "wasInfluencedBy": "i y x",
}

_INFERENCES = """
5  wasInformedBy(i,b,a) -> wasGeneratedBy(g,e,a,t) used(u,b,e,s)
6  wasGeneratedBy(g,e,a,t) used(u,b,e,s) -> wasInformedBy(i,b,a)
7  entity(e) -> wasGeneratedBy(g,e,a,t) wasInvalidatedBy(v,e,b,s)
8  activity(a,s,t) -> wasStartedBy(x,a,e,b,s) wasEndedBy(y,a,f,c,t)
9  wasStartedBy(i,a,e,b,t) -> wasGeneratedBy(g,e,b,s)
10 wasEndedBy(i,a,e,b,t) -> wasGeneratedBy(g,e,b,s)
11 wasDerivedFrom(i,f,e,a!,g!,u!) -> used(u,a,e,s) wasGeneratedBy(g,f,a,t)
13 wasAttributedTo(i,e,h) -> wasGeneratedBy(g,e,a,t) wasAssociatedWith(s,a,h,p)
14 actedOnBehalfOf(i,k,h,a) -> wasAssociatedWith(r,a,k,p) wasAssociatedWith(s,a,h,q)
15 wasGeneratedBy(i,e,a,t) -> wasInfluencedBy(i,e,a)
15 used(i,a,e,t) -> wasInfluencedBy(i,a,e)
15 wasInformedBy(i,b,a) -> wasInfluencedBy(i,b,a)
15 wasStartedBy(i,a,e,b,t) -> wasInfluencedBy(i,a,e)
15 wasEndedBy(i,a,e,b,t) -> wasInfluencedBy(i,a,e)
15 wasInvalidatedBy(i,e,a,t) -> wasInfluencedBy(i,e,a)
15 wasDerivedFrom(i,f,e,a,g,u) -> wasInfluencedBy(i,f,e)
15 wasAttributedTo(i,e,h) -> wasInfluencedBy(i,e,h)
15 wasAssociatedWith(i,a,h,p) -> wasInfluencedBy(i,a,h)
15 actedOnBehalfOf(i,k,h,a) -> wasInfluencedBy(i,k,h)
19 specializationOf(f,e) specializationOf(e,d) -> specializationOf(f,d)
21 entity(e) specializationOf(f,e) -> entity(f)
21 empty(e) specializationOf(f,e) -> empty(f)
0  mentionOf(f,e,b) -> specializationOf(f,e)
"""

_UNIQUE = """
22 activity(a,s,t) activity(a,u,v) -> s=u t=v
24 wasGeneratedBy(g,e,a,t) wasGeneratedBy(h,e,a,s) -> g=h
25 wasInvalidatedBy(g,e,a,t) wasInvalidatedBy(h,e,a,s) -> g=h
26 wasStartedBy(g,a,e,b,t) wasStartedBy(h,a,f,b,s) -> g=h
27 wasEndedBy(g,a,e,b,t) wasEndedBy(h,a,f,b,s) -> g=h
28 activity(a,s,t) wasStartedBy(i,a,e,b,u) -> s=u
29 activity(a,s,t) wasEndedBy(i,a,e,b,u) -> t=u
0  mentionOf(f,e,b) mentionOf(f,d,c) -> e=d b=c
"""

_ORDER = """
30 wasStartedBy(x,a,e,b,s) wasEndedBy(y,a,f,c,t) -> x<=y
31 wasStartedBy(x,a,e,b,s) wasStartedBy(y,a,f,c,t) -> x<=y
32 wasEndedBy(x,a,e,b,s) wasEndedBy(y,a,f,c,t) -> x<=y
33 wasStartedBy(x,a,e,b,s) used(u,a,f,t) -> x<=u
33 used(u,a,f,t) wasEndedBy(y,a,e,b,s) -> u<=y
34 wasStartedBy(x,a,e,b,s) wasGeneratedBy(g,f,a,t) -> x<=g
34 wasGeneratedBy(g,f,a,t) wasEndedBy(y,a,e,b,s) -> g<=y
35 wasInformedBy(i,b,a) wasStartedBy(x,a,e,c,s) wasEndedBy(y,b,f,d,t) -> x<=y
36 wasGeneratedBy(g,e,a,s) wasInvalidatedBy(v,e,b,t) -> g<=v
37 wasGeneratedBy(g,e,a,s) used(u,b,e,t) -> g<=u
38 used(u,a,e,s) wasInvalidatedBy(v,e,b,t) -> u<=v
39 wasGeneratedBy(g,e,a,s) wasGeneratedBy(h,e,b,t) -> g<=h
40 wasInvalidatedBy(v,e,a,s) wasInvalidatedBy(w,e,b,t) -> v<=w
41 wasDerivedFrom(i,f,e,a!,g!,u!) -> u<=g
42 wasDerivedFrom(i,f,e,a,x,y) wasGeneratedBy(g,e,b,s) wasGeneratedBy(h,f,c,t) -> g<h
43 wasGeneratedBy(g,e,b,s) wasStartedBy(x,a,e,c,t) -> g<=x
43 wasStartedBy(x,a,e,c,t) wasInvalidatedBy(v,e,b,s) -> x<=v
44 wasGeneratedBy(g,e,b,s) wasEndedBy(x,a,e,c,t) -> g<=x
44 wasEndedBy(x,a,e,c,t) wasInvalidatedBy(v,e,b,s) -> x<=v
45 specializationOf(f,e) wasGeneratedBy(g,e,a,s) wasGeneratedBy(h,f,b,t) -> g<=h
46 specializationOf(f,e) wasInvalidatedBy(v,f,a,s) wasInvalidatedBy(w,e,b,t) -> v<=w
47 wasAssociatedWith(i,a,h,p) wasStartedBy(x,a,e,b,s) wasInvalidatedBy(v,h,c,t) -> x<=v
47 wasAssociatedWith(i,a,h,p) wasGeneratedBy(g,h,b,s) wasEndedBy(y,a,e,c,t) -> g<=y
47 wasAssociatedWith(i,a,h,p) wasStartedBy(x,a,e,b,s) wasEndedBy(y,h,f,c,t) -> x<=y
47 wasAssociatedWith(i,a,h,p) wasStartedBy(x,h,e,b,s) wasEndedBy(y,a,f,c,t) -> x<=y
48 wasAttributedTo(i,e,h) wasGeneratedBy(g,h,a,s) wasGeneratedBy(j,e,b,t) -> g<=j
48 wasAttributedTo(i,e,h) wasStartedBy(x,h,f,a,s) wasGeneratedBy(j,e,b,t) -> x<=j
49 actedOnBehalfOf(i,k,h,a) wasGeneratedBy(g,h,b,s) wasInvalidatedBy(v,k,c,t) -> g<=v
49 actedOnBehalfOf(i,k,h,a) wasStartedBy(x,h,e,b,s) wasEndedBy(y,k,f,c,t) -> x<=y
"""

_TYPES = """
50 entity(e) -> e:entity
50 activity(a,s,t) -> a:activity
50 used(i,a,e,t) -> a:activity e:entity
50 wasGeneratedBy(i,e,a,t) -> a:activity e:entity
50 wasInformedBy(i,b,a) -> a:activity b:activity
50 wasStartedBy(i,a,e,b,t) -> a:activity e:entity b:activity
50 wasEndedBy(i,a,e,b,t) -> a:activity e:entity b:activity
50 wasInvalidatedBy(i,e,a,t) -> a:activity e:entity
50 wasDerivedFrom(i,f,e,a,g,u) -> f:entity e:entity
50 wasDerivedFrom(i,f,e,a!,g,u) -> a:activity
50 wasAttributedTo(i,e,h) -> e:entity
50 wasAssociatedWith(i,a,h,p) -> a:activity
50 wasAssociatedWith(i,a,h,p!) -> p:entity
50 actedOnBehalfOf(i,k,h,a) -> a:activity
50 alternateOf(f,e) -> e:entity f:entity
50 specializationOf(f,e) -> e:entity f:entity
50 hadMember(c,e) -> c:entity e:entity
"""

_APART = frozenset(ARGUMENTS) - {"wasInfluencedBy", "wasDerivedFrom"}


class Contradiction(Exception):
    """Two constants would have to be one."""


def _rules(text, conclusion):
    for line in text.strip().splitlines():
        number, _, rule = line.partition(" ")
        left, right = rule.split(" -> ")
        yield int(number), _atoms(left), conclusion(right)


def _atoms(text):
    return [(name, tuple(args.split(","))) for name, args in re.findall(r"(\w+)\(([^)]*)\)", text)]


def _pairs(separator):
    return lambda text: [tuple(item.split(separator)) for item in text.split()]


INFERENCES = list(_rules(_INFERENCES, _atoms))
UNIQUE = list(_rules(_UNIQUE, _pairs("=")))
for _name, _arguments in ARGUMENTS.items():
    _one = tuple(_arguments.split())
    _two = ("i", *(f"{item}'" for item in _one[1:]))
    UNIQUE.append((23, [(_name, _one), (_name, _two)], list(zip(_one[1:], _two[1:], strict=True))))
ORDER = []
for _number, _left, _right in _rules(_ORDER, str):
    _sign = "<=" if "<=" in _right else "<"
    ORDER.append((_number, _left, tuple(_right.split(_sign)), _sign == "<"))
TYPES = list(_rules(_TYPES, _pairs(":")))


class Oracle:
    """The facts of one batch without bundles, chased to their end."""

    def __init__(self, batch: Batch) -> None:
        self._fresh = itertools.count()
        self._known: dict[str, int] = {}
        self.facts: set[tuple] = set()
        self.malformed = False
        for record in batch.records:
            self.facts |= set(self._facts(record))

    def valid(self) -> bool:
        """Whether the specification calls the batch valid."""
        if self.malformed:
            return False
        try:
            self.chase()
        except Contradiction:
            return False
        order, strict = self.order()
        return not any((y, x) in order for x, y in strict) and self._possible()

    # ---------------------------------------------------------------- statements
    def _facts(self, record):
        if isinstance(record, Node):
            times = (self._term(record.attributes.get(key)) for key in ("started", "ended"))
            if record.kind == "Activity":
                yield ("activity", record.id, *times)
            else:
                yield (record.kind.lower(), record.id)
            if record.attributes.get("prov:type") == Ref(
                "http://www.w3.org/ns/prov#EmptyCollection"
            ):
                yield ("empty", record.id)
            return
        effect, cause = self._term(record.effect), self._term(record.cause)
        more = {
            "wasGeneratedBy": ["prov:time"],
            "used": ["prov:time"],
            "wasStartedBy": ["prov:starter", "prov:time"],
            "wasEndedBy": ["prov:ender", "prov:time"],
            "wasInvalidatedBy": ["prov:time"],
            "wasDerivedFrom": ["prov:activity", "prov:generation", "prov:usage"],
            "wasAssociatedWith": ["prov:plan"],
            "actedOnBehalfOf": ["prov:activity"],
            "mentionOf": ["prov:bundle"],
        }.get(record.relation, [])
        given = [record.attributes.get(key) for key in more]
        if record.relation == "wasDerivedFrom" and given[0] is None:
            self.malformed |= given[1:] != [None, None]  # constraint 51
            given = [value or "-" for value in given]
        if record.relation == "wasAssociatedWith":
            given = [value or "-" for value in given]
        values = [self._term(value) for value in given]
        if record.relation in ARGUMENTS:
            yield (record.relation, self._term(record.id), effect, cause, *values)
        else:
            yield (record.relation, effect, cause, *values)

    def _term(self, value):
        if value is None:
            return next(self._fresh)
        if isinstance(value, Ref):
            return value.iri
        if ids.is_unknown(value):
            return self._known.setdefault(value, next(self._fresh))
        return value

    # ---------------------------------------------------------------- the chase
    def chase(self) -> None:
        """Apply uniqueness and inferences until nothing changes."""
        changed = True
        while changed:
            while self._unify():
                pass
            changed = self._infer()

    def _unify(self) -> bool:
        for _, left, equal in UNIQUE:
            for found in self.matches(left):
                for one, other in equal:
                    x, y = found[one], found[other]
                    if x != y:
                        self._replace(x, y)
                        return True
        return False

    def _replace(self, x, y):
        if not isinstance(x, int):
            x, y = y, x
        if not isinstance(x, int):
            raise Contradiction(x, y)
        self.facts = {tuple(y if term == x else term for term in fact) for fact in self.facts}

    def _infer(self) -> bool:
        changed = False
        for _, left, right in INFERENCES:
            for found in list(self.matches(left)):
                if next(self.matches(right, found), None) is None:
                    made = dict(found)
                    for name, arguments in right:
                        for argument in arguments:
                            if argument not in made:
                                made[argument] = next(self._fresh)
                        self.facts.add((name, *(made[argument] for argument in arguments)))
                    changed = True
        return changed

    def matches(self, atoms, bound=None):
        """Every way to bind the variables of some atoms to terms of facts."""
        bound = bound or {}
        if not atoms:
            yield bound
            return
        (name, arguments), *rest = atoms
        for fact in [fact for fact in self.facts if fact[0] == name]:
            extended = dict(bound)
            for argument, term in zip(arguments, fact[1:], strict=True):
                if argument.endswith("!") and term == "-":
                    break
                if extended.setdefault(argument.rstrip("!"), term) != term:
                    break
            else:
                yield from self.matches(rest, extended)

    # ---------------------------------------------------------------- constraints
    def constants(self):
        """Every identifier and time of the facts."""
        return {term for fact in self.facts for term in fact[1:] if isinstance(term, str)}

    def events(self, kind, thing):
        """The generations of an entity, or the starts of an activity."""
        relation = {"generation": "wasGeneratedBy", "start": "wasStartedBy"}[kind]
        return {fact[1] for fact in self.facts if fact[0] == relation and fact[2] == thing}

    def order(self):
        """Which events precede which, and which strictly by a constraint of its own."""
        steps, strict = set(), set()
        for _, left, (x, y), is_strict in ORDER:
            for found in self.matches(left):
                steps.add((found[x], found[y]))
                if is_strict:
                    strict.add((found[x], found[y]))
        events = {event for step in steps for event in step}
        order = steps | {(event, event) for event in events}
        for middle in events:
            before = [x for x, y in order if y == middle]
            after = [y for x, y in order if x == middle]
            order |= set(itertools.product(before, after))
        return order, strict

    def _possible(self) -> bool:
        types: dict = {}
        for _, left, right in TYPES:
            for found in self.matches(left):
                for variable, kind in right:
                    types.setdefault(found[variable], set()).add(kind)
        named: dict = {}
        for fact in self.facts:
            if fact[0] in ARGUMENTS:
                named.setdefault(fact[1], set()).add(fact[0])
        things = {fact[1] for fact in self.facts if fact[0] in {"entity", "activity", "agent"}}
        empty = {fact[1] for fact in self.facts if fact[0] == "empty"}
        return (
            not any({"entity", "activity"} <= kinds for kinds in types.values())
            and not any(len(relations & _APART) > 1 for relations in named.values())
            and not things & set(named)
            and not any(f[0] == "specializationOf" and f[1] == f[2] for f in self.facts)
            and not any(f[0] == "hadMember" and f[1] in empty for f in self.facts)
        )
