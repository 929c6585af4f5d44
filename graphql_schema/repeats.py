# SPDX-License-Identifier: Apache-2.0
"""Limits how often one field is asked for in one place: validation compares each pair of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from lineage.errors import LimitExceeded

#: Pairs of fields with the same path in the response; a pair costs 4 us.
PAIRS = 10_000
#: The names in the response from a selection down to a field.
_Path = tuple[str, ...]


@dataclass(slots=True)
class _Pass:
    """One pass over a document; a fragment is counted once, wherever it is spread."""

    fragments: dict[str, FragmentDefinitionNode]
    known: dict[str, Counter[_Path]] = field(default_factory=dict)

    def paths(self, chosen: SelectionSetNode) -> Counter[_Path]:
        """How often each path below a selection is asked for, fragments in their places."""
        found: Counter[_Path] = Counter()
        for node in chosen.selections:
            if isinstance(node, FieldNode):
                name = (node.alias or node.name).value
                found[(name,)] += 1
                if node.selection_set:
                    for path, times in self.paths(node.selection_set).items():
                        found[(name, *path)] += times
            elif isinstance(node, InlineFragmentNode):
                found.update(self.paths(node.selection_set))
            elif isinstance(node, FragmentSpreadNode):
                found.update(self._fragment(node.name.value))
        _check(found)
        return found

    def _fragment(self, name: str) -> Counter[_Path]:
        if name not in self.known:
            # A fragment within itself counts nothing here: validation refuses it afterwards.
            self.known[name] = Counter()
            if name in self.fragments:
                self.known[name] = self.paths(self.fragments[name].selection_set)
        return self.known[name]


def _check(found: Counter[_Path]) -> None:
    pairs = sum(times * times for times in found.values() if times > 1)
    if pairs > PAIRS:
        raise LimitExceeded(
            "the query asks for the same fields in the same place too often",
            hint="Ask for each field once, or give it another alias.",
        )


def check_repeats(document: DocumentNode) -> None:
    """Raise ``LimitExceeded`` where validation would compare too many fields with each other."""
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    one = _Pass(fragments)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            one.paths(node.selection_set)
