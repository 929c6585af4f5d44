# SPDX-License-Identifier: Apache-2.0
"""The graph-server engine: Neo4j over Bolt, the ledger in the same transaction as the graph."""
