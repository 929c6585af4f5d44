# SPDX-License-Identifier: Apache-2.0
"""Verbs that bring assertions into a store."""
