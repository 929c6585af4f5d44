# SPDX-License-Identifier: Apache-2.0
"""docs/reference/settings.md: what is configured from outside, out of ``lineage.config``, and every
other variable of the environment that is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lineage import config
from tools.reference.markdown import HEAD, table

_ABOUT = """\
# Settings

A setting is taken from the first place that has it: an argument (an option of a command, or one in Python, as `--store`, `actor=`, `token=`), a
variable of the environment, the file `.lineage/config.toml` of the project (in the working folder or in one above it), a default.
[`lineage config`](commands.md#lineage-config) shows each value and where it came from. None is needed, but Docker Compose needs
`LINEAGE_NEO4J_PASSWORD`.

The file is TOML, each setting a text. A path in it starts at the folder that holds `.lineage`; `store` may only be a path, and a secret may not
stand in it:

```toml
store = "shared/lineage.db"
actor = "ana"
```
"""
_OTHERS = """\
## Other variables of the environment

They are no settings: they stand neither in the file nor in `lineage config`.
"""


class Variable(NamedTuple):
    """A variable that is no setting of ours: what it is for, what holds without it, who reads it."""

    name: str
    what: str
    default: str
    readers: str


_STORES = "every command that opens a store, `lineage.open()`"
_NEO4J = "every command that opens a Neo4j store"
_SERVERS = "every command that reads from a server"
_CAPTURE = "`lineage run`, `lineage.run()`"
_TOOL = "`make neo4j-start`, `make test`"
#: Who reads each setting.
READERS: Mapping[str, str] = {
    "store": _STORES,
    "actor": "every command that writes into a store, `lineage.open()`",
    "token": f"{_SERVERS}, `lineage.open()`",
    "neo4j_user": _NEO4J,
    "neo4j_password": f"{_NEO4J}, Docker Compose",
    "neo4j_secret": _NEO4J,
    "keys": "`lineage keys`, `lineage export --for`",
    "spool": "`lineage run`, `lineage push`",
    "prompt": _CAPTURE,
    "backups": _NEO4J,
}
OTHERS: tuple[Variable, ...] = (
    Variable(
        "LINEAGE_NEO4J_CACHE",
        "The folder in which `tools/neo4j` keeps the servers that it assembles.",
        "`lineagedb` in `XDG_CACHE_HOME`",
        _TOOL,
    ),
    Variable(
        "XDG_STATE_HOME",
        "The folder for state of programs.",
        "`~/.local/state`",
        f"{_NEO4J}; `lineage run` where it may not write into the project, `lineage push`",
    ),
    Variable(
        "LINEAGE_DISABLED",
        "Nothing is captured: programs run alone. `0` is as if it were not set.",
        "runs are captured",
        "`lineage run`, `lineage.run()`",
    ),
    Variable(
        "LINEAGE_RUN, LINEAGE_RUN_FILE, LINEAGE_STEP",
        "The run that a program is part of, its file, and the step of it: set by `lineage run` and `lineage.run()` for what they start.",
        "no run around",
        f"{_CAPTURE}, MLflow where it makes a run",
    ),
    Variable(
        "OPENLINEAGE_PARENT_ID",
        "The run that producers of OpenLineage name as the parent of theirs, as `namespace/job/run`: set to the captured "
        "run, where nobody else has set it.",
        "the captured run",
        _CAPTURE,
    ),
    Variable(
        "LINEAGE_DECISION",
        "The decision that a run follows; `--decision` says the same.",
        "none",
        _CAPTURE,
    ),
    Variable(
        "LINEAGE_RUN_ID",
        "What a run is one of several attempts at, such as a job; `--id` says the same.",
        "an attempt at nothing",
        _CAPTURE,
    ),
    Variable(
        "LINEAGE_CI_MATRIX",
        "Which job of a matrix it is, where the CI sets no variable for that: `${{ toJSON(matrix) }}` on GitHub.",
        "jobs of one name in one attempt are one job",
        _CAPTURE,
    ),
    Variable(
        "JPY_SESSION_NAME",
        "What Jupyter's server tells a kernel: the path of its notebook.",
        "papermill, `jupyter execute`, `jupyter nbconvert` and VS Code say it in other ways; else the path is unknown",
        "`%load_ext lineage`",
    ),
    Variable(
        "TORCHELASTIC_RUN_ID, TORCHELASTIC_RESTART_COUNT, LOCAL_RANK",
        "What `torchrun` tells the ranks that it starts: those of one machine are one run.",
        "each program is a run of its own",
        "`lineage.run()`",
    ),
    Variable(
        "XDG_CACHE_HOME",
        "The folder for caches of programs.",
        "`~/.cache`",
        f"{_TOOL}; {_CAPTURE}, which keep there what they read of packages and the digests of large files",
    ),
    Variable(
        "PYTHONPATH",
        "Where Python looks for modules. A Python that `lineage run` starts has one folder of ours before it, until "
        "it begins; then it is as it was.",
        "no folders",
        "`lineage run`",
    ),
    Variable(
        "PWD, TMPDIR",
        "What the working folder is called where somebody has removed it; the folder for temporary files, which "
        "are no data of a run.",
        "nothing",
        _CAPTURE,
    ),
    Variable(
        "PATH",
        "Where `git` is found.",
        "the usual folders of the system",
        "`lineage init`, `lineage import`, `lineage demo`",
    ),
    Variable(
        "SSL_CERT_FILE",
        "A file of certificates of authorities, for servers whose certificate the system does not know.",
        "the authorities of the system",
        f"{_SERVERS}; `lineage import` from a server of MLflow",
    ),
    Variable(
        "https_proxy, http_proxy, all_proxy",
        "The proxy on the way to a server: an address that begins with `http://`.",
        "no proxy",
        _SERVERS,
    ),
    Variable(
        "no_proxy",
        "Names of servers that are asked without the proxy.",
        "none; this machine itself is never asked through a proxy",
        _SERVERS,
    ),
    Variable(
        "NO_COLOR, FORCE_COLOR",
        "Output without colours, or with colours although it is no terminal.",
        "colours in a terminal",
        "`lineage trace`, `impact`, `why`, `ask`, `find`, `show`",
    ),
)
_HEAD = ("setting", "variable", "what it is for", "default", "in the file", "who reads it")
_OTHER_HEAD = ("variable", "what it is for", "without it", "who reads it")


def page() -> str:
    """The page as Markdown."""
    ours = table(_HEAD, map(_row, config.SETTINGS))
    return "\n".join([HEAD, _ABOUT, ours, _OTHERS, table(_OTHER_HEAD, map(_other, OTHERS))])


def _row(setting: config.Setting) -> tuple[str, ...]:
    return (
        f"`{setting.name}`",
        f"`{setting.variable}`",
        setting.says,
        f"`{setting.default}`" if setting.default else "",
        "no" if setting.secret else "yes",
        READERS[setting.name],
    )


def _other(variable: Variable) -> tuple[str, ...]:
    names = ", ".join(f"`{name}`" for name in variable.name.split(", "))
    return (names, variable.what, variable.default, variable.readers)
