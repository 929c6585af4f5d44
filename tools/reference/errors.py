# SPDX-License-Identifier: Apache-2.0
"""docs/reference/errors.md: every error, out of ``lineage.errors``."""

from __future__ import annotations

from lineage import errors
from lineage.errors import LineageError
from tools.reference.markdown import HEAD, first_paragraph, table

_ABOUT = """\
# Errors

Every error has a stable code. The command prints it as `error[CODE]`, with `--json` as one object on stderr,
`{"error": {"code", "message", "where", "hint", "status", "retry_after"}}`. A server says the same in GraphQL (`message`, the rest in
`extensions`, or in `problems` of a mutation) and in RFC 9457 problems (`message` is called `detail`); where the server itself failed (a status
of 500 or more) it keeps `where` to itself. In Python they are the classes of `lineage.errors`, from a store that is here and from a server alike.

- *what to do* is the hint where the place of the error has none that says more.
- *status* is the HTTP status, *exit* the exit code of the command: 0 ok, 1 failed, 2 bad input or usage, 3 not found, 4 checks found
  problems, 5 denied, 75 temporary, 130 stopped.
- *again*: whether the same call may succeed later without anything being changed; with a number, after so many seconds (`retry_after`,
  and the header `Retry-After`) unless the error says another.

"""
_HEAD = ("code", "class", "when", "what to do", "status", "exit", "again")


def page() -> str:
    """The page as Markdown."""
    ordered = sorted(errors.every(), key=lambda kind: kind.code)
    return HEAD + "\n" + _ABOUT + table(_HEAD, map(_row, ordered))


def _row(kind: type[LineageError]) -> tuple[str, ...]:
    again = "no"
    if kind.exit_code == errors.TEMPORARY:
        again = "yes" if kind.retry_after is None else f"yes, {kind.retry_after} s"
    return (
        f"`{kind.code}`",
        f"`{kind.__name__}`",
        first_paragraph(kind),
        kind.hint,
        str(kind.status),
        str(kind.exit_code),
        again,
    )
