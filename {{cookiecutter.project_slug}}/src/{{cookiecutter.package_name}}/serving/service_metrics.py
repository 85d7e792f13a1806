"""What the server counts for Prometheus, at /metrics."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024)


@dataclass(frozen=True)
class ServiceMetrics:
    """Counters, gauges and histograms; `registry` holds them all."""

    registry: CollectorRegistry
    requests: Counter
    seconds: Histogram
    batch_rows: Histogram
    version: Gauge
    swaps: Counter
    refused_versions: Counter
    feedback: Counter
    log_dropped: Counter
    log_failed: Counter


def create() -> ServiceMetrics:
    """Everything at zero, in a registry of its own, so that a process can hold several servers."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return ServiceMetrics(
        registry=registry,
        requests=Counter("predict_requests", "Requests for predictions, by HTTP status", ["status"], registry=registry),
        seconds=Histogram("predict_seconds", "Time to answer", buckets=SECONDS, registry=registry),
        batch_rows=Histogram("batch_rows", "Rows in one run of the model", buckets=ROWS, registry=registry),
        version=Gauge("model_version", "The version in service", registry=registry),
        swaps=Counter("model_swaps", "Versions put in service in place of another", registry=registry),
        refused_versions=Counter("model_versions_refused", "Versions that cannot be served", registry=registry),
        feedback=Counter("feedback_outcomes", "True outcomes that were told", registry=registry),
        log_dropped=Counter("request_log_dropped", "Requests not logged: too many at once", registry=registry),
        log_failed=Counter("request_log_failed_lines", "Lines that could not be written", registry=registry),
    )
