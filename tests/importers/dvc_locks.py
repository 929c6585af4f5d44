# SPDX-License-Identifier: Apache-2.0
"""What locks of DVC say, read by hand, and records by which the importer is compared with it."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections import Counter

import yaml

from importers.base import Options, Source
from importers.dvc import IMPORTER
from lineage import ids
from lineage.model.record import line

VERSIONS = {"DatasetVersion", "Artifact"}
SMALL = 64


def git(path, *command, data=None):
    clean = {"PATH": os.environ["PATH"], "HOME": str(path), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *command], cwd=path, env=clean, input=data, capture_output=True, check=True
    )
    return done.stdout.decode()


def records(path, **options):
    nodes, edges, losses, seen = {}, [], [], Counter()
    for batch in IMPORTER.read(Source.of(path), Options(**options)):
        nodes |= {node.id: node for node in batch.nodes}
        edges += batch.edges
        losses += batch.losses
        seen.update(batch.seen)
    return nodes, edges, losses, seen


def lines(path):
    return [line(r) for b in IMPORTER.read(Source.of(path), Options()) for r in b.records]


# --- an independent reading: git show, safe_load and dicts ----------------------------------------


def locks(path):
    """Every commit whose dvc.lock no parent has: (commit, [(stage, deps, outs)])."""
    found = []
    for said in git(path, "rev-list", "--all", "--parents").splitlines():
        commit, *parents = said.split()
        mine = shown(path, commit, "dvc.lock")
        if mine is None or any(shown(path, parent, "dvc.lock") == mine for parent in parents):
            continue
        pipeline = yaml.safe_load(shown(path, commit, "dvc.yaml") or "{}").get("stages") or {}
        stages = []
        for name, stage in yaml.safe_load(mine)["stages"].items():
            wdir = (pipeline.get(name) or {}).get("wdir", "")
            deps = [version(entry, wdir) for entry in stage.get("deps", ())]
            outs = [version(entry, wdir) for entry in stage.get("outs", ())]
            stages.append((name, deps, outs))
        found.append((commit, stages))
    return found


def shown(path, commit, name):
    try:
        return git(path, "show", f"{commit}:{name}")
    except subprocess.CalledProcessError:
        return None


def version(entry, wdir=""):
    algorithm = "md5" if entry.get("hash") == "md5" else "md5-dos2unix"
    path = os.path.normpath(f"{wdir or '.'}/{entry['path']}")
    return path, f"{algorithm}:{entry['md5']}", entry.get("size")


def parts(locked):
    """(part, whole) of what one stage reads and another makes, one in the other, in one dvc.lock."""
    for _, stages in locked:
        outs = {out[0]: out for _, _, outs in stages for out in outs}
        for _, deps, _ in stages:
            for dep in deps:
                for path, out in outs.items() if dep[0] not in outs else ():
                    if path.startswith(f"{dep[0]}/"):
                        yield out[:2], dep[:2]
                    assert not dep[0].startswith(f"{path}/"), "no corpus has it yet"


def closures(instances, parts=()):
    """(path, digest) -> every (path, digest) it came from: its stages' inputs, theirs, and so on;
    the same bytes under another path are the same bytes, unless they say nothing, or the one was
    made from the other.
    """
    made, same, sizes = {}, {}, {}
    for deps, outs in instances:
        for path, digest, size in (*deps, *outs):
            same.setdefault(digest, set()).add((path, digest))
            sizes[digest] = min(sizes.get(digest, 1 << 60), 1 << 60 if size is None else size)
        for path, digest, _ in outs:
            made.setdefault((path, digest), set()).update((p, d) for p, d, _ in deps)
    for part, whole in parts:
        made.setdefault(whole, set()).add(part)
    telling = {
        digest
        for digest in same
        if sizes[digest] >= SMALL and digest.split(":")[1] not in ids.EMPTY_DIGESTS
    }

    def closure(start, originals):
        found, todo = {start}, [start]
        while todo:
            one = todo.pop()
            near = made.get(one, set())
            if one in originals.get(one[1], ()):
                near = near | originals[one[1]]
            todo += near - found
            found |= near
        return found

    originals = {
        digest: {one for one in same[digest] if len(same[digest] & closure(one, {})) == 1}
        for digest in telling
    }
    outs = {out[:2] for _, outs in instances for out in outs}
    return {one: closure(one, originals) for one in outs}


def upstream(store, namespace, one):
    path, digest = one
    ident = ids.dataset_version_id(namespace, path, *digest.split(":"))
    answer = store.trace(ident)
    assert answer.certificate.complete
    return answer


def named(answer):
    return {
        (node.attributes["name"], node.attributes["digest"])
        for node in answer
        if node.kind in VERSIONS
    }


LOCK = """schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - path: data.csv
      hash: md5
      md5: {data}
      size: 1000
    params:
      params.yaml:
        lr: 1e-4
        mode: on
        model: {{name: rf, depth: 3}}
    outs:
    - path: model.pkl
      hash: md5
      md5: {model}
      size: 2000
"""


def md5(text):
    return hashlib.md5(text if isinstance(text, bytes) else text.encode()).hexdigest()


def lock(data="d", model="m"):
    return LOCK.format(data=md5(data), model=md5(model))


def one(nodes, kind, **attributes):
    found = [
        node
        for node in nodes.values()
        if node.kind == kind and attributes.items() <= dict(node.attributes).items()
    ]
    assert len(found) == 1, found
    return found[0]


def linked(edges, relation, role=None):
    return {
        (e.effect, e.cause)
        for e in edges
        if e.relation == relation and e.attributes.get("prov:role") == role
    }


def entry(path, digest, size=None, **more):
    said = {"path": path, "hash": "md5", "md5": digest, **more}
    return said if size is None else {**said, "size": size}
