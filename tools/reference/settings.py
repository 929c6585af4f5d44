# SPDX-License-Identifier: Apache-2.0
"""docs/reference/settings.md: every environment variable that is read, and by what."""

from __future__ import annotations

from typing import NamedTuple

from tools.reference.markdown import HEAD, table

_ABOUT = """\
# Environment variables

None of them is needed, but Docker Compose needs `LINEAGE_NEO4J_PASSWORD`. An option of a command, or an argument in Python, counts before the
variable: `--store` before `LINEAGE_STORE`, `actor=` before `LINEAGE_ACTOR`, `token=` before `LINEAGE_TOKEN`. There is no file of settings.
"""


class Setting(NamedTuple):
    """A variable: what it is for, what holds without it, and which commands read it."""

    name: str
    what: str
    default: str
    readers: str


_STORES = "every command that opens a store"
_NEO4J = "every command that opens a Neo4j store"
_SERVERS = "every command that reads from a server"

#: What lineagedb itself reads.
OURS: tuple[Setting, ...] = (
    Setting(
        "LINEAGE_STORE",
        "The store where none is named: the path of a file, `neo4j://host`, or a server as `https://host`.",
        "the `.lineage/store.db` found in the working folder or in one above it",
        f"{_STORES}; `lineage.open()`",
    ),
    Setting(
        "LINEAGE_ACTOR",
        "Who is written on the entries that are made.",
        "the name of the user in the operating system",
        "every command that writes into a store; `lineage.open()`",
    ),
    Setting(
        "LINEAGE_TOKEN",
        "The token for a server. It is sent to that server and nowhere else.",
        "none: the server refuses with `unauthenticated`",
        f"{_SERVERS}; `lineage.open()`",
    ),
    Setting(
        "LINEAGE_KEYS",
        "The folder of the keys that sign packages for partners.",
        "`keys` beside the store",
        "`lineage keys`, `lineage export --for`",
    ),
    Setting("LINEAGE_NEO4J_USER", "The user of a Neo4j database.", "`neo4j`", _NEO4J),
    Setting(
        "LINEAGE_NEO4J_PASSWORD",
        "The password of that user. `docker-compose.yml` makes the database with it.",
        "empty; Docker Compose demands one",
        f"{_NEO4J}; Docker Compose",
    ),
    Setting(
        "LINEAGE_BACKUPS",
        "The folder for the backup of a Neo4j store, which is made before a migration.",
        "`lineagedb` in `XDG_STATE_HOME`",
        _NEO4J,
    ),
    Setting(
        "LINEAGE_NEO4J_CACHE",
        "The folder in which `tools/neo4j` keeps the servers that it assembles.",
        "`lineagedb` in `XDG_CACHE_HOME`",
        "`make neo4j-start`, `make test`",
    ),
)
#: What belongs to others, and is honoured.
OTHERS: tuple[Setting, ...] = (
    Setting("XDG_STATE_HOME", "The folder for state of programs.", "`~/.local/state`", _NEO4J),
    Setting(
        "XDG_CACHE_HOME",
        "The folder for caches of programs.",
        "`~/.cache`",
        "`make neo4j-start`, `make test`",
    ),
    Setting(
        "PATH",
        "Where `git` is found.",
        "the usual folders of the system",
        "`lineage init`, `lineage import`, `lineage demo`",
    ),
    Setting(
        "SSL_CERT_FILE",
        "A file of certificates of authorities, for servers whose certificate the system does not know.",
        "the authorities of the system",
        f"{_SERVERS}; `lineage import` from a server of MLflow",
    ),
    Setting(
        "https_proxy, http_proxy, all_proxy",
        "The proxy on the way to a server: an address that begins with `http://`.",
        "no proxy",
        _SERVERS,
    ),
    Setting(
        "no_proxy",
        "Names of servers that are asked without the proxy.",
        "none; this machine itself is never asked through a proxy",
        _SERVERS,
    ),
    Setting(
        "NO_COLOR, FORCE_COLOR",
        "Output without colours, or with colours although it is no terminal.",
        "colours in a terminal",
        "`lineage trace`, `impact`, `why`, `ask`, `find`, `show`",
    ),
)
_HEAD = ("variable", "what it is for", "without it", "who reads it")


def page() -> str:
    """The page as Markdown."""
    others = "## Variables of others\n\nlineagedb honours them as other programs do.\n"
    return "\n".join(
        [HEAD, _ABOUT, table(_HEAD, map(_row, OURS)), others, table(_HEAD, map(_row, OTHERS))]
    )


def _row(setting: Setting) -> tuple[str, ...]:
    names = ", ".join(f"`{name}`" for name in setting.name.split(", "))
    return (names, setting.what, setting.default, setting.readers)
