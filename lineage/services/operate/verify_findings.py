# SPDX-License-Identifier: Apache-2.0
"""What a verification finds, and how each of it is mended."""

from __future__ import annotations

from lineage.errors import LineageError
from lineage.model.findings import Finding

_DRAW = "Where the ledger is whole, 'lineage rebuild' draws the graph anew from it."
_WHOLE = "Take a backup whose ledger is whole, and compare its root with one kept elsewhere."
_TOKENS = "Revoke the token with 'lineage token revoke ID', and make a new one; find out who wrote to the store."
_FORK = "Compare with a backup or a copy that has the root that was noted; write nothing here meanwhile."
#: How each finding is mended, by its code.
_HINTS = {
    "storage-damaged": _DRAW,
    "graph-differs": _DRAW,
    "entry-missing": _WHOLE,
    "entry-changed": _WHOLE,
    "entry-unreadable": _WHOLE,
    "head-differs": _WHOLE,
    "history-differs": _FORK,
    "history-cut": _FORK,
    "token-differs": _TOKENS,
}


def finding(
    code: str, subject: str, message: str, *, entry: int | None = None, hint: str | None = None
) -> Finding:
    """Make the finding of something that is not as it was written."""
    return Finding(
        code=code,
        severity="error",
        subject=subject,
        message=message,
        responsible="operator",
        hint=_HINTS[code] if hint is None else hint,
        entry=entry,
    )


def unreadable(error: LineageError, subject: str) -> Finding:
    """Make the finding of what could not be read, under the code of its error."""
    return finding(error.code, subject, str(error), hint=error.hint)
