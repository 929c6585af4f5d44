# SPDX-License-Identifier: Apache-2.0
"""What a check finds, whichever check it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

#: A report names at most this many findings; the rest are counted.
MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong: a stable code, a sentence, and where.

    ``constraint`` is its number in PROV-CONSTRAINTS, where it has one; ``path`` the statements
    or steps, in order, that show it.
    """

    code: str
    severity: Literal["error", "warning"]
    message: str
    where: str
    constraint: int | None = None
    path: tuple[str, ...] = ()

    @property
    def fatal(self) -> bool:
        """Whether the batch cannot be stored because of it."""
        return self.severity == "error"

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "where": self.where,
            "constraint": self.constraint,
            "path": list(self.path),
        }
