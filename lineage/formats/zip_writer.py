# SPDX-License-Identifier: Apache-2.0
"""Writes zip files whose bytes depend on the files in them only."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Mapping

#: The earliest time that a zip file can hold: files of ours tell nothing of when they were packed.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write(files: Mapping[str, bytes], *, compress: bool = False) -> bytes:
    """Write a zip of some files in their order: same files, same bytes; on every machine, where
    nothing is compressed.
    """
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
            member.create_system = 3
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(member, content, compresslevel=9)
    return target.getvalue()
