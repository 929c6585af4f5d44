# SPDX-License-Identifier: Apache-2.0
"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[1].parent / "shared" / "corpora"


@pytest.fixture
def corpora() -> Path:
    """Real files that nobody here wrote; a test that needs them is skipped where they are absent."""
    folder = Path(os.environ.get("LINEAGE_CORPORA", _BESIDE))
    if not folder.is_dir():
        pytest.skip(f"no corpora at {folder}: set LINEAGE_CORPORA")
    return folder
