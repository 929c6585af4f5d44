# SPDX-License-Identifier: Apache-2.0
"""Reads decision records: markdown files as MADR, Nygard's templates, log4brains and we write them."""
