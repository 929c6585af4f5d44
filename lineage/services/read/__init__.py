# SPDX-License-Identifier: Apache-2.0
"""Verbs that answer questions about a store."""
