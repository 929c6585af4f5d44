# SPDX-License-Identifier: Apache-2.0
"""A small project made on the spot: real history, real training, the formats of real tools."""

#: Where the project is made when nobody says where.
FOLDER = ".lineage-demo"
