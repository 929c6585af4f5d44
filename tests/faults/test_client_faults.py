# SPDX-License-Identifier: Apache-2.0
"""Our server behind a network that fails: its client has the answer or one error."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from lineage.access.tokens import Role
from lineage.client.remote import Remote
from lineage.errors import LineageError
from lineage.model.record import Batch, Edge
from lineage.server.app import create_app
from lineage.server.runtime import Runtime
from lineage.services.context import now
from lineage.services.operate import tokens
from tests.faults.proxy import places
from tests.graphql_schema.cases import small
from tests.server.conftest import listening

BATCH = Batch(
    edges=tuple(
        Edge(relation="used", effect=f"urn:run:{n}", cause=f"urn:data:{n}") for n in range(40)
    )
)


def test_a_client_has_the_answer_or_one_error_wherever_the_network_fails(extent):
    with small() as store:
        runtime = Runtime(store.context, store.context)
        _, secret = tokens.add(replace(store.context, clock=now), "ana", Role.admin)

        def work(port: int) -> tuple[Any, ...]:
            url = f"http://127.0.0.1:{port}"
            with Remote(url, token=secret, timeout=1.5) as client:
                client.ingest(BATCH)
                asked = client.ask("kind:activity", limit=3)
                return client.trace("urn:run:1").ids, sorted(asked.ids), client.stats()

        with listening(create_app(runtime, stream=io.StringIO()), lifespan="on") as url:
            port = urlsplit(url).port
            expected = work(port)
            for what, through in places(port, extent, work):
                with suppress(LineageError):
                    assert work(through.port) == expected, what
                through.heal()
                assert work(through.port) == expected, what
        assert store.verify().state == "intact"
        runtime.close()
