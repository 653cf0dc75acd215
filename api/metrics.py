"""What Prometheus reads: requests by route, and how far the work has come."""

import time
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The metrics of one application.

    Attributes:
        registry: Of this application only.
    """

    def __init__(self, progress: Callable[[], Mapping[str, int]]) -> None:
        """Args: progress: Returns the numbers of records by what became of them."""
        self.registry = CollectorRegistry()
        self.requests = Counter("cxnlp_http_requests_total", "Requests answered.", ("route", "method", "status"), registry=self.registry)
        self.seconds = Histogram(
            "cxnlp_http_request_seconds", "Time to the end of the answer.", ("route", "method"), buckets=_BUCKETS, registry=self.registry
        )
        self.registry.register(_Progress(progress))
        ProcessCollector(registry=self.registry)

    def render(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self.registry)


class _Progress(Collector):
    def __init__(self, progress: Callable[[], Mapping[str, int]]) -> None:
        self._progress = progress

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, value in self._progress().items():
            yield GaugeMetricFamily(f"cxnlp_{name}", f"Number of records: {name}.", value)

    def describe(self) -> list[GaugeMetricFamily]:
        return []


class Measure:
    """ASGI middleware that counts and times requests by the template of their route, which holds nothing that was sent."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        start, status = time.perf_counter(), "none"

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in ("GET", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS") else "other"
            self._metrics.requests.labels(route, method, status).inc()
            self._metrics.seconds.labels(route, method).observe(time.perf_counter() - start)
