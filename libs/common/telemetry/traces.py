"""Traces (OpenTelemetry): spans across services, set up once per process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()


_tracer = trace.get_tracer("jianfu")


def set_up(service: str, *, to: str) -> None:
    """Send spans nowhere (`off`), to an OTLP collector (`otlp`), or to a file of JSON lines (`file:PATH`)."""
    if to == "off":
        return
    provider = TracerProvider(resource=Resource.create({"service.name": f"jianfu-{service}"}))
    if to == "otlp":
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    else:
        out = open(to.removeprefix("file:"), "a", buffering=1)  # noqa: PTH123, SIM115 - lives as long as the process
        exporter = ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n")
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def traceparent() -> str | None:
    """The current span as a W3C `traceparent`, or None outside any span."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def consuming(name: str, parent: str | None, attributes: dict[str, str]) -> Iterator[None]:
    """A span for handling a message or request, child of the span that caused it."""
    context = _propagator.extract({"traceparent": parent}) if parent else None
    with _tracer.start_as_current_span(name, context=context, kind=SpanKind.CONSUMER, attributes=attributes):
        yield


@contextmanager
def linked(name: str, causes: Sequence[str | None], attributes: dict[str, str]) -> Iterator[None]:
    """A new trace linked to earlier ones: for work that resumes days after what caused it."""
    spans = [trace.get_current_span(_propagator.extract({"traceparent": cause})) for cause in causes if cause]
    links = [Link(span.get_span_context()) for span in spans]
    with _tracer.start_as_current_span(name, context=Context(), links=links, attributes=attributes):
        yield
