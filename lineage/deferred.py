# SPDX-License-Identifier: Apache-2.0
"""Loads modules of a package when somebody first asks for them (PEP 562): a program pays for what it
uses.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def submodules(package: str) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a package whose attributes are its modules."""

    def load(name: str) -> Any:
        full = f"{package}.{name}"
        if name.startswith("_") or find_spec(full) is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return import_module(full)

    return load
