# SPDX-License-Identifier: Apache-2.0
"""The PROV data model, our kinds in it, and the values that all packages exchange."""
