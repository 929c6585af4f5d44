# SPDX-License-Identifier: Apache-2.0
"""What selects packages: a name, with versions as PEP 440 compares them."""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from lineage.errors import BadQuery
from lineage.query import condition as c

_VERSIONED = re.compile(r"\s*([A-Za-z0-9][\w.\-]*)\s*((?:[<>=!~]=?|===).+)")


def package(value: str) -> c.Condition:
    """A package by name, with versions as PEP 440 compares them where some are named. Raises ``BadQuery``
    for what is no range of versions.
    """
    found = _VERSIONED.fullmatch(value)
    name = (found[1] if found else value).strip()
    kind = c.KindIn(frozenset({"Package"}))
    if "*" in name:
        named: c.Condition = c.Like("name", name)
    else:
        spellings = dict.fromkeys((name, str(canonicalize_name(name))))
        named = c.AnyOf(tuple(c.Like("name", spelling) for spelling in spellings))
    if not found:
        return c.AllOf((kind, named))
    try:
        SpecifierSet(found[2])
    except InvalidSpecifier as error:
        hint = 'Write package:"torch>=2.5,<3" (PEP 440).'
        raise BadQuery(f"{found[2]!r} is no range of versions", hint=hint) from error
    return c.AllOf((kind, named, c.InVersions("version", found[2])))
