# SPDX-License-Identifier: Apache-2.0
"""Running commands in this process."""

from __future__ import annotations

import pytest

from lineage.cli import main


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run a command in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LINEAGE_STORE", raising=False)

    def call(*words):
        with pytest.raises(SystemExit) as caught:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return caught.value.code or 0, said.out, said.err

    return call
