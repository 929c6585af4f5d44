# SPDX-License-Identifier: Apache-2.0
"""Readers of what others wrote (git, YAML, JSON, ZIP): bounded, nothing in it is ever run."""
