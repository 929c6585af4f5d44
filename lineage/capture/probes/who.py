# SPDX-License-Identifier: Apache-2.0
"""Sees who runs a program: the account of the system, the author that git would name, the actor of a CI, and on
whose behalf it is done.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lineage.access.secret_patterns import scrub
from lineage.capture.found import Found, Json
from lineage.capture.probes import scheduler
from lineage.capture.system_files import attempt
from lineage.errors import LineageError
from lineage.sources.git import layout
from lineage.sources.git.identity import Identity as Stated
from lineage.sources.git.identity import identity

#: The kernel keeps who logged in, whatever account is used since; this number says that nobody did.
_NOBODY_LOGGED_IN = "4294967295"
#: Variables that say for whom another account acts: those of our own and of programs that change the account.
_BEHALF = ("LINEAGE_ACTOR", "SUDO_USER", "DOAS_USER")
_BEHALF_UID = "PKEXEC_UID"


def probe(
    environ: Mapping[str, str], repository: Path | None, *, proc: Path = Path("/proc")
) -> Found:
    """See who runs a program with these variables; ``repository`` is the one that it runs in, if any."""
    found = Found()
    uid = os.getuid()
    user = _called(uid)
    if user is None:
        found.miss("name of the user", f"the system has no entry for the number {uid}")
    found.facts |= {
        "uid": uid,
        "user": user,
        "git": _git(environ, repository, found),
        "ci": _ci(environ, found),
        "on_behalf_of": [*_behalf(environ, proc, uid)],
    }
    return found


def _called(uid: int) -> str | None:
    """What an account is called; a container may run under a number that has no name."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OSError, OverflowError):
        return None


def _git(variables: Mapping[str, str], repository: Path | None, found: Found) -> Json:
    """The author that git would name, with where each part is stated."""
    gitdir = common = None
    if repository is not None:
        try:
            gitdir, common = layout.folders(repository)
        except LineageError as error:
            found.miss("git identity of the repository", scrub(str(error)))
    said = identity(gitdir, common, variables)
    if said.skipped:
        found.miss("settings of git that a condition includes", scrub(", ".join(said.skipped)))
    told = {**_part("name", said, found), **_part("email", said, found)}
    if repository is not None and (repository / ".mailmap").exists():
        told |= _corrected(told, repository, found)
    return told


def _corrected(said: Mapping[str, Json], repository: Path, found: Found) -> dict[str, Json]:
    """Name and e-mail as the mailmap corrects them: the commits of the same person are told so."""
    from lineage.sources.git.objects import Identity
    from lineage.sources.git.reader import GitReader

    one = Identity(str(said["name"] or ""), str(said["email"] or ""))
    try:
        with GitReader.open(repository) as reader:
            name, email = reader.mailmap([one]).get(one, one)
    except (LineageError, OSError) as error:
        found.miss("mailmap", scrub(str(error)))
        return {}
    return {"name": name or None, "email": email or None}


def _part(part: str, said: Stated, found: Found) -> dict[str, Json]:
    stated: tuple[str, str] | None = getattr(said, part)
    if stated is None:
        found.miss(f"{part} of the git identity", "no file and no variable states it")
        return {part: None}
    value, where = stated
    return {part: scrub(value), f"{part}_from": where}


def _ci(variables: Mapping[str, str], found: Found) -> Json:
    """Who started what runs in a CI; ``None`` where none runs."""
    system = next(iter(scheduler.known(scheduler.CI, variables)), None)
    if system is None:
        return None
    if variables.get("ACTIONS_ID_TOKEN_REQUEST_URL"):
        found.miss("OIDC subject", "it takes a request over the network")
    for name in scheduler.ACTORS[system]:
        if actor := variables.get(name):
            return {"system": system, "actor": scrub(actor), "from": name}
    found.miss("actor of the CI", f"{system} does not say who started it")
    return {"system": system, "actor": None}


def _behalf(variables: Mapping[str, str], proc: Path, uid: int) -> list[Json]:
    """For whom it is done, as far as anything says so that is not this account itself."""
    said: list[Json] = [
        {"name": scrub(variables[x]), "from": x} for x in _BEHALF if variables.get(x)
    ]
    path = proc / "self" / "loginuid"
    numbers = [(variables.get(_BEHALF_UID, ""), _BEHALF_UID), (attempt(path)[0] or "", str(path))]
    for number, where in numbers:
        if number.isdecimal() and number not in (_NOBODY_LOGGED_IN, str(uid)):
            said.append({"uid": int(number), "name": _called(int(number)), "from": where})
    return said
