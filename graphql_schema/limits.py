# SPDX-License-Identifier: Apache-2.0
"""placeholder"""
from lineage.errors import LimitExceeded
MOST=200
def page_size(first: int) -> int:
    return first
