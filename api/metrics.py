"""What Prometheus reads: requests by route, how far the work has come, and how customers feel."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cxnlp.service.monitoring import Watched

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The metrics of one application.

    Attributes:
        registry: Of this application only.
    """

    def __init__(self, progress: Callable[[], Mapping[str, int]], watched: Callable[[], Watched]) -> None:
        """Begin.

        Args:
            progress: Returns the numbers of records by what became of them.
            watched: Returns how things stand.
        """
        self.registry = CollectorRegistry()
        self.requests = Counter("cxnlp_http_requests_total", "Requests answered.", ("route", "method", "status"), registry=self.registry)
        self.seconds = Histogram(
            "cxnlp_http_request_seconds", "Time to the end of the answer.", ("route", "method"), buckets=_BUCKETS, registry=self.registry
        )
        self.registry.register(_Progress(progress))
        self.registry.register(_Watched(watched))
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


class _Watched(Collector):
    def __init__(self, watched: Callable[[], Watched]) -> None:
        self._watched = watched

    def collect(self) -> Iterator[GaugeMetricFamily]:
        watched = self._watched()
        now = watched.gauges
        counted = {channel: float(n) for channel, (n, _) in now.sentiment.items()}
        means = {channel: mean for channel, (_, mean) in now.sentiment.items()}
        late = {level: now.overdue_flags.get(level, 0) for level in now.open_flags}
        yield _gauge("cxnlp_feedback", "Analysed records.", ("channel", "label"), watched.records)
        yield _gauge("cxnlp_feedback_last_day", "Analysed records of what was said in the last 24 hours.", ("channel",), _by_one(counted))
        yield _gauge("cxnlp_sentiment_last_day", "Mean sentiment of what was said in the last 24 hours, -1 to 1.", ("channel",), _by_one(means))
        yield _gauge("cxnlp_flags_open", "Open flags; 1 is the most urgent level.", ("level",), _by_one(now.open_flags))
        yield _gauge("cxnlp_flags_overdue", "Open flags whose deadline is past.", ("level",), _by_one(late))
        yield _gauge("cxnlp_alerts", "Alerts that are not resolved.", ("state",), _by_one(now.alerts))
        yield _gauge("cxnlp_reader_lag", "Events that a reader of the log has still before it.", ("reader",), _by_one(now.lags))
        yield _gauge("cxnlp_messages", "Messages to webhooks that wait (pending) or were given up (dead).", ("webhook", "status"), watched.messages)

    def describe(self) -> list[GaugeMetricFamily]:
        return []


def _gauge(name: str, words: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for key, value in values.items():
        family.add_metric([str(part) for part in key], value)
    return family


def _by_one(values: Mapping[Any, float]) -> dict[tuple[str, ...], float]:
    return {(str(key),): float(value) for key, value in values.items()}


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
