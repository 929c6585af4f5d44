# SPDX-License-Identifier: Apache-2.0
"""docs/reference/verbs.md: every verb on every interface, out of its request."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Signature
from typing import Any

import click
from graphql import GraphQLField, build_schema
from graphql.utilities.print_schema import print_input_value

from graphql_schema.limits import COST
from graphql_schema.schema import SNAPSHOT
from lineage.services.request import Field, Request, answer_of, fields_of, signature_of
from lineage.verbs import REQUESTS
from tools.reference import commands
from tools.reference.markdown import HEAD, first_paragraph, table

_ABOUT = f"""\
# Verbs

What a store can be asked and told. Each verb is declared once: the method in Python, the command and the field in GraphQL take the same arguments
and give the same answer. What the answers hold is in [answers.md](answers.md).

- *Python* is the method of what `lineage.open(...)` gives. `help(store.trace)` says the same as this page. Arguments behind the `*` are given by
  keyword only. On a server (`lineage.open("https://...")`) the verbs with a field in GraphQL work; the others raise `Usage`, because they need
  the store itself.
- *Command* is the command that answers the verb; its page has the options that only the command has, such as `--json`.
- *GraphQL* is the field of `Query`, with its arguments. The *role* is what the caller's token must have at least
  ([server.md](server.md)). The *weight* is what a call costs a server beside its rows, where a plain field costs 1;
  an argument that names things costs more, because looking for what it may mean is a search. One operation may cost {COST:,}
  ([graphql.md](graphql.md)).
"""
_HEAD = ("verb", "what it does", "command", "GraphQL")
_FIELDS = ("argument", "what it says", "type", "default", "bounds", "option", "GraphQL argument")


def page() -> str:
    """The page as Markdown."""
    known = {commands.words(ctx): ctx for ctx in commands.every()}
    queries = _queries()
    rows, sections = [], []
    for verb, request in REQUESTS.items():
        command = _command(request, known)
        asked = queries[request.graphql] if request.graphql else None
        link = "" if command is None else commands.link(command)
        says = first_paragraph(request)
        rows.append((f"[`{verb}`](#{verb})", says, link, f"`{request.graphql}`" if asked else ""))
        sections.append(_section(verb, request, command, asked))
    return "\n".join([HEAD, _ABOUT, table(_HEAD, rows), *sections])


def _queries() -> Mapping[str, GraphQLField]:
    query = build_schema(SNAPSHOT.read_text("utf-8")).query_type
    return query.fields if query else {}


def _command(
    request: type[Request[Any]], known: Mapping[tuple[str, ...], click.Context]
) -> click.Context | None:
    """The command that a request's examples call. Raises ``KeyError`` where there is none such."""
    if not request.examples:
        return None
    words = ("lineage", *request.examples[0].split())
    path = max((path for path in known if path == words[: len(path)]), key=len)
    if len(path) == 1:
        raise KeyError(f"no command is called as {request.examples[0]!r}")
    return known[path]


def _section(
    verb: str,
    request: type[Request[Any]],
    command: click.Context | None,
    asked: GraphQLField | None,
) -> str:
    lines = [f"## {verb}\n\n{first_paragraph(request)}\n"]
    lines.append(f"Python:\n\n```python\nstore.{verb}{_signature(request)}\n```\n")
    if command is None:
        lines.append("Command: none.\n")
    else:
        examples = "\n".join(f"lineage {example}" for example in request.examples)
        lines.append(f"Command: {commands.link(command)}\n\n```\n{examples}\n```\n")
    if asked is None:
        lines.append("GraphQL: none.\n")
    else:
        said = f"role {request.demands.name}, weight {request.weight}"
        lines.append(f"GraphQL ({said}):\n\n```graphql\n{_field(request.graphql, asked)}\n```\n")
    fields = [_row(field, command, asked) for field in fields_of(request)]
    return "\n".join([*lines, table(_FIELDS, fields) if fields else "It takes no arguments.\n"])


def _signature(request: type[Request[Any]]) -> str:
    known = signature_of(request)
    shown = Signature(list(known.parameters.values()), return_annotation=answer_of(request))
    return _short(str(shown))


def _short(text: str) -> str:
    """Types without the modules that they stand in."""
    for module in ("collections.abc.", "typing."):
        text = text.replace(module, "")
    head, arrow, answer = text.partition(" -> ")
    *outer, last = answer.split("[")
    inner = "[".join([*outer, last.rpartition(".")[2]]) if outer else last.rpartition(".")[2]
    return head + arrow + inner


def _field(name: str | None, asked: GraphQLField) -> str:
    given = (
        print_input_value(key, argument).removesuffix(" = null")
        for key, argument in asked.args.items()
    )
    return f"{name}({', '.join(given)}): {asked.type}"


def _row(
    field: Field, command: click.Context | None, asked: GraphQLField | None
) -> tuple[str, ...]:
    default = "required" if field.required else f"`{field.default!r}`"
    return (
        f"`{field.name}`",
        field.says.text,
        f"`{_type(field)}`",
        default,
        _bounds(field),
        "" if command is None else _option(field, command.command),
        "" if asked is None else f"`{field.argument}`",
    )


def _type(field: Field) -> str:
    held = field.type.__name__ if isinstance(field.type, type) else str(field.type)
    for module in ("collections.abc.", "typing."):
        held = held.replace(module, "")
    return held


def _bounds(field: Field) -> str:
    says = field.says
    parts = []
    if says.at_least is not None:
        parts.append(f"at least {says.at_least:,}")
    if says.at_most is not None:
        parts.append(f"at most {says.at_most:,}")
    if says.sized is not None:
        default, most = says.sized
        parts.append(f"in GraphQL {default:,} unless said, at most {most:,}")
    return "; ".join(parts)


def _option(field: Field, command: click.Command) -> str:
    """How the command is given a field: its option, or the argument by its place."""
    flag = field.says.flag or "--" + field.name.replace("_", "-")
    for param in command.params:
        if param.name == field.name or flag in param.opts:
            if isinstance(param, click.Argument):
                return f"`{(param.metavar or field.name.upper()).strip('[]')}`"
            return ", ".join(f"`{name}`" for name in param.opts)
    if command.name and field.choices:
        return "the command itself"
    raise KeyError(f"{command.name} has no option for {field.name}")
