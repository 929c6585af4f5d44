# SPDX-License-Identifier: Apache-2.0
"""What the things of a store are called, and their attributes, as all that maps them needs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from importers.mlflow.artifacts import File
from importers.mlflow.values import Tally, key
from lineage import ids
from lineage.ids import Id
from lineage.model import kinds
from lineage.model.numeric import typed
from lineage.model.record import Edge, Record
from lineage.model.value import Attributes, Scalar


class Naming:
    """Identifiers and attributes within one store. A thing that several entities mention is
    described once.
    """

    def __init__(self, instance: str, tally: Tally) -> None:
        self.instance = instance
        self.tally = tally
        self._described: set[tuple[str, str | None]] = set()

    def run(self, run: str) -> Id:
        """A run by its id."""
        return ids.run_id("mlflow", self.instance, run)

    def logged(self, model: str) -> Id:
        """A logged model by its id."""
        return ids.thing_id("logged-model", self.instance, model)

    def file(self, owner: str, file: File) -> Id:
        """A file of a run or logged model."""
        return ids.dataset_version_id(self.instance, f"{owner}/{file.path}", "sha256", file.digest)

    def person(self, user: str) -> kinds.Person:
        """A user of the store."""
        return kinds.Person(id=ids.thing_id("user", self.instance, user), label=user, name=user)

    def once(self, noun: kinds.Noun) -> Iterator[Record]:
        """The thing, unless it was described before."""
        if (noun.id, noun.label) not in self._described:
            self._described.add((noun.id, noun.label))
            yield noun.node()

    def texts(self, prefix: str, values: Mapping[str, str], where: str) -> dict[str, str]:
        """Named texts (tags) as attributes."""
        return {
            key(prefix, name): self.tally.attribute(name, value, where)
            for name, value in values.items()
        }

    def parameters(self, values: Mapping[str, str], where: str) -> dict[str, Scalar]:
        """Parameters, which MLflow keeps as text, as attributes of the types that they had."""
        return {
            key("param", name): typed(name, self.tally.attribute(name, value, where))
            for name, value in values.items()
        }

    def described_as(self, text: str | None, where: str) -> dict[str, str]:
        """A description as an attribute, where there is one."""
        return {"description": self.tally.attribute("description", text, where)} if text else {}


def edge(relation: str, effect: str, cause: str, attributes: Attributes | None = None) -> Edge:
    """A relation between two things."""
    return Edge(relation=relation, effect=effect, cause=cause, attributes=attributes or {})


def known(**values: str | None) -> dict[str, str]:
    """The attributes that have a value."""
    return {name: value for name, value in values.items() if value}


def lifecycle(*, deleted: bool) -> dict[str, str]:
    """What is said of a thing that was deleted in MLflow, which keeps it."""
    return {"lifecycle": "deleted"} if deleted else {}
