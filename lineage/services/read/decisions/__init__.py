# SPDX-License-Identifier: Apache-2.0
"""Decisions: what each is, what followed it, what it was worth and what was learnt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineage.deferred import submodules

__getattr__: Callable[[str], Any] = submodules(__name__)
