# SPDX-License-Identifier: Apache-2.0
"""The append-only sequence of entries: what was asserted, by whom, when, provably unchanged."""
