# SPDX-License-Identifier: Apache-2.0
"""Lays out the files of a tree in a fresh folder, exactly as git keeps them: no filter is run, no end of a line is
changed, and nothing of the repository's settings, attributes or hooks is known.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from lineage.errors import BadInput
from lineage.sources.git import layout as layouts
from lineage.sources.git.layout import Layout
from lineage.sources.git.plumbing import Plumbing, quoted
from lineage.sources.git.status import LINK

#: Over the attributes that the files themselves hold (git help attributes).
_AS_KEPT = b"* -text !eol -ident !filter !working-tree-encoding\n"
#: Names that other systems cannot have are names here.
_SETTINGS = {"core.protectNTFS": "false", "core.protectHFS": "false", "core.autocrlf": "false"}
#: Attributes by which git changes the bytes of a file, and the values with which it does not.
_NO = frozenset({b"unspecified", b"unset"})
_CONVERTS = {
    "filter": _NO | {b"set"},
    "ident": _NO,
    "eol": _NO | {b"set", b"lf"},
    "working-tree-encoding": _NO,
}


class Checkout(Plumbing):
    """Lays out trees of one repository. Use in a ``with``: it holds a folder of its own."""

    def __init__(self, where: Layout) -> None:
        super().__init__(where.objects, algorithm=where.algorithm, where=where.where)
        self._layout = where
        (self._folder / "info").mkdir()
        self._put("info/attributes", _AS_KEPT)
        self._environment |= {
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
        }
        for number, (key, value) in enumerate(_SETTINGS.items()):
            self._environment |= {
                f"GIT_CONFIG_KEY_{number}": key,
                f"GIT_CONFIG_VALUE_{number}": value,
            }

    def lay_out(self, tree: str, root: Path) -> None:
        """Write the files of a tree into an empty folder, then read them again: they are that tree, byte for byte.
        Of submodules there are empty folders. Raises ``BadInput`` where an object is missing, or the files that were
        written are another tree.
        """
        self._cwd = root
        self._environment |= {
            "GIT_WORK_TREE": str(root),
            "GIT_INDEX_FILE": str(self._folder / "index"),
        }
        self.output("read-tree", tree)
        self.output("checkout-index", "--all")
        written = self._written(tree)
        if written != tree:
            message = f"the files that were written are the tree {written}, not {tree}"
            raise BadInput(message, where=str(root))

    def _written(self, tree: str) -> str:
        """The tree that the files of the folder are: read anew, with nothing known from their writing."""
        self._environment["GIT_INDEX_FILE"] = str(self._folder / "written")
        self.output("add", "--all", "--force", "--", ".")
        lines = (f"{LINK} {oid}\t".encode() + path for path, oid in self.links(tree))
        with self.stream(("update-index", "-z", "--index-info"), lines=lines, end=b"\0") as stream:
            stream.rest()
        return self.output("write-tree", "--missing-ok")[0].decode()

    def converted(self) -> list[str]:
        """The files just written of which git itself would have made other bytes: by a filter, other ends of lines,
        keywords, or an encoding.
        """
        (self._folder / "info/attributes").unlink()
        self._environment.pop("GIT_ATTR_SOURCE", None)
        with self.stream(("ls-files", "-z")) as stream:
            paths = stream.rest().split(b"\0")[:-1]
        command = ("check-attr", "-z", "--stdin", *_CONVERTS)
        with self.stream(command, lines=paths, end=b"\0") as stream:
            words = stream.rest().split(b"\0")
        said = zip(words[::3], words[1::3], words[2::3], strict=False)
        return sorted(
            {os.fsdecode(path) for path, name, x in said if x not in _CONVERTS[name.decode()]}
        )

    def links(self, tree: str) -> Iterator[tuple[bytes, str]]:
        """The submodules and repositories inside of a tree: their paths, and the commits that it has of them."""
        with self.stream(("ls-tree", "-r", "-z", "--full-tree", tree)) as stream:
            while (entry := stream.until(b"\0")) is not None:
                about, _, path = entry.partition(b"\t")
                mode, _, oid = about.decode().split(" ")
                if mode == LINK:
                    yield path, oid

    def make_repository(self, root: Path, head: str | None) -> None:
        """Make a folder a repository of its own in which a commit is checked out. It borrows the objects of the one
        that it comes from, and has the names of its branches and tags, but none of its settings and hooks.
        """
        own = root / ".git"
        for folder in ("objects/info", "refs/heads", "info"):
            (own / folder).mkdir(parents=True)
        borrowed = quoted(os.fsencode(self._layout.objects.resolve()))
        (own / "objects/info/alternates").write_bytes(borrowed + b"\n")
        (own / "HEAD").write_text(f"{head}\n" if head else "ref: refs/heads/main\n")
        (own / "config").write_text(_config(self._layout), "utf-8")
        names = layouts.references(self._layout, ours=False).names
        listed = (f"{sha} {name}\n" for name, sha in sorted(names.items()) if name[:5] == "refs/")
        (own / "packed-refs").write_text("".join(listed), "utf-8")
        if self._layout.shallow:
            (own / "shallow").write_text("".join(f"{x}\n" for x in sorted(self._layout.shallow)))
        ignored = layouts.plain_text(self._layout.common / "info" / "exclude")
        (own / "info/exclude").write_text(ignored or "", "utf-8", "surrogateescape")
        if head:
            self._environment["GIT_INDEX_FILE"] = str(own / "index")
            self.output("read-tree", head)


def _config(where: Layout) -> str:
    version = 0 if where.algorithm == "sha1" else 1
    lines = ["[core]", f"\trepositoryformatversion = {version}", "\tbare = false"]
    if version:
        lines += ["[extensions]", f"\tobjectformat = {where.algorithm}"]
    if origin := where.settings.get("remote.origin.url"):
        said = layouts.normalised(origin)
        said = said if said.startswith("/") else f"https://{said}"
        said = said.replace("\\", "\\\\").replace('"', '\\"')
        lines += ['[remote "origin"]', f'\turl = "{said}"']
    return "\n".join([*lines, ""])
