# SPDX-License-Identifier: Apache-2.0
"""Access control: tokens and roles, partners' policies, and what may leave under them."""
