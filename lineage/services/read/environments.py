# SPDX-License-Identifier: Apache-2.0
"""Shows the environments of a run side by side, those that were declared and the one that was there, and writes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass
from itertools import combinations
from typing import Annotated, Any

from lineage.errors import Usage
from lineage.model.record import Node
from lineage.services.context import Context
from lineage.services.read.recipe import recipe
from lineage.services.read.requirements import Format, Requirements, requirements, written
from lineage.services.read.resolve import resolve
from lineage.services.request import Request, Says, reference
from lineage.store.base import NOW

_OF = "An environment, or a run that used one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One environment: what it holds, and whether it was seen to be there (``observed``, ``None`` where no run was
    asked about) or only declared.
    """

    id: str
    label: str
    python: str | None
    platform: str | None
    observed: bool | None
    packages: Mapping[str, str]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What differs between two environments: packages that only one holds, and versions that differ (of the first,
    of the second).
    """

    a: str
    b: str
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    versions: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environments:
    """The environments of a run, or the one that was named, and how each two of them differ."""

    environments: tuple[Described, ...]
    drift: tuple[Drift, ...]

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage environment show``."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedEnvironment:
    """An environment as a file of some tool: its text, and what the format cannot hold."""

    environment: str
    format: str
    text: str
    left: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage environment export``: all but the text."""
        return {"environment": self.environment, "format": self.format, "left": list(self.left)}


@dataclass(frozen=True, slots=True)
class EnvironmentRequest(Request[Environments], examples=("environment show run:baseline",)):
    """The environments of a run: the one that was there and those that were declared, side by side, and what differs
    between them: packages that only one holds, and versions.
    """

    reference: Annotated[str, reference(_OF)]

    def answer(self, ctx: Context) -> Environments:
        """See ``Request.answer``. Raises ``Usage`` for a run that used none."""
        found = [
            _described(node, requirements(ctx, node), observed)
            for node, observed in _meant(ctx, self.reference)
        ]
        return Environments(
            environments=tuple(found),
            drift=tuple(_drift(a, b) for a, b in combinations(found, 2)),
        )


@dataclass(frozen=True, slots=True)
class ExportEnvironmentRequest(
    Request[ExportedEnvironment],
    examples=(
        "environment export run:baseline --to requirements --out requirements.txt",
        "environment export run:baseline --to dockerfile",
        "environment export run:baseline --to pylock --out pylock.toml",
    ),
):
    """An environment as a file that a tool makes it from. Of a run it is the one that was there, where it was seen.
    What the format cannot hold, and what no index has, is said, and stands in the file as comments.
    """

    reference: Annotated[str, reference(_OF)]
    _: KW_ONLY
    to: Annotated[Format, Says(text="The format.")]

    def answer(self, ctx: Context) -> ExportedEnvironment:
        """See ``Request.answer``. Raises ``Usage`` where it is not clear which one is meant, ``NotReproducible``."""
        found = _meant(ctx, self.reference)
        observed = [node for node, seen in found if seen]
        nodes = observed or [node for node, _ in found]
        if len(nodes) > 1:
            listed = ", ".join(node.id for node in nodes)
            raise Usage(
                f"the run used {len(nodes)} environments, and none of them was observed",
                hint=f"Name one: {listed}.",
            )
        beside = [requirements(ctx, node) for node, seen in found if observed and not seen]
        file = written(requirements(ctx, nodes[0]).with_files_of(beside), self.to)
        return ExportedEnvironment(
            environment=nodes[0].id, format=self.to, text=file.text, left=file.left
        )


def _meant(ctx: Context, about: str) -> list[tuple[Node, bool | None]]:
    """The environments that are meant, each with whether a run saw it."""
    row = resolve(ctx, about)
    if row.kind == "Environment":
        return [(ctx.store.get([row.id], NOW)[row.id].node(), None)]
    found = recipe(ctx, about)
    if not found.environments:
        raise Usage(
            f"no environment is recorded of {found.run.title}",
            hint="'lineage import LOCKFILE --for RUN' says which one it used.",
        )
    return sorted(found.environments, key=lambda one: (not one[1], one[0].id))


def _described(node: Node, told: Requirements, observed: bool | None) -> Described:
    platform = node.attributes.get("platform")
    conda = {purl.name: purl.version or "" for purl in told.conda}
    return Described(
        id=node.id,
        label=node.title,
        python=told.python,
        platform=platform if isinstance(platform, str) else None,
        observed=observed,
        packages=dict(sorted({**conda, **told.packages}.items())),
        left=told.left,
    )


def _drift(a: Described, b: Described) -> Drift:
    both = a.packages.keys() & b.packages.keys()
    return Drift(
        a=a.id,
        b=b.id,
        only_a=tuple(sorted(a.packages.keys() - both)),
        only_b=tuple(sorted(b.packages.keys() - both)),
        versions={
            name: (a.packages[name], b.packages[name])
            for name in sorted(both)
            if a.packages[name] != b.packages[name]
        },
    )
