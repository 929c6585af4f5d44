# SPDX-License-Identifier: Apache-2.0
"""What a Python that ``lineage run`` starts loads first: the folder stands on its path until then."""
