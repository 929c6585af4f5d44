# SPDX-License-Identifier: Apache-2.0
"""A history of DVC read with git, YAML and networkx alone: which runs there were, and what used what."""

from __future__ import annotations

import posixpath
import subprocess

import networkx as nx
import yaml

_DIGESTS = ("md5", "checksum", "etag")
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class History:
    """All commits of a repository. A run is (address, command, what it read, what it made), as a lock has
    it, and its parameters; ``graph`` says what leads from versions (path, digest) to runs, to what they
    made, to the same bytes elsewhere, and to folders.
    """

    def __init__(self, root):
        self.root = root
        listed = self._git("rev-list", "--all", "--parents", "--topo-order", "--reverse")
        self.parents = {(words := line.split())[0]: words[1:] for line in listed.splitlines()}
        self._trees = {commit: self._tree(commit) for commit in self.parents}
        self._read = {}
        self._at = {}
        for commit in self.parents:
            self._at[commit] = self._runs_at(commit)
        everything = {run for runs in self._at.values() for run in runs}
        #: What a run wrote with the bytes of what it read is a copy: it leads to no other of the bytes.
        self._copies = {
            (path, digest)
            for _, _, deps, outs, _ in everything
            for path, digest in outs
            if digest in {of_dep for _, of_dep in deps}
        }
        self.graph = nx.DiGraph()
        for commit in self.parents:
            self._draw(commit)
        self.runs = {run[:4] for run in everything}

    def brought(self, commit):
        """The runs that a commit has and no parent of it."""
        return {run[:4] for run in self._new(commit)}

    def _new(self, commit):
        before = {run for parent in self.parents[commit] for run in self._at[parent]}
        return self._at[commit] - before

    @property
    def paths(self):
        """All paths that a run read or made."""
        return {node[1] for node in self.graph if node[0] == "version"}

    def users(self, path):
        """The runs that used any version of a path, and those that used what came of it."""
        starts = [node for node in self.graph if node[:2] == ("version", path)]
        found = {node for start in starts for node in nx.descendants(self.graph, start)}
        return {node[1][:4] for node in found if node[0] == "run"}

    def _git(self, *words):
        done = subprocess.run(["git", "-C", self.root, *words], check=True, capture_output=True)
        return done.stdout.decode("utf-8", "replace")

    def _tree(self, commit):
        lines = self._git("ls-tree", "-r", commit).splitlines()
        return {path: meta.split()[2] for meta, path in (line.split("\t", 1) for line in lines)}

    def _yaml(self, oid):
        if oid not in self._read:
            text = "" if oid is None else self._git("cat-file", "blob", oid)
            found = yaml.load(text, _YAML)
            self._read[oid] = found if isinstance(found, dict) else {}
        return self._read[oid]

    def _runs_at(self, commit):
        tree, found = self._trees[commit], set()
        for path, oid in tree.items():
            folder, name = posixpath.split(path)
            if name == "dvc.lock":
                same = [p for p in self.parents[commit] if self._trees[p].get(path) == oid]
                if same:
                    # Nothing was run: how its paths are to be read is what it was.
                    address = posixpath.join(folder, "dvc.yaml:")
                    found |= {run for run in self._at[same[0]] if run[0].startswith(address)}
                    continue
                locked, pipeline = (
                    self._yaml(oid),
                    self._yaml(tree.get(f"{folder}/dvc.yaml".lstrip("/"))),
                )
                for stage, said in (locked.get("stages", locked) or {}).items():
                    if isinstance(said, dict):
                        defined = (pipeline.get("stages") or {}).get(stage.partition("@")[0]) or {}
                        wdir = defined.get("wdir") or (defined.get("do") or {}).get("wdir") or ""
                        address = posixpath.join(folder, f"dvc.yaml:{stage}")
                        found.add(_run(address, said, posixpath.join(folder, wdir)))
            elif (name.endswith(".dvc") or name == "Dvcfile") and (said := self._yaml(oid)).get(
                "cmd"
            ):
                found.add(_run(path, said, posixpath.join(folder, said.get("wdir") or "")))
        return found

    def _tracked(self, commit):
        for path, oid in self._trees[commit].items():
            if path.endswith(".dvc") and not (said := self._yaml(oid)).get("cmd"):
                base = posixpath.join(posixpath.dirname(path), said.get("wdir") or "")
                yield from _items(said, "outs", base)

    def _draw(self, commit):
        made, read = set(self._tracked(commit)), set()
        new = self._new(commit)
        for run in self._at[commit]:
            _, _, deps, outs, _ = run
            self.graph.add_edges_from((("version", *version), ("run", run)) for version in deps)
            self.graph.add_edges_from((("run", run), ("version", *version)) for version in outs)
            made |= outs
            if run in new:
                read |= deps
            for version in (*deps, *outs):
                self._same(version)
        for version in self._tracked(commit):
            self._same(version)
        for path, digest in made:
            for other, of_other in read:
                if path.startswith(f"{other}/") or other.startswith(f"{path}/"):
                    self.graph.add_edge(("version", path, digest), ("version", other, of_other))

    def _same(self, version):
        if version not in self._copies:
            self.graph.add_edge(("version", *version), ("bytes", version[1]))
        self.graph.add_edge(("bytes", version[1]), ("version", *version))


def _run(address, said, base):
    command = said.get("cmd")
    lines = command if isinstance(command, list) else [command or ""]
    deps, outs = (frozenset(_items(said, key, base)) for key in ("deps", "outs"))
    return address, "\n".join(lines) or None, deps, outs, str(said.get("params"))


def _items(said, key, base):
    for entry in said.get(key) or ():
        digest = next((entry[name] for name in _DIGESTS if entry.get(name)), None)
        if digest is not None and entry.get("path"):
            yield posixpath.normpath(posixpath.join(base, entry["path"])), digest
