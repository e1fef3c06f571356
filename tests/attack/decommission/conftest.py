"""What attacks on cases stand on: the decommission service over its own database, as in its integration tests."""

from tests.integration.decommission.conftest import make_story, story, unit

__all__ = ["make_story", "story", "unit"]
