# SPDX-License-Identifier: Apache-2.0
"""The only place that declares kinds of nodes: what a Run, a Dataset or a Decision is.

All that any interface needs to know of a kind stands with it (see ``Noun``). Engines and formats know no
kind by name: they read ``family`` and ``fields_of``.
"""

from __future__ import annotations

from collections.abc import Mapping

from lineage.model.noun import (
    DECLARED,
    INDEXED,
    OTHERS,
    PERSONAL,
    TIME,
    ActivityNoun,
    AgentNoun,
    EntityNoun,
    Known,
    Noun,
    attribute,
    by_group,
    by_word,
    fields_of,
    kind,
)
from lineage.model.terms import Family

__all__ = ["INDEXED", "PERSONAL", "TIME", "Noun", "fields_of"]


@kind(plural="runs", group="runs", summary=("status", "lifecycle"))
class Run(ActivityNoun):
    """One execution: a training run, a pipeline stage, a job. Parameters and metrics are
    attributes ``param.<name>`` and ``metric.<name>``.
    """

    name: str | None = attribute("What its tracker or author calls it.")
    status: str | None = attribute(
        "How it ended: finished, failed, killed, running, scheduled.", indexed=True
    )
    started: str | None = attribute("When it began, ISO 8601.", time=True, indexed=True)
    ended: str | None = attribute("When it ended, ISO 8601.", time=True)
    command: str | None = attribute("The command line that was run.")
    experiment: str | None = attribute("The experiment that its tracker has it in.", indexed=True)
    tracker: str | None = attribute("The system that recorded it.")


@kind(plural="commits", group="commits", summary=("message",))
class Commit(EntityNoun):
    """A source snapshot in version control, and the plan that runs followed."""

    message: str | None = attribute("The first line of the commit message.")
    committed: str | None = attribute("When it was committed, ISO 8601.", time=True, indexed=True)
    authored: str | None = attribute("When its change was written, ISO 8601.", time=True)
    tree: str | None = attribute("The hash of the files it holds: the bytes that ran.")
    change_id: str | None = attribute("The Change-Id trailer, which survives a rewrite.")
    patch_id: str | None = attribute("git patch-id of its change without context lines.")
    range_patch_id: str | None = attribute("patch-id of all since it left the default branch.")
    refs: str | None = attribute("Branches and tags that point at it.")


@kind(plural="datasets", group="datasets")
class Dataset(EntityNoun):
    """A named body of data, whatever its bytes are today."""

    name: str | None = attribute("Its name within the namespace.")
    namespace: str | None = attribute("Where the name is defined.")
    license: str | None = attribute(
        "The licence it is under (SPDX identifier where there is one).", indexed=True
    )
    owner: str | None = attribute("Who answers for it.", indexed=True)


@kind(
    plural="datasetVersions",
    group="datasets",
    words={"version": 0, "dataset": 1, "artifact": 1},
    summary=("digest", "size"),
    version_of="Dataset",
)
class DatasetVersion(EntityNoun):
    """A dataset at one moment: its name and the digest of its bytes."""

    name: str | None = attribute("The dataset's name or path.")
    digest: str | None = attribute("algorithm:hex by which its source knows it.", indexed=True)
    size: int | None = attribute("Size in bytes.")
    files: int | None = attribute("Number of files, for a directory.")


@kind(plural="contents", group="contents", summary=("digest", "size"))
class Content(EntityNoun):
    """Bytes, whatever they are called: where tools that never heard of each other meet."""

    digest: str | None = attribute("algorithm:hex of the bytes.", indexed=True)
    size: int | None = attribute("Size in bytes.")


@kind(
    plural="environments",
    group="environments",
    words={"environment": 0, "env": 0},
    summary=("python",),
)
class Environment(EntityNoun):
    """Interpreter, platform and packages: equal environments are one node."""

    python: str | None = attribute("Version, or range of versions, of the interpreter.")
    platform: str | None = attribute("Operating system and machine.")
    packages: int | None = attribute("How many packages it holds.")


