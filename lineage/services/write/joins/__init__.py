# SPDX-License-Identifier: Apache-2.0
"""Joins what several tools recorded of one thing, as claims that say how they were found."""
