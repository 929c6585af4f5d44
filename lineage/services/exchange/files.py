# SPDX-License-Identifier: Apache-2.0
"""Finds the files of exchange (keys, policies and the trust file) in the folder of the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from lineage import config
from lineage.access import policy_document
from lineage.access.policy import Policy
from lineage.access.tokens import Role
from lineage.errors import InputMissing, Usage
from lineage.ledger.keys import PublicKey
from lineage.paths import expanded
from lineage.services.context import Context
from lineage.services.exchange import keyring
from lineage.services.exchange.trust import Trust
from lineage.services.request import Request, Says
from lineage.sources import yaml_reader

KEYS, PARTNERS, TRUST = "keys", "partners", "trust.yaml"


def named_keys() -> Path | None:
    """The folder of keys that is configured, if there is one."""
    named = config.value("keys").value
    return expanded(named) if named else None


def keys(home: Path | None) -> Path:
    """The folder of keys: ``LINEAGE_KEYS``, else ``keys`` beside the store. Raises ``Usage``."""
    return named_keys() or _beside(home, KEYS, "Name a folder for keys in LINEAGE_KEYS.")


def trust(home: Path | None, path: str | None = None) -> Trust:
    """Read the trust file named, else ``trust.yaml`` beside the store.

    Raises ``InputMissing`` and ``Usage`` saying how to begin, and ``BadInput``.
    """
    hint = "Write who you are and whose keys you trust; docs/reference/exchange.md has an example."
    place = Path(path) if path else _beside(home, TRUST, "Name a trust file with --trust.")
    return Trust.of(_read(place, "there is no trust file", hint), where=str(place))


def policy_of(data: bytes, *, where: str = "policy") -> Policy:
    """Read a partner's policy out of its YAML. Raises ``BadInput``, ``LimitExceeded``."""
    return policy_document.read(yaml_reader.load(data, where=where), where=where)


def policy(home: Path | None, partner: str, path: str | None = None) -> Policy:
    """Read the policy file named, else ``partners/<partner>.yaml`` beside the store.

    Raises ``InputMissing``, ``Usage`` (also where it is another partner's), and ``BadInput``.
    """
    hint = "Write what leaves for this partner; docs/reference/exchange.md has an example."
    if path is None and (not partner or {"/", "\\", "\0"} & set(partner) or partner[0] == "."):
        raise Usage(f"{partner!r} cannot be the name of a partner")
    name = f"{PARTNERS}/{partner}.yaml"
    place = Path(path) if path else _beside(home, name, "Name a policy with --policy.")
    found = policy_of(_read(place, f"there is no policy for {partner}", hint), where=str(place))
    if found.partner != partner:
        message = f"the policy is for {found.partner!r}, not for {partner!r}"
        raise Usage(message, where=str(place), hint="Name the partner as its policy does.")
    return found


def _beside(home: Path | None, name: str, hint: str) -> Path:
    if home is None:
        raise Usage(f"this store has no folder here, in which {name} would be", hint=hint)
    return home / name


def _read(path: Path, missing: str, hint: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputMissing(missing, where=str(path), hint=hint) from error


@dataclass(frozen=True, slots=True)
class NewKeyRequest(
    Request[PublicKey], demands=Role.admin, examples=("keys new lab.example/lineage",)
):
    """Make an Ed25519 key; what is given back is the line to give to partners. The private key stays
    in a file that only you may read.
    """

    name: Annotated[
        str, Says(text="That of your log: a host and a path, such as lab.example/lineage.")
    ]

    def answer(self, ctx: Context) -> PublicKey:
        """See ``Request.answer``. Raises ``Usage`` where there is a key of this name."""
        return keyring.new(keys(ctx.home), self.name)


@dataclass(frozen=True, slots=True)
class KeysRequest(Request[tuple[str, ...]], demands=Role.admin, examples=("keys list",)):
    """The names of the keys that sign what leaves for partners."""

    def answer(self, ctx: Context) -> tuple[str, ...]:
        """See ``Request.answer``."""
        return tuple(keyring.listed(keys(ctx.home)))
