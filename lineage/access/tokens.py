# SPDX-License-Identifier: Apache-2.0
"""API tokens: what they look like, what is kept of them, and the roles that they carry."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """What a token allows; each role may do all that the ones before it may."""

    viewer = 1
    contributor = 2
    steward = 3
    admin = 4
