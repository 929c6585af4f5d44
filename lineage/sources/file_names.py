# SPDX-License-Identifier: Apache-2.0
"""What files are called that tools leave in a project. The names stand apart from who reads the files:
whether an imported folder has something new is asked with every answer, and loads no importer.
"""

from __future__ import annotations

#: DVC's files; a Dvcfile is a file of one stage, as DVC before 3 wrote it (dvc/dvcfile.py).
OF_DVC = ("dvc.lock", "dvc.yaml", "*.dvc", "Dvcfile")
#: Folders of decision records, as their tools and habits have them, wherever these lie.
_OF_DECISIONS = ("decisions", "adr", "adrs", "decision-records", "architecture-decisions")
#: Where decision records lie (globs).
OF_DECISIONS = tuple(f"{name}/**/*.md" for name in _OF_DECISIONS)
#: The format of lock files that has no name of its own.
EXPLICIT = "explicit list of conda"
#: What its files are called where they are a project's.
_EXPLICIT_NAMES = (
    *("conda-explicit.txt", "conda-explicit.lock"),
    *(
        f"conda-{system}-{processor}.lock"
        for system in ("linux", "osx", "win")
        for processor in ("64", "32", "aarch64", "arm64", "ppc64le", "s390x")
    ),
)
#: The files that say what a project is run with, the most exact first; among several in one folder
#: the first of these counts.
_GOVERNING = (
    "uv.lock",
    "pylock.toml",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
    "pixi.lock",
    "conda-lock.yml",
    EXPLICIT,
    "renv.lock",
    "requirements.lock",
    "requirements.txt",
    "environment.yml",
    "environment.yaml",
)


#: What files of programs and of their settings end with.
_OF_PROGRAMS = (
    *(".py", ".pyi", ".ipynb", ".r", ".rmd", ".jl", ".sh", ".bash", ".sql", ".scala", ".java", ".go", ".rs"),
    *(".c", ".cc", ".cpp", ".h", ".cu", ".js", ".ts", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".lock"),
)  # fmt: skip


def is_program(path: str) -> bool:
    """Whether a file is a program or its settings, by its name, rather than data.

    >>> is_program("src/train.py"), is_program("params.yaml"), is_program("data/train.csv")
    (True, True, False)
    """
    return path.lower().partition("@")[0].endswith(_OF_PROGRAMS)


def is_of_dvc(path: str) -> bool:
    """Whether a path is one of DVC's files, rather than of its own folder.

    >>> is_of_dvc("a/dvc.lock"), is_of_dvc("x.csv.dvc"), is_of_dvc(".dvc/config"), is_of_dvc(".dvc/a.dvc")
    (True, True, False, False)
    """
    *folders, base = path.split("/")
    if ".dvc" in folders or "\n" in path:
        return False
    return base in OF_DVC or (base.endswith(".dvc") and base != ".dvc")


def is_of_decisions(path: str) -> bool:
    """Whether a path is that of a text in a folder of decision records.

    >>> is_of_decisions("docs/adr/0001-a.md"), is_of_decisions("docs/a.md")
    (True, False)
    """
    return path.lower().endswith(".md") and not {*path.split("/")[:-1]}.isdisjoint(_OF_DECISIONS)


def governing_rank(name: str) -> int | None:
    """The rank of a file among those that say what its project is run with, 0 the most exact;
    ``None`` for another file, a list of what developers need besides among them.
    """
    if name in _EXPLICIT_NAMES:
        name = EXPLICIT
    return _GOVERNING.index(name) if name in _GOVERNING else None


def governing_names() -> tuple[str, ...]:
    """Every name that has a rank, the most exact first.

    >>> [governing_rank(name) for name in governing_names()] == sorted(map(governing_rank, governing_names()))
    True
    """
    return tuple(name for x in _GOVERNING for name in (_EXPLICIT_NAMES if x == EXPLICIT else (x,)))
