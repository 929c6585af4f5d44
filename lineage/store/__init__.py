# SPDX-License-Identifier: Apache-2.0
"""Engines that keep nodes, edges and the ledger, behind one contract."""
