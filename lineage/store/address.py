# SPDX-License-Identifier: Apache-2.0
"""The address of a store: memory:, a path, sqlite:///path, neo4j://host/database."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from lineage.paths import expanded


class Address(NamedTuple):
    """An address, and its scheme; a bare path has none."""

    url: str
    scheme: str

    @classmethod
    def of(cls, url: str) -> Address:
        """The address that a text is.

        >>> Address.of("neo4j://host/db").scheme, Address.of("data/store.db").scheme
        ('neo4j', '')
        """
        return cls(url, urlsplit(url).scheme if "://" in url or url == "memory:" else "")

    @property
    def is_file(self) -> bool:
        """Whether it names a file."""
        return self.scheme in ("", "sqlite")

    @property
    def path(self) -> Path:
        """The file that it names."""
        return expanded(unquote(urlsplit(self.url).path) if self.scheme else self.url)
