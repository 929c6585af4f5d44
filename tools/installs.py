# SPDX-License-Identifier: Apache-2.0
"""Environments in which the package stands as people install it: alone, with one extra, with the
lowest versions that pyproject.toml allows, with the newest ones there are.

``installs.py lowest`` and ``installs.py newest`` resolve, say which versions they took, and run in them
the parts of the suite that meet what others make, on memory and SQLite. Neither has a lock: that is
the point. What the tests themselves need keeps its version of requirements.lock where it may.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
UV = str(Path(sys.executable).with_name("uv"))
PYTEST = ("pytest", "--numprocesses", "auto", "--maxprocesses", "4", "--dist", "loadgroup")
#: What of the suite runs with other versions.
PARTS = {
    "lowest": ("tests/contract", "tests/formats"),
    "newest": (
        "tests/contract",
        "tests/formats",
        "tests/graphql_schema",
        "tests/server",
        "tests/cli",
    ),
}
#: No server is started: Neo4j's driver has one version that all extras together allow.
CHOSEN = ("-k", "not neo4j")


def extras() -> tuple[str, ...]:
    """The extras of the package, without the one that stands for all of them."""
    return tuple(name for name in _project()["optional-dependencies"] if name != "all")


def locked(extra: str | None) -> str:
    """The lines of requirements.lock that the package needs with an extra, hashes included."""
    chosen = ["--extra", extra] if extra else []
    needed = _compiled(["--constraint", str(LOCK), *chosen])
    blocks = re.split(r"^(?=\S)", LOCK.read_text("utf-8"), flags=re.MULTILINE)
    by_name = {_name(block): block for block in blocks if block.strip()}
    return "".join(by_name[_name(line)] for line in needed.splitlines())


def wheel(folder: Path) -> Path:
    """The package, built into a folder."""
    _uv("build", "--wheel", "--no-build-isolation", "--out-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


def environment(folder: Path, requirements: str, package: Sequence[str], *, hashes: bool) -> Path:
    """An environment with these requirements and the package: the folder of its programs.

    ``hashes`` demands one of every file that is installed but the package's own.
    """
    _uv("venv", "--clear", "--python", sys.executable, str(folder))
    listed = folder / "requirements.txt"
    listed.write_text(requirements, "utf-8")
    python = ["--python", str(folder / "bin" / "python")]
    _uv("pip", "sync", *python, *(["--require-hashes"] if hashes else []), str(listed))
    _uv("pip", "install", *python, "--no-deps", "--no-build-isolation", *package)
    _uv("pip", "check", *python)
    return folder / "bin"


def resolved(resolution: str) -> str:
    """Requirements of the package with all extras and of its tests: ``lowest`` takes the lowest
    versions that it says it works with, ``newest`` whatever there is today.
    """
    group = _group({"lowest": "test", "newest": "dev"}[resolution])
    tools = {_name(line) for line in group} - {_name(line) for line in _declared()}
    lines = (line.rstrip("\\ ") for line in LOCK.read_text("utf-8").splitlines())
    fixed = (line for line in lines if _name(line) in tools)
    given = "\n".join((*group, *fixed))
    how = {"lowest": ["--resolution", "lowest-direct"], "newest": ["--upgrade"]}[resolution]
    return _compiled(["--all-extras", *how, "-"], given)


def main() -> int:
    """Run the suite with other versions; the exit code is that of pytest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("resolution", choices=["lowest", "newest"])
    resolution = parser.parse_args().resolution
    requirements = resolved(resolution)
    own = {_name(line) for line in _declared()}
    shown = ", ".join(f"{n} {v}" for n, v in _pins(requirements) if n in own)
    print(f"{resolution} versions: {shown}", flush=True)
    folder = ROOT / f".venv-{resolution}"
    programs = environment(folder, requirements, ["--editable", str(ROOT)], hashes=False)
    command = [programs / "python", "-m", *PYTEST, *CHOSEN, *PARTS[resolution]]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def _compiled(options: Sequence[str], given: str | None = None) -> str:
    plain = ["--quiet", "--no-header", "--no-annotate", "--python", sys.executable]
    return _uv("pip", "compile", *plain, *options, str(ROOT / "pyproject.toml"), given=given)


def _uv(*words: str, given: str | None = None) -> str:
    done = subprocess.run(
        [UV, *words], input=given, capture_output=True, text=True, check=False, cwd=ROOT
    )
    if done.returncode:
        raise SystemExit(f"uv {' '.join(words)} failed:\n{done.stderr}")
    return done.stdout


def _project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def _declared() -> Iterable[str]:
    """What the package itself requires, with all extras."""
    found = _project()
    yield from found["dependencies"]
    for lines in found["optional-dependencies"].values():
        yield from (line for line in lines if not line.startswith("lineagedb["))


def _group(name: str) -> list[str]:
    """What a group of pyproject.toml requires, with the groups that it includes."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    found = []
    for line in groups[name]:
        found += [line] if isinstance(line, str) else _group(line["include-group"])
    return found


def _pins(requirements: str) -> Iterable[tuple[str, str]]:
    for line in requirements.splitlines():
        if found := re.match(r"([\w.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", line):
            yield _name(line), found[2]


def _name(line: str) -> str:
    return re.split(r"[^\w.-]", line, maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")


if __name__ == "__main__":
    sys.exit(main())
