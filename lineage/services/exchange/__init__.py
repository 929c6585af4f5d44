# SPDX-License-Identifier: Apache-2.0
"""Exchange with partners: what leaves under a policy, and what is let in under a trust file."""
