# SPDX-License-Identifier: Apache-2.0
"""How records of other tools name the captured run that they were written in."""

from __future__ import annotations

import re

#: The tag that runs of MLflow have of it.
MLFLOW_TAG = "lineage.run"
#: Namespace and name of the job that runs of OpenLineage have as their parent.
JOB = ("lineage", "captured")
#: As capture makes them (RFC 9562): version 7, and 4 where several processes have to come to the same one.
_KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def is_key(text: str) -> bool:
    """Whether a text is an identifier as capture gives it to runs.

    >>> is_key("01997a3c-0000-7000-8000-000000000000"), is_key("first")
    (True, False)
    """
    return _KEY.fullmatch(text) is not None


def parent(run: str) -> str:
    """A run as ``OPENLINEAGE_PARENT_ID`` has it: namespace, job and run.

    >>> parent("01997a3c-0000-7000-8000-000000000000")
    'lineage/captured/01997a3c-0000-7000-8000-000000000000'
    """
    return "/".join((*JOB, run))
