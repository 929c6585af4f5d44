# SPDX-License-Identifier: Apache-2.0
"""Makes records that say what is the same: versions and their bytes, people and their addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lineage import ids
from lineage.model import kinds, terms
from lineage.model.record import Edge, Node
from lineage.model.value import Value

#: Algorithms whose digests tell bytes apart: others are of few bits, or of no bytes.
STRONG = (
    "md5",
    "md5-dos2unix",
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "blake2b",
    "blake3",
    "xxh128",
    "git",
)

#: Under which GitHub itself commits, as where somebody merges on its page.
_BOT_MAIL = "noreply@github.com"
#: Digests that are those of another algorithm, taken of the bytes in a form that many have already: DVC
#: before 3 took the md5 of text with the line ends of Unix, and of anything else as it is.
_NORMALISED = {"md5-dos2unix": ("md5", "its text with the line ends of Unix has these bytes")}

#: How people write who they mean: a name with an e-mail address, an ORCID, a team of an organization.
_ADDRESS = re.compile(r"(?P<name>[^<>]*?)\s*<?(?P<email>[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+)>?")
_ORCID = re.compile(r"(?:orcid:|https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])")
_TEAM = re.compile(r"@[\w.-]+(?:/[\w.-]+)+")


def tie(version: str, bytes_: str, evidence: str | None = None) -> tuple[Edge, Edge]:
    """Tie a version and its content (or two digests of the same bytes) both ways by digest."""
    by_digest: dict[str, Value] = {terms.METHOD: terms.BY_DIGEST}
    if evidence is not None:
        by_digest[terms.EVIDENCE] = evidence
    return (
        Edge(relation="alternateOf", effect=version, cause=bytes_, attributes=by_digest),
        Edge(relation="alternateOf", effect=bytes_, cause=version, attributes=by_digest),
    )


def content(
    version: str, algorithm: str, digest: str, size: int | None = None
) -> tuple[Sequence[Node], Sequence[Edge]]:
    """Make the content node of a version and its ties; nothing for bytes that say nothing. What DVC
    before 3 knows a file by is the md5 that others have of it, but for the line ends of text.
    """
    algorithm, evidence = _NORMALISED.get(algorithm, (algorithm, None))
    ident = ids.content_id(algorithm, digest, size)
    if ident is None:
        return (), ()
    node = kinds.Content(
        id=ident, label=f"{algorithm}:{digest[:12]}", digest=f"{algorithm}:{digest}"
    )
    return (node.node(),), tie(version, ident, evidence)


def person(name: str, email: str, key: bytes) -> Node:
    """Make a person as version control knows one: by e-mail, which is marked personal."""
    ident = ids.person_id(email or name, key)
    return kinds.Person(id=ident, label=name or None, name=name, email=email or None).node()


def committer(name: str, email: str, key: bytes) -> Node:
    """Make who stands on a commit: a person, or the program that commits under a name of its own."""
    if name.endswith("[bot]") or email == _BOT_MAIL:
        ident = ids.thing_id("agent", "git", name or email)
        return kinds.SoftwareAgent(id=ident, label=name or email, name=name or email).node()
    return person(name, email, key)


def agent(name: str, key: bytes) -> Node:
    """Make who is named in a text: a person by ORCID or e-mail address, a team by ``@organization/team``; of a bare name it
    is not known who or what that is.
    """
    if _TEAM.fullmatch(name.strip()):
        team = name.strip()
        ident = ids.thing_id("organization", "lineage", team.removeprefix("@"))
        return kinds.Organization(id=ident, label=team, name=team).node()
    text = name.strip().removeprefix("@")
    if found := _ORCID.fullmatch(text):
        return kinds.Person(id=ids.orcid_id(found[1]), label=f"ORCID {found[1]}").node()
    if found := _ADDRESS.fullmatch(text):
        return person(found["name"], found["email"], key)
    return kinds.Agent(id=ids.thing_id("agent", "lineage", text), label=text).node()


def catalog_agent(kind: str, name: str, title: str) -> Node:
    """Make who is named in a catalog, where no more is known than a name in it, such as ``default/team-a``: a team, or
    somebody.
    """
    if kind == "group":
        ident = ids.thing_id("organization", "backstage", name)
        return kinds.Organization(id=ident, label=title, name=name.removeprefix("default/")).node()
    return kinds.Agent(id=ids.thing_id("agent", "backstage", name), label=title).node()
