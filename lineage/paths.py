# SPDX-License-Identifier: Apache-2.0
"""Paths as people type them."""

from __future__ import annotations

import os
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """A path with the home folder for its ``~``; as it is written where nobody here is called so, since
    files may begin with that sign too.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib raises where nobody is called so
