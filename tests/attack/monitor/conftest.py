"""What attacks on the monitor stand on: the monitor over its own database, as in its integration tests."""

from tests.integration.monitor.conftest import http, monitor

__all__ = ["http", "monitor"]
