# SPDX-License-Identifier: Apache-2.0
"""The client of a server: a store that is elsewhere, with the verbs of one that is here."""
