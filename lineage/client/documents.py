# SPDX-License-Identifier: Apache-2.0
"""The GraphQL documents of the client: an operation for each verb that servers answer, made from its
request, with the fragments beside this file. Fragments that list the groups of an answer are made from
the kinds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from lineage.model.kinds import GROUPS
from lineage.services.answer import Answer
from lineage.services.read.ask import AskAnswer, Explanation
from lineage.services.read.audit.report import Audit
from lineage.services.read.bisect import Bisection
from lineage.services.read.compare import Comparison
from lineage.services.read.decisions.contributions import Contributions
from lineage.services.read.decisions.lessons import Offers
from lineage.services.read.decisions.show import DecisionShown
from lineage.services.read.decisions.stories import Story
from lineage.services.read.decisions.summaries import DecisionList
from lineage.services.read.owner_list import OwnerList
from lineage.services.read.produced import ProducedAnswer
from lineage.services.read.show import ShowAnswer
from lineage.services.read.trace import Reached, WalkAnswer
from lineage.services.read.why import WhyAnswer
from lineage.services.request import Field, answer_of, fields_of, input_name
from lineage.services.write.deliberate import Deliberated
from lineage.services.write.deploy import Deployed
from lineage.services.write.lessons import Learnt
from lineage.services.write.ownership import OwnerSet, OwnerTransfer
from lineage.store.base import Stats

_GROUPED = "groups { ...GroupedNodes }"
_PATHS = "paths { type effect cause }"
_OWNED = "things { ...OwnedThing }"
_PROBLEMS = "problems { code message hint where status retry_after }"
_WRITTEN = f"receipt {{ source entries records things unchanged }} {_PROBLEMS}"
#: Class of answers -> what is asked of one.
SELECTIONS: Mapping[type, str] = {
    Answer: "...Found",
    WalkAnswer: f"...Found {_GROUPED} deployments {{ ...Became }} owners {{ ...Concerned }}",
    ProducedAnswer: f"...Found {_GROUPED} things {{ ...GroupedAlternates }} "
    "tree { id parent relation depth repeated }",
    WhyAnswer: f"...Found {_PATHS}",
    ShowAnswer: "...Found evidence { says source entry actor recorded } deployment { ...Became }",
    AskAnswer: f"...Found query {_GROUPED} {_PATHS}",
    Explanation: "query meaning plan engine",
    Comparison: "...Compared",
    Bisection: "...Bisected",
    Stats: "nodes edges entries root kinds",
    DecisionList: "decisions { ...Decided } left",
    DecisionShown: "...Decision",
    Story: "about title left complete chapters { decision { ...Decided } when sentences }",
    Offers: "...Offered",
    Learnt: "id text of about tags entries problems { code message hint where status retry_after }",
    Deliberated: f"decision {{ ...Decided }} entries {_PROBLEMS}",
    Reached: "ids kinds total start certificate { ...Certified }",
    OwnerList: f"{_OWNED} counts left",
    Audit: "rules { code asks severity passed failed cannot_tell: cannotTell not_applicable: notApplicable score } "
    "score findings { ...Finding } left complete",
    Contributions: "people { id name decisions reviews lessons gaps_closed: gapsClosed } left left_out: leftOut",
    Deployed: f"deployment {{ ...Became }} rolls_back: rollsBack {_WRITTEN}",
    OwnerSet: f"thing {{ ...OwnedThing }} {_WRITTEN}",
    OwnerTransfer: f"from to counts {_OWNED} left dry_run: dryRun {_WRITTEN}",
}
#: What is sent besides: the operation in the file of its name.
INGEST, TAKE_RUN = "ingest", "takeRun"
_SPREAD = re.compile(r"\.\.\.(\w+)")
#: Fragments by their lower-case names.
_GENERATED: Mapping[str, str] = {
    "groupednodes": f"fragment GroupedNodes on Groups {{ {' '.join(GROUPS)} }}\n",
    "groupedalternates": "fragment GroupedAlternates on AlternatesByGroup {"
    + " ".join(f"{group} {{ ...Alternates }}" for group in GROUPS)
    + "}\n",
}
_SCALARS: Mapping[type, str] = {str: "String", int: "Int", float: "Float", bool: "Boolean"}


_DOCUMENTS: dict[type, str] = {}


def document(request: type) -> str:
    """Write the operation of a request, with every fragment that it needs once."""
    if request not in _DOCUMENTS:
        _DOCUMENTS[request] = _document(request)
    return _DOCUMENTS[request]


def _document(request: type) -> str:
    if (told := request.mutation) is not None:  # type: ignore[attr-defined] # requests have one
        kind = input_name(told)
        text = f"mutation {told}($input: {kind}!) {{ answer: {told}(input: $input) "
        text += f"{{ {SELECTIONS[answer_of(request)]} }} }}\n"
        return "\n".join((text, *_fragments(text, set())))
    known = fields_of(request)
    declared = ", ".join(f"${f.argument}: {graphql_type(f)}" for f in known)
    passed = ", ".join(f"{f.argument}: ${f.argument}" for f in known)
    name = request.graphql  # type: ignore[attr-defined] # requests have one
    head = f"query {name}({declared})" if declared else f"query {name}"
    call = f"{name}({passed})" if passed else str(name)
    text = f"{head} {{ answer: {call} {{ {SELECTIONS[answer_of(request)]} }} }}\n"
    return "\n".join((text, *_fragments(text, set())))


@cache
def mutation(name: str) -> str:
    """Read the operation in the file of this name."""
    return _file(name)


def graphql_type(field: Field) -> str:
    """The GraphQL type of an argument; an argument with a default may be left out."""
    required = "!" if field.required or field.says.sized else ""
    if field.says.enum is not None:
        return f"[{field.says.enum}!]{required}"
    return _SCALARS[field.scalar] + required


def _fragments(text: str, seen: set[str]) -> Iterator[str]:
    for fragment in _SPREAD.findall(text):
        name = fragment.lower()
        if name not in seen:
            seen.add(name)
            found = _GENERATED.get(name) or _file(name)
            yield found
            yield from _fragments(found, seen)


def _file(name: str) -> str:
    return files("lineage.client").joinpath(f"{name}.graphql").read_text("utf-8")
