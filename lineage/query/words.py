# SPDX-License-Identifier: Apache-2.0
"""The words that references begin with, and the kinds that each may mean."""

from __future__ import annotations

from functools import lru_cache

from lineage.model import kinds

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


@lru_cache(maxsize=256)
def kinds_called(word: str) -> frozenset[str]:
    """The kinds that ``kind:word`` means: a kind in any case, a PROV family with all its kinds, a
    name with its versions; empty for what is none of them.

    >>> sorted(kinds_called("dataset")), sorted(kinds_called("Run"))
    (['Dataset', 'DatasetVersion'], ['Run'])
    """
    name = word.lower().replace("_", "").replace("-", "").replace(" ", "")
    if name in {family.lower() for family in kinds.PLAIN}:
        return frozenset(kind for kind in kinds.KINDS if kinds.family(kind).lower() == name)
    called = next((kind for kind in kinds.KINDS if kind.lower() == name), None)
    return kinds.with_versions(called) if called else frozenset()
