# SPDX-License-Identifier: Apache-2.0
"""Whatever was done to a work tree, the kept tree is what lies there, and the user's git sees no difference."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from tests.capture.sources import captured, git_files, laid_out, repository

NAMES = [
    "a",
    "b.py",
    "c d",
    "e/f.py",
    "e/g",
    "e/h/i.py",
    "j/k.txt",
    "é\n.py",
    "-x",
    ":(glob)l",
    '"m"',
]
#: Work trees without and with --deep.
CASES = (6, 150)


class Hand:
    """Does to a work tree what people do, at random."""

    def __init__(self, project, seed: str) -> None:
        self._project, self._chance = project, random.Random(seed)
        self._path = project.path

    def work(self, steps: int) -> None:
        does = [
            self.write,
            self.write,
            self.remove,
            self.link,
            self.run_bit,
            self.stage,
            self.stage,
        ]
        does += [self.unstage, self.untrack, self.intend, self.ignore, self.hide, self.touch]
        for _ in range(steps):
            self._chance.choice(does)(self._chance.choice(NAMES))

    def _clear(self, name: str):
        """Make room for a file, whatever is in the way."""
        path = self._path / name
        for above in reversed(path.relative_to(self._path).parents):
            at = self._path / above
            if at.is_symlink() or at.is_file():
                at.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.is_symlink() or path.exists():
            path.unlink()
        return path

    def write(self, name):
        path = self._path / name
        if not path.is_file() or path.is_symlink():
            path = self._clear(name)
        path.write_bytes(self._chance.choice([b"", b"1\n", b"2\n", b"\r\n", b"\0\xff"]))

    def remove(self, name):
        self._clear(name)

    def link(self, name):
        self._clear(name).symlink_to(self._chance.choice(["a", "nowhere", "e"]))

    def run_bit(self, name):
        path = self._path / name
        if path.is_file() and not path.is_symlink():
            path.chmod(self._chance.choice([0o644, 0o755]))

    def stage(self, name):
        what = "." if self._chance.random() < 0.3 else f":(literal){name}"
        self._git_if_it_can("add", "-A", "--", what)

    def unstage(self, _):
        self._project.git("reset", "-q")

    def untrack(self, name):
        self._git_if_it_can("rm", "-r", "-q", "-f", "--cached", "--", f":(literal){name}")

    def intend(self, name):
        self._git_if_it_can("add", "-N", "--", f":(literal){name}")

    def ignore(self, _):
        self.write(".gitignore")
        (self._path / ".gitignore").write_text(
            self._chance.choice(["j/\n", "*.txt\n", "e/h\n", ""])
        )

    def hide(self, name):
        self._git_if_it_can("update-index", "--assume-unchanged", "--", name)

    def touch(self, name):
        if (self._path / name).is_file():
            os.utime(self._path / name)

    def _git_if_it_can(self, *command):
        try:
            self._project.git(*command)
        except AssertionError:
            return  # there is no such file now


def lying_there(project) -> dict[str, tuple[str, str]]:
    """Mode and object of every file that git does not ignore, found without the code under test."""
    every = project.git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    found = {}
    for name in filter(None, every):
        path = project.path / name
        if any((project.path / above).is_symlink() for above in Path(name).parents):
            continue
        if path.is_symlink():
            data, mode = os.fsencode(path.readlink()), "120000"
        elif path.is_file():
            data = path.read_bytes()
            mode = "100755" if path.stat().st_mode & 0o100 else "100644"
        else:
            continue
        found[name] = mode, project.git("hash-object", "--stdin", data=data)
    return found


def in_tree(project, commit: str) -> dict[str, tuple[str, str]]:
    entries = filter(None, project.git("ls-tree", "-r", "-z", commit).split("\0"))
    split = (entry.partition("\t") for entry in entries)
    return {name: (about.split()[0], about.split()[2]) for about, _, name in split}


def test_the_kept_tree_is_what_lies_there(new_repository, extent):
    for case in range(CASES[extent]):
        project = new_repository(f"project{case}")
        hand = Hand(project, f"{extent}/{case}")
        hand.work(12)
        project.git("add", "-A")
        project.git("commit", "--allow-empty", "-qm", "begin")
        for _ in range(3):
            hand.work(10)
            check(project)
        project.git("fsck", "--strict")
        shutil.rmtree(project.path)


def check(project):
    before = laid_out(project.path), git_files(project.path)
    found = captured(project.path)
    assert (laid_out(project.path), git_files(project.path)) == before
    facts = repository(found)
    assert found.unseen == {}
    assert facts["complete"]
    assert in_tree(project, facts["kept"]) == lying_there(project)
    assert facts["dirty"] == (facts["kept"] != facts["head"])
    assert repository(captured(project.path, keep=False))["state"] == facts["kept"]