@kind(plural="machines", group="environments", summary=("processor", "memory"))
class Machine(EntityNoun):
    """What a run was carried out on: system, processor, memory, accelerators, and how much of them the run
    could have. Equal ones on one host are one node.
    """

    host: str | None = attribute("The name of the host.")
    processor: str | None = attribute("The model of its processor.")
    cores: int | None = attribute("How many processors the run could have.")
    memory: int | None = attribute("Bytes of memory that the run could have.")


@kind(plural="packages", group="packages", summary=("version",))
class Package(EntityNoun):
    """A published software package at one version, named by its purl."""

    name: str | None = attribute("Name in its registry.")
    version: str | None = attribute("Version.")


@kind(plural="models", group="models", words={"model": 1})
class Model(EntityNoun):
    """A named model, whatever its weights are today."""

    name: str | None = attribute("Its name in the registry.")
    namespace: str | None = attribute("The registry that defines the name.")


@kind(
    plural="modelVersions",
    group="models",
    words={"model": 0, "version": 2},
    summary=("status", "lifecycle", "version"),
    version_of="Model",
)
class ModelVersion(EntityNoun):
    """A model at one version: the thing that is deployed, and asked about."""

    name: str | None = attribute("The model's name.")
    version: str | None = attribute("The version within its registry.")
    aliases: str | None = attribute("Names such as champion that pointed at it when it was read.")
    stage: str | None = attribute("The stage that its registry has it in.", indexed=True)


@kind(
    plural="artifacts",
    group="artifacts",
    words={"artifact": 0, "version": 1, "dataset": 2, "model": 2},
    summary=("lifecycle", "digest", "size"),
)
class Artifact(EntityNoun):
    """A file or directory that a run read or wrote."""

    name: str | None = attribute("Its path or name.")
    digest: str | None = attribute("algorithm:hex by which its source knows it.", indexed=True)
    size: int | None = attribute("Size in bytes.")
    files: int | None = attribute("Number of files, for a directory.")


@kind(plural="decisions", group="decisions", summary=("status", "category", "owner"))
class Decision(EntityNoun):
    """A choice with its reasons, and the plan that runs followed because of it. Its attributes are what its
    record says now; its versions have what that said before.
    """

    status: str | None = attribute(
        "draft, proposed, accepted, rejected, deprecated or superseded; absent where nobody says so.",
        indexed=True,
    )
    stage: str | None = attribute("The last step that was recorded of it, such as reviewed.")
    status_written: str | None = attribute("The status as its file has it.")
    decided: str | None = attribute("The date that its file has, ISO 8601.", time=True)
    file: str | None = attribute("Its file, from the root of the repository or folder.")
    category: str | None = attribute("What it is about, such as data, design or release.")
    owner: str | None = attribute("Who answers for it, as its file names them.", personal=True)
    risk: str | None = attribute("The highest level among its risks: low, medium or high.")
    due: str | None = attribute("Until when it is to be reviewed, ISO 8601.", time=True)
    revisit: str | None = attribute("When it is to be looked at again, ISO 8601.", time=True)


@kind(
    plural="decisionVersions",
    group="decisions",
    words={"decision": 1},
    summary=("status_written", "written"),
    version_of="Decision",
)
class DecisionVersion(EntityNoun):
    """A decision as its record was written at one time. Runs follow the version that there was."""

    digest: str | None = attribute("algorithm:hex of the bytes of the file.")
    text: str | None = attribute("The text of the file.", personal=True)
    status_written: str | None = attribute("The status as the file had it.")
    written: str | None = attribute("When the commit was made that has it, ISO 8601.", time=True)


@kind(plural="lessons", group="decisions", summary=("tags",))
class Lesson(EntityNoun):
    """What went wrong or was learnt, with what it is about: it is offered where that comes back."""

    text: str | None = attribute("What was learnt.")
    tags: str | None = attribute("Words by which it is found.")
    about: str | None = attribute("What it is about, in the words of the record that it is in.")


