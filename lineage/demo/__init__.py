# SPDX-License-Identifier: Apache-2.0
"""A small project made on the spot: real history, real training, the formats of real tools."""
