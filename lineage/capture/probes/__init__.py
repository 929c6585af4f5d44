# SPDX-License-Identifier: Apache-2.0
"""Probes: each sees one part of the machine, as it is, and says what it could not see."""
