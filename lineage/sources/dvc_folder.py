# SPDX-License-Identifier: Apache-2.0
"""The digest that DVC gives a folder, by which it knows the folder again wherever it lies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable


def digest(files: Iterable[tuple[str, str]]) -> str:
    """The md5 of the list of a folder's files, each by its path in the folder and its md5, in the order of the
    paths, with DVC's ending for folders.

    >>> digest([("a.csv", "0cc175b9c0f1b6a831c399e269772661")])
    '42f187aa1edcc079eb1888bd0831e5ea.dir'
    """
    listed = [{"md5": md5, "relpath": path} for path, md5 in files]
    text = json.dumps(listed, sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"
