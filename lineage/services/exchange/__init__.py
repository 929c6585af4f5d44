# SPDX-License-Identifier: Apache-2.0
"""Exchange with partners: what leaves under a policy, and what is let in under a trust file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineage.deferred import submodules

__getattr__: Callable[[str], Any] = submodules(__name__)
