# SPDX-License-Identifier: Apache-2.0
"""Makes commands from requests: arguments, options and help are the request's; printing is by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import click

from lineage.cli import common
from lineage.services.answer import Answer
from lineage.services.request import Field, Request, fields_of

F = TypeVar("F", bound=Callable[..., None])


def command_of(
    name: str,
    request: type[Request[Any]],
    *,
    more: str = "",
    examples: Sequence[str] = (),
) -> Callable[[Callable[..., None]], click.Command]:
    """Make the command of a request that the decorated function carries out itself: it is given the
    fields, the options of its own, and ``as_json``.

    ``more`` follows the request's sentences in the help, and ``examples`` its examples.
    """

    def made(carry_out: Callable[..., None]) -> click.Command:
        own: list[click.Parameter] = getattr(carry_out, "__click_params__", [])
        params = [_param(field) for field in fields_of(request)]
        params += [*reversed(own), _json(common.as_json)]
        told = "\n".join(_help(request, more, examples))
        arguments = [
            (field.name.upper(), field.says.text)
            for field in fields_of(request)
            if field.positional and field.says.flag is None
        ]
        return _Command(name, arguments, callback=carry_out, params=params, help=told)

    return made


def options_of(request: type[Request[Any]], *names: str) -> Callable[[F], F]:
    """Add the options of these fields of another request to a function."""

    def added(function: F) -> F:
        own: list[click.Parameter] = vars(function).setdefault("__click_params__", [])
        known = {field.name: field for field in fields_of(request)}
        own.extend(_param(known[name]) for name in reversed(names))
        return function

    return added


class _Command(click.Command):
    """A command whose help says what its arguments are."""

    def __init__(self, name: str, arguments: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(name, **options)
        self._arguments = arguments

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The arguments, then the options."""
        if self._arguments:
            with formatter.section("Arguments"):
                formatter.write_dl(self._arguments)
        super().format_options(ctx, formatter)


def verb(
    name: str,
    request: type[Request[Any]],
    *,
    listed: str | None = None,
    prepare: Callable[[dict[str, Any]], None] | None = None,
    instead: Callable[[Any, dict[str, Any]], Request[Any]] | None = None,
) -> Callable[[Callable[..., None]], click.Command]:
    """Make the command of a request. The decorated function prints an answer for people, with the
    options of its own; ``listed`` is the key of an answer that is a list, in JSON. ``prepare`` may
    change what was typed before it becomes a request, and ``instead`` ask another one, as the options
    of the function want it.
    """

    def made(show: Callable[..., None]) -> click.Command:
        names = [field.name for field in fields_of(request)]

        def carry_out(*, as_json: bool, **typed: Any) -> None:
            given = {field: typed.pop(field) for field in names}
            if prepare is not None:
                prepare(given)
            asked = request(**{f.name: _value(f, given[f.name]) for f in fields_of(request)})
            if instead is not None:
                asked = instead(asked, typed)
            with common.opened(click.get_current_context()) as store:
                answer = store.answer(asked)
            if as_json and isinstance(answer, Answer):
                common.emit_pieces(answer.json_pieces(indented=True))
            elif as_json:
                common.emit(_shown(answer, listed))
            else:
                show(answer, **typed)

        vars(carry_out).update(vars(show))
        return command_of(name, request)(carry_out)

    return made


def _json(option: Callable[[Any], Any]) -> click.Parameter:
    """The parameter that a decorator of click adds."""

    def nothing() -> None: ...

    option(nothing)
    parameter: click.Parameter = vars(nothing)["__click_params__"][0]
    return parameter


def _help(request: type[Request[Any]], more: str, examples: Sequence[str]) -> Iterator[str]:
    """The request's sentences, what more there is to say, then examples."""
    yield " ".join((request.__doc__ or "").split())
    if more:
        yield f"\n{more}"
    if request.examples or examples:
        yield "\n\b\nExample:"
        yield from (f"  lineage {example}" for example in (*request.examples, *examples))


def _param(field: Field) -> click.Parameter:
    says = field.says
    if field.positional and says.flag is None:
        return click.Argument(
            [field.name], required=field.required, metavar=says.metavar, type=_type(field)
        )
    flag = says.flag or "--" + field.name.replace("_", "-")
    options: dict[str, Any] = {"help": says.text, "required": field.required}
    if field.scalar is bool:
        return click.Option([flag, field.name], is_flag=True, **options)
    multiple = field.many and says.enum != "Relation"
    default = None if field.required or multiple else field.default
    return click.Option(
        [flag, field.name],
        type=_type(field),
        metavar=says.metavar,
        multiple=multiple,
        default=default,
        show_default=default is not None,
        **options,
    )


def _type(field: Field) -> Any:
    if field.choices:
        return click.Choice(field.choices)
    low, high = field.says.at_least, field.says.at_most
    if field.scalar is int and (low is not None or high is not None):
        return click.IntRange(low, high)
    return field.scalar


def _value(field: Field, typed: Any) -> Any:
    return common.split(typed) if field.says.enum == "Relation" else typed


def _shown(answer: Any, listed: str | None) -> Mapping[str, Any]:
    if listed is None:
        shown: Mapping[str, Any] = answer.to_dict()
        return shown
    return {listed: [item.to_dict() if hasattr(item, "to_dict") else item for item in answer]}
