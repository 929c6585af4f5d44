# SPDX-License-Identifier: Apache-2.0
"""What a check finds, whichever check it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

#: A report names at most this many findings; the rest are counted.
MOST = 100

#: ``error``: it must be mended; ``warning``: it should be looked at; ``note``: worth knowing.
Severity: TypeAlias = Literal["error", "warning", "note"]
#: Who can mend it: the author of a document, who trains models, or who operates the store.
Responsible: TypeAlias = Literal["author", "modeller", "operator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a check found: a stable code, how serious it is, what it is about, a sentence, who
    can mend it, and how (``hint``).

    ``path`` are the statements or steps, in order, that show it; ``constraint`` is its number in
    PROV-CONSTRAINTS, and ``entry`` that of the entry of the ledger, where it has one.
    """

    code: str
    severity: Severity
    subject: str
    message: str
    responsible: Responsible
    hint: str
    path: tuple[str, ...] = ()
    constraint: int | None = None
    entry: int | None = None

    @property
    def fatal(self) -> bool:
        """Whether it is an error."""
        return self.severity == "error"

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "path": list(self.path)}
