# SPDX-License-Identifier: Apache-2.0
"""References of ours: they keep a state of a work tree when no branch leads to it."""

from __future__ import annotations

import os

from lineage.paths import put_in_place
from lineage.sources.git.layout import OURS, Layout, plain_text


def owner_of(layout: Layout) -> tuple[int, int] | None:
    """User and group that a repository's objects belong to, where that is another user. Raises ``OSError``."""
    about = layout.objects.stat()
    return None if about.st_uid == os.geteuid() else (about.st_uid, about.st_gid)


def keep(layout: Layout, sha: str) -> str:
    """Name a commit ``refs/lineage/keep/<sha>``, so that git keeps it when no branch leads to it any more.
    Git is not asked to: it would run a hook. Raises ``OSError``.
    """
    name = f"refs/{OURS}/keep/{sha}"
    target = layout.common / name
    if plain_text(target) != f"{sha}\n":
        owner = owner_of(layout)
        for folder in (target.parent.parent, target.parent):
            folder.mkdir(exist_ok=True)
            if owner:
                os.chown(folder, *owner)
        part = target.with_name(f".{os.urandom(8).hex()}")  # no name of a reference begins so
        part.write_text(f"{sha}\n")
        if owner:
            os.chown(part, *owner)
        put_in_place(part, target)
    return name
