# SPDX-License-Identifier: Apache-2.0
"""Verbs that bring assertions into a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineage.deferred import submodules

__getattr__: Callable[[str], Any] = submodules(__name__)
