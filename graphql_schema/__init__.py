# SPDX-License-Identifier: Apache-2.0
"""The GraphQL face: types generated from the kinds; the server brings it."""
