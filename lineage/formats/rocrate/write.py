# SPDX-License-Identifier: Apache-2.0
"""Writes a batch as a Process Run Crate, and counts what RO-Crate has no words for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lineage import ids
from lineage.formats.rocrate import frame, words
from lineage.formats.rocrate.document import Listed
from lineage.model import kinds, merge, namespaces, terms
from lineage.model.record import Batch, Edge, Loss, Node
from lineage.model.value import Ref, Value, each, refs

#: RO-Crate's types for our kinds; other entities are creative works, other activities actions.
_TYPES: Mapping[str, str] = {
    "Agent": "Thing",
    "Person": "Person",
    "Organization": "Organization",
    "SoftwareAgent": "SoftwareApplication",
    "Commit": "SoftwareSourceCode",
    "Package": "SoftwareApplication",
}
_PEOPLE = frozenset({"Agent", "Person", "Organization"})
_SOFTWARE = frozenset({"SoftwareApplication", "SoftwareSourceCode"})
#: Plans that say what was executed. A decision is a plan too, but nothing that runs.
_RUNNABLE = ("Commit", "Artifact", "Entity", "Package", "SoftwareAgent")
#: Attributes that have a property with the same meaning.
_PROPERTIES: Mapping[str, str] = {
    "description": "description",
    "message": "description",
    "license": "license",
    "email": "email",
    "version": "version",
    "size": "contentSize",
    "error": "error",
}
_TIMES = {"started": "startTime", "ended": "endTime"}
_STATUS = {status: action for action, status in words.STATUS.items()} | {
    "killed": "FailedActionStatus"
}
#: Relations of PROV between things that are properties of the effect.
_OF_THINGS: Mapping[str, str] = {
    "wasDerivedFrom": "isBasedOn",
    "specializationOf": "exampleOfWork",
    "hadMember": "hasPart",
}
_PAIRS = {"param.": "object", "metric.": "result"}
_HIDDEN = f"RO-Crate has no word for it; {words.SIDECAR} in the crate holds it"
_ENDS = f"between things that RO-Crate does not tie so; {words.SIDECAR} in the crate holds it"


class Writer:
    """One writing of a batch: the entities of its crate, and what a reader of them cannot see."""

    def __init__(self, batch: Batch, files: Sequence[Listed] = ()) -> None:
        self._files = frame.files(files)
        self._held: dict[str, set[str]] = {}
        for ident, file in self._files.items():
            self._held.setdefault(file["sha256"], set()).add(ident)
        self._lost: Counter[tuple[str, str]] = Counter()
        self._nodes = self._merged(batch)
        self._actions = {
            ident for ident, node in self._nodes.items() if _family(node) == "Activity"
        }
        self._pairs: dict[str, dict[str, Any]] = {}
        self._ties: dict[tuple[str, str], set[str]] = {}
        for edge in batch.edges:
            self._edge(edge)
        self._time = frame.newest(batch)
        ran = (self._ran(action)[:1] for action in self._actions)
        self._plans = {ident for found in ran for ident in found}
        self._entities = {
            frame.name(ident): self._entity(node) for ident, node in self._nodes.items()
        }

    def losses(self) -> tuple[Loss, ...]:
        """What a plain reader of the metadata does not see, by concept."""
        return tuple(Loss(what, n, why) for (what, why), n in sorted(self._lost.items()))

    def metadata(self, sidecar: bytes, title: str = "Lineage") -> bytes:
        """The metadata file: same batch, same bytes. ``sidecar`` are the records as PROV-JSON."""
        entities = {
            **self._entities,
            **self._pairs,
            **self._files,
            **frame.entities(sidecar, self._actions, len(self._nodes), self._time),
        }
        root = entities["./"]
        root["name"] = title
        root["hasPart"] = [*root["hasPart"], *({"@id": ident} for ident in sorted(self._files))]
        graph = [entities[ident] for ident in sorted(entities)]
        record = next(entity for entity in graph if entity["@id"] == words.SIDECAR)
        record["described"] = frame.described(graph)
        shown = {"@context": [words.CONTEXT, words.OWN_TERMS], "@graph": graph}
        return orjson.dumps(shown, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)

    # --- what there is ---

    def _merged(self, batch: Batch) -> dict[str, Node]:
        """Every thing described or mentioned, once."""
        statements: dict[str, list[Node]] = {}
        mentions: dict[str, set[str]] = {}
        for node in batch.nodes:
            statements.setdefault(node.id, []).append(node)
            self._lose("bundles", count=node.bundle is not None)
        for edge in batch.edges:
            self._lose("bundles", count=edge.bundle is not None)
            for ident, family in zip(
                (edge.effect, edge.cause), merge.mention(edge.relation), strict=True
            ):
                mentions.setdefault(ident, set()).add(family)
            for key, value in edge.attributes.items():
                for ident in () if key in merge.EDGE_ARGUMENTS else refs(value):
                    mentions.setdefault(ident, {"Entity"})
        several = sum(len(found) - 1 for found in statements.values())
        self._lose("several statements of one thing", count=several)
        fixed = {words.PROFILE, words.SIDECAR_FORM}
        return {
            ident: merge.merged(ident, statements.get(ident, ()), mentions.get(ident, ()))
            for ident in sorted({*statements, *mentions} - fixed)
            if not ids.is_unknown(ident)
        }

    def _lose(self, what: str, reason: str = _HIDDEN, *, count: int = 1) -> None:
        if count:
            self._lost[what, reason] += count

    # --- relations ---

    def _edge(self, edge: Edge) -> None:
        place = self._place(edge)
        if place is None:
            known = _root(edge) in _OF_THINGS or _root(edge) in _TIED
            self._lose(edge.relation, _ENDS if known else _HIDDEN)
            return
        subject, key, value = place
        self._ties.setdefault((subject, key), set()).add(value)
        unseen = edge.attributes.keys() - {"prov:plan"}
        self._lose("attributes of relations", count=len(unseen))
        self._lose("identifiers of relations", count=edge.id is not None)
        if _root(edge) != edge.relation:
            self._lose("kinds of derivation" if key == "isBasedOn" else "kinds of relations")

    def _place(self, edge: Edge) -> tuple[str, str, str] | None:
        """The thing, property and value that an edge is in a crate."""
        self._plan(edge)
        effect, cause = self._nodes.get(edge.effect), self._nodes.get(edge.cause)
        if effect is None or cause is None:
            return None
        relation, pair = _root(edge), (_family(effect), _family(cause))
        if relation == "used" and pair[0] == "Activity" != pair[1]:
            return effect.id, "object", cause.id
        if relation == "wasGeneratedBy" and pair == ("Entity", "Activity"):
            return cause.id, "result", effect.id
        if relation == "hadPlan" and pair == ("Activity", "Entity"):
            return (effect.id, "instrument", cause.id) if cause.kind in _RUNNABLE else None
        if relation == "wasAssociatedWith" and pair == ("Activity", "Agent"):
            return effect.id, "agent" if cause.kind in _PEOPLE else "instrument", cause.id
        if relation == "wasAttributedTo" and pair == ("Entity", "Agent"):
            return (effect.id, "creator", cause.id) if cause.kind in _PEOPLE else None
        if relation in _OF_THINGS and pair == ("Entity", "Entity"):
            return effect.id, _OF_THINGS[relation], cause.id
        return None

    def _plan(self, edge: Edge) -> None:
        """What an association says was executed."""
        plan = edge.attributes.get("prov:plan")
        if _root(edge) != "wasAssociatedWith" or not isinstance(plan, Ref):
            return
        node = self._nodes.get(plan.iri)
        runs = node is not None and node.kind in _RUNNABLE and edge.effect in self._actions
        if runs:
            self._ties.setdefault((edge.effect, "instrument"), set()).add(plan.iri)
        else:
            self._lose("plans")

    # --- entities ---

    def _entity(self, node: Node) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "@id": frame.name(node.id),
            "@type": self._type(node),
            "name": node.title,
            "additionalType": namespaces.LINEAGE + node.kind,
        }
        if node.id in self._actions:
            shown["instrument"] = self._instrument(node)
        for key in _KEYS:
            if tied := self._ties.get((node.id, key)):
                shown[key] = frame.refs(tied)
        for key, value in sorted(node.attributes.items()):
            if not self._attribute(shown, node, key, value):
                self._lose("attributes", count=len(each(value)))
        return shown

    def _type(self, node: Node) -> str:
        if node.id in self._actions:
            made = (node.id, "result") in self._ties
            return "CreateAction" if made or node.kind == "Run" else "ActivateAction"
        found = _TYPES.get(node.kind, "CreativeWork")
        return "SoftwareSourceCode" if node.id in self._plans and found not in _SOFTWARE else found

    def _instrument(self, node: Node) -> dict[str, str]:
        """What ran, which is one thing to those who read crates: the plan, else a program, else the
        commit that was used, else something of which nobody said more.
        """
        ran = self._ran(node.id)
        if len(ran) > 1:
            self._lose("further plans and programs of a run", count=len(ran) - 1)
        if ran:
            return {"@id": frame.name(ran[0])}
        ident = f"#software-of-{node.kind}"
        self._pairs[ident] = {
            "@id": ident,
            "@type": "SoftwareApplication",
            "name": f"Software of a {node.kind} (not stated)",
            "description": "The records do not say which program ran.",
        }
        return {"@id": ident}

    def _ran(self, action: str) -> list[str]:
        """Plans and programs of an action, those that say most first."""
        found = self._ties.get((action, "instrument"))
        if not found:
            used = self._ties.get((action, "object"), ())
            found = {ident for ident in used if self._nodes[ident].kind == "Commit"}
        return sorted(found, key=lambda ident: (_RUNNABLE.index(self._nodes[ident].kind), ident))

    def _attribute(self, shown: dict[str, Any], node: Node, key: str, value: Value) -> bool:
        """Whether a property says it all."""
        if key == "name" and value == node.title:
            return True
        if not isinstance(value, str | int | float):
            return False
        if node.id in self._actions:
            if key in _TIMES and isinstance(value, str) and frame.TIME.fullmatch(value):
                shown[_TIMES[key]] = value
                return True
            if key == "status" and value in _STATUS:
                shown["actionStatus"] = {"@id": words.SCHEMA + _STATUS[str(value)]}
                return True
            for prefix, place in _PAIRS.items():
                if key.startswith(prefix):
                    self._pair(shown, node.id, key, place, value)
                    return True
        digest = str(value).removeprefix("sha256:")
        if key == "digest" and len(digest) == words.DIGESTS["sha256"]:
            shown["sha256"] = digest
            if held := self._held.get(digest):
                shown["encoding"] = [{"@id": file} for file in sorted(held)]
            return True
        target = _PROPERTIES.get(key)
        if target is None or target in shown or (target == "error" and not _failed(node)):
            return False
        shown[target] = str(value)
        return True

    def _pair(
        self, shown: dict[str, Any], ident: str, key: str, place: str, value: float | str
    ) -> None:
        """A parameter or a figure of a run, as an entity of its own that the run used or made."""
        pair = f"#value-{ids.sha256(ids.canonical([ident, key]))[:32]}"
        text = value if isinstance(value, str | bool) else repr(value)
        name = key.partition(".")[2] or key
        self._pairs[pair] = {"@id": pair, "@type": "PropertyValue", "name": name, "value": text}
        shown[place] = [*words.listed(shown.get(place, [])), {"@id": pair}]


_TIED = frozenset({"used", "wasGeneratedBy", "wasAssociatedWith", "wasAttributedTo", "hadPlan"})
_KEYS = (
    "object",
    "result",
    "agent",
    "creator",
    "isBasedOn",
    "exampleOfWork",
    "hasPart",
)


def _root(edge: Edge) -> str:
    """The relation of PROV that an edge is of, or of a sub-property of."""
    return terms.RELATIONS[edge.relation].root


def _family(node: Node) -> str:
    return kinds.family(node.kind)


def _failed(node: Node) -> bool:
    return _STATUS.get(str(node.attributes.get("status"))) == "FailedActionStatus"
