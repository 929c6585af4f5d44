# SPDX-License-Identifier: Apache-2.0
"""What a verb takes, declared once beside its service: every interface is made from it.

A request is a frozen dataclass whose fields carry the sentence, the bounds and the forms that
interfaces need (``Says``). The methods of ``lineage.Lineage`` and of its client, the options of the
command, the arguments and cost of the GraphQL field, and the reference pages follow from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from inspect import Parameter, Signature
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from lineage.access.tokens import Role
from lineage.errors import Usage
from lineage.services.context import Context

R = TypeVar("R")

#: Nodes of a walk, unless it is told, in this process and over GraphQL.
EVERYTHING, ANSWER = 1_000_000, 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """What interfaces say of a field: a sentence, and the bounds that its value keeps (both
    inclusive). ``flag`` is the option of the command where it is not the field's name, ``metavar``
    what stands for its value there; ``graphql`` the argument where it is not the field's name,
    ``enum`` the enum that its values are of there, and ``sized`` the default and the largest value
    there, where the field says how much is answered.
    ``resolves`` marks text that names things: looking for what it may mean costs a search.
    """

    text: str
    at_least: int | None = None
    at_most: int | None = None
    flag: str | None = None
    metavar: str | None = None
    graphql: str | None = None
    enum: str | None = None
    sized: tuple[int, int] | None = None
    resolves: bool = False


def reference(text: str, graphql: str = "ref") -> Says:
    """A field that names one thing."""
    return Says(
        text=f"{text}: model:fraud@v3, run:ab12, sha256:..., or any identifier.",
        graphql=graphql,
        resolves=True,
    )


#: As of when: an entry's number, or a time.
When = Annotated[
    str | int | None,
    Says(text="As of an entry (41) or a time (2026-05-01T12:00Z).", metavar="WHEN"),
]
#: The relations that walks follow.
Via = Annotated[
    Iterable[str] | None,
    Says(
        text="Only these relations; without it, those that default walks follow.",
        metavar="RELATIONS",
        enum="Relation",
    ),
]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a request, with what is said of it."""

    name: str
    type: Any
    default: Any
    says: Says
    positional: bool

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        return self.default is MISSING

    @property
    def scalar(self) -> type:
        """What one value of it is: text where it may be a number too, and where it is a list."""
        parts = [p for p in get_args(self.type) or (self.type,) if p is not type(None)]
        plain = [part for part in parts if isinstance(part, type) and part in _SCALARS]
        return str if not plain or str in plain else plain[0]

    @property
    def many(self) -> bool:
        """Whether it holds several values."""
        held = get_args(self.type) or (self.type,)
        return any(get_origin(part) in _LISTS for part in (self.type, *held))

    @property
    def choices(self) -> tuple[str, ...]:
        """The words it may be, where there are few."""
        parts = (self.type, *get_args(self.type))
        return next((get_args(part) for part in parts if get_origin(part) is Literal), ())

    @property
    def argument(self) -> str:
        """Its name in GraphQL."""
        return self.says.graphql or self.name


_SCALARS = frozenset({str, int, float, bool})
_LISTS = frozenset({Iterable, Sequence})


class Request(Generic[R]):
    """One call of a verb. Subclasses are frozen dataclasses whose docstring says what the verb is for.

    ``demands`` is what a caller of a server must be; ``graphql`` is the field of the query type that
    answers it, ``mutation`` that of the mutation type, both ``None`` where a server does neither;
    ``weight`` what a call costs a server beside its rows (a plain field costs 1), ``rows`` how many
    there may be where no field says how many are answered; ``examples`` are command lines.
    """

    __slots__ = ()
    demands: ClassVar[Role] = Role.viewer
    graphql: ClassVar[str | None] = None
    mutation: ClassVar[str | None] = None
    weight: ClassVar[int] = 1
    rows: ClassVar[int] = 20
    examples: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(
        cls,
        *,
        demands: Role | None = None,
        graphql: str | None = None,
        mutation: str | None = None,
        weight: int | None = None,
        rows: int | None = None,
        examples: tuple[str, ...] | None = None,
    ) -> None:
        """What a verb says of itself. A dataclass with slots is made twice, the second time out of
        what the first one has.
        """
        super().__init_subclass__()
        cls.demands = cls.demands if demands is None else demands
        cls.graphql = cls.graphql if graphql is None else graphql
        cls.mutation = cls.mutation if mutation is None else mutation
        cls.weight = cls.weight if weight is None else weight
        cls.rows = cls.rows if rows is None else rows
        cls.examples = cls.examples if examples is None else examples

    def answer(self, ctx: Context) -> R:
        """Carry it out. Raises the errors of ``lineage.errors``."""
        raise NotImplementedError

    def __post_init__(self) -> None:
        for field in fields_of(type(self)):
            says = field.says
            value = getattr(self, field.name)
            if field.choices and value not in {*field.choices, field.default}:
                listed = " or ".join(field.choices)
                raise Usage(f"{field.name} is {listed}, not {value!r}")
            if says.at_least is None and says.at_most is None:
                continue
            if value is not None:
                _demand_within(field.name, value, says)


