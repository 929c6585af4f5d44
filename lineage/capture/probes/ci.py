# SPDX-License-Identifier: Apache-2.0
"""Sees which job of a CI a program runs in: the run of the pipeline, the attempt, and the pull request with its commits.

Nothing is asked over the network, and nothing is fetched: what the CI set is all that is known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lineage.access.secret_patterns import scrub
from lineage.capture.found import Found, Json
from lineage.capture.probes import scheduler
from lineage.sources.git.layout import is_oid, plain_text

#: Bytes of an event that are read: GitHub sends none that are larger.
_LARGEST = 26 << 20
_PULL = re.compile(r"refs/pull/(\d+)/(?:merge|head)")
Variables = Mapping[str, str]


def probe(environ: Variables) -> Found:
    """See the job that these variables are of; no facts where they are of none."""
    found = Found()
    system = next(iter(scheduler.known(scheduler.CI, environ)), None)
    if system is None:
        return found
    # A variable that a CI leaves empty says nothing.
    said = {name: scrub(value) for name, value in environ.items() if value}
    facts = _SYSTEMS[system](said, found)
    facts |= {"system": system, "matrix": _matrix(said, system, found)}
    found.facts |= {name: value for name, value in facts.items() if value is not None}
    return found


def _github(said: Variables, found: Found) -> dict[str, Json]:
    server, repository = said.get("GITHUB_SERVER_URL"), said.get("GITHUB_REPOSITORY")
    run, attempt = said.get("GITHUB_RUN_ID"), said.get("GITHUB_RUN_ATTEMPT")
    url = f"{server}/{repository}/actions/runs/{run}"
    return {
        "server": server,
        "repository": repository,
        "run": run,
        "attempt": attempt,
        "job": said.get("GITHUB_JOB"),
        "pipeline": said.get("GITHUB_WORKFLOW"),
        "url": f"{url}/attempts/{attempt}" if attempt else url,
        "event": said.get("GITHUB_EVENT_NAME"),
        "ref": said.get("GITHUB_REF"),
        "pull_request": _github_request(said, found),
    }


def _github_request(said: Variables, found: Found) -> dict[str, Json] | None:
    """What the event tells of the pull request; what the variables do, where it cannot be read."""
    if not said.get("GITHUB_EVENT_NAME", "").startswith("pull_request"):
        return None
    event = _event(said.get("GITHUB_EVENT_PATH"), found)
    told = event.get("pull_request") if isinstance(event, dict) else None
    of: dict[str, Any] = told if isinstance(told, dict) else {}
    head, base = _of(of, "head"), _of(of, "base")
    number = _PULL.fullmatch(said.get("GITHUB_REF", ""))
    return {
        "number": _text(of.get("number")) or (number and number[1]),
        "url": _text(of.get("html_url")),
        "head": _commit(head.get("sha"), "head", found),
        "head_branch": _text(head.get("ref")) or said.get("GITHUB_HEAD_REF"),
        "head_repository": _text(_of(head, "repo").get("full_name")),
        "base": _commit(base.get("sha"), "base", found),
        "base_branch": _text(base.get("ref")) or said.get("GITHUB_BASE_REF"),
        "author": _text(_of(of, "user").get("login")),
    }


def _event(path: str | None, found: Found) -> Any:
    text = None if path is None else plain_text(Path(path), _LARGEST)
    if text is None:
        found.miss(
            "event of GitHub", f"GITHUB_EVENT_PATH is no file of at most {_LARGEST >> 20} MiB"
        )
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        found.miss("event of GitHub", f"it is no JSON: {scrub(str(error))}")
    return None


def _gitlab(said: Variables, found: Found) -> dict[str, Json]:
    return {
        "server": said.get("CI_SERVER_URL"),
        "repository": said.get("CI_PROJECT_PATH"),
        "run": said.get("CI_PIPELINE_ID"),
        "job": said.get("CI_JOB_NAME"),
        # Who tries a job again gets another one of the same name in the same pipeline.
        "job_id": said.get("CI_JOB_ID"),
        "url": said.get("CI_JOB_URL"),
        "event": said.get("CI_PIPELINE_SOURCE"),
        "ref": said.get("CI_COMMIT_REF_NAME"),
        "pull_request": _gitlab_request(said, found),
    }


def _gitlab_request(said: Variables, found: Found) -> dict[str, Json] | None:
    number = said.get("CI_MERGE_REQUEST_IID")
    if number is None:
        return None
    prefix = "CI_MERGE_REQUEST_"
    project = said.get(f"{prefix}PROJECT_URL")
    # Only a pipeline for merged results runs on another commit than the head, and names that one.
    detached = said.get(f"{prefix}EVENT_TYPE") == "detached"
    head = said.get(f"{prefix}SOURCE_BRANCH_SHA") or (
        said.get("CI_COMMIT_SHA") if detached else None
    )
    return {
        "number": number,
        "url": project and f"{project}/-/merge_requests/{number}",
        "head": _commit(head, "head", found),
        "head_branch": said.get(f"{prefix}SOURCE_BRANCH_NAME"),
        "head_repository": said.get(f"{prefix}SOURCE_PROJECT_PATH"),
        "base": _commit(said.get(f"{prefix}TARGET_BRANCH_SHA"), "base", found),
        "base_branch": said.get(f"{prefix}TARGET_BRANCH_NAME"),
    }


def _jenkins(said: Variables, found: Found) -> dict[str, Json]:
    return {
        "server": said.get("JENKINS_URL"),
        "repository": said.get("JOB_NAME"),
        "run": said.get("BUILD_NUMBER"),
        "job": said.get("STAGE_NAME"),
        "pipeline": said.get("JOB_NAME"),
        "url": said.get("BUILD_URL"),
        "ref": said.get("BRANCH_NAME") or said.get("GIT_BRANCH"),
        "pull_request": _jenkins_request(said, found),
    }


def _jenkins_request(said: Variables, found: Found) -> dict[str, Json] | None:
    if "CHANGE_ID" not in said:
        return None
    return {
        "number": said["CHANGE_ID"],
        "url": said.get("CHANGE_URL"),
        "head": _commit(None, "head", found),
        "head_branch": said.get("CHANGE_BRANCH"),
        "head_repository": said.get("CHANGE_FORK"),
        "base": _commit(None, "base", found),
        "base_branch": said.get("CHANGE_TARGET"),
        "author": said.get("CHANGE_AUTHOR"),
    }


def _azure(said: Variables, found: Found) -> dict[str, Json]:
    server, project = (
        said.get("SYSTEM_COLLECTIONURI", "").rstrip("/"),
        said.get("SYSTEM_TEAMPROJECT"),
    )
    run = said.get("BUILD_BUILDID")
    # A job of a matrix has the name of its place in it, and the phase that of the job.
    names = (said.get(f"SYSTEM_{one}NAME") for one in ("STAGE", "PHASE", "JOB"))
    return {
        "server": server or None,
        "repository": project,
        "run": run,
        "job": "/".join(dict.fromkeys(name for name in names if name)) or None,
        "job_attempt": said.get("SYSTEM_JOBATTEMPT"),
        "pipeline": said.get("BUILD_DEFINITIONNAME"),
        "url": f"{server}/{project}/_build/results?buildId={run}",
        "event": said.get("BUILD_REASON"),
        "ref": said.get("BUILD_SOURCEBRANCH"),
        "pull_request": _azure_request(said, found),
    }


def _azure_request(said: Variables, found: Found) -> dict[str, Json] | None:
    prefix = "SYSTEM_PULLREQUEST_"
    number = said.get(f"{prefix}PULLREQUESTNUMBER") or said.get(f"{prefix}PULLREQUESTID")
    if number is None:
        return None
    return {
        "number": number,
        "head": _commit(said.get(f"{prefix}SOURCECOMMITID"), "head", found),
        "head_branch": said.get(f"{prefix}SOURCEBRANCH"),
        "head_repository": said.get(f"{prefix}SOURCEREPOSITORYURI"),
        "base": _commit(None, "base", found),
        "base_branch": said.get(f"{prefix}TARGETBRANCH"),
    }


_SYSTEMS = {"github": _github, "gitlab": _gitlab, "jenkins": _jenkins, "azure": _azure}


def _matrix(environ: Variables, system: str, found: Found) -> str | None:
    """Which of the jobs of a matrix it is, in one form however it is written."""
    text = environ.get("LINEAGE_CI_MATRIX")
    if text is None:
        if system == "github":
            found.miss(
                "matrix of the job", "GitHub sets no variable for it: LINEAGE_CI_MATRIX does"
            )
        return None
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        return (
            None
            if value is None
            else _written(json.dumps(value, sort_keys=True, ensure_ascii=False))
        )
    return _written(text)


def _commit(text: object, role: str, found: Found) -> str | None:
    if isinstance(text, str) and is_oid(text):
        return text
    found.miss(f"commit of the {role} of the pull request", "the CI does not tell it")
    return None


def _of(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = told.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    return scrub(_written(str(value)))


def _written(text: str) -> str:
    """A text that can be stored: JSON may hold halves of characters."""
    return text.encode("utf-8", "backslashreplace").decode()
