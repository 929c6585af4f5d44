# SPDX-License-Identifier: Apache-2.0
"""Versions of packages, as PEP 440 compares them; a module of its own, since few questions name any."""

from __future__ import annotations

from collections.abc import Callable

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version


def within(specifier: str) -> Callable[[str], bool]:
    """Make the test of being a version in a range; what is no version is in none."""
    allowed = SpecifierSet(specifier)

    def test(text: str) -> bool:
        try:
            return allowed.contains(Version(text), prereleases=True)
        except InvalidVersion:
            return False

    return test
