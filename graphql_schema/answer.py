# SPDX-License-Identifier: Apache-2.0
"""The flat answer: the one JSON shape of docs/reference/answers.md, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any

import strawberry

from graphql_schema.rows import Rows
from graphql_schema.scalars import JSON, Kind, Relation
from graphql_schema.types import Edge, Evidence, Node, leaf
from lineage.model.kinds import GROUPS
from lineage.services import answer as answers
from lineage.services.read import ask, produced, show, trace, why


@strawberry.enum(description="Why an answer is not whole.")
class Reason(Enum):
    """Why an answer is not whole."""

    depth = strawberry.enum_value("depth", description="There is more beyond the hops asked for.")
    limit = strawberry.enum_value("limit", description="There is more than was asked for.")
    time = strawberry.enum_value("time", description="It would have taken too long.")
    permission = strawberry.enum_value("permission", description="The rest may not be seen.")


@strawberry.type(description="Why an answer is not whole, and how much is known to be missing.")
class Cut:
    """Why an answer is not whole, and how much is known to be missing."""

    reason: Reason = strawberry.field(description="What ended it.")
    left: int | None = strawberry.field(description="Nodes known to be beyond the cut.")


@strawberry.type(description="What an answer could not use, or what is not recorded.")
class Gap:
    """What an answer could not use, or what is not recorded."""

    code: str = strawberry.field(description="A word that does not change between releases.")
    count: int = strawberry.field(description="How many there are.")
    message: str = strawberry.field(description="What is not known, as a sentence.")
    example: str | None = strawberry.field(description="One of them.")
    command: str | None = strawberry.field(description="What closes it, or shows more.")


@strawberry.type(description="Whether an answer is whole, and the ledger it was answered from.")
class Certificate:
    """Whether an answer is whole, and the ledger it was answered from."""

    complete: bool = strawberry.field(
        description="Whether nothing that is recorded was cut off; gaps say what is not known."
    )
    cut: Cut | None = strawberry.field(description="Why it is not whole.")
    cursor: str | None = strawberry.field(description="Goes on where the answer ends.")
    as_of: int = strawberry.field(name="as_of", description="The entry it was answered at.")
    root: str = strawberry.field(description="The root of the ledger then, in hex.")
    gaps: list[Gap] = strawberry.field(
        description="What is not recorded, or could not be used (docs/reference/answers.md)."
    )


def _key(name: str, sort: Any, description: str) -> Any:
    return leaf(name, lambda held: held.get(name), sort, description)


def _keyed(name: str, description: str, fields: dict[str, tuple[Any, str]]) -> Any:
    """An object type over a mapping with these keys."""
    body: dict[str, Any] = {"__annotations__": {}, "__doc__": description, "__module__": __name__}
    body |= {key: _key(key, sort, words) for key, (sort, words) in fields.items()}
    return strawberry.type(type(name, (), body), name=name, description=description)


_IDS = list[strawberry.ID] | None
PathEdge = _keyed(
    "PathEdge",
    "One link of a connection.",
    {
        "type": (Relation, "Which relation."),
        "effect": (strawberry.ID, "What depends."),
        "cause": (strawberry.ID, "What it depends on."),
    },
)
Groups = _keyed(
    "Groups",
    "The nodes of an answer in the groups in which people ask for them; what was asked for is in none.",
    {name: (_IDS, f"Nodes of kind {', '.join(kinds)}.") for name, kinds in GROUPS.items()},
)
Alternates = _keyed(
    "Alternates",
    "Something under all its names: nodes that are tied by digest are one thing.",
    {
        "id": (strawberry.ID, "The node whose name says most."),
        "kind": (Kind, "The kind of that node."),
        "label": (str, "Its name for people."),
        "digests": (list[str], "algorithm:hex of its bytes, where they are known."),
        "also": (list[strawberry.ID], "The other nodes that it is known by."),
    },
)
AlternatesByGroup = _keyed(
    "AlternatesByGroup",
    "What produced something, in the groups in which people ask for it.",
    {
        name: (
            list[Alternates] | None,  # type: ignore[valid-type] # made above
            f"Things of kind {', '.join(kinds)}.",
        )
        for name, kinds in GROUPS.items()
    },
)
TreeLine = _keyed(
    "TreeLine",
    "One line of the tree from what was asked for; its place is behind its parent's other lines.",
    {
        "id": (strawberry.ID, "The thing on this line, by the node whose name says most."),
        "parent": (strawberry.ID | None, "The thing above it; null for the first line."),
        "relation": (
            Relation | None,
            "How the thing above depends on it; null for the first line and versions of that name.",
        ),
        "depth": (int, "How many lines are above it."),
        "repeated": (bool, "Whether what is below it is shown below an earlier line."),
    },
)


_GROUPS: Any = strawberry.field(
    graphql_type=Groups, description="The nodes in the groups in which people ask for them."
)
_PATHS: Any = list[list[PathEdge]]  # type: ignore[valid-type] # made above


@strawberry.interface(
    description="Nodes and edges, and whether they are all: docs/reference/answers.md, typed."
)
class Answer:
    """Nodes and edges, and whether they are all."""

    nodes: list[Node] = strawberry.field(description="The nodes, by identifier.")
    edges: list[Edge] = strawberry.field(description="The edges, by their ends.")
    certificate: Certificate = strawberry.field(description="Whether this is all.")
    start: list[strawberry.ID] = strawberry.field(description="What was asked about.")


@strawberry.type(description="Nodes: find.")
class FindAnswer(Answer):
    """Nodes."""


@strawberry.enum(description="What became of a deployment.")
class DeploymentState(Enum):
    """What became of a deployment."""

    requested = strawberry.enum_value("requested", description="Nothing says that it went live.")
    live = strawberry.enum_value(
        "live", description="It went live, and nothing says that it ended."
    )
    failed = strawberry.enum_value("failed", description="It was found to have failed.")
    retired = strawberry.enum_value("retired", description="It was taken out of use.")
    superseded = strawberry.enum_value(
        "superseded", description="Another version went live in its place."
    )
    unknown = strawberry.enum_value(
        "unknown",
        description="It was live, what replaced it failed, and nothing says what is live since.",
    )


@strawberry.type(description="What became of a deployment.")
class DeploymentStatus:
    """What became of a deployment."""

    id: strawberry.ID = strawberry.field(description="The deployment.")
    target: str = strawberry.field(description="Where.")
    deployed: strawberry.ID = strawberry.field(description="What was put into use.")
    title: str = strawberry.field(description="What people call that.")
    state: DeploymentState = strawberry.field(description="What became of it.")
    since: str | None = strawberry.field(description="When that began, where it is known.")
    url: str | None = strawberry.field(description="Where it can be reached.")


@strawberry.type(description="A thing with those who answer for it now.")
class OwnedThing:
    """A thing with those who answer for it now."""

    id: strawberry.ID = strawberry.field(description="The thing.")
    title: str = strawberry.field(description="What people call it.")
    sort: str = strawberry.field(
        description="What it is counted as: datasets, models, projects, files, decisions, or reviews (open requests)."
    )
    owners: list[str] = strawberry.field(description="Who: none where deliberately nobody does.")
    evidence: str = strawberry.field(description="What says so: a file and its line, or stated.")


@strawberry.type(description="Who answers for what.")
class OwnerList:
    """Who answers for what."""

    things: list[OwnedThing] = strawberry.field(description="Things, by what they are counted as.")
    counts: JSON = strawberry.field(description="How many there are of each sort.")
    left: int = strawberry.field(description="How many more things there are.")


@strawberry.enum(description="Whether somebody answers for a thing.")
class Answers(Enum):
    """Whether somebody answers for a thing."""

    owner = strawberry.enum_value("owner", description="Somebody does.")
    nobody = strawberry.enum_value("nobody", description="It is said that nobody does.")
    unknown = strawberry.enum_value("unknown", description="Nothing says who does.")


@strawberry.type(description="Who answers for some things of an answer, or that nobody does.")
class Concerned:
    """Who answers for some things of an answer, or that nobody does."""

    answer: Answers = strawberry.field(description="Whether somebody does.")
    things: list[strawberry.ID] = strawberry.field(description="The things.")
    owner: strawberry.ID | None = strawberry.field(description="Who.")
    name: str | None = strawberry.field(description="What people call them.")
    evidence: str | None = strawberry.field(
        description="What says so: a file and its line, or stated."
    )
    unreachable: str | None = strawberry.field(
        description="Why they cannot be asked, if they cannot."
    )
    next: str | None = strawberry.field(
        description="Who is next in line where there is nobody who can be asked."
    )


@strawberry.type(description="Everything within reach of a thing: trace, impact.")
class WalkAnswer(Answer):
    """Everything within reach of a thing."""

    groups: Any = _GROUPS
    deployments: list[DeploymentStatus] | None = strawberry.field(
        description="Those within reach that are live, or may be; null where causes were asked for."
    )
    owners: list[Concerned] | None = strawberry.field(
        description="Who answers for what depends on it; null where causes were asked for, and where no "
        "project here has owners and nobody said of anything who answers for it."
    )


@strawberry.type(description="What produced something, as people read it.")
class ProducedAnswer(Answer):
    """What produced something, as people read it."""

    groups: Any = _GROUPS
    things: Any = strawberry.field(
        graphql_type=AlternatesByGroup, description="The same, one line a thing."
    )
    tree: Any = strawberry.field(
        graphql_type=list[TreeLine],  # type: ignore[valid-type] # made above
        description="The same as a tree, level by level.",
    )


@strawberry.type(description="The shortest connections of two things.")
class WhyAnswer(Answer):
    """The shortest connections of two things."""

    paths: Any = strawberry.field(graphql_type=_PATHS, description="Their edges, link by link.")


@strawberry.type(description="One thing in full.")
class ShowAnswer(Answer):
    """One thing in full."""

    evidence: list[Evidence] = strawberry.field(description="Who says so.")
    deployment: DeploymentStatus | None = strawberry.field(
        description="What became of it, where it is a deployment."
    )


@strawberry.type(description="What a selection selects.")
class AskAnswer(Answer):
    """What a selection selects."""

    query: str = strawberry.field(description="The selection in its canonical form.")
    groups: Any = strawberry.field(
        graphql_type=Groups | None, description="The nodes in groups; null for why(...)."
    )
    paths: Any = strawberry.field(
        graphql_type=_PATHS | None, description="The connections, where the selection is why(...)."
    )


#: Answer of a service -> the type that shows it.
SHOWN: Mapping[type[answers.Answer], type[Answer]] = {
    answers.Answer: FindAnswer,
    trace.WalkAnswer: WalkAnswer,
    produced.ProducedAnswer: ProducedAnswer,
    why.WhyAnswer: WhyAnswer,
    show.ShowAnswer: ShowAnswer,
    ask.AskAnswer: AskAnswer,
}
_OF_ALL = frozenset({"found", "certificate", "start"})


def flat(found: answers.Answer) -> Answer:
    """Make the flat answer of a service's answer, its rows as they are."""
    more = {f.name: getattr(found, f.name) for f in fields(found) if f.name not in _OF_ALL}
    if isinstance(found, show.ShowAnswer):
        more["evidence"] = [Evidence(**said.to_dict()) for said in found.evidence]
    return SHOWN[type(found)](
        nodes=Rows(found.found.ordered_nodes),  # type: ignore[arg-type] # rows stand for nodes
        edges=Rows(found.found.ordered_edges),  # type: ignore[arg-type] # rows stand for edges
        certificate=found.certificate,  # type: ignore[arg-type] # the same fields
        start=[strawberry.ID(ident) for ident in found.start],
        **more,
    )