@kind(plural="deliberations", group="decisions", summary=("act",))
class Deliberation(ActivityNoun):
    """A step in the life of a decision: it was proposed, accepted, closed, reopened."""

    act: str | None = attribute("Which step it is.")
    reason: str | None = attribute("Why it was taken.")
    started: str | None = attribute("When, ISO 8601.", time=True)


@kind(plural="reviews", group="decisions", summary=("verdict",))
class Review(ActivityNoun):
    """Somebody looking at something and giving a verdict."""

    verdict: str | None = attribute("What the reviewer concluded: approve, or request changes.")
    reason: str | None = attribute("Why.")
    started: str | None = attribute("When it began, ISO 8601.", time=True)
    ended: str | None = attribute("When it ended, ISO 8601.", time=True)


@kind(plural="verdicts", group="decisions", words={"evaluation": 0}, summary=("verdict",))
class Verdict(EntityNoun):
    """What became of a criterion of a decision when somebody evaluated it, with the figures that it rests on."""

    verdict: str | None = attribute("supported, refuted or inconclusive, after the correction.")
    criterion: str | None = attribute("The criterion.")
    reason: str | None = attribute("Why it is so.")
    n: int | None = attribute("How many runs, or pairs of runs, count.")
    estimate: float | None = attribute("The mean, or the difference of means.")
    low: float | None = attribute("Where the interval of the estimate begins.")
    high: float | None = attribute("Where the interval of the estimate ends.")
    p: float | None = attribute("The p-value, two-sided, after Holm's correction.")
    test: str | None = attribute("The test.")
    software: str | None = attribute("What computed it, with its version.")


@kind(plural="deviations", group="decisions", summary=("planned", "happened"))
class Deviation(EntityNoun):
    """Where a run differed from the plan that it followed, as somebody found it who evaluated the decision."""

    key: str | None = attribute("What of the plan, such as config.lr.")
    planned: str | None = attribute("What was planned; absent: nothing.")
    happened: str | None = attribute("What it was; absent: nothing is recorded.")
    reason: str | None = attribute("Why, as people said until then; absent: nobody said so.")


@kind(plural="deployments", group="deployments", summary=("target",))
class Deployment(ActivityNoun):
    """A model version put into use somewhere. That it was requested, went live, failed and was retired
    are facts of their own; whether it is live follows from them, and is not kept.
    """

    target: str | None = attribute("Where it was deployed.")
    url: str | None = attribute("Where it can be reached.")
    reason: str | None = attribute("Why it was requested.")
    requested_at: str | None = attribute("When it was requested, ISO 8601.", time=True)
    live_at: str | None = attribute("When it went live, ISO 8601.", time=True)
    failed_at: str | None = attribute("When it was found to have failed, ISO 8601.", time=True)
    failure: str | None = attribute("Why it failed.")
    retired_at: str | None = attribute("When it was taken out of use, ISO 8601.", time=True)
    retirement: str | None = attribute("Why it was taken out of use.")
    started: str | None = attribute("When it began, ISO 8601.", time=True)
    ended: str | None = attribute("When it ended, ISO 8601.", time=True)


@kind(plural="accesses", group="deployments", summary=("permission",))
class Access(ActivityNoun):
    """Somebody reading or changing data, under a permission."""

    permission: str | None = attribute("The grant that allowed it.")
    started: str | None = attribute("When it began, ISO 8601.", time=True)
    ended: str | None = attribute("When it ended, ISO 8601.", time=True)


@kind(plural="people", group="people", words={"person": 0, "agent": 2})
class Person(AgentNoun):
    """A human being."""

    name: str | None = attribute("Name.", personal=True)
    email: str | None = attribute("E-mail address.", personal=True, indexed=True)


