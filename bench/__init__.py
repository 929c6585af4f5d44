# SPDX-License-Identifier: Apache-2.0
"""Measures ours beside the best hand-written rival, in one run, answers compared first."""
