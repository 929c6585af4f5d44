# SPDX-License-Identifier: Apache-2.0
"""The server: FastAPI around the services, with tokens, limits and clean ends."""
