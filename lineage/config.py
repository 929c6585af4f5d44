# SPDX-License-Identifier: Apache-2.0
"""What is configured from outside, read in one place: an argument, the environment, the project's
``.lineage/config.toml``, a default; the first that says something has its way.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lineage.errors import Usage
from lineage.paths import expanded

#: The folder of a project, found upwards from the working folder as git finds ``.git``.
FOLDER, FILE = ".lineage", "config.toml"

Origin = Literal["argument", "environment", "file", "default", "unset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting: its name in the file, the variable in the environment, what it is for, and what is
    taken where nobody says. A ``secret`` is never written into a file, nor shown. A ``path`` in a file
    starts at the folder that holds ``.lineage``.
    """

    name: str
    variable: str
    says: str
    default: str | None = None
    secret: bool = False
    path: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="store",
        variable="LINEAGE_STORE",
        says="The store meant where none is named; without it, .lineage/store.db found upwards.",
        path=True,
    ),
    Setting(
        name="actor",
        variable="LINEAGE_ACTOR",
        says="In whose name entries are made; without it, the user's.",
    ),
    Setting(
        name="token",
        variable="LINEAGE_TOKEN",
        says="The token by which a server knows its caller.",
        secret=True,
    ),
    Setting(
        name="neo4j_user",
        variable="LINEAGE_NEO4J_USER",
        says="The account in Neo4j.",
        default="neo4j",
    ),
    Setting(
        name="neo4j_password",
        variable="LINEAGE_NEO4J_PASSWORD",
        says="The password of the account in Neo4j.",
        secret=True,
    ),
    Setting(
        name="neo4j_secret",
        variable="LINEAGE_NEO4J_SECRET",
        says="What the keys that a Neo4j database keeps are sealed with; without it, the password.",
        secret=True,
    ),
    Setting(
        name="keys",
        variable="LINEAGE_KEYS",
        says="The folder of the keys that sign what leaves; without it, keys beside the store.",
        path=True,
    ),
    Setting(
        name="spool",
        variable="LINEAGE_SPOOL",
        says="Where captured runs wait until they are delivered; without it, .lineage/spool of the project.",
        path=True,
    ),
    Setting(
        name="prompt",
        variable="LINEAGE_PROMPT",
        says="How often a run that follows no decision is asked what it is for, in a project that writes "
        "decisions down: daily, always or never.",
        default="daily",
    ),
    Setting(
        name="backups",
        variable="LINEAGE_BACKUPS",
        says="Where Neo4j stores are backed up before they are migrated; without it, "
        "$XDG_STATE_HOME/lineagedb or ~/.local/state/lineagedb.",
        path=True,
    ),
)
_BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What a setting is, and who said so; ``None`` where nobody did."""

    setting: Setting
    value: str | None
    origin: Origin

    def to_dict(self) -> dict[str, str | None]:
        """As the JSON of ``lineage config``; a secret is not shown."""
        hidden = self.setting.secret and self.value is not None
        return {
            "name": self.setting.name,
            "value": "(set)" if hidden else self.value,
            "origin": self.origin,
            "variable": self.setting.variable,
        }


def make_folder(folder: Path) -> Path:
    """Make the folder of a project where there is none: only its owner looks into it, and it keeps itself out
    of version control. Raises ``OSError``.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    ignored = folder / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n")
    return folder


def found_upwards(name: str, start: Path | None = None) -> Path | None:
    """A file of the project's ``.lineage`` folder, found upwards from the working folder."""
    here = (start or Path.cwd()).resolve()
    places = (folder / FOLDER / name for folder in (here, *here.parents))
    return next((place for place in places if place.is_file()), None)


def value(name: str, argument: str | None = None, start: Path | None = None) -> Value:
    """A setting. Raises ``Usage`` for a file that is none, or that holds a secret."""
    setting = _BY_NAME[name]
    if argument:
        return Value(setting=setting, value=argument, origin="argument")
    if named := os.environ.get(setting.variable, "").strip():
        return Value(setting=setting, value=named, origin="environment")
    if (written := _written(start).get(name)) is not None:
        return Value(setting=setting, value=written, origin="file")
    origin: Origin = "unset" if setting.default is None else "default"
    return Value(setting=setting, value=setting.default, origin=origin)


def _written(start: Path | None) -> Mapping[str, str]:
    """What the project's file says."""
    path = found_upwards(FILE, start)
    if path is None:
        return {}
    import tomllib

    try:
        held = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Usage(f"the settings cannot be read: {error}", where=str(path)) from error
    for name, found in held.items():
        known = _BY_NAME.get(name)
        if known is None or not isinstance(found, str):
            names = ", ".join(setting.name for setting in SETTINGS if not setting.secret)
            raise Usage(
                f"{name!r} is no setting with a text", where=str(path), hint=f"There are: {names}."
            )
        if known.secret:
            hint = f"Set {known.variable} in the environment; take it out of the file."
            raise Usage(
                f"{name} is a secret, and files are read by others", where=str(path), hint=hint
            )
        if name == "store" and "://" in found:
            # A project that was downloaded must not send the credentials of the environment away.
            hint = "Name a server or database with --store or in LINEAGE_STORE."
            raise Usage("the file may name a store by its path only", where=str(path), hint=hint)
        if known.path:
            held[name] = str(path.parent.parent / expanded(found))
    return held
