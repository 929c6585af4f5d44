# SPDX-License-Identifier: Apache-2.0
"""The audit: what is missing or contradicts itself in what is recorded, and a score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineage.deferred import submodules

__getattr__: Callable[[str], Any] = submodules(__name__)
