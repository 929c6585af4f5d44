# SPDX-License-Identifier: Apache-2.0
"""Whether a process may open the files that its work needs: asked before the work, for in its middle each reader
would meet the end of them in its own way, and take files for missing that are there.
"""

from __future__ import annotations

import errno
import os

from lineage.errors import TooFewDescriptors

#: Files that a store, and work on it, have open at once, and some more; and those that work alone has.
NEEDED, OF_WORK = 32, 20


def demand(number: int) -> None:
    """Raise ``TooFewDescriptors`` where so many files cannot be opened any more."""
    opened: list[int] = []
    try:
        while len(opened) < number:
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise TooFewDescriptors(
                f"only {len(opened)} more files can be opened, and {number} are needed"
            ) from error
    finally:
        for descriptor in opened:
            os.close(descriptor)
