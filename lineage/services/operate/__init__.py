# SPDX-License-Identifier: Apache-2.0
"""Verbs that keep a store: its health, its tokens, its copies."""
