# SPDX-License-Identifier: Apache-2.0
"""The words people begin references with, and the kinds that each may mean."""

from __future__ import annotations

from collections.abc import Mapping

from lineage.model import kinds

#: The word people type -> the kinds it may mean; the first kinds win where names are equal.
WORDS: Mapping[str, tuple[str, ...]] = {
    "model": ("ModelVersion", "Model", "Artifact"),
    "run": ("Run",),
    "commit": ("Commit",),
    "dataset": ("Dataset", "DatasetVersion", "Artifact"),
    "version": ("DatasetVersion", "Artifact", "ModelVersion"),
    "artifact": ("Artifact", "DatasetVersion"),
    "content": ("Content",),
    "env": ("Environment",),
    "environment": ("Environment",),
    "package": ("Package",),
    "person": ("Person", "Agent"),
    "organization": ("Organization",),
    "agent": ("SoftwareAgent", "Agent", "Person", "Organization"),
    "decision": ("Decision",),
    "review": ("Review",),
    "deployment": ("Deployment",),
    "access": ("Access",),
    "entity": ("Entity",),
    "activity": ("Activity",),
}
#: Schemes of identifiers that are references by themselves, besides the words.
SCHEMES = frozenset(
    {"sha256", "sha1", "md5", "git", "md5-dos2unix", "doi", "orcid", "urn", "swh", "http", "https"}
)

#: The filters of Dagster's selection syntax: attributes like others, and never a slip of the pen.
FILTERS = frozenset(
    {
        "key", "tag", "owner", "group", "kind", "is", "status", "column", "table_name",
        "column_tag", "code_location", "changed_in_branch", "partitions", "automation_type",
        "sensor", "schedule", "job", "not_materialized_in_hours",
    }
)  # fmt: skip

#: A name that is asked for with its versions.
_WITH_VERSIONS = {
    "dataset": frozenset({"Dataset", "DatasetVersion"}),
    "model": frozenset({"Model", "ModelVersion"}),
}


def kinds_called(word: str) -> frozenset[str]:
    """The kinds that ``kind:word`` means: a kind in any case, a PROV family with all its kinds, a
    name with its versions; empty for what is none of them.

    >>> sorted(kinds_called("dataset")), sorted(kinds_called("Run"))
    (['Dataset', 'DatasetVersion'], ['Run'])
    """
    name = word.lower().replace("_", "").replace("-", "").replace(" ", "")
    if name in _WITH_VERSIONS:
        return _WITH_VERSIONS[name]
    if name in {family.lower() for family in kinds.PLAIN}:
        return frozenset(kind for kind in kinds.KINDS if kinds.family(kind).lower() == name)
    return frozenset(kind for kind in kinds.KINDS if kind.lower() == name)
