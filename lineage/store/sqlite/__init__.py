# SPDX-License-Identifier: Apache-2.0
"""The embedded engine: one SQLite file, read and written by several processes at once."""
