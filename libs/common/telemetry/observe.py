"""Logs, traces and metrics, set up once per process."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.tracebacks import ExceptionDictTransformer

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("jianfu")


class _Libraries(logging.Handler):
    """What libraries log, as lines of ours: a log that is JSON only in part cannot be searched."""

    def emit(self, record: logging.LogRecord) -> None:
        told = {"library": record.name, "text": record.getMessage(), "exc_info": record.exc_info}
        structlog.get_logger().log(record.levelno, "library-said", **told)


def set_up(service: str, *, level: str, traces: str) -> None:
    """JSON logs on standard output; spans to nowhere, an OTLP collector, or a file of JSON lines."""
    logging.basicConfig(level=logging.WARNING, handlers=[_Libraries()], force=True)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)  # it warns of every rebalance and of SASL on loopback
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _add_trace,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="logged"),
            # without local variables: a token or password may stand in one
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    if traces == "off":
        return
    provider = TracerProvider(resource=Resource.create({"service.name": f"jianfu-{service}"}))
    if traces == "otlp":
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    else:
        out = open(traces.removeprefix("file:"), "a", buffering=1)  # noqa: PTH123, SIM115 - lives as long as the process
        exporter = ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n")
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def _add_trace(_: Any, __: str, event: Any) -> Any:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
    return event


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
