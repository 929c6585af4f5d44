# SPDX-License-Identifier: Apache-2.0
"""Everything that OpenAPI says may be asked, and much that it does not: never a server error."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

EXAMPLES = 5


def test_whatever_is_asked_the_server_does_not_fail(site):
    described = site.client.get("/openapi.json", headers=site.bearer()).json()
    schema = schemathesis.openapi.from_dict(described)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == len([m for path in described["paths"].values() for m in path])
    seen = {}
    for operation in operations:
        _ask(site, operation, operation.as_strategy(), seen)
        with suppress(Unsatisfiable):  # there is no wrong way to ask what takes no parameter
            negative = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
            _ask(site, operation, negative, seen)
    assert set(seen) >= {200, 201, 400, 404, 422}
    assert all(status < 500 for status in seen), {s: seen[s] for s in seen if s >= 500}
    assert not [line for line in site.lines() if line["event"] == "defect"]


def _ask(site, operation, cases, seen):
    @settings(max_examples=EXAMPLES)
    @given(st.data())
    def ask(data):
        case = data.draw(cases)
        shown = case.as_transport_kwargs(base_url="http://127.0.0.1")
        told = dict(shown.get("headers") or {}).items()
        headers = {name.lower(): value for name, value in told if _sendable(name, value)}
        content = shown.get("data")
        if isinstance(content, dict):
            headers["content-type"] = "application/x-www-form-urlencoded"
            content = urlencode(content, doseq=True, errors="replace")
        answer = site.client.request(
            shown["method"],
            shown["url"],
            params=shown.get("params"),
            content=content,
            json=shown.get("json"),
            headers={**headers, **site.bearer("contributor"), "host": "127.0.0.1"},
        )
        seen.setdefault(answer.status_code, (operation.label, shown))
        if answer.status_code >= 400:
            assert answer.json()["code"]

    ask()


def _sendable(name, value):
    """What an HTTP client can put into a header at all."""
    return name.isascii() and name.isprintable() and isinstance(value, str) and value.isascii()
