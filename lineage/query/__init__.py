# SPDX-License-Identifier: Apache-2.0
"""The selection language: one grammar, one plan, whatever engine answers."""
