# SPDX-License-Identifier: Apache-2.0
"""The GraphQL interface: types generated from the kinds and relations; the server brings it to
HTTP.
"""

from graphql_schema.context import Session
from graphql_schema.schema import make, sdl

__all__ = ["Session", "make", "sdl"]
