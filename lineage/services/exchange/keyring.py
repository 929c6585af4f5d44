# SPDX-License-Identifier: Apache-2.0
"""Keeps signing keys in a folder: one PEM file a key, of mode 0600, in a folder of mode 0700."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, unquote

from lineage.errors import BadInput, Denied, InputMissing, Usage
from lineage.ledger.keys import PublicKey, SigningKey

_SUFFIX = ".pem"
_LARGEST = 10_000


def new(folder: Path, name: str) -> PublicKey:
    """Make a key of this name, which is that of the log it signs: ``lab.example/lineage``.

    Raises ``Usage`` where there is one already: keys are never written over.
    """
    key = SigningKey.generate(name)
    path = _path(folder, name)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        hint = "Use it, or name the new one otherwise."
        raise Usage(f"there is a key {name!r} already", where=str(path), hint=hint) from error
    except OSError as error:
        raise Usage(f"cannot write the key: {error.strerror}", where=str(path)) from error
    with os.fdopen(handle, "w") as stream:
        stream.write(key.to_pem())
    return key.public


def listed(folder: Path) -> Sequence[str]:
    """The names of the keys in a folder."""
    if not folder.is_dir():
        return []
    return sorted(unquote(path.stem) for path in folder.glob(f"*{_SUFFIX}"))


def named(folder: Path, name: str | None = None) -> SigningKey:
    """Read a key by its name; without one, the only key there is.

    Raises ``InputMissing``, ``Usage`` where several could be meant, ``Denied`` where others may read
    the file, and ``BadInput`` for what is no key.
    """
    if name is None:
        found = listed(folder)
        if len(found) > 1:
            raise Usage("there are several keys", hint=f"Name one: {', '.join(found)}.")
        name = found[0] if found else ""
    path = _path(folder, name)
    try:
        with path.open(encoding="ascii") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            text = stream.read(_LARGEST)
    except OSError as error:
        hint = "'lineage keys new NAME' makes one; 'lineage keys list' shows those there are."
        message = f"there is no key {name!r}" if name else "there is no key"
        raise InputMissing(message, where=str(folder), hint=hint) from error
    except UnicodeDecodeError as error:
        raise BadInput("this is no private key in PEM", where=str(path)) from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        hint = f"chmod 600 '{path}', and make another key if others may have read it."
        raise Denied("other users may read this private key", where=str(path), hint=hint)
    return SigningKey.of_pem(name, text, where=str(path))


def _path(folder: Path, name: str) -> Path:
    return folder / f"{quote(name, safe='')}{_SUFFIX}"
