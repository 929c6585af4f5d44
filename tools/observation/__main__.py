# SPDX-License-Identifier: Apache-2.0
"""python tools/observation PYTHON: what capture sees of real programs, beside what strace sees; tables in Markdown.

PYTHON is an interpreter with the packages of requirements.in. Each program runs twice in a folder of its own: under
``lineage run``, and under strace alone, whose word of what was opened below the folder is the oracle. Programs that
read and write remote objects have another one (``remote``).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import remote

import lineage
from lineage.capture import watch
from lineage.capture.strace import Strace

PROGRAMS = Path(__file__).with_name("programs")
LAYERS = ("opened", "inotify")
LINEAGE = [sys.executable, "-c", "from lineage.cli import main; main()"]
#: Makes what the programs read.
_DATA = """
import os, random
import h5py, numpy as np, pandas as pd
from safetensors.numpy import save_file
os.makedirs("data/parts")
draw = random.Random(7)
table = pd.DataFrame({"age": [draw.randint(18, 95) for _ in range(400)], "visits": [draw.randint(0, 9) for _ in range(400)]})
table.to_csv("data/people.csv", index=False)
table.to_parquet("data/people.parquet")
for number in range(2): table.to_parquet(f"data/parts/{number}.parquet")
with h5py.File("data/people.h5", "w") as file: file["age"] = table["age"].to_numpy()
save_file({"w": table["age"].to_numpy()}, "data/weights.safetensors")
for number in range(4): np.save(f"data/shard-{number}.npy", table["age"].to_numpy() + number)
"""
_DVC = "stages:\n  sum:\n    cmd: sh pipeline.sh\n    deps: [data/people.csv]\n    outs: [ages.txt, sum.txt]\n"
_EXECUTE = ["--to", "notebook", "--execute"]


def main() -> None:
    """Run all of them and print the tables."""
    python = Path(sys.argv[1]).absolute()
    commands: dict[str, list[str]] = {
        path.name.partition(".")[0]: [str(python), path.stem]
        for path in sorted(PROGRAMS.glob("*.py.txt"))
    }
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "torchrun_ranks.py"]
    commands["torchrun_ranks"] = [str(python), *torchrun]
    commands["notebook"] = [str(python), "-m", "nbconvert", *_EXECUTE, "notebook.ipynb"]
    commands["pipeline"] = ["sh", "pipeline.sh"]
    commands["dvc_repro"] = [str(python), "-m", "dvc", "repro"]
    print(
        f"| program | read | of these: {' | '.join(LAYERS)} | written | of these: {' | '.join(LAYERS)} | not seen | claimed, not opened |"
    )
    print("| --- |" + " --- |" * 8)
    for name, words in commands.items():
        with tempfile.TemporaryDirectory(prefix="observed-", dir="/var/tmp") as made:
            print(_row(name, words, Path(made), python), flush=True)
    print()
    remote.table(python, LINEAGE)


def _row(name: str, words: Sequence[str], folder: Path, python: Path) -> str:
    seen, oracle = _prepared(folder / "seen", python), _prepared(folder / "oracle", python)
    found = _captured(words, seen)
    truth = _traced(words, oracle)
    cells = [name]
    missed, claimed = [], []
    for writes in (False, True):
        right, told = truth[writes], found[writes]
        cells += [str(len(right))]
        cells += [str(sum(layer in told.get(path, ()) for path in right)) for layer in LAYERS]
        missed += sorted(right - told.keys())
        claimed += sorted(told.keys() - right)
    return f"| {' | '.join([*cells, _names(missed), _names(claimed)])} |"


def _plain(name: str) -> str:
    """A name without what MLflow draws anew in each run."""
    return re.sub(r"[0-9a-f]{32}", "RUN", name)


def _names(paths: Sequence[str]) -> str:
    return ", ".join(paths[:4]) + (f" and {len(paths) - 4} more" if len(paths) > 4 else "")


def _prepared(folder: Path, python: Path) -> Path:
    folder.mkdir()
    for path in PROGRAMS.iterdir():
        shutil.copy(path, folder / path.name.removesuffix(".txt"))
    subprocess.run([python, "-c", _DATA], cwd=folder, check=True)
    (folder / "dvc.yaml").write_text(_DVC)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run([python, "-m", "dvc", "init", "-q"], cwd=folder, check=False, env=_environ())
    return folder


def _environ() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LINEAGE_", "GIT_"))}
    return {**kept, "DVC_NO_ANALYTICS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}


def _captured(words: Sequence[str], folder: Path) -> dict[bool, dict[str, tuple[str, ...]]]:
    """The files that capture tells, below a folder, with their witnesses: read, and written."""
    store = folder / ".lineage" / "store.db"
    store.parent.mkdir(mode=0o700)
    lineage.open(store).close()
    command = [*LINEAGE, "run", "--name", "x", "--", *words]
    subprocess.run(command, cwd=folder, check=True, env=_environ(), stdout=subprocess.DEVNULL)
    with lineage.open(store) as opened:
        walks = [opened.trace("run:x", depth=1), opened.impact("run:x", depth=1)]
    names = {node.id: node.attributes.get("name", "") for walk in walks for node in walk.nodes}
    found: dict[bool, dict[str, tuple[str, ...]]] = {False: {}, True: {}}
    for edge in (edge for walk in walks for edge in walk.edges):
        witness = edge.attributes.get("witness")
        if edge.attributes.get("prov:role") in {"input", "output"} and witness:
            writes = edge.relation == "wasGeneratedBy"
            name = names[edge.effect if writes else edge.cause].removeprefix(f"{folder}/")
            if name.startswith("/"):
                continue
            found[writes][_plain(name)] = witness if isinstance(witness, tuple) else (str(witness),)
    return found


def _traced(words: Sequence[str], folder: Path) -> dict[bool, set[str]]:
    """The files below a folder that strace sees, those that are data and are there at the end."""
    tracer = Strace(folder.parent / "log")
    done = subprocess.Popen(
        tracer.words(words),
        cwd=folder,
        env=_environ(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    done.wait()
    told = tracer.stop(done.pid, folder).files
    moved = {each.get("was") for each in told}
    found: dict[bool, set[str]] = {False: set(), True: set()}
    first: dict[str, bool] = {}
    for each in told:
        path = Path(each["path"])
        first.setdefault(each["path"], each["writes"])
        is_data = path.is_relative_to(folder) and watch.ASIDE.isdisjoint(path.parts)
        is_there = path.is_file() and each["path"] not in moved
        if is_data and is_there and (each["writes"] or not first[each["path"]]):
            found[each["writes"]].add(_plain(str(path.relative_to(folder))))
    return {False: found[False] - found[True], True: found[True]}


if __name__ == "__main__":
    main()
