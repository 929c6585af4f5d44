# SPDX-License-Identifier: Apache-2.0
"""A store on a server, with the verbs of one that is here."""
