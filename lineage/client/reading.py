# SPDX-License-Identifier: Apache-2.0
"""Reads what a server answered into the values that the same verbs give on a store that is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from lineage import errors, ids
from lineage.errors import TEMPORARY, LineageError, ServerError
from lineage.model.findings import Finding
from lineage.model.gaps import Gap
from lineage.model.kinds import GROUPS
from lineage.services.answer import Answer, Certificate
from lineage.services.read.ask import AskAnswer, Explanation
from lineage.services.read.audit.report import Audit, RuleResult
from lineage.services.read.bisect import CHANGED, Bisection, Step
from lineage.services.read.compare import Comparison
from lineage.services.read.concerned import Concerned
from lineage.services.read.decisions.contributions import Contribution, Contributions
from lineage.services.read.deployments import DeploymentStatus
from lineage.services.read.differences import SECTIONS, Difference
from lineage.services.read.history import CommitBetween
from lineage.services.read.owner_list import OwnedThing, OwnerList
from lineage.services.read.produced import ProducedAnswer
from lineage.services.read.show import Evidence, ShowAnswer
from lineage.services.read.trace import Reached, WalkAnswer, grouped
from lineage.services.read.why import WhyAnswer
from lineage.services.write.deploy import Deployed
from lineage.services.write.ingest import Report
from lineage.services.write.ownership import OwnerSet, OwnerTransfer
from lineage.store.base import Cut, Stats, Subgraph
from lineage.store.rows import EdgeRow, NodeRow

#: JSON of a response.
Object = Mapping[str, Any]

#: Exit codes of HTTP statuses, for errors of which only these are known.
_EXIT_CODES = {
    **dict.fromkeys((401, 403, 407, 421, 451), 5),
    **dict.fromkeys((404, 410), 3),
    **dict.fromkeys((408, 425, 429, 502, 503, 504, 507), TEMPORARY),
}


def _read(said: Object) -> dict[str, Any]:
    """What all flat answers have, nodes and edges as rows again."""
    held = certificate(said["certificate"])
    found = Subgraph(
        node_rows=[_node(node) for node in said["nodes"]],
        edge_rows=[_edge(edge) for edge in said["edges"]],
        cut=held.cut,
    )
    return {"found": found, "certificate": held, "start": tuple(said["start"])}


def found(said: Object) -> Answer:
    """Read an answer of nodes."""
    return Answer(**_read(said))


def walked(said: Object) -> WalkAnswer:
    """Read everything within reach of a thing."""
    live, owners = said["deployments"], said["owners"]
    return WalkAnswer(
        **_read(said),
        groups=_groups(said["groups"]),
        deployments=None if live is None else [DeploymentStatus(**one) for one in live],
        owners=None if owners is None else [_concerned(one) for one in owners],
    )


def _concerned(said: Object) -> Concerned:
    return Concerned(**{**said, "things": tuple(said["things"])})


def reached(said: Object) -> Reached:
    """Read what is within reach of a thing."""
    return Reached(
        kinds=said["kinds"],
        ids=None if said["ids"] is None else tuple(said["ids"]),
        certificate=certificate(said["certificate"]),
        start=tuple(said["start"]),
    )


def produced(said: Object) -> ProducedAnswer:
    """Read what produced something."""
    return ProducedAnswer(
        **_read(said),
        groups=_groups(said["groups"]),
        things=_groups(said["things"]),
        tree=said["tree"],
    )


def connected(said: Object) -> WhyAnswer:
    """Read the connections of two things."""
    return WhyAnswer(**_read(said), paths=said["paths"])


def shown(said: Object) -> ShowAnswer:
    """Read one thing in full."""
    evidence = tuple(Evidence(**item) for item in said["evidence"])
    became = said["deployment"]
    return ShowAnswer(
        **_read(said),
        evidence=evidence,
        deployment=None if became is None else DeploymentStatus(**became),
    )


def deployed(said: Object) -> Deployed:
    """Read what became of a deployment. Raises the problem that kept it out."""
    done = receipt(said)
    return Deployed(
        deployment=DeploymentStatus(**said["deployment"]),
        rolls_back=said["rolls_back"],
        report=report(done, "api"),
    )


def audit(said: Object) -> Audit:
    """Read what an audit found."""
    return Audit(
        rules=tuple(RuleResult(**one) for one in said["rules"]),
        score=said["score"],
        findings=_findings(said["findings"]),
        left=said["left"],
        complete=said["complete"],
    )


def contributions(said: Object) -> Contributions:
    """Read what people gave."""
    people = tuple(Contribution(**one) for one in said["people"])
    return Contributions(people=people, left=said["left"], left_out=said["left_out"])


def _findings(said: Sequence[Object]) -> tuple[Finding, ...]:
    return tuple(Finding(**{**one, "path": tuple(one["path"])}) for one in said)


def owner_list(said: Object) -> OwnerList:
    """Read who answers for what."""
    return OwnerList(things=_owned(said["things"]), counts=said["counts"], left=said["left"])


def owner_set(said: Object) -> OwnerSet:
    """Read who answers for a thing. Raises the problem that kept it out."""
    done = receipt(said)
    [thing] = _owned([said["thing"]])
    return OwnerSet(thing=thing, report=report(done, "steward"))


def owner_transfer(said: Object) -> OwnerTransfer:
    """Read what was handed over. Raises the problem that kept it out."""
    done = receipt(said)
    return OwnerTransfer(
        from_=said["from"],
        to=said["to"],
        counts=said["counts"],
        things=_owned(said["things"]),
        left=said["left"],
        dry_run=said["dry_run"],
        report=report(done, "steward"),
    )


def _owned(said: Sequence[Object]) -> tuple[OwnedThing, ...]:
    return tuple(OwnedThing(**{**one, "owners": tuple(one["owners"])}) for one in said)


def receipt(said: Object) -> Object:
    """Read what was written. Raises the problem that kept it out."""
    if said["receipt"] is None:
        raise error(said["problems"][0])
    written: Object = said["receipt"]
    return written


def report(written: Object, importer: str, seen: Mapping[str, int] | None = None) -> Report:
    """Read what one receipt says of an import."""
    return Report(
        source=written["source"],
        importer=importer,
        things=written["things"],
        added=written["records"],
        unchanged=written["unchanged"],
        retracted=0,
        entries=tuple(written["entries"]),
        seen=dict(seen or {}),
        losses=(),
    )


def selected(said: Object) -> AskAnswer:
    """Read what a selection selects."""
    groups = said["groups"]
    return AskAnswer(
        **_read(said),
        query=said["query"],
        groups=None if groups is None else _groups(groups),
        paths=said["paths"],
    )


def explained(said: Object) -> Explanation:
    """Read how a selection is understood."""
    return Explanation(
        query=said["query"],
        meaning=tuple(said["meaning"]),
        plan=tuple(said["plan"]),
        engine=said["engine"],
    )


A = TypeVar("A", bound=Answer)


def joined(pages: Sequence[A]) -> A:
    """Join pages that follow each other into one answer, with the certificate of the last."""
    last = pages[-1]
    if len(pages) == 1:
        return last
    nodes = [row for page in pages for row in page.found.ordered_nodes]
    edges = [row for page in pages for row in page.found.ordered_edges]
    whole = replace(last, found=Subgraph(node_rows=nodes, edge_rows=edges, cut=last.found.cut))
    return replace(whole, groups=grouped(nodes)) if isinstance(whole, AskAnswer) else whole


def _groups(said: Object) -> dict[str, Any]:
    # GraphQL has every group, null where there is nothing of it.
    return {name: said[name] for name in GROUPS if said.get(name) is not None}


def _node(said: Object) -> NodeRow:
    ident, label = said["id"], said["label"]
    # A label that the identifier gives is none that a source gave.
    named = ids.untitled(ident, label)
    return NodeRow(ident, said["kind"], named, _text(said["attributes"]))


def _edge(said: Object) -> EdgeRow:
    return EdgeRow(
        relation=said["type"],
        effect=said["effect"],
        cause=said["cause"],
        attributes=_text(said["attributes"]),
        id=said["id"],
        bundle=said["bundle"],
    )


def _text(attributes: Object) -> str:
    """Attributes as the text that engines keep."""
    return orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS).decode()


def certificate(said: Object) -> Certificate:
    """Read a certificate."""
    cut = said["cut"]
    return Certificate(
        complete=said["complete"],
        cut=None if cut is None else Cut(reason=cut["reason"], left=cut["left"]),
        cursor=said["cursor"],
        as_of=said["as_of"],
        root=said["root"],
        gaps=tuple(Gap(**gap) for gap in said["gaps"]),
    )


def comparison(said: Object) -> Comparison:
    """Read the comparison of two runs."""
    return Comparison(
        a=said["a"],
        b=said["b"],
        sections={
            name: tuple(Difference(**difference) for difference in said[name]) for name in SECTIONS
        },
        states=said["states"],
        commits=tuple(CommitBetween(**commit) for commit in said["commits"]),
        commits_cut=said["commits_cut"],
        fair=said["fair"],
        reasons=_findings(said["reasons"]),
        certificate=certificate(said["certificate"]),
    )


def bisection(said: Object) -> Bisection:
    """Read the runs between two results."""
    return Bisection(
        metric=said["metric"],
        a=said["a"],
        b=said["b"],
        among=said["among"],
        steps=tuple(map(_step, said["steps"])),
        largest=said["largest"],
        certificate=certificate(said["certificate"]),
    )


def _step(said: Object) -> Step:
    first = said["change"] is None
    found = {name: tuple(Difference(**d) for d in said[name]) for name in CHANGED}
    return Step(
        run=said["run"],
        label=said["label"],
        at=said["at"],
        value=said["value"],
        change=None if first else Difference(**said["change"]),
        sections={} if first else found,
        unknown=tuple(said["unknown"]),
    )


def stats(said: Object) -> Stats:
    """Read how much a store holds."""
    return Stats(
        nodes=said["nodes"],
        edges=said["edges"],
        entries=said["entries"],
        root=said["root"],
        kinds=said["kinds"],
    )


def error(said: Object) -> LineageError:
    """Read an error out of its ``to_dict`` or ``to_caller``; a code that this version does not know
    gives a ``ServerError`` with that code.
    """
    code, after = str(said.get("code")), said.get("retry_after")
    # One code is said in capitals over GraphQL, as clients of others know it.
    known = code.lower().replace("_", "-")
    kind = next((kind for kind in errors.every() if kind.code == known), ServerError)
    made = kind(
        str(said.get("message")),
        where=str(said["where"]) if said.get("where") else None,
        hint=str(said["hint"]) if said.get("hint") else None,
        retry_after=None if after is None else int(after),
    )
    if kind is ServerError:
        made.code, made.status = code, int(said.get("status") or ServerError.status)
        made.exit_code = _exit_code(made.status)
    return made


def _exit_code(status: int) -> int:
    return _EXIT_CODES.get(status, 2 if 400 <= status < 500 else 1)
