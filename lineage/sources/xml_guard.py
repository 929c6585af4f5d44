# SPDX-License-Identifier: Apache-2.0
"""Refuses XML with document types, whose entities multiply, before a parser sees it."""

from __future__ import annotations

from typing import NoReturn
from xml.parsers import expat

from lineage.errors import BadInput, InputTruncated


def without_doctype(data: bytes, *, where: str) -> None:
    """Refuse XML that declares a document type: entities are how a small file becomes a large one.

    Looks no further than the root element. Raises ``BadInput``.
    """
    parser = expat.ParserCreate()

    def refuse(*_declared: object) -> NoReturn:
        raise BadInput(
            "the XML declares a document type, and entities are never expanded",
            where=where,
            hint="Take the <!DOCTYPE ...> out of it.",
        )

    def root(*_element: object) -> NoReturn:
        raise StopIteration

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = root
    try:
        parser.Parse(data, True)
    except StopIteration:
        return
    except expat.ExpatError as error:
        place = f"{where}:{error.lineno}:{error.offset + 1}"
        message = f"not XML: {expat.ErrorString(error.code)}"
        if error.code in _ENDS_EARLY or not data.strip():
            raise InputTruncated(message, where=place) from error
        raise BadInput(message, where=place) from error
    except (ValueError, LookupError) as error:
        raise BadInput(f"not XML: {error}", where=where) from error


#: "no element found", "unclosed token": what expat says of a file that was cut.
_ENDS_EARLY = frozenset({3, 5})
