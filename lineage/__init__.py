# SPDX-License-Identifier: Apache-2.0
"""A database that answers what produced this, and what breaks if it goes.

>>> import lineage
>>> with lineage.open("memory:") as store:
...     store.stats().entries
0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lineage.version import __version__

#: Public name -> the module that defines it; loaded when first asked for, so that
#: ``lineage --help`` does not pay for what it does not use.
_LAZY = {
    "open": "lineage.app",
    "Lineage": "lineage.app",
    "autolog": "lineage.runs",
    "load_ipython_extension": "lineage.runs",
    "run": "lineage.runs",
    "step": "lineage.runs",
    "unload_ipython_extension": "lineage.runs",
    "convert": "lineage.formats",
    "from_prov": "lineage.formats",
    "to_prov": "lineage.formats",
    "to_rdflib": "lineage.formats",
    "validate": "lineage.formats",
    "Batch": "lineage.model.record",
    "Node": "lineage.model.record",
    "Edge": "lineage.model.record",
    "Literal": "lineage.model.value",
    "Ref": "lineage.model.value",
    "LineageError": "lineage.errors",
}

__all__ = [
    "Batch",
    "Edge",
    "Lineage",
    "LineageError",
    "Literal",
    "Node",
    "Ref",
    "__version__",
    "autolog",
    "convert",
    "from_prov",
    "load_ipython_extension",
    "open",
    "run",
    "step",
    "to_prov",
    "to_rdflib",
    "unload_ipython_extension",
    "validate",
]

if TYPE_CHECKING:
    from lineage.app import Lineage as Lineage
    from lineage.app import open as open  # noqa: A004 - the public word
    from lineage.errors import LineageError as LineageError
    from lineage.formats import convert as convert
    from lineage.formats import from_prov as from_prov
    from lineage.formats import to_prov as to_prov
    from lineage.formats import to_rdflib as to_rdflib
    from lineage.formats import validate as validate
    from lineage.model.record import Batch as Batch
    from lineage.model.record import Edge as Edge
    from lineage.model.record import Node as Node
    from lineage.model.value import Literal as Literal
    from lineage.model.value import Ref as Ref
    from lineage.runs import autolog as autolog
    from lineage.runs import load_ipython_extension as load_ipython_extension
    from lineage.runs import run as run
    from lineage.runs import step as step
    from lineage.runs import unload_ipython_extension as unload_ipython_extension


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'lineage' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
