# SPDX-License-Identifier: Apache-2.0
"""Does a run again: says what can still be had of it, lays it out, runs it and compares."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Any

from lineage.access.tokens import Role
from lineage.capture.variables import is_disabled
from lineage.errors import NotReproducible, Usage
from lineage.paths import expanded
from lineage.services.context import Context
from lineage.services.operate import project as projects
from lineage.services.operate.available import Here, Part, changed_beside, installed_here, parts
from lineage.services.operate.contained import demand_contained
from lineage.services.operate.crate import make_crate
from lineage.services.operate.installing import made_environment
from lineage.services.operate.project import Project
from lineage.services.operate.rerun import Rerun, rerun, variables
from lineage.services.operate.workspace import lay_out
from lineage.services.read.recipe import Recipe, recipe
from lineage.services.request import Request, Says, reference

_HERE = "--here runs it with the interpreter that is here, and says how its packages differ."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What can be had of a run (``parts``), and, where it was asked, where it was laid out (``folder``), what is not
    as it was there (``notes``), and the second run (``again``).
    """

    run: str
    parts: tuple[Part, ...]
    folder: str | None = None
    notes: tuple[str, ...] = ()
    again: Rerun | None = None

    @property
    def whole(self) -> bool:
        """Whether all of it can be had."""
        return not any(part.state in ("missing", "unknown") for part in self.parts)

    @property
    def done(self) -> bool:
        """Whether it is as it was: all of it can be had, or came out equal where it was run again."""
        return self.whole if self.again is None else self.again.verdict == "equal"

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage reproduce``."""
        return {
            "run": self.run,
            "whole": self.whole,
            "parts": [part.to_dict() for part in self.parts],
            "folder": self.folder,
            "notes": list(self.notes),
            "again": None if self.again is None else self.again.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class ReproduceRequest(
    Request[Reproduction],
    demands=Role.admin,
    examples=(
        "reproduce run:baseline",
        "reproduce run:baseline --into again",
        "reproduce run:baseline --into for-partner --crate",
        "reproduce run:baseline --run",
    ),
):
    """Do a run again: by itself, what can still be had of it, part by part, where from, and how that is known; laid
    out in a fresh folder; or run there, and its outputs and metrics compared. The second run is recorded as informed
    by the first, with the verdict. Filters and hooks of the repository are never run.
    """

    reference: Annotated[str, reference("The run, or something that it made")]
    _: KW_ONLY
    into: Annotated[
        str | None,
        Says(text="Lay it out in this folder, which has to be empty or not there.", metavar="DIR"),
    ] = None
    crate: Annotated[
        bool,
        Says(text="Make that folder an RO-Crate, for others: with its records, and without .git."),
    ] = False
    run: Annotated[
        bool, Says(text="Run it, in that folder or a temporary one, and compare what it writes.")
    ] = False
    here: Annotated[
        bool,
        Says(text="Run it with the interpreter that is here, and make no environment."),
    ] = False
    tolerance: Annotated[
        float,
        Says(text="By what share of its size a metric may differ.", at_least=0),
    ] = 0.0

    def answer(self, ctx: Context) -> Reproduction:
        """See ``Request.answer``. Raises ``Usage``, ``NotReproducible``, and the errors of references."""
        if self.here and not self.run:
            raise Usage("--here says how it is run: it goes with --run")
        if self.crate and (self.into is None or self.run):
            raise Usage("--crate says what the folder of --into is to be: it goes with that alone")
        if self.run and is_disabled():
            raise Usage(
                "LINEAGE_DISABLED is set: the second run would not be recorded",
                hint="Unset it, then try again.",
            )
        first, start = recipe(ctx, self.reference), Path.cwd()
        project = projects.found(first, start)
        with closing(project) if project is not None else nullcontext():
            here = installed_here(ctx, first, os.environ, start)
            found = Reproduction(run=first.run.id, parts=parts(ctx, first, project, here))
            if self.into is None and not self.run:
                return found
            if self.run:
                _demand_all(found.parts, here=self.here)
            return self._again(ctx, first, project, found, here)

    def _again(
        self, ctx: Context, first: Recipe, project: Project | None, found: Reproduction, here: Here
    ) -> Reproduction:
        """Lay it out, and run it where that is asked; a temporary folder goes where all is equal."""
        if self.into is None:
            folder = Path(tempfile.mkdtemp(prefix="lineage-reproduce-"))
        else:
            folder = expanded(self.into)
        again: Rerun | None = None
        programs: Path | None = None
        try:
            made = lay_out(ctx, first, project, folder, apart=self.crate)
            if self.crate:
                make_crate(ctx, first, made)
            if self.run and project is not None:
                demand_contained(first, project, made)
                programs = None if self.here else made_environment(ctx, first, made)
        except BaseException:
            if self.into is None:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        if self.run and project is not None:
            own = here.executable
            again = rerun(
                ctx, first, project, made, programs=programs, own=own, tolerance=self.tolerance
            )
        gone = self.into is None and again is not None and again.verdict == "equal"
        if gone:
            shutil.rmtree(folder, ignore_errors=True)
        notes = [*made.notes]
        notes += [
            f"a path in the project is now one in the fresh folder: {x}" for x in made.redirected
        ]
        if again is not None:
            notes += [
                f"variable {x} as it was: {v or 'not set'}" for x, v in variables(first).items()
            ]
        if self.here:
            notes += [f"packages differ: {x}" for x in (*here.differences, *changed_beside(first))]
        return Reproduction(
            run=found.run,
            parts=found.parts,
            folder=None if gone else str(made.folder),
            notes=tuple(notes),
            again=again,
        )


def _demand_all(found: Sequence[Part], *, here: bool) -> None:
    """Raise ``NotReproducible`` naming what cannot be had that running it takes."""
    aside = {"machine", *(["environment"] if here else [])}
    lost = [
        part for part in found if part.state in ("missing", "unknown") and part.part not in aside
    ]
    if lost:
        told = "; ".join(f"{part.part}: {part.what}: {part.note}" for part in lost)
        hint = _HERE if any(part.part == "environment" for part in lost) else None
        raise NotReproducible(f"it cannot be run again: {told}", hint=hint)
