# SPDX-License-Identifier: Apache-2.0
"""Reads what really lies in a work tree, and writes it down as a tree, without the repository's programs.

Git is run here as over borrowed objects (``plumbing``): in an empty repository of ours, with a copy of the index
and the files of the work tree. Filters, hooks, fsmonitor and whatever else settings name are not known there; only
settings that say how names and lines are compared are taken over.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import struct
import subprocess
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lineage.errors import InputStalled
from lineage.paths import expanded
from lineage.sources.git.keeping import owner_of
from lineage.sources.git.layout import Layout
from lineage.sources.git.objects import CommitObject, Identity
from lineage.sources.git.plumbing import OUTPUT_TIMEOUT, Plumbing, Stream, program
from lineage.sources.git.status import Tracked

#: Settings that name no program and say how files are compared with the index, or what is ignored.
_TAKEN_OVER = frozenset(
    {"core.filemode", "core.symlinks", "core.ignorecase", "core.precomposeunicode"}
    | {"core.autocrlf", "core.eol", "core.trustctime", "core.checkstat", "core.sharedrepository"}
    | {"core.excludesfile", "core.attributesfile", "core.sparsecheckout", "core.sparsecheckoutcone"}
    | {"status.showuntrackedfiles", "sparse.expectfilesoutsideofpatterns"}
    | {"core.protecthfs", "core.protectntfs"}
)
#: Settings that name files: git reads a device, or waits for a pipe, as long as there is something in it.
_FILES = frozenset({"core.excludesfile", "core.attributesfile"})
#: By what git finds the settings of the machine and of the person.
_OF_PEOPLE = (
    *("PATH", "HOME", "XDG_CONFIG_HOME"),
    *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"),
)
_STATUS = (
    *("status", "--porcelain=v2", "-z", "--no-renames"),
    *("--ignore-submodules=all", "--no-ahead-behind"),
)
#: Few objects are written one file each, more as one pack (receive.unpackLimit).
_LOOSE = 100
_BLOB = 3
_ARGUMENTS = 500
_NO = frozenset({"no", "false", "off", "0"})
_NO_FILTER = frozenset({b"unspecified", b"unset", b"set", b""})
#: Who makes the commits that keep a state: no person.
_KEEPER = Identity("lineage[bot]", "lineage@localhost")
_MESSAGE = "The files of a work tree when a run began"
_STAT = re.compile(
    rb"([^\0]*)\0  ctime: (\d+):(\d+)\n  mtime: (\d+):(\d+)\n  dev: \d+\tino: \d+\n"
    rb"  uid: \d+\tgid: \d+\n  size: (\d+)\tflags: [0-9a-f]+\n"
)


class WorkingTree(Plumbing):
    """The files below one root. ``writing`` puts objects where the repository keeps them; else they are gone when
    this is closed. They belong to whom the repository belongs: where that is not who we are, git runs as that user,
    for folders of ours among the objects would stop the owner's own git.
    """

    def __init__(
        self, layout: Layout, root: Path, *, head: str | None, deadline: float, writing: bool
    ) -> None:
        super().__init__(
            layout.objects, algorithm=layout.algorithm, where=layout.where, deadline=deadline
        )
        self.root: Path = root
        self.algorithm: str = layout.algorithm
        self.writing: bool = writing
        self._layout = layout
        self._index = self._folder / "index"
        self._cwd = root
        self._prefix: bytes = os.fsencode(root) + b"/"
        self._nothing: str = "0" * (40 if layout.algorithm == "sha1" else 64)
        try:
            self._borrow(head)
            settings = self._settings()
        except BaseException:
            self.close()
            raise
        self._trusts_ctime: bool = (
            settings.get("core.trustctime", "true").lower() not in _NO
            and settings.get("core.checkstat", "default").lower() != "minimal"
        )
        self.trusts_modes: bool = settings.get("core.filemode", "true").lower() not in _NO
        self.sparse: bool = settings.get("core.sparsecheckout", "false").lower() not in _NO
        #: Whether files that git does not know are looked for: in a home folder of settings, say, people forbid it.
        self.shows_untracked: bool = (
            settings.get("status.showuntrackedfiles", "all").lower() not in _NO
        )
        del self._environment["GIT_ATTR_SOURCE"], self._environment["GIT_ATTR_NOSYSTEM"]
        self._environment |= {
            **_handed_on("HOME", "XDG_CONFIG_HOME"),
            **_as_variables(settings),
            "GIT_WORK_TREE": str(root),
            "GIT_INDEX_FILE": str(self._index),
            "GIT_LITERAL_PATHSPECS": "1",
        }
        if writing:
            self._environment["GIT_OBJECT_DIRECTORY"] = str(layout.objects)
            if (owner := owner_of(layout)) is not None:
                self._as = owner
                for folder, _, files in os.walk(self._folder):
                    for name in ("", *files):
                        os.chown(Path(folder, name), *owner, follow_symlinks=False)

    def _borrow(self, head: str | None) -> None:
        """Copies and links of what git reads beside the objects."""
        layout, info = self._layout, self._folder / "info"
        info.mkdir()
        for name, folder in (
            *(("exclude", layout.common), ("attributes", layout.common)),
            ("sparse-checkout", layout.gitdir),
        ):
            if (folder / "info" / name).is_file():
                (info / name).symlink_to(folder / "info" / name)
        for shared in layout.gitdir.glob("sharedindex.*"):
            shutil.copy2(shared, self._folder / shared.name)  # git sets the times of what it uses
        index = layout.gitdir / "index"
        if index.is_file():
            # With its times: by them git knows which files may have changed since without a trace.
            shutil.copy2(index, self._index)
        if head:
            self._put("HEAD", f"{head}\n".encode())

    def _settings(self) -> dict[str, str]:
        """Settings of the machine, the person and the repository that are taken over."""
        environment = _handed_on(*_OF_PEOPLE)
        try:
            said = subprocess.run(
                [program(), "config", "--list", "--includes", "-z"],
                env=environment | {"GIT_DIR": str(self._layout.gitdir), "LC_ALL": "C"},
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=max(0.001, min(self._deadline - time.monotonic(), OUTPUT_TIMEOUT)),
            )
        except subprocess.TimeoutExpired as error:
            raise InputStalled("git was stopped when its time was over") from error
        pairs = (x.partition("\n") for x in os.fsdecode(said.stdout).split("\0"))
        found = {key: value if equals else "true" for key, equals, value in pairs}
        return {
            key: value
            for key, value in found.items()
            if key in _TAKEN_OVER and (key not in _FILES or (self.root / expanded(value)).is_file())
        }

    # --- reading ----------------------------------------------------------------------------------

    @contextmanager
    def comparing(self) -> Iterator[Stream]:
        """Start to compare HEAD, index and files, and go on; ``status.changed`` parses the answer."""
        untracked = "all" if self.shows_untracked else "no"
        with self.stream((*_STATUS, f"--untracked-files={untracked}")) as stream:
            yield stream

    def tracked(self) -> Tracked:
        """Read what the index holds."""
        with self.stream(("ls-files", "-v", "-s", "-z")) as stream:
            return Tracked(stream.rest())

    def filters(self, paths: Iterable[bytes]) -> dict[bytes, str]:
        """Find the paths for which attributes name a filter (of which none is run): its name."""
        with self.stream(("check-attr", "-z", "--stdin", "filter"), lines=paths, end=b"\0") as said:
            words = said.rest().split(b"\0")
        named = zip(words[::3], words[2::3], strict=False)
        return {path: os.fsdecode(x) for path, x in named if x not in _NO_FILTER}

    def untouched(self, paths: Sequence[bytes]) -> set[bytes]:
        """Find the files that have the size and the times that the index has of them."""
        said = b""
        for start in range(0, len(paths), _ARGUMENTS):
            some = [os.fsdecode(path) for path in paths[start : start + _ARGUMENTS]]
            with self.stream(("ls-files", "--debug", "-z", "--", *some)) as stream:
                said += stream.rest()
        return {path for path, *numbers in _STAT.findall(said) if self._as_noted(path, numbers)}

    def _as_noted(self, path: bytes, numbers: Sequence[bytes]) -> bool:
        try:
            now = self.lstat(path)
        except OSError:
            return False
        changed, changed_ns, modified, modified_ns, size = map(int, numbers)
        return (
            now.st_size & 0xFFFFFFFF == size
            and divmod(now.st_mtime_ns, 10**9) == (modified, modified_ns)
            and (not self._trusts_ctime or divmod(now.st_ctime_ns, 10**9) == (changed, changed_ns))
        )

    def read(self, oid: str) -> bytes:
        """Read a file by the name of its object. Raises ``BadInput`` where it is not here."""
        with self.stream(("cat-file", "blob", oid)) as stream:
            return stream.rest()

    def lstat(self, path: bytes) -> os.stat_result:
        """What the system says of a file of the work tree, links not followed. Raises ``OSError``."""
        return os.lstat(self._prefix + path)

    def at(self, path: bytes) -> Path:
        """Where a file of the work tree lies."""
        return self.root / os.fsdecode(path)

    # --- writing ----------------------------------------------------------------------------------

    def write(self, blobs: Mapping[str, bytes]) -> None:
        """Write files as objects, all at once: those by these names that are not there yet."""
        command = ("cat-file", "--batch-check=%(objectname) %(objecttype)", "--buffer")
        names = [line.split(b" ") for line in self.output(*command, lines=blobs)]
        missing = [name.decode() for name, kind in names if kind != b"blob"]
        if missing:
            pack = _pack([blobs[oid] for oid in missing], self._layout.algorithm)
            read = ("unpack-objects", "-q") if len(missing) <= _LOOSE else ("index-pack", "--stdin")
            with self.stream(read, lines=pack, end=b"") as stream:
                stream.rest()

    def tree(self, entries: Iterable[tuple[bytes, str, str]]) -> str:
        """Write a tree: the index, with these paths as they are given (path, mode and object; no mode: not
        there).
        """
        lines = (
            f"{mode or '0'} {oid or self._nothing}\t".encode() + path for path, mode, oid in entries
        )
        with self.stream(("update-index", "-z", "--index-info"), lines=lines, end=b"\0") as stream:
            stream.rest()
        # Objects that a partial clone left out are in the tree all the same.
        return self.output("write-tree", "--missing-ok")[0].decode()

    def commit(self, tree: str, parent: str | None, moment: int) -> str:
        """Write a commit that keeps a tree: the same for the same tree, parent and moment (Unix seconds)."""
        lines = [f"tree {tree}", *([f"parent {parent}"] if parent else ())]
        who = f"{_KEEPER.name} <{_KEEPER.email}>"
        lines += [f"{role} {who} {moment} +0000" for role in ("author", "committer")]
        data = "\n".join([*lines, "", _MESSAGE, ""]).encode()
        command = ("hash-object", "-t", "commit", "-w", "--stdin")
        with self.stream(command, lines=[data], end=b"") as stream:
            return stream.rest().decode().strip()

    def differing(self, one: str, other: str) -> list[tuple[str, bytes]]:
        """Paths that differ between two trees: how (``A``, ``M``, ``D``, ``T``), and which."""
        command = ("diff-tree", "-r", "-z", "--no-renames", "--name-status", one, other)
        with self.stream(command) as stream:
            words = stream.rest().split(b"\0")
        return [(how.decode(), path) for how, path in zip(words[::2], words[1::2], strict=False)]


def checked_out(commit: CommitObject) -> str | None:
    """The commit that was checked out where a commit stands for: itself, but for one that keeps the state of a work
    tree; that one's parent, or ``None`` where there was no commit yet.
    """
    if commit.author != _KEEPER:
        return commit.sha
    return next(iter(commit.parents), None)


def blob_name(data: bytes, algorithm: str) -> str:
    """The name that git has for a file with this content."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    digest.update(b"blob %d\0" % len(data))
    digest.update(data)
    return digest.hexdigest()


def _pack(contents: Sequence[bytes], algorithm: str) -> Iterator[bytes]:
    """A pack of files (git help format-pack)."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for part in (b"PACK" + struct.pack(">II", 2, len(contents)), *map(_packed, contents)):
        digest.update(part)
        yield part
    yield digest.digest()


def _packed(data: bytes) -> bytes:
    size, head = len(data) >> 4, bytearray([_BLOB << 4 | len(data) & 15])
    while size:
        head[-1] |= 128
        head.append(size & 127)
        size >>= 7
    return bytes(head) + zlib.compress(data, 1)


def _handed_on(*names: str) -> dict[str, str]:
    """The variables of these names, for git to read."""
    return {name: value for name, value in os.environ.items() if name in names}


def _as_variables(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as git takes them from the environment."""
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(sorted(settings.items())):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables
