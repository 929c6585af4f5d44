# SPDX-License-Identifier: Apache-2.0
"""Reads git repositories through git's plumbing: objects, differences, commits after a rewrite."""
