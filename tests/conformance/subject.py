# SPDX-License-Identifier: Apache-2.0
"""Our converter and our validator as the scorers call them: ``--subject tests.conformance.subject:convert``
and ``--validator tests.conformance.subject:valid``.
"""

from __future__ import annotations

from lineage import formats
from lineage.model import constraints


def convert(data: bytes, src: str, dst: str) -> bytes:
    """A document in another format."""
    return formats.convert(data, src, dst)


def valid(data: bytes, fmt: str) -> bool:
    """Whether PROV-CONSTRAINTS calls a document valid; raises for what cannot be read."""
    return constraints.inspect(formats.named(fmt).loads(data)).valid
