# SPDX-License-Identifier: Apache-2.0
"""The verifier that stands alone takes what we take, and refuses what we refuse for what it looks at."""

from __future__ import annotations

import ast
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import lineage
from lineage.services.exchange import verify_package
from lineage.services.exchange.verify_package import Key, Wrong, verify
from tests.conftest import KEY
from tests.services.forging import FIRST, NOW, A, B, forge
from tests.services.hostile import CASES
from tests.services.partners import OURS, policy

SCRIPT = Path(verify_package.__file__)
#: What the document says is not looked at, nor what we took before beside the log, nor what a trust
#: file allows a partner.
NOT_LOOKED_AT = {"more bytes than the partner may send"}
OF_DOCUMENTS = {"bad-namespace", "rejected", "wrong-sequence", "input-truncated"}


def test_it_needs_nothing_but_python_and_cryptography():
    imported = set()
    for node in ast.walk(ast.parse(SCRIPT.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert imported - {"cryptography"} <= sys.stdlib_module_names


@pytest.mark.parametrize("name", CASES)
def test_no_hostile_package_that_we_refuse_for_its_proofs_is_taken(name):
    code, bundle, odd = CASES[name]
    if callable(bundle):
        return  # it is about what the document says of ours
    forged = forge(**({} if bundle is None else {"bundle": bundle}), after=FIRST, **odd)
    try:
        verify(forged.data, Key(B.public.to_text()), "a", FIRST.statement.checkpoint, now=NOW)
    except Wrong:
        return
    assert code in OF_DOCUMENTS or bundle is not None or name in NOT_LOOKED_AT


def test_what_we_send_is_verified_by_a_process_without_us(tmp_path):
    now = [NOW]
    with lineage.open("memory:", clock=lambda: now[0], person_key=KEY) as store:
        store.ingest(OURS)
        files = []
        now[0] = datetime.now(UTC)
        for number in (1, 2):
            made = store.package(None, policy("b"), A)
            files.append(tmp_path / f"{number}.zip")
            files[-1].write_bytes(made.data)
            now[0] += timedelta(seconds=1)
    log = tmp_path / "log.txt"
    words = [sys.executable, "-I", str(SCRIPT)]
    more = ["--key", A.public.to_text(), "--audience", "b", "--log", str(log)]
    for file, told in zip(files, ("checkpoint kept", "only grew"), strict=True):
        done = subprocess.run(
            [*words, str(file), *more], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("verified: package ")
        assert told in done.stdout
    again = subprocess.run(
        [*words, str(files[0]), *more], capture_output=True, text=True, check=False
    )
    assert (again.returncode, "NOT VERIFIED" in again.stdout) == (1, True)
    other = [*more[:3], "c", *more[4:]]
    done = subprocess.run(
        [*words, str(files[1]), *other], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "for somebody else" in done.stdout) == (1, True)
    done = subprocess.run([*words, str(tmp_path / "none"), *more], capture_output=True, check=False)
    assert done.returncode == 2
