# SPDX-License-Identifier: Apache-2.0
"""Makes a small project: real history, real training, the formats of real tools."""

#: Where the project is made when nobody says where.
FOLDER = ".lineage-demo"
#: The copy of its store in which a byte was flipped.
TAMPERED = "tampered.db"
#: The store of the runs that capture saw while the project was made.
CAPTURED = "captured.db"
