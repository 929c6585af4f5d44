# SPDX-License-Identifier: Apache-2.0
"""The version of this package: the bottom of the house, which every floor may ask."""

__version__ = "0.1.0"
