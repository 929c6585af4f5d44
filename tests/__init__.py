# SPDX-License-Identifier: Apache-2.0
"""The tests, a folder for each room of the house."""
