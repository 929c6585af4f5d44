# SPDX-License-Identifier: Apache-2.0
"""Algorithms on directed graphs, each once: they know nothing of PROV and use nothing of ours."""
