# SPDX-License-Identifier: Apache-2.0
"""Reads how entities of a catalog of Backstage name each other: ``[kind:][namespace/]name``."""

from __future__ import annotations

import re
from typing import NamedTuple

from lineage.sources.placeholder import is_placeholder

_REFERENCE = re.compile(
    r"(?:(?P<kind>[A-Za-z]+):)?(?:(?P<namespace>[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*)/)?(?P<name>[^\s:/{}<>$]+)"
)
#: An e-mail address.
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


class Reference(NamedTuple):
    """What an entity is called in the whole catalog, in small letters, as Backstage compares it."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.inner}"

    @property
    def inner(self) -> str:
        """The name in its namespace."""
        return f"{self.namespace}/{self.name}"

    @property
    def title(self) -> str:
        """The name as people write it."""
        return self.name if self.namespace == "default" else self.inner

    @property
    def is_address(self) -> bool:
        """Whether somebody is named by an e-mail address."""
        return self.kind == "user" and ADDRESS.fullmatch(self.name) is not None


def reference(text: str, *, kind: str, namespace: str) -> Reference | None:
    """What a text names, ``[kind:][namespace/]name``, with what is meant where it leaves something out; ``None`` for a
    placeholder, and for what is no reference.

    >>> str(reference("Team-A", kind="group", namespace="default")), reference("<owner>", kind="group", namespace="default")
    ('group:default/team-a', None)
    """
    found = _REFERENCE.fullmatch(text.strip())
    if found is None or is_placeholder(text):
        return None
    # A group has no address as its name: who is named so is a person.
    meant = "user" if ADDRESS.fullmatch(found["name"]) else kind
    parts = (found["kind"] or meant, found["namespace"] or namespace, found["name"])
    return Reference(*(part.lower() for part in parts))
