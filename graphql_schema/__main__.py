# SPDX-License-Identifier: Apache-2.0
"""Write schema.graphql anew: python -m graphql_schema."""

from __future__ import annotations

from graphql_schema.schema import SNAPSHOT, sdl

if __name__ == "__main__":
    SNAPSHOT.write_text(sdl(), "utf-8")
