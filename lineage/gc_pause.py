# SPDX-License-Identifier: Apache-2.0
"""Switches the garbage collector off while much is made that stays: documents, rows of large answers."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_disabled() -> Iterator[None]:
    """Disable garbage collection inside: everything that is made there stays, and looking for
    cycles in it again and again takes half the time of reading. Threads may do so at once; one of
    them begins again.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
