# SPDX-License-Identifier: Apache-2.0
"""Tells when modules are loaded, so that what is watched in one costs nothing where it never is.

It stands alone, on the standard library, as ``watch`` does: it is also loaded by its path into programs whose Python does
not have this package.
"""

from __future__ import annotations

import functools
import sys
from contextlib import suppress

TYPE_CHECKING = False  # that of ``typing`` costs five milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    #: Told of a module, with its name, when it is loaded to its end.
    Then: TypeAlias = Callable[[str, Any], None]


class Loads:
    """Finds modules as they would be found, and says when those that somebody asks for are loaded: half of one may not
    be asked for anything (PyTorch crashes).
    """

    def __init__(self) -> None:
        self._then: dict[str, list[Then]] = {}
        self._finding = False

    def tell(self, name: str, then: Then) -> None:
        """Call ``then`` for a module, at once where it is loaded already, and each time that it is loaded later."""
        self._then.setdefault(name, []).append(then)
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        module = sys.modules.get(name)
        spec = getattr(module, "__spec__", None)
        if module is not None and not getattr(spec, "_initializing", False):
            _call(then, name, module)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Find a module as it would be found (the protocol of importlib)."""
        if self._finding or name not in self._then:
            return None
        self._finding = True
        try:
            from importlib.machinery import PathFinder

            spec = PathFinder.find_spec(name, path, target)
            loader = None if spec is None else spec.loader
            if loader is None:
                return None
            load = loader.exec_module

            @functools.wraps(load)
            def loaded(module: Any) -> None:
                load(module)
                for then in self._then[name]:
                    _call(then, name, module)

            loader.exec_module = loaded  # type: ignore[method-assign]
        except Exception:  # noqa: BLE001 - others find it
            return None
        else:
            return spec
        finally:
            self._finding = False


def _call(then: Then, name: str, module: Any) -> None:
    with suppress(Exception):  # the module is loaded, whatever is not seen of it
        then(name, module)


def loads() -> Loads:
    """The one of this process, whoever loaded it."""
    found: Loads | None = getattr(sys, _NAME, None)
    if found is None:
        found = Loads()
        setattr(sys, _NAME, found)
    return found


#: Where the one of this process stands, so that two copies of this file are one.
_NAME = "_lineage_loads"
