# SPDX-License-Identifier: Apache-2.0
"""Says that the names in a plan have to be looked up before it is carried out."""

from __future__ import annotations

from collections.abc import Mapping

from lineage.query.plan import Called
from lineage.store.rows import NodeRow


class Unresolved(Exception):
    """A plan with names that mean nothing or several things at first sight, or more than that one;
    ``rows`` are the nodes of those that mean one.
    """

    def __init__(self, rows: Mapping[Called, NodeRow]) -> None:
        super().__init__()
        self.rows: Mapping[Called, NodeRow] = rows
