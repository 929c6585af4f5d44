# SPDX-License-Identifier: Apache-2.0
"""The files and folders that somebody says a run reads or writes: what they are, and the digests of their bytes.

A file is told by its path as it was given, the absolute one that this leads to, size, and digests by all
algorithms that other tools know files by (``digests``). A folder is told by a list of the files in it, whose md5 is that of DVC's ``.dir``.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage.access.secret_patterns import scrub
from lineage.capture.found import Budget, Found, Json
from lineage.capture.probes.digests import Known, digests_of
from lineage.paths import cache_folder
from lineage.sources import dvc_folder

#: The key of git-annex at the end of a link (git-annex, "key format"), and a file in DVC's cache.
_ANNEXED = re.compile(
    r"/annex/objects/.*/(?P<name>SHA256|MD5)E?(?:-s(?P<size>\d+))?--(?P<digest>[0-9a-f]{32,64})[^/]*$"
)
_CACHED = re.compile(r"/files/md5/(?P<first>[0-9a-f]{2})/(?P<rest>[0-9a-f]{30})$")
#: Files of one folder that are listed; what is beyond is said.
MOST_FILES = 100_000


def is_address(text: str) -> bool:
    """Whether a text is the address of something that is no file here: ``s3://...``. A drive is no scheme."""
    scheme, colon, _ = text.partition("://")
    return (
        bool(colon) and len(scheme) > 1 and scheme.isascii() and scheme.replace("+", "").isalnum()
    )


def probe(given: Sequence[str], here: Path, budget: Budget) -> Found:
    """The files, folders and addresses that were named, as ``{"files": [...]}``; a pattern stands for all that it
    meets now. What is not there is told too, as ``"missing": true``.
    """
    found = Found()
    files: list[Json] = []
    for text in given:
        for path in _met(text, here):
            try:
                files.append(_told(path, text, here, found, budget))
            except OSError as error:
                found.miss(f"file {text}", error.strerror or str(error))
    found.facts["files"] = files
    return found


def named(given: Sequence[str], here: Path) -> list[str]:
    """The paths of files that were named, and of those that patterns meet now."""
    met = (path for text in given if not is_address(text) for path in _met(text, here))
    return [os.path.abspath(here / path) for path in met]  # noqa: PTH100


def folders(given: Sequence[str], here: Path) -> list[Path]:
    """The folders in which the files lie that were named, those that are there."""
    places = [here / text for text in given if not is_address(text) and not glob.has_magic(text)]
    named = (place if place.is_dir() else place.parent for place in places)
    return [*dict.fromkeys(Path(os.path.abspath(one)) for one in named if one.is_dir())]  # noqa: PTH100


def _met(text: str, here: Path) -> list[str]:
    """What a pattern meets; a name that is no pattern, or of a file that is there, stands for itself."""
    if is_address(text) or not glob.has_magic(text) or os.path.lexists(here / text):
        return [text]
    return sorted(
        glob.glob(  # noqa: PTH207 - pathlib has no hidden files in patterns
            text, root_dir=here, recursive=True, include_hidden=True
        )
    )


def _told(text: str, given: str, here: Path, found: Found, budget: Budget) -> dict[str, Json]:
    if is_address(text):
        # It may have a user and a password in it, or a signature.
        clean = scrub(text)
        return {"given": clean, "address": clean}
    said: dict[str, Json] = {"given": text}
    if given != text:
        said["pattern"] = given
    path = here / text
    # As it was given, and not where links lead: that is told beside it.
    said["path"] = os.path.abspath(path)  # noqa: PTH100
    if path.is_symlink():
        said["link"] = str(path.readlink())
    try:
        said["target"] = os.path.realpath(path, strict=True)
        about = path.stat()
    except OSError as error:
        # A link whose content another tool keeps elsewhere is no fault: what is not read is not missed.
        return said | _kept_elsewhere(said) | {"missing": True, "reason": error.strerror}
    if stat.S_ISDIR(about.st_mode):
        return said | _folder(path, said, found, budget)
    if not stat.S_ISREG(about.st_mode):
        return said | {"special": stat.filemode(about.st_mode)[0]}
    return said | _file(path, about, found, budget)


def _kept_elsewhere(said: Mapping[str, Json]) -> dict[str, Json]:
    """What the text of a link says of bytes that git-annex or DVC keeps, and that are not here."""
    text = str(said.get("link") or "")
    if found := _ANNEXED.search(text):
        known: dict[str, Json] = {"digests": {found["name"].lower(): found["digest"]}}
        return known | ({"size": int(found["size"])} if found["size"] else {})
    if found := _CACHED.search(text):
        return {"digests": {"md5": f"{found['first']}{found['rest']}"}}
    return {}


def _file(path: Path, about: os.stat_result, found: Found, budget: Budget) -> dict[str, Json]:
    said: dict[str, Json] = {"size": about.st_size, "changed": about.st_mtime_ns}
    if (known := _known().of(about)) is not None:
        return said | {"digests": {**known}}
    try:
        digests = digests_of(path, budget)
    except OSError as error:
        found.miss(f"bytes of {path}", error.strerror or str(error))
        return said
    if digests is None:
        found.miss(f"bytes of {path}", f"reading them takes longer than {budget.seconds:g} seconds")
        return said
    now = path.stat()
    if (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino) != (
        about.st_size,
        about.st_mtime_ns,
        about.st_ctime_ns,
        about.st_ino,
    ):
        found.miss(f"bytes of {path}", "they changed while they were read")
        return said
    _known().keep(path, about, digests)
    return said | {"digests": {**digests}}


def _known() -> Known:
    return Known(cache_folder() / "digests.db")


def _folder(path: Path, said: dict[str, Json], found: Found, budget: Budget) -> dict[str, Json]:
    """A folder by all files in it, in order; links in it are not followed out of it."""
    files: list[Any] = []
    for inner in _inside(path, found):
        if len(files) == MOST_FILES or budget.over:
            reason = (
                f"{len(files):,} files were read in the {budget.seconds:g} seconds that there are"
            )
            found.miss(f"the rest of {said['given']}", reason)
            return {"folder": True, "files": files, "complete": False}
        about = inner.stat()
        name = inner.relative_to(path).as_posix()
        files.append({"path": name, **_file(inner, about, found, budget)})
    complete = all("digests" in file for file in files)
    told: dict[str, Json] = {"folder": True, "files": files, "complete": complete}
    told["size"] = sum(file["size"] for file in files)
    if complete:
        listed = sorted((file["path"], file["digests"]["md5"]) for file in files)
        told["digests"] = {"md5": dvc_folder.digest(listed)}
    return told


def _inside(path: Path, found: Found) -> Iterator[Path]:
    def failed(error: OSError) -> None:
        found.miss(f"folder {error.filename}", error.strerror or str(error))

    for folder, names, files in os.walk(path, onerror=failed):
        names.sort()
        for name in sorted(files):
            inner = Path(folder, name)
            if inner.is_file():
                yield inner
