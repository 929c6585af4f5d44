# SPDX-License-Identifier: Apache-2.0
"""The PROV data model, our nouns in it, and the values that travel between all rooms."""
