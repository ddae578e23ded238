"""What `/metrics` shows: counted in Redis by every process, so that any door can show all of it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.road.gate import Gate


def collect(gate: Gate) -> bytes:
    """Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

    class Figures:
        def collect(self) -> Iterator[Metric]:
            calls = CounterMetricFamily("firewatch_calls", "Sentences answered", labels=["action", "outcome"])
            for name, count in gate.store.metrics().items():
                kind, _, rest = name.partition(":")
                said, _, outcome = rest.rpartition(":")
                if kind == "calls":
                    calls.add_metric([said, outcome], count)
            yield calls
            waiting, late = gate.store.backlog(gate.reception.now())
            yield GaugeMetricFamily("firewatch_due", "Things that will fall due", value=waiting)
            yield GaugeMetricFamily(
                "firewatch_due_late_seconds", "How long the earliest due thing has waited", value=late
            )
            yield GaugeMetricFamily("firewatch_incidents_open", "Open incidents", value=gate.store.open_count())
            for role in ("worker", "clock"):
                seen = gate.store.last_alive(role)
                age = (gate.reception.now() - seen).total_seconds() if seen else float("nan")
                name = f"firewatch_{role}_seen_seconds"
                yield GaugeMetricFamily(name, f"Seconds since a {role} was seen", value=age)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures())
    return generate_latest(registry)
