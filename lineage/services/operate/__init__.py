# SPDX-License-Identifier: Apache-2.0
"""Verbs that keep a store: its health, its tokens, its copies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineage.deferred import submodules

__getattr__: Callable[[str], Any] = submodules(__name__)
