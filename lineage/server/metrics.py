# SPDX-License-Identifier: Apache-2.0
"""Metrics for Prometheus: requests, their durations, how many are in progress, and ledger entries."""

from __future__ import annotations

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.responses import Response

from lineage.access.tokens import Role
from lineage.server import problems
from lineage.server.access import needs, viewer_of
from lineage.server.runtime import Runtime

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one server; two servers in one process have two sets."""

    def __init__(self) -> None:
        self.registry: CollectorRegistry = CollectorRegistry()
        self.requests: Counter = Counter(
            "lineage_requests",
            "Requests answered, by route template and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds: Histogram = Histogram(
            "lineage_request_seconds",
            "From a request's headers to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.under_way: Gauge = Gauge(
            "lineage_requests_under_way", "Requests not yet answered.", registry=self.registry
        )
        self.sockets: Gauge = Gauge(
            "lineage_websockets", "WebSockets that are open.", registry=self.registry
        )
        self.entries: Gauge = Gauge(
            "lineage_ledger_entries", "Entries in the ledger.", registry=self.registry
        )


def router(runtime: Runtime, metrics: Metrics) -> APIRouter:
    """Make the route of the metrics."""
    made = APIRouter(tags=["operation"])

    @made.get(
        "/metrics",
        response_class=Response,
        responses={
            200: {"description": "Text exposition format.", "content": {MEDIA_TYPE: {}}},
            **problems.responses(),
        },
    )
    @needs(Role.viewer)
    async def read_metrics(request: Request) -> Response:
        """The server's measures in the Prometheus text format."""
        head = await runtime.read(viewer_of(request), lambda ctx: ctx.store.head())
        metrics.entries.set(head.size)
        return Response(generate_latest(metrics.registry), media_type=MEDIA_TYPE)

    return made
