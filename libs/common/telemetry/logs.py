"""Logs: JSON lines on standard output, set up once per process."""

import logging
import sys
from typing import Any

import structlog
from opentelemetry import trace
from structlog.tracebacks import ExceptionDictTransformer


class _Libraries(logging.Handler):
    """What libraries log, as lines of ours: a log that is JSON only in part cannot be searched."""

    def emit(self, record: logging.LogRecord) -> None:
        told = {"library": record.name, "text": record.getMessage(), "exc_info": record.exc_info}
        structlog.get_logger().log(record.levelno, "library-said", **told)


def set_up(service: str, *, level: str) -> None:
    """JSON logs on standard output."""
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


def _add_trace(_: Any, __: str, event: Any) -> Any:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
    return event
