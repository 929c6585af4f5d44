# SPDX-License-Identifier: Apache-2.0
"""Sees under which scheduler, launcher and CI a program runs, from the variables that they document.

A variable is kept because it is on this list: those that hold tokens are on none.
"""

from __future__ import annotations

from collections.abc import Mapping

from lineage.access.secret_patterns import scrub_value
from lineage.capture.found import Json


def _of(prefix: str, names: str) -> tuple[str, ...]:
    return tuple(prefix + name for name in names.split())


#: Who started the program -> the variables of which one has to be there, and those that are kept.
SCHEDULERS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "slurm": (
        ("SLURM_JOB_ID",),
        _of(
            "SLURM_",
            "JOB_ID JOB_NAME ARRAY_JOB_ID ARRAY_TASK_ID ARRAY_TASK_COUNT STEP_ID PROCID LOCALID NODEID NTASKS"
            " JOB_NUM_NODES JOB_NODELIST CPUS_PER_TASK CPUS_ON_NODE MEM_PER_NODE MEM_PER_CPU GPUS"
            " GPUS_ON_NODE JOB_GPUS STEP_GPUS JOB_PARTITION JOB_QOS CLUSTER_NAME JOB_ACCOUNT RESTART_COUNT"
            " JOB_START_TIME JOB_END_TIME SUBMIT_DIR SUBMIT_HOST",
        ),
    ),
    "pbs": (
        ("PBS_JOBID",),
        _of("PBS_", "JOBID JOBNAME ARRAY_INDEX ARRAY_ID QUEUE O_HOST O_WORKDIR"),
    ),
    "lsf": (("LSB_JOBID",), _of("LSB_", "JOBID JOBINDEX JOBNAME QUEUE BATCH_JID")),
    "flux": (("FLUX_JOB_ID",), _of("FLUX_", "JOB_ID TASK_RANK JOB_SIZE JOB_NNODES")),
    "aws batch": (
        ("AWS_BATCH_JOB_ID",),
        _of("AWS_BATCH_", "JOB_ID JOB_ATTEMPT JOB_ARRAY_INDEX JQ_NAME CE_NAME JOB_NODE_INDEX"),
    ),
    "kubernetes": (
        ("KUBERNETES_SERVICE_HOST",),
        ("POD_NAME", "POD_NAMESPACE", "POD_UID", "NODE_NAME", "HOSTNAME", "JOB_COMPLETION_INDEX"),
    ),
    "ray": (
        ("RAY_JOB_ID", "RAY_RAYLET_PID", "RAY_ADDRESS"),
        _of("RAY_", "JOB_ID NODE_ID RAYLET_PID ADDRESS CLUSTER_NAME"),
    ),
    "torchrun": (
        ("TORCHELASTIC_RUN_ID",),
        (
            *_of("TORCHELASTIC_", "RUN_ID RESTART_COUNT MAX_RESTARTS"),
            *("GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_RANK", "ROLE_NAME", "LOCAL_WORLD_SIZE"),
        ),
    ),
    "ranks": (
        ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
        ("RANK", "WORLD_SIZE", "LOCAL_RANK", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT"),
    ),
    "mpi": (
        ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"),
        (
            *_of("OMPI_COMM_WORLD_", "RANK SIZE LOCAL_RANK LOCAL_SIZE NODE_RANK"),
            *("PMI_RANK", "PMI_SIZE", "PMIX_RANK"),
        ),
    ),
}
CI: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "github": (
        ("GITHUB_ACTIONS",),
        _of(
            "GITHUB_",
            "SERVER_URL REPOSITORY REPOSITORY_ID RUN_ID RUN_NUMBER RUN_ATTEMPT WORKFLOW WORKFLOW_REF"
            " WORKFLOW_SHA JOB ACTION EVENT_NAME EVENT_PATH REF REF_NAME REF_TYPE HEAD_REF BASE_REF SHA ACTOR"
            " ACTOR_ID TRIGGERING_ACTOR",
        )
        + _of("RUNNER_", "NAME OS ARCH ENVIRONMENT"),
    ),
    "gitlab": (
        ("GITLAB_CI",),
        (
            *_of(
                "CI_",
                "SERVER_URL PROJECT_ID PROJECT_PATH PROJECT_URL PIPELINE_ID PIPELINE_IID PIPELINE_SOURCE"
                " PIPELINE_URL JOB_ID JOB_NAME JOB_STAGE JOB_URL JOB_IMAGE NODE_INDEX NODE_TOTAL COMMIT_SHA"
                " COMMIT_REF_NAME COMMIT_BRANCH COMMIT_TAG DEFAULT_BRANCH MERGE_REQUEST_IID"
                " MERGE_REQUEST_PROJECT_PATH MERGE_REQUEST_SOURCE_PROJECT_PATH"
                " MERGE_REQUEST_SOURCE_BRANCH_NAME MERGE_REQUEST_SOURCE_BRANCH_SHA"
                " MERGE_REQUEST_TARGET_BRANCH_NAME MERGE_REQUEST_TARGET_BRANCH_SHA"
                " MERGE_REQUEST_DIFF_BASE_SHA MERGE_REQUEST_EVENT_TYPE RUNNER_ID RUNNER_DESCRIPTION"
                " ENVIRONMENT_NAME",
            ),
            "GITLAB_USER_LOGIN",
            "GITLAB_USER_ID",
        ),
    ),
    "jenkins": (
        ("JENKINS_URL",),
        _of(
            "",
            "JENKINS_URL JOB_NAME BUILD_NUMBER BUILD_ID BUILD_URL BUILD_TAG NODE_NAME EXECUTOR_NUMBER"
            " STAGE_NAME GIT_COMMIT GIT_BRANCH GIT_URL BRANCH_NAME CHANGE_ID CHANGE_BRANCH CHANGE_TARGET"
            " CHANGE_URL CHANGE_AUTHOR CHANGE_FORK BUILD_USER_ID",
        ),
    ),
    "azure": (
        ("TF_BUILD",),
        _of(
            "SYSTEM_",
            "COLLECTIONURI TEAMPROJECT TEAMPROJECTID DEFINITIONID JOBID JOBNAME JOBDISPLAYNAME JOBATTEMPT"
            " STAGENAME STAGEATTEMPT PHASENAME PULLREQUEST_PULLREQUESTID PULLREQUEST_PULLREQUESTNUMBER"
            " PULLREQUEST_SOURCEBRANCH PULLREQUEST_SOURCECOMMITID PULLREQUEST_TARGETBRANCH"
            " PULLREQUEST_ISFORK",
        )
        + _of(
            "BUILD_",
            "BUILDID BUILDNUMBER DEFINITIONNAME REASON SOURCEBRANCH SOURCEBRANCHNAME SOURCEVERSION"
            " REPOSITORY_ID REPOSITORY_NAME REPOSITORY_URI REPOSITORY_PROVIDER REQUESTEDFOR REQUESTEDFORID",
        )
        + _of("AGENT_", "NAME OS OSARCHITECTURE ID"),
    ),
}
#: The variables that say who started what runs in a CI, the person before the account of a machine.
ACTORS: Mapping[str, tuple[str, ...]] = {
    "github": ("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"),
    "gitlab": ("GITLAB_USER_LOGIN",),
    "jenkins": ("BUILD_USER_ID", "CHANGE_AUTHOR"),
    "azure": ("BUILD_REQUESTEDFOR",),
}


def known(
    table: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]], variables: Mapping[str, str]
) -> dict[str, Json]:
    """Those of a table that the variables are of, each with what is kept of it; values without secrets."""
    return {
        name: {x: scrub_value(x, variables[x]) for x in kept if x in variables}
        for name, (signs, kept) in table.items()
        if any(variables.get(sign) for sign in signs)
    }
