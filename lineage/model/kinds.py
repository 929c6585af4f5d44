# SPDX-License-Identifier: Apache-2.0
"""The only place that declares nouns: what a Run, a Dataset or a Decision is, and its fields.

The docstrings are the words of the documentation, the GraphQL descriptions and the web page.
Engines and formats know no nouns: they read ``family`` and ``fields_of``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from functools import cache
from typing import Any, ClassVar

from lineage.model.record import Node
from lineage.model.terms import Family
from lineage.model.value import Value, clean

#: Fields of this mark hold what identifies a person; redaction and export policies look for it.
PERSONAL = "personal"


def said(text: str, *, personal: bool = False) -> Any:
    """A field that may be absent, with the sentence that explains it."""
    return field(default=None, metadata={"description": text, PERSONAL: personal})


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """A node of a known kind, typed; ``node()`` turns it into the record that is stored."""

    family: ClassVar[Family]
    id: str
    label: str | None = None
    more: Mapping[str, Value] = field(default_factory=dict)

    def node(self) -> Node:
        """The record. ``more`` adds attributes that the kind does not declare."""
        own = {name: getattr(self, name) for name in _declared(type(self).__name__)}
        return Node(
            id=self.id,
            kind=type(self).__name__,
            label=self.label,
            attributes=clean({**own, **self.more}),
        )


_BASE = frozenset({"id", "label", "more"})


@cache
def _declared(kind: str) -> tuple[str, ...]:
    """The names of the attributes that a kind declares; asked for every node there is."""
    return tuple(f.name for f in fields_of(kind))


class _Entity(Noun):
    __slots__ = ()
    family: ClassVar[Family] = "Entity"


class _Activity(Noun):
    __slots__ = ()
    family: ClassVar[Family] = "Activity"


class _Agent(Noun):
    __slots__ = ()
    family: ClassVar[Family] = "Agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity(_Entity):
    """Something, of which no more is known (PROV-DM section 5.1.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(_Activity):
    """Something that happened, of which no more is known (PROV-DM section 5.1.2)."""

    started: str | None = said("When it began, ISO 8601.")
    ended: str | None = said("When it ended, ISO 8601.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent(_Agent):
    """Somebody or something responsible, of which no more is known (PROV-DM section 5.3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(_Activity):
    """One execution: a training run, a pipeline stage, a job. Parameters and metrics are
    attributes ``param.<name>`` and ``metric.<name>``.
    """

    name: str | None = said("What its tracker or author calls it.")
    status: str | None = said("How it ended: finished, failed, killed, running, scheduled.")
    started: str | None = said("When it began, ISO 8601.")
    ended: str | None = said("When it ended, ISO 8601.")
    command: str | None = said("The command line that was run.")
    experiment: str | None = said("The experiment or group the tracker files it under.")
    tracker: str | None = said("The system that recorded it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit(_Entity):
    """A source snapshot in version control, and the plan that runs followed."""

    message: str | None = said("The first line of the commit message.")
    committed: str | None = said("When it was committed, ISO 8601.")
    authored: str | None = said("When its change was written, ISO 8601.")
    tree: str | None = said("The hash of the files it holds: the bytes that ran.")
    change_id: str | None = said("The Change-Id trailer, which survives a rewrite.")
    patch_id: str | None = said("git patch-id of its change without context lines.")
    range_patch_id: str | None = said("patch-id of everything since it left the default branch.")
    refs: str | None = said("Branches and tags that point at it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset(_Entity):
    """A named body of data, whatever its bytes are today."""

    name: str | None = said("Its name within the namespace.")
    namespace: str | None = said("Where the name is defined.")
    license: str | None = said("The licence it is under (SPDX identifier where there is one).")
    owner: str | None = said("Who answers for it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetVersion(_Entity):
    """A dataset at one moment: its name and the digest of its bytes."""

    name: str | None = said("The dataset's name or path.")
    digest: str | None = said("algorithm:hex by which the source knows the bytes.")
    size: int | None = said("Size in bytes.")
    files: int | None = said("Number of files, for a directory.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content(_Entity):
    """Bytes, whatever they are called: where tools that never heard of each other meet."""

    digest: str | None = said("algorithm:hex of the bytes.")
    size: int | None = said("Size in bytes.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment(_Entity):
    """Interpreter, platform and packages: equal environments are one node."""

    python: str | None = said("Version, or range of versions, of the interpreter.")
    platform: str | None = said("Operating system and machine.")
    packages: int | None = said("How many packages it holds.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package(_Entity):
    """A published software package at one version, named by its purl."""

    name: str | None = said("Name in its registry.")
    version: str | None = said("Version.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(_Entity):
    """A named model, whatever its weights are today."""

    name: str | None = said("Its name in the registry.")
    namespace: str | None = said("The registry that defines the name.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion(_Entity):
    """A model at one version: the thing that is deployed, and asked about."""

    name: str | None = said("The model's name.")
    version: str | None = said("The version within its registry.")
    aliases: str | None = said("Names such as champion that pointed at it when it was read.")
    stage: str | None = said("The registry stage, where the registry has stages.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact(_Entity):
    """A file or directory that a run read or wrote."""

    name: str | None = said("Its path or name.")
    digest: str | None = said("algorithm:hex by which the source knows the bytes.")
    size: int | None = said("Size in bytes.")
    files: int | None = said("Number of files, for a directory.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(_Entity):
    """A choice with its reasons, and the plan that runs followed because of it."""

    status: str | None = said("proposed, accepted, rejected, deprecated or superseded.")
    decided: str | None = said("When it was taken, ISO 8601.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Review(_Activity):
    """Somebody looking at something and giving a verdict."""

    verdict: str | None = said("What the reviewer concluded.")
    started: str | None = said("When it began, ISO 8601.")
    ended: str | None = said("When it ended, ISO 8601.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment(_Activity):
    """A model version put into use somewhere."""

    target: str | None = said("Where it was deployed.")
    started: str | None = said("When it began, ISO 8601.")
    ended: str | None = said("When it ended, ISO 8601.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access(_Activity):
    """Somebody reading or changing data, under a permission."""

    permission: str | None = said("The grant that allowed it.")
    started: str | None = said("When it began, ISO 8601.")
    ended: str | None = said("When it ended, ISO 8601.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(_Agent):
    """A human being."""

    name: str | None = said("Name.", personal=True)
    email: str | None = said("E-mail address.", personal=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization(_Agent):
    """An institution, company or team."""

    name: str | None = said("Name.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareAgent(_Agent):
    """A program that acts: a bot, a scheduler, a CI system."""

    name: str | None = said("Name.")
    version: str | None = said("Version.")


#: Every kind by name: our nouns, then the three plain families for what nobody knows.
KINDS: Mapping[str, type[Noun]] = {
    kind.__name__: kind
    for kind in (
        Run,
        Commit,
        Dataset,
        DatasetVersion,
        Content,
        Environment,
        Package,
        Model,
        ModelVersion,
        Artifact,
        Decision,
        Review,
        Deployment,
        Access,
        Person,
        Organization,
        SoftwareAgent,
        Entity,
        Activity,
        Agent,
    )
}

PLAIN: tuple[Family, ...] = ("Entity", "Activity", "Agent")
_RANK = {name: rank for rank, name in enumerate(KINDS)}
#: Among relations that mention a thing nobody described, the most telling family wins.
_MENTION_RANK = {"Agent": 0, "Activity": 1, "Entity": 2}


def family(kind: str) -> Family:
    """The PROV family of a kind."""
    return KINDS[kind].family


def fields_of(kind: str) -> tuple[Field[Any], ...]:
    """The attributes a kind declares."""
    return tuple(f for f in fields(KINDS[kind]) if f.name not in _BASE)


def describe(kind: str) -> str:
    """What a kind is, in one sentence."""
    return " ".join((KINDS[kind].__doc__ or "").split())


def most_specific(kinds: set[str]) -> str:
    """The kind a node is shown under when its sources disagree: nouns before plain families."""
    return min(kinds, key=_RANK.__getitem__)


def most_telling(families: set[str]) -> str:
    """The family of a thing that is only mentioned."""
    return min(families, key=_MENTION_RANK.__getitem__)