@kind(plural="organizations", group="people", words={"organization": 0, "agent": 3})
class Organization(AgentNoun):
    """An institution, company or team."""

    name: str | None = attribute("Name.")


@kind(plural="softwareAgents", group="people", words={"agent": 0}, summary=("version",))
class SoftwareAgent(AgentNoun):
    """A program that acts: a bot, a scheduler, a CI system."""

    name: str | None = attribute("Name.")
    version: str | None = attribute("Version.")


#: Attributes worth a line of what is of no kind of ours.
_ANYTHING = ("message", "status", "digest", "version", "python", "size")


@kind(plural="plainEntities", summary=_ANYTHING)
class Entity(EntityNoun):
    """Something, of which no more is known (PROV-DM section 5.1.1)."""


@kind(plural="plainActivities", summary=_ANYTHING)
class Activity(ActivityNoun):
    """Something that happened, of which no more is known (PROV-DM section 5.1.2)."""

    started: str | None = attribute("When it began, ISO 8601.", time=True)
    ended: str | None = attribute("When it ended, ISO 8601.", time=True)


@kind(plural="plainAgents", group="people", words={"agent": 1, "person": 1}, summary=_ANYTHING)
class Agent(AgentNoun):
    """Somebody or something responsible, of which no more is known (PROV-DM section 5.3.1)."""


#: Every kind by name: our nouns, then the three plain families for what nobody knows.
KINDS: Mapping[str, type[Noun]] = Known(DECLARED)
PLAIN: tuple[Family, ...] = ("Entity", "Activity", "Agent")
_RANK = {name: rank for rank, name in enumerate(KINDS)}
#: The precedence of plain families.
PLAINEST = 2
#: Among relations that mention a thing nobody described, the most telling family wins.
_MENTION_RANK = {"Agent": 0, "Activity": 1, "Entity": 2}
#: The groups of an answer that people ask for first; those of other kinds follow.
_FIRST_GROUPS = (
    "deployments", "models", "runs", "commits", "datasets", "environments", "people", "decisions",
    "artifacts", "packages", "contents",
)  # fmt: skip


#: The groups in which people read an answer, in order, with the kinds in each.
GROUPS: Mapping[str, tuple[str, ...]] = by_group(_FIRST_GROUPS)
#: The word that a reference begins with -> the kinds it may mean, the preferred first.
WORDS: Mapping[str, tuple[str, ...]] = by_word()
#: Kinds of names: what they mean has versions, which are made, and is itself made by nobody.
NAMES: frozenset[str] = frozenset(filter(None, (k.version_of for k in KINDS.values())))
#: Kinds of files and folders: who used a part of a folder depends on the folder.
FOLDERS: frozenset[str] = frozenset({"DatasetVersion", "Artifact"})


def family(kind: str) -> Family:
    """The PROV family of a kind. Raises ``StoreTooNew`` for one that this version does not know."""
    return KINDS[kind].family


def group(kind: str) -> str:
    """The group that answers put a kind in; for an unknown kind, the group of all others."""
    return KINDS[kind].group if kind in KINDS else OTHERS


def with_versions(kind: str) -> frozenset[str]:
    """A kind, and the kind of its versions where it has some."""
    return frozenset({kind, *(name for name, k in KINDS.items() if k.version_of == kind)})


def describe(kind: str) -> str:
    """Describe a kind in one sentence."""
    return " ".join((KINDS[kind].__doc__ or "").split())


def precedence(kind: str) -> int:
    """Which kinds a node is shown under when its sources disagree: what only a newer version knows
    (0), then nouns (1), then plain families (2).
    """
    if kind not in KINDS:
        return 0
    return PLAINEST if kind in _MENTION_RANK else 1


def rank(kind: str) -> int:
    """The place of a kind among those of one precedence that one entry gives a node."""
    return _RANK.get(kind, -1)


def most_telling(families: set[str]) -> str:
    """The most specific of the families that a node which is only mentioned may have."""
    return min(families, key=_MENTION_RANK.__getitem__)
