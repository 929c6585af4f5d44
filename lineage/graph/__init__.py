# SPDX-License-Identifier: Apache-2.0
"""Algorithms on directed graphs, each written once; they know nothing of PROV and import nothing of
ours.
"""
