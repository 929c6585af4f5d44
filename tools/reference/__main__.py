# SPDX-License-Identifier: Apache-2.0
"""Write docs/reference anew: python -m tools.reference."""

from __future__ import annotations

from tools.reference import FOLDER, PAGES

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")
