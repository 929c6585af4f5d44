# SPDX-License-Identifier: Apache-2.0
"""The table of engines: the scheme of an address, and the module that opens it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple, Protocol

from lineage.errors import MissingExtra, Usage
from lineage.store.address import Address
from lineage.store.base import Store


class Options(NamedTuple):
    """How a store is opened. ``create`` lays out a new one where there is none; ``durability``
    "full" survives power loss, "fast" may lose the last commits on it; ``busy_timeout`` is how long a
    writer waits for another (milliseconds, ``None``: as the engine has it). ``served``: it is opened by
    a server, for whom what is asked often may be kept in memory.
    """

    create: bool = True
    durability: str = "full"
    busy_timeout: int | None = None
    served: bool = False


class Opening(Protocol):
    """The function by which the module of an engine opens a store: ``opened``."""

    def __call__(self, address: Address, options: Options) -> Store:
        """Open the store at an address. Raises the errors of opening it."""
        ...


_NEO4J = "lineage.store.neo4j.engine"
#: Scheme -> module; no scheme is a path.
ENGINES: Mapping[str, str] = {
    "memory": "lineage.store.memory",
    "": "lineage.store.sqlite.engine",
    "sqlite": "lineage.store.sqlite.engine",
    **dict.fromkeys(("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc"), _NEO4J),
}
#: Module -> the extra of the package that brings what it needs.
_EXTRAS: Mapping[str, str] = {_NEO4J: "neo4j"}


def opened(url: str, options: Options) -> Store:
    """Open the store at an address. Raises ``Usage`` for an address of no engine here,
    ``MissingExtra``, and the errors of opening one.
    """
    if url == ":memory:":
        raise Usage("':memory:' is how SQLite says it", hint="Write memory: for a store in memory.")
    address = Address.of(url)
    module = ENGINES.get(address.scheme)
    if module is None:
        known = "memory:, sqlite:///path, a path, neo4j://host, bolt://host"
        raise Usage(f"no engine opens {address.scheme}://", hint=f"Addresses look like {known}.")
    try:
        opening: Opening = import_module(module).opened
    except ImportError as error:
        if module not in _EXTRAS:
            raise
        hint = f'pip install "lineagedb[{_EXTRAS[module]}]"'
        raise MissingExtra(f"the {error.name} package is not installed", hint=hint) from error
    return opening(address, options)