def _demand_within(name: str, value: Any, says: Says) -> None:
    low, high = says.at_least, says.at_most
    if (low is None or value >= low) and (high is None or value <= high):
        return
    if low is None:
        raise Usage(f"{name} is at most {high:,}, not {value}")
    if high is None:
        raise Usage(f"{name} is at least {low:,}, not {value}")
    raise Usage(f"{name} is between {low:,} and {high:,}, not {value}")


_FIELDS: dict[type, tuple[Field, ...]] = {}


def fields_of(request: type) -> tuple[Field, ...]:
    """The fields of a request, in order, with what is said of them."""
    if request not in _FIELDS:
        _FIELDS[request] = tuple(_fields(request))
    return _FIELDS[request]


def _fields(request: type) -> Iterator[Field]:
    hints = get_type_hints(request, include_extras=True)
    for field in fields(request):
        plain, says = _parted(hints[field.name])
        yield Field(field.name, plain, field.default, says, not field.kw_only)


def answer_of(request: type) -> Any:
    """The class of a request's answers."""
    bases = vars(request)["__orig_bases__"]
    (base,) = (b for b in bases if issubclass(get_origin(b) or object, Request))
    return get_args(base)[0]


def input_name(mutation: str) -> str:
    """The GraphQL type of what a mutation is given."""
    return f"{mutation[0].upper()}{mutation[1:]}Input"


def _parted(hint: Any) -> tuple[Any, Says]:
    if get_origin(hint) is Annotated:
        plain, *more = get_args(hint)
        for item in more:
            if isinstance(item, Says):
                return plain, item
    raise TypeError(f"a field of a request says nothing of itself: {hint}")


def signature_of(request: type) -> Signature:
    """The signature of the method that a request makes, ``self`` left out."""
    parameters = [
        Parameter(
            field.name,
            Parameter.POSITIONAL_OR_KEYWORD if field.positional else Parameter.KEYWORD_ONLY,
            default=Parameter.empty if field.required else field.default,
            annotation=field.type,
        )
        for field in fields_of(request)
    ]
    return Signature(parameters)


def described(request: type) -> str:
    """Write the docstring of the method that a request makes: the verb's, then a line for each
    field.
    """
    told = " ".join((request.__doc__ or "").split())
    lines = [
        f"    {field.name}: {field.says.text}{_bounds(field.says)}" for field in fields_of(request)
    ]
    return "\n".join([told, "", *lines]) if lines else told


def _bounds(says: Says) -> str:
    if says.at_least is not None and says.at_most is not None:
        return f" From {says.at_least:,} to {says.at_most:,}."
    if says.at_least is not None:
        return f" At least {says.at_least:,}."
    return "" if says.at_most is None else f" At most {says.at_most:,}."


def made(
    request: type[Request[R]], verb: str, args: tuple[Any, ...], given: Mapping[str, Any]
) -> Request[R]:
    """Make a request out of the arguments of a call. Raises ``Usage`` saying which arguments there
    are.
    """
    known = signature_of(request)
    try:
        bound = known.bind(*args, **given)
    except TypeError as error:
        names = list(known.parameters)
        wrong = [name for name in given if name not in names]
        near = [match for name in wrong for match in get_close_matches(name, names, n=1)]
        hint = f"Did you mean {near[0]}? " if near else ""
        hint += f"{verb}() takes {', '.join(names)}." if names else f"{verb}() takes nothing."
        message = f"{verb}() has no argument {wrong[0]!r}" if wrong else f"{verb}(): {error}"
        raise Usage(message, hint=hint) from error
    return request(*bound.args, **bound.kwargs)
