# SPDX-License-Identifier: Apache-2.0
"""YAML as MLflow writes it: a small mapping; tags, aliases and depth are refused before it is built."""

from __future__ import annotations

from typing import Any

import yaml

from importers.mlflow.values import storable
from lineage.errors import BadInput, LimitExceeded

#: MLflow writes two levels.
_DEEPEST = 8
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def mapping(text: str, where: str) -> dict[str, Any]:
    """The mapping in some YAML. Raises ``BadInput`` and ``LimitExceeded``."""
    try:
        _guard(text, where)
        value = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, guarded above
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{where}:{mark.line + 1}" if mark else where
        raise BadInput(f"not YAML: {error.problem or error.context}", where=place) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(f"not YAML: {first}", where=where) from error
    if not isinstance(value, dict):
        raise BadInput("the YAML holds no mapping, or it ends too early", where=where)
    return {str(key): item for key, item in storable(value).items()}


def _guard(text: str, where: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        mark = event.start_mark
        place = f"{where}:{mark.line + 1}" if mark else where
        if isinstance(event, yaml.AliasEvent):
            raise BadInput(f"the YAML alias *{event.anchor} is not followed", where=place)
        if tag := getattr(event, "tag", None):
            raise BadInput(f"the YAML tag {tag} is refused", where=place)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise LimitExceeded(f"nested deeper than {_DEEPEST} levels", where=place)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
