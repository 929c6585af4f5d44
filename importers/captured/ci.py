# SPDX-License-Identifier: Apache-2.0
"""Which job of a CI a run was made in, and which run of a pipeline that was part of."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from typing import Any

from lineage import ids
from lineage.model.record import Edge, Node, Record
from lineage.model.value import Value, clean
from lineage.sources.git.objects import visible

Facts = Mapping[str, Any]


def settings(ci: Facts) -> dict[str, Value]:
    """What a run says of its job and its pull request."""
    asked = ci.get("pull_request") or {}
    told = {"pull_request": asked.get("number"), "run_url": ci.get("url")}
    names = ("url", "head_branch", "head_repository", "base_branch", "author")
    told |= {f"pull_request.{name}": asked.get(name) for name in names}
    return clean({name: visible(str(value)) for name, value in told.items() if value})


def commits(ci: Facts) -> Iterator[tuple[str, str]]:
    """The commits that a pull request is about, by their roles; what ran is the source, whichever it is."""
    asked = ci.get("pull_request") or {}
    for role in ("head", "base"):
        if sha := asked.get(role):
            yield role, ids.commit_id(str(sha))


def records(ci: Facts, run: str) -> Iterator[Record]:
    """The job that a run was made in, the run of the pipeline around that, and the attempts before, as far as the CI
    counts them: that of a pipeline on GitHub, that of a job on Azure. They are no
    runs: environment, source and state are those of what ran in them.
    """
    if not (ci.get("server") and ci.get("repository") and ci.get("run")):
        return
    pipeline = yield from _attempts(partial(_pipeline, ci), ci.get("attempt"))
    if ci.get("job"):
        job = yield from _attempts(partial(_job, ci), ci.get("job_attempt"))
        yield _informed(job, pipeline, "pipeline")
        yield _informed(run, job, "job")
    else:
        yield _informed(run, pipeline, "pipeline")


def _attempts(
    made: Callable[[str | None], Node], attempt: str | None
) -> Generator[Record, None, str]:
    """A run of a pipeline, or a job of it; where it is an attempt after another one, that too."""
    node = made(attempt)
    yield node
    if attempt and attempt.isdecimal() and int(attempt) > 1:
        before = made(str(int(attempt) - 1))
        yield before
        yield _informed(node.id, before.id, "attempt")
    return node.id


def _pipeline(ci: Facts, attempt: str | None) -> Node:
    return _node(ci, (str(ci["run"]), *(("attempts", attempt) if attempt else ())), "", attempt)


def _job(ci: Facts, attempt: str | None) -> Node:
    """A job is another one in each attempt at its pipeline, for each place in a matrix, and when it is tried again."""
    of_pipeline, job, matrix = ci.get("attempt"), str(ci["job"]), ci.get("matrix")
    parts = (of_pipeline, job, matrix, ci.get("job_id"), attempt)
    shown = f" / {job}" + (f" {matrix}" if matrix else "")
    return _node(
        ci, (str(ci["run"]), "jobs", *(x or "-" for x in parts)), shown, attempt or of_pipeline
    )


def _node(ci: Facts, parts: tuple[str, ...], shown: str, attempt: str | None) -> Node:
    system, server = str(ci["system"]), str(ci["server"])
    name = visible(f"{ci.get('pipeline') or ci['repository']} {ci['run']}{shown}")
    instance = f"{server.partition('://')[2] or server}".rstrip("/")
    label = name if attempt in (None, "1") else f"{name}, attempt {visible(attempt)}"
    return Node(
        id=ids.thing_id("job", f"{system}:{instance}", "/".join([str(ci["repository"]), *parts])),
        kind="Activity",
        label=label,
        attributes=clean({"name": name, "attempt": attempt}),
    )


def _informed(effect: str, cause: str, role: str) -> Edge:
    said: dict[str, Value] = {"prov:role": role}
    return Edge(relation="wasInformedBy", effect=effect, cause=cause, attributes=said)
